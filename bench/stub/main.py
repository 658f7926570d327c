"""The life of one stub engine, from its command line to its end."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from stub.config import Config
from stub.console import Console
from stub.engine import Engine, LoadFailed
from stub.jobs import JobQueue
from stub.journal import Journal
from stub.pictures import PictureBook
from stub.server import Server

_CACHE = Path(__file__).parent.parent / "cache"
_HELP = Path(__file__).with_name("help.txt")


def main(argv: Sequence[str]) -> int:
    """Answer --help and --version, else load and serve until a signal; gives the exit code."""
    if "-h" in argv or "--help" in argv:
        print(_HELP.read_text(encoding="utf-8"), end="")
        return 0
    if "--version" in argv:
        print("stable-diffusion.cpp version stub, commit stub")
        return 0
    config = Config(argv, os.environ)
    if config.page and not Path(config.page).exists():
        Console().write(f"[ERROR] serve_html_path file does not exist: {config.page}\n", error=True)
        return 1
    journal = Journal(config.log_path, config.model_stem)
    journal.write("boot", port=config.port, argv=list(argv))
    _log_signals(journal)
    engine = Engine(config, Console(), journal, PictureBook(_CACHE, config.noise_bits))
    try:
        engine.load()
    except LoadFailed:
        journal.write("exit", code=1)
        return 1
    jobs = JobQueue(engine)
    jobs.start()
    return _serve(Server(engine, jobs, os.getpid()), journal)


def _log_signals(journal: Journal) -> None:
    def log_and_die(number: int, _frame: FrameType | None) -> None:
        journal.write("exit", signal=number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, log_and_die)
    signal.signal(signal.SIGINT, log_and_die)


def _serve(server: Server, journal: Journal) -> int:
    config = server.engine.config
    # The real one prints this line just before it binds; so does this one.
    server.engine.console.info("main.cpp", 148, f"listening on: {config.ip}:{config.port}")
    try:
        server.server_bind()
        server.server_activate()
    except OSError as error:
        journal.write("exit", code=1, err=str(error))
        os._exit(1)  # the job thread and the pool would be waited for
    journal.write("ready", port=config.port)
    server.serve_forever(poll_interval=0.5)
    return 0
