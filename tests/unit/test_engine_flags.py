"""Which flags the studio passes, against what the engine it was written for lists."""

from pathlib import Path

from studio.sdserver.command import parse_help
from studio.sdserver.flags import pinned_flags


def test_the_engine_the_studio_was_written_for_has_every_flag_the_studio_uses() -> None:
    listed = parse_help(Path(__file__).with_name("sd_server_help.txt").read_text())
    assert pinned_flags() - listed == frozenset()
