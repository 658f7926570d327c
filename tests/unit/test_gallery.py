import contextlib
import hashlib
import io
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.errors import InvalidRequest, NotFound, StorageFull
from studio.gallery import THUMBNAIL_EDGES, Gallery, NewImage

# 2024-02-29 23:59:59 UTC
LEAP_DAY = 1709251199.0
LONG_AGO = 1_000_000_000.0


def a_png(seed: int = 0, width: int = 80, height: int = 60) -> bytes:
    output = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(output, "PNG")
    return output.getvalue()


def an_id(number: int = 1) -> str:
    return str(uuid.UUID(int=number))


def files_under(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def make_old(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "outputs")


# -- pictures ----------------------------------------------------------------------------------------


def test_a_picture_lies_in_the_folder_of_its_day_and_nothing_else_does(gallery: Gallery) -> None:
    png = a_png()
    saved = gallery.save_image(an_id(), LEAP_DAY, png)
    assert saved.path == f"images/2024-02-29/{an_id()}.png"
    assert (saved.size, saved.sha256) == (len(png), hashlib.sha256(png).hexdigest())
    assert gallery.image_path(saved.path).read_bytes() == png
    assert files_under(gallery.root) == [saved.path]


def test_the_day_changes_at_midnight_utc(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    assert gallery.save_image(an_id(1), LEAP_DAY, b"x").path.startswith("images/2024-02-29/")
    assert gallery.save_image(an_id(2), LEAP_DAY + 1, b"x").path.startswith("images/2024-03-01/")


def test_several_pictures_are_saved_together_in_their_order(gallery: Gallery) -> None:
    days = [LEAP_DAY, LEAP_DAY + 1, LEAP_DAY]
    saved = gallery.save_many([NewImage(an_id(i), day, a_png(i)) for i, day in enumerate(days)])
    assert [gallery.image_path(each.path).read_bytes() for each in saved] == [a_png(i) for i in range(3)]
    assert gallery.save_many([]) == []


@pytest.mark.parametrize(
    "image_id", ["", "..", "../../x", "a/b", "a\0b", "A" * 36, an_id() + "\n", an_id() + ".png"]
)
def test_only_uuids_name_files(gallery: Gallery, image_id: str) -> None:
    with pytest.raises(NotFound, match="is no id of a picture"):
        gallery.save_image(image_id, LEAP_DAY, b"x")
    with pytest.raises(NotFound, match="is no id of a picture"):
        gallery.thumbnail(image_id, "images/x.png", 64)
    assert files_under(gallery.root.parent) == []


@pytest.mark.parametrize(
    "relative",
    [
        "", ".", "..", "images", "images/", "images/..", "studio.db", "inputs/x.png", "images/../studio.db",
        "images/a/../../studio.db", "../secret", "/etc/passwd", "images/\0.png", "images/day/link.png",
        "images/away/secret", "images/loop/x.png", "C:\\Windows\\win.ini", "images/%2e%2e/studio.db",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_pictures(gallery: Gallery, relative: str) -> None:
    gallery.save_image(an_id(), LEAP_DAY, b"x")
    (gallery.root / "studio.db").write_text("secret")
    (gallery.root.parent / "secret").write_text("secret")
    (gallery.root / "inputs").mkdir()
    (gallery.root / "inputs/x.png").write_text("secret")
    (gallery.root / "images/day").mkdir()
    (gallery.root / "images/day/link.png").symlink_to(gallery.root / "studio.db")
    (gallery.root / "images/away").symlink_to(gallery.root.parent)
    (gallery.root / "images/loop").symlink_to(gallery.root / "images/loop")
    with pytest.raises(NotFound):
        gallery.image_path(relative)
    with contextlib.suppress(NotFound):
        gallery.delete([relative], [])
    assert (gallery.root / "studio.db").read_text() == "secret"
    assert (gallery.root.parent / "secret").read_text() == "secret"
    assert (gallery.root / "inputs/x.png").read_text() == "secret"


def test_outputs_may_themselves_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "big-disk").mkdir()
    (tmp_path / "outputs").symlink_to(tmp_path / "big-disk")
    gallery = Gallery(tmp_path / "outputs")
    saved = gallery.save_image(an_id(), LEAP_DAY, b"picture")
    assert gallery.image_path(saved.path).read_bytes() == b"picture"


def test_a_picture_whose_file_is_gone_is_not_found(gallery: Gallery) -> None:
    with pytest.raises(NotFound, match="missing"):
        gallery.image_path(f"images/2024-02-29/{an_id()}.png")


# -- inputs ------------------------------------------------------------------------------------------


def test_an_input_is_stored_once_under_its_sha256(gallery: Gallery) -> None:
    png = a_png()
    input_id = gallery.save_input(png)
    assert input_id == hashlib.sha256(png).hexdigest()
    path = gallery.root / f"inputs/{input_id}.png"
    inode = path.stat().st_ino
    make_old(path)
    assert gallery.save_input(png) == input_id
    assert gallery.open_input(input_id) == png
    assert path.stat().st_ino == inode
    # Used again, so young again: a sweep leaves it alone.
    assert path.stat().st_mtime > LONG_AGO


def test_an_input_that_was_cut_off_is_stored_again(gallery: Gallery) -> None:
    png = a_png()
    path = gallery.root / f"inputs/{gallery.save_input(png)}.png"
    path.write_bytes(png[:100])
    assert gallery.open_input(gallery.save_input(png)) == png


@pytest.mark.parametrize(
    "input_id", ["", "../studio", "A" * 64, "a" * 63, "a" * 64 + "\n", "a" * 64, "a" * 9999]
)
def test_an_input_that_is_not_there_is_not_found(gallery: Gallery, input_id: str) -> None:
    with pytest.raises(NotFound, match="input picture"):
        gallery.open_input(input_id)


# -- thumbnails --------------------------------------------------------------------------------------


@pytest.mark.parametrize("edge", THUMBNAIL_EDGES)
def test_a_thumbnail_has_the_edge_and_the_proportions_and_never_grows(gallery: Gallery, edge: int) -> None:
    saved = gallery.save_image(an_id(), LEAP_DAY, a_png(width=600, height=300))
    path = gallery.thumbnail(an_id(), saved.path, edge)
    assert path.relative_to(gallery.root).as_posix() == f"thumbs/{edge}/01/{an_id()}.webp"
    with Image.open(path) as image:
        assert (image.format, image.size) == ("WEBP", (min(edge, 600), min(edge, 600) // 2))


def test_a_thumbnail_shows_the_picture_and_carries_no_text(gallery: Gallery) -> None:
    output = io.BytesIO()
    picture = Image.new("RGB", (300, 300), "red")
    picture.paste((0, 0, 255), (150, 0, 300, 300))
    picture.save(output, "PNG", exif=b"Exif\0\0SECRET")
    saved = gallery.save_image(an_id(), LEAP_DAY, output.getvalue())
    path = gallery.thumbnail(an_id(), saved.path, 64)
    assert b"SECRET" not in path.read_bytes()
    with Image.open(path) as image:
        left, right = (np.array(image.convert("RGB").getpixel((x, 32))) for x in (10, 54))
    assert np.abs(left - (255, 0, 0)).max() < 12 and np.abs(right - (0, 0, 255)).max() < 12


def test_a_thumbnail_is_made_once(gallery: Gallery) -> None:
    saved = gallery.save_image(an_id(), LEAP_DAY, a_png())
    path = gallery.thumbnail(an_id(), saved.path, 64)
    make_old(path)
    assert gallery.thumbnail(an_id(), saved.path, 64).stat().st_mtime == LONG_AGO


def test_many_requests_at_once_all_get_a_whole_thumbnail(gallery: Gallery) -> None:
    saved = gallery.save_image(an_id(), LEAP_DAY, a_png(width=700, height=700))
    start = threading.Barrier(8)
    sizes: list[tuple[int, int]] = []

    def ask() -> None:
        start.wait(30)
        with Image.open(gallery.thumbnail(an_id(), saved.path, 128)) as image:
            image.load()
            sizes.append(image.size)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sizes == [(128, 128)] * 8
    assert files_under(gallery.root / "thumbs") == [f"128/01/{an_id()}.webp"]


@pytest.mark.parametrize("edge", [0, -1, 65, 100_000])
def test_only_the_offered_sizes_of_thumbnails_are_made(gallery: Gallery, edge: int) -> None:
    saved = gallery.save_image(an_id(), LEAP_DAY, a_png())
    with pytest.raises(InvalidRequest, match="64, 128, 256, 512, 1024") as caught:
        gallery.thumbnail(an_id(), saved.path, edge)
    assert caught.value.field == "thumb"


def test_no_thumbnail_of_a_missing_or_damaged_picture(gallery: Gallery) -> None:
    with pytest.raises(NotFound):
        gallery.thumbnail(an_id(), f"images/2024-02-29/{an_id()}.png", 64)
    saved = gallery.save_image(an_id(2), LEAP_DAY, a_png()[:-400])
    with pytest.raises(NotFound, match="damaged"):
        gallery.thumbnail(an_id(2), saved.path, 64)
    assert files_under(gallery.root / "thumbs") == []


# -- deleting ----------------------------------------------------------------------------------------


def test_deleting_removes_pictures_and_thumbnails_and_nothing_else(gallery: Gallery) -> None:
    saved = gallery.save_many([NewImage(an_id(i), LEAP_DAY, a_png(i)) for i in (1, 2, 3)])
    for number, each in enumerate(saved, start=1):
        for edge in (64, 256):
            gallery.thumbnail(an_id(number), each.path, edge)
    gallery.delete([saved[0].path, saved[1].path], [an_id(1), an_id(2)])
    assert files_under(gallery.root) == [
        saved[2].path,
        f"thumbs/256/03/{an_id(3)}.webp",
        f"thumbs/64/03/{an_id(3)}.webp",
    ]
    gallery.delete([saved[0].path], [an_id(1)])  # gone already


def test_a_path_that_leads_out_stops_the_deletion_before_it_begins(gallery: Gallery) -> None:
    saved = gallery.save_image(an_id(), LEAP_DAY, b"x")
    with pytest.raises(NotFound):
        gallery.delete([saved.path, "images/../../x"], [])
    assert gallery.image_path(saved.path).exists()


# -- sweeping ----------------------------------------------------------------------------------------


def test_a_sweep_removes_old_orphans_and_leftovers_and_keeps_the_rest(gallery: Gallery) -> None:
    ids = [an_id(i) for i in range(1, 4)]
    saved = [gallery.save_image(image_id, LEAP_DAY, a_png(i)) for i, image_id in enumerate(ids)]
    thumbs = [gallery.thumbnail(image_id, each.path, 64) for image_id, each in zip(ids, saved, strict=True)]
    inputs = [gallery.save_input(a_png(i)) for i in range(3)]
    input_files = [gallery.root / f"inputs/{each}.png" for each in inputs]
    day = gallery.root / "images/2024-02-29"
    others = [
        day / "holiday.png",
        day / "notes.txt",
        gallery.root / "inputs/readme.png",
        gallery.root / "studio.db",
    ]
    leftovers = [
        day / f".{ids[0]}.png.abc.tmp",
        gallery.root / "inputs/.x.png.abc.tmp",
        thumbs[0].parent / ".y.tmp",
    ]
    for path in [*others, *leftovers]:
        path.write_bytes(b"12345")
    young_leftover = day / ".being-written.png.abc.tmp"
    young_leftover.write_bytes(b"1")
    images = [gallery.image_path(each.path) for each in saved]
    # Of each three: one known, one unknown and old, one unknown and young.
    make_old(*images[:2], *thumbs[:2], *input_files[:2], *others, *leftovers)
    freed = sum(path.stat().st_size for path in (images[1], thumbs[1], input_files[1], *leftovers))

    report = gallery.sweep(lambda _: {ids[0]}, lambda _: {inputs[0]}, older_than=LONG_AGO + 1)

    assert (report.temporary, report.images, report.thumbnails, report.inputs) == (3, 1, 1, 1)
    assert report.freed_bytes == freed
    kept = [
        images[0],
        images[2],
        thumbs[0],
        thumbs[2],
        input_files[0],
        input_files[2],
        *others,
        young_leftover,
    ]
    assert files_under(gallery.root) == sorted(path.relative_to(gallery.root).as_posix() for path in kept)


def test_a_sweep_asks_in_bounded_questions_and_only_about_old_files(gallery: Gallery) -> None:
    day = gallery.root / "images/2024-02-29"
    day.mkdir(parents=True)
    (gallery.root / "images/2024-03-01").mkdir()
    ids = [an_id(i) for i in range(1203)]
    for image_id in ids:
        (day / f"{image_id}.png").write_bytes(b"")
    make_old(*day.iterdir())
    (gallery.root / f"images/2024-03-01/{an_id(5000)}.png").write_bytes(b"")
    questions: list[list[str]] = []

    def known(asked: list[str]) -> set[str]:
        questions.append(asked)
        return set(asked)

    report = gallery.sweep(known, known, older_than=LONG_AGO + 1)
    assert (report.images, report.freed_bytes) == (0, 0)
    assert [len(asked) for asked in questions] == [500, 500, 203]
    assert sorted(image_id for asked in questions for image_id in asked) == ids


def test_a_sweep_of_nothing_asks_nothing(gallery: Gallery) -> None:
    def known(_: list[str]) -> set[str]:
        raise AssertionError("nothing to ask about")

    assert gallery.sweep(known, known, older_than=LONG_AGO).images == 0


def test_a_sweep_does_not_follow_links(gallery: Gallery) -> None:
    outside = gallery.root.parent / "outside"
    outside.mkdir()
    (outside / f"{an_id()}.png").write_bytes(b"mine")
    (gallery.root / "images/2024-02-29").mkdir(parents=True)
    (gallery.root / "images/2024-03-01").symlink_to(outside)
    (gallery.root / f"images/2024-02-29/{an_id(2)}.png").symlink_to(outside / f"{an_id()}.png")
    make_old(outside / f"{an_id()}.png")
    gallery.sweep(lambda _: set(), lambda _: set(), older_than=2e10)
    assert (outside / f"{an_id()}.png").read_bytes() == b"mine"


# -- faults ------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("needs Linux and root to mount a small file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"can't mount a small file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_reported_and_leaves_nothing_half_written(small_disk: Path) -> None:
    gallery = Gallery(small_disk / "outputs")
    first = gallery.save_image(an_id(1), LEAP_DAY, bytes(300_000))
    before = files_under(small_disk)
    with pytest.raises(StorageFull, match="No space left on device"):
        gallery.save_image(an_id(2), LEAP_DAY, bytes(900_000))
    with pytest.raises(StorageFull, match="No space left on device"):
        gallery.save_input(bytes(900_000))
    # The first two would fit; all or none are saved.
    with pytest.raises(StorageFull):
        gallery.save_many([NewImage(an_id(i), LEAP_DAY, bytes(300_000)) for i in (3, 4, 5)])
    assert files_under(small_disk) == before
    gallery.delete([first.path], [an_id(1)])
    gallery.save_image(an_id(2), LEAP_DAY, bytes(900_000))


def test_a_disk_that_became_read_only_is_reported(small_disk: Path) -> None:
    gallery = Gallery(small_disk / "outputs")
    gallery.check_writable()
    saved = gallery.save_image(an_id(), LEAP_DAY, a_png())
    input_id = gallery.save_input(a_png())
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for attempt in (
        gallery.check_writable,
        lambda: gallery.save_image(an_id(2), LEAP_DAY, b"x"),
        lambda: gallery.save_image(an_id(2), LEAP_DAY + 1, b"x"),
        lambda: gallery.save_input(b"other"),
        lambda: gallery.save_input(a_png()),
        lambda: gallery.thumbnail(an_id(), saved.path, 64),
        lambda: gallery.delete([saved.path], []),
        lambda: gallery.sweep(lambda _: set(), lambda _: set(), older_than=2e10),
    ):
        with pytest.raises(StorageFull, match="Read-only file system"):
            attempt()
    assert gallery.image_path(saved.path).read_bytes() == gallery.open_input(input_id) == a_png()


def test_a_folder_without_permission_is_reported(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    gallery = Gallery(tmp_path / "outputs")
    gallery.save_image(an_id(), LEAP_DAY, b"x")
    folder = gallery.root / "images/2024-02-29"
    folder.chmod(0o555)
    try:
        with pytest.raises(StorageFull, match="Permission denied"):
            gallery.save_image(an_id(2), LEAP_DAY, b"x")
    finally:
        folder.chmod(0o755)


def test_a_file_where_a_folder_should_be_is_reported(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("in the way")
    gallery = Gallery(tmp_path / "outputs")
    for attempt in (gallery.check_writable, lambda: gallery.save_image(an_id(), LEAP_DAY, b"x"),
                    lambda: gallery.save_input(b"x")):  # fmt: skip
        with pytest.raises(StorageFull, match=r"File exists|Not a directory"):
            attempt()
    assert (tmp_path / "outputs").read_text() == "in the way"


def test_the_room_left_is_known_and_asking_leaves_nothing_behind(gallery: Gallery) -> None:
    with pytest.raises(StorageFull):
        gallery.free_bytes()
    gallery.check_writable()
    assert gallery.free_bytes() > 0
    assert files_under(gallery.root) == []


def test_a_kill_while_saving_leaves_no_half_picture(gallery: Gallery) -> None:
    """A child saves large pictures without end and is killed; every file under its own name is whole."""
    program = (
        "import sys, uuid, pathlib\n"
        "from studio.gallery import Gallery\n"
        "gallery = Gallery(pathlib.Path(sys.argv[1]))\n"
        "while True:\n"
        "    print(gallery.save_image(str(uuid.uuid4()), 0.0, b'p' * 3_000_000).path, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, gallery.root], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        acknowledged = [child.stdout.readline().strip() for _ in range(3)]
        child.kill()
        acknowledged += child.stdout.read().split()
    whole = b"p" * 3_000_000
    for relative in acknowledged:
        assert gallery.image_path(relative).read_bytes() == whole
    pictures = [path for path in (gallery.root / "images/1970-01-01").iterdir() if path.suffix == ".png"]
    assert len(pictures) >= len(acknowledged)
    assert all(path.read_bytes() == whole for path in pictures)
    gallery.sweep(lambda ids: set(ids), lambda ids: set(ids), older_than=2e10)
    assert len(files_under(gallery.root)) == len(pictures)
