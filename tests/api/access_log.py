"""The studio's access log, listened to."""

import logging
import threading


class Heard(logging.Handler):
    """Sets `event` when a line of the log holds `text`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.event = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self.text in record.getMessage():
            self.event.set()
