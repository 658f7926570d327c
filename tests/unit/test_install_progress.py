import io

import pytest

from studio.sdserver.install_progress import ConsoleProgress, InstallProgress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("done", "total", "fraction"),
    [(0, 0, 0.0), (5, 0, 0.0), (0, 4, 0.0), (1, 4, 0.25), (4, 4, 1.0), (5, 4, 1.0)],
)
def test_the_fraction_is_of_this_step_and_0_while_unknown(done: int, total: int, fraction: float) -> None:
    assert InstallProgress("Building", done, total).fraction == fraction


def test_a_file_gets_one_line_per_step_and_per_five_percent() -> None:
    stream = io.StringIO()

    with ConsoleProgress(stream) as report:
        report(InstallProgress("Configuring"))
        report(InstallProgress("Configuring"))
        for done in range(201):
            report(InstallProgress("Building", done, 200))

    lines = stream.getvalue().splitlines()
    assert lines[0] == "Configuring"
    assert lines[1:] == [f"Building: {percent} %" for percent in range(0, 101, 5)]


def test_a_terminal_gets_a_bar_that_ends_full() -> None:
    stream = Terminal()

    with ConsoleProgress(stream) as report:
        report(InstallProgress("Configuring"))
        for done in range(1, 4):
            report(InstallProgress("Building", done, 3))

    assert stream.getvalue().startswith("Configuring\n")
    assert "Building: 100%" in stream.getvalue()
    assert "3/3" in stream.getvalue()
