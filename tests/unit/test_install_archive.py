import io
import stat
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from studio.errors import EngineUnavailable, StopRequested
from studio.sdserver.install_archive import UnpackLimits, unpack

NEVER = threading.Event()


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def entry(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = link
    member.mode = mode
    return member


def zip_of(path: Path, *members: tuple[str, bytes, int]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


def assert_refused(archive: Path, tmp_path: Path, reason: str, limits: UnpackLimits | None = None) -> None:
    before = set(tmp_path.rglob("*"))
    target = tmp_path / "box" / "unpacked"
    target.parent.mkdir()

    with pytest.raises(EngineUnavailable, match=reason):
        unpack(archive, target, stop=NEVER, limits=limits)

    outside = {path for path in tmp_path.rglob("*") if not path.is_relative_to(target)}
    assert outside == before | {target.parent}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_unpacked_with_its_programs_and_inner_links(tmp_path: Path, mode: str) -> None:
    archive = tar_of(
        tmp_path / "engine.tar",
        (entry("bin", kind=tarfile.DIRTYPE, mode=0o755), b""),
        (entry("bin/libggml.so", kind=tarfile.SYMTYPE, link="../lib/libggml.so.1"), b""),
        (entry("bin/sd-server", mode=0o4755), b"program"),
        (entry("lib/libggml.so.1"), b"library"),
        mode=mode,
    )

    unpack(archive, tmp_path / "out", stop=NEVER)

    assert (tmp_path / "out/bin/sd-server").read_bytes() == b"program"
    assert stat.S_IMODE((tmp_path / "out/bin/sd-server").stat().st_mode) == 0o755
    assert (tmp_path / "out/bin/libggml.so").read_bytes() == b"library"
    assert stat.S_IMODE((tmp_path / "out/lib/libggml.so.1").stat().st_mode) == 0o644


def test_a_zip_is_unpacked_with_its_programs_and_inner_links(tmp_path: Path) -> None:
    archive = zip_of(
        tmp_path / "engine.zip",
        ("bin/", b"", 0),
        ("bin/sd-server", b"program", stat.S_IFREG | 0o755),
        ("bin/sd", b"sd-server", stat.S_IFLNK | 0o777),
        ("readme.txt", b"from Windows", 0),
    )

    unpack(archive, tmp_path / "out", stop=NEVER)

    assert (tmp_path / "out/bin/sd").read_bytes() == b"program"
    assert (tmp_path / "out/bin/sd-server").stat().st_mode & 0o111
    assert (tmp_path / "out/readme.txt").read_bytes() == b"from Windows"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/evil-engine", "..\\evil", "C:evil"])
def test_names_that_lead_out_are_refused_in_a_tar(tmp_path: Path, name: str) -> None:
    assert_refused(tar_of(tmp_path / "a.tar", (entry(name), b"x")), tmp_path, "leads out of the archive")


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/evil-engine"])
def test_names_that_lead_out_are_refused_in_a_zip(tmp_path: Path, name: str) -> None:
    assert_refused(zip_of(tmp_path / "a.zip", (name, b"x", 0)), tmp_path, "leads out of the archive")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "a/../../../outside"])
def test_a_link_out_of_the_archive_is_refused(tmp_path: Path, target: str) -> None:
    archive = tar_of(tmp_path / "a.tar", (entry("inner/link", kind=tarfile.SYMTYPE, link=target), b""))

    assert_refused(archive, tmp_path, "outside of the archive")


def test_an_absolute_link_is_refused_even_if_it_leads_inside(tmp_path: Path) -> None:
    inside = tmp_path / "box" / "unpacked" / "file"
    archive = tar_of(
        tmp_path / "a.tar", (entry("file"), b"x"), (entry("l", kind=tarfile.SYMTYPE, link=str(inside)), b"")
    )

    assert_refused(archive, tmp_path, "outside of the archive")


def test_two_links_that_lead_out_only_together_are_refused(tmp_path: Path) -> None:
    archive = tar_of(
        tmp_path / "a.tar",
        (entry("a/b/c/up", kind=tarfile.SYMTYPE, link="../../.."), b""),
        (entry("a/b/c/out", kind=tarfile.SYMTYPE, link="up/../.."), b""),
    )

    assert_refused(archive, tmp_path, "outside of the archive")


def test_no_file_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    archive = tar_of(
        tmp_path / "a.tar",
        (entry("door", kind=tarfile.SYMTYPE, link="../../victim"), b""),
        (entry("door/evil"), b"x"),
    )

    assert_refused(archive, tmp_path, "door")


def test_a_zip_link_out_of_the_archive_is_refused(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", ("link", b"../../outside", stat.S_IFLNK | 0o777))

    assert_refused(archive, tmp_path, "outside of the archive")


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    archive = tar_of(
        tmp_path / "a.tar",
        (entry("a", kind=tarfile.SYMTYPE, link="b"), b""),
        (entry("b", kind=tarfile.SYMTYPE, link="a"), b""),
    )

    assert_refused(archive, tmp_path, "link to")


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_pipes_and_hard_links_are_refused(tmp_path: Path, kind: bytes) -> None:
    archive = tar_of(tmp_path / "a.tar", (entry("odd", kind=kind, link="other"), b""))

    assert_refused(archive, tmp_path, "neither a file, a folder nor a link")


def test_a_bomb_is_stopped_at_the_limit_of_bytes(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a.tar", (entry("zeros"), bytes(3 << 20)))

    assert archive.stat().st_size < 1 << 16
    assert_refused(archive, tmp_path, "more than 2097152 bytes", UnpackLimits(unpacked_bytes=2 << 20))
    assert (tmp_path / "box/unpacked/zeros").stat().st_size <= 2 << 20


def test_many_small_files_count_together(tmp_path: Path) -> None:
    members = [(f"file{number}", bytes(600), 0) for number in range(3)]

    assert_refused(
        zip_of(tmp_path / "a.zip", *members),
        tmp_path,
        "'file1'.*1000 bytes",
        UnpackLimits(unpacked_bytes=1000),
    )


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    members = [(entry(f"file{number}"), b"") for number in range(4)]

    assert_refused(
        tar_of(tmp_path / "a.tar", *members), tmp_path, "more than 3 entries", UnpackLimits(entries=3)
    )


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    assert_refused(tar_of(tmp_path / "a.tar", (entry("x"), b"1"), (entry("x"), b"2")), tmp_path, "twice")


def test_a_cut_off_archive_is_refused(tmp_path: Path) -> None:
    whole = tar_of(tmp_path / "whole.tar", (entry("x"), bytes(range(256)) * 4000))
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    assert_refused(cut, tmp_path, "can't be unpacked")


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", ("x", b"some content here", 0))
    archive.write_bytes(archive.read_bytes().replace(b"some content", b"same content", 1))

    assert_refused(archive, tmp_path, "can't be unpacked")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.zip"
    page.write_text("<html>not found</html>")

    assert_refused(page, tmp_path, "neither a zip nor a tar")


def test_a_stop_ends_the_unpacking(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(StopRequested):
        unpack(tar_of(tmp_path / "a.tar", (entry("x"), b"1")), tmp_path / "out", stop=stop)

    assert not (tmp_path / "out/x").exists()
