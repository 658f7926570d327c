"""The installation's secret: drawn once, for its owner's eyes, and shown as what receivers need."""

import os
import stat
from pathlib import Path

import pytest

from studio.assembly import open_keys
from studio.errors import ConfigurationError
from studio.settings import Settings
from studio.webhook import secret_of
from studio.webhook_root import FILE, have_root, read_root
from studio.webhooks_command import webhooks_command


def drawn(count: int) -> bytes:
    return bytes(range(count))


def nothing_more(_: int) -> bytes:
    raise AssertionError("it is drawn once")


def test_the_secret_is_drawn_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    assert read_root(tmp_path) is None

    root = have_root(tmp_path, drawn)

    assert (root, have_root(tmp_path, nothing_more), read_root(tmp_path)) == (drawn(32),) * 3
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert os.name == "nt" or stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_what_a_crash_left_half_written_is_drawn_anew(tmp_path: Path) -> None:
    (tmp_path / f".{FILE}.tmp").write_text("0001")

    assert have_root(tmp_path, drawn) == drawn(32)


@pytest.mark.parametrize("content", [b"", b"0" * 63, b"0" * 65, b"G" * 64, b"\xff" * 64])
def test_a_damaged_file_is_told_with_its_place_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(ConfigurationError, match=rf"^outputs: .*{FILE}"):
        have_root(tmp_path, nothing_more)

    assert (tmp_path / FILE).read_bytes() == content


def test_the_command_shows_each_key_its_own_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--outputs", str(tmp_path))
    assert webhooks_command(["secret", *place]) == 1
    assert f"There is no {FILE}" in capsys.readouterr().err
    root = have_root(tmp_path, drawn)
    with open_keys(Settings(outputs=tmp_path)) as keys:
        keys.add("ada")
        keys.add("bob")
        keys.revoke("bob")

    assert webhooks_command(["secret", *place]) == 0
    assert capsys.readouterr().out == f"{secret_of(root, None)}\n"
    assert webhooks_command(["secret", "ada", *place]) == 0
    assert capsys.readouterr().out == f"{secret_of(root, 'ada')}\n"
    for nobody in ("bob", "eve"):
        assert webhooks_command(["secret", nobody, *place]) == 1
        told = capsys.readouterr()
        assert (told.out, told.err) == ("", f"No valid key is called '{nobody}'.\n")


def test_a_damaged_file_ends_the_command_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE).write_text("nonsense")

    assert webhooks_command(["secret", "--outputs", str(tmp_path)]) == 2

    assert "is damaged" in capsys.readouterr().err
