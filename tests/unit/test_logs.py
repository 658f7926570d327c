"""Log lines as JSON."""

import json
import logging
import sys
from typing import Any

from studio.logs import JsonLines, about

JOB = "0199c0de-7a5b-7c11-8d2e-0242ac120002"


def line(message: str, *arguments: object, **more: Any) -> dict[str, Any]:
    """What one record becomes."""
    record = logging.LogRecord("studio.x", logging.WARNING, "x.py", 1, message, arguments, None)
    record.__dict__.update(more)
    text = JsonLines().format(record)
    assert "\n" not in text
    read: dict[str, Any] = json.loads(text)
    return read


def test_a_line_is_one_object_with_time_level_logger_and_message() -> None:
    found = line("%d pictures\nof \x1b[31m%s", 3, "ünïcode", created=1_800_000_000.25)
    assert found == {
        "time": "2027-01-15T08:00:00.250+00:00",
        "level": "warning",
        "logger": "studio.x",
        "message": "3 pictures\nof \x1b[31münïcode",
    }


def test_a_line_carries_the_ids_of_what_is_in_hand_and_no_longer() -> None:
    with about(request_id="r-1"):
        with about(job_id=JOB):
            assert (line("x")["request_id"], line("x")["job_id"]) == ("r-1", JOB)
        assert "job_id" not in line("x")
    assert "request_id" not in line("x")


def test_a_line_that_names_a_job_carries_its_id() -> None:
    assert line("job %s submitted", JOB)["job_id"] == JOB
    assert "job_id" not in line("job nothing submitted")


def test_a_traceback_is_part_of_the_object() -> None:
    try:
        raise ValueError("the cause")
    except ValueError:
        found = line("it broke", exc_info=sys.exc_info())
    assert "ValueError: the cause" in found["exception"]
