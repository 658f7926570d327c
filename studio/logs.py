"""What a log line looks like: text for people, or one JSON object a line for programs that collect logs."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["text", "json"]

_TEXT = "%(asctime)s %(levelname)-7s %(name)s %(message)s"
# What the work in hand is about; each thread and coroutine has its own.
_ABOUT: ContextVar[tuple[tuple[str, str], ...]] = ContextVar("about", default=())
# Lines that other threads write about a job name it so.
_JOB = re.compile(r"\bjob ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Lines written while the context is open carry these ids: `request_id`, `job_id`."""
    token = _ABOUT.set((*_ABOUT.get(), *ids.items()))
    try:
        yield
    finally:
        _ABOUT.reset(token)


class JsonLines(logging.Formatter):
    """One object a line: time (UTC), level, logger, message, and the ids as far as they are known."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            **dict(_ABOUT.get()),
        }
        named = _JOB.search(message)
        if named is not None:
            line["job_id"] = named[1]
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def start_logging(level: str, format_: LogFormat) -> None:
    """One line per fact on standard error, from `level` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if format_ == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for noisy in ("httpx", "httpcore", "asyncio", "filelock", "mcp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
