"""The command line: `python app.py` serves the studio, `… engine …` looks after the engine, `… keys …` after
who may use it, `… models …` after the models, `… webhooks …` shows what webhooks are signed with.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from studio import keys_command as keys_cli
from studio.api.app import install
from studio.assembly import has_keys, open_keys, open_studio
from studio.catalog import Catalog, load_catalog
from studio.errors import AlreadyRunning, ConfigurationError, StudioError
from studio.logs import start_logging
from studio.models_command import models_command
from studio.sdserver.install import engine_command
from studio.service import Studio
from studio.settings import Settings, gather, read_settings
from studio.webhooks_command import webhooks_command
from ui.late import LatePage
from ui.share import start_share

log = logging.getLogger("studio")

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2
EXIT_ALREADY_RUNNING = 75  # EX_TEMPFAIL: the same command may work later


def main(argv: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    if argv[:1] == ["engine"]:
        return engine_command(list(argv[1:]), explicit=None)
    if argv[:1] == ["keys"]:
        return keys_command(argv[1:])
    if argv[:1] == ["models"]:
        return models_command(argv[1:])
    if argv[:1] == ["webhooks"]:
        return webhooks_command(argv[1:])
    arguments = argv[1:] if argv[:1] == ["serve"] else argv
    try:
        settings, catalog = configure(arguments)
        start_logging(settings.log_level, settings.log_format)
        listener = listen(settings)
        studio = open_studio(settings, catalog=catalog, show_progress=True)
    except ConfigurationError as error:
        print("The studio can't start with these settings:", file=sys.stderr)
        for fault in error.faults:
            print(f"  {fault}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except AlreadyRunning as error:
        print(error, file=sys.stderr)
        return EXIT_ALREADY_RUNNING
    except StudioError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    return serve(studio, listener)


def keys_command(argv: Sequence[str]) -> int:
    """Add, list, change or revoke keys; the exit code."""
    wanted, flags = keys_cli.parse(argv)
    try:
        values = gather(flags)
        # Of the settings only these matter; whatever else the environment holds is none of this command's.
        settings = Settings(**{key: values[key] for key in ("outputs", "database") if key in values})
        with open_keys(settings) as keys:
            return keys_cli.run(wanted, keys, say=print, complain=lambda text: print(text, file=sys.stderr))
    except ConfigurationError as error:
        print(*error.faults, sep="\n", file=sys.stderr)
        return EXIT_CONFIGURATION


def configure(argv: Sequence[str]) -> tuple[Settings, Catalog]:
    """Settings and models.yml. Errors: ConfigurationError with the faults of both."""
    values = gather(argv)
    faults: list[str] = []
    settings = catalog = None
    try:
        settings = read_settings(values, has_keys=has_keys)
    except ConfigurationError as error:
        faults += error.faults
    try:
        path = settings.models if settings else Settings(models=values.get("models", "models.yml")).models
        if path.is_file():
            catalog = load_catalog(path)
    except ConfigurationError as error:
        faults += error.faults
    if faults or settings is None or catalog is None:
        raise ConfigurationError(faults)
    return settings, catalog


class Server(uvicorn.Server):
    """uvicorn without its signal handling: it would end the process before the running job is put away."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(studio: Studio, listener: socket.socket) -> int:
    """Serve until a signal ends it; 0 once everything is put away.

    The first signal drains: no new jobs, the running one gets its time. A second puts it back at once.
    """
    page = LatePage(studio)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=page.lifespan)
    install(app, studio, page)
    server = Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            proxy_headers=False,  # BehindProxies reads them, by the studio's own setting
        )
    )

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if server.should_exit:
            server.force_exit = True
            studio.hurry()
        server.should_exit = True
        studio.stop_accepting()
        # Not the logger: the signal may have come in the middle of a log line.
        os.write(2, b"draining; a second signal stops at once\n")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    try:
        studio.start()
        host, port = listener.getsockname()[:2]
        api = f"{studio.settings.root_path}/api"
        log.info(
            "sd.cpp Studio on http://%s:%d (API at %s, its documentation at %s/docs)", host, port, api, api
        )
        link = start_share(host, port, app.state.hosts.admit) if studio.settings.share else None
        try:
            server.run(sockets=[listener])
        finally:
            if link is not None:
                link.stop()
    finally:
        studio.close()
        log.info("stopped")
    return 0


def listen(settings: Settings) -> socket.socket:
    """The socket to serve on. Errors: ConfigurationError if the address can't be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(2048)  # from here on nobody is refused, only kept waiting
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        raise ConfigurationError(
            [f"port: {where} can't be used ({error.strerror}); choose another with --port"]
        ) from None
    return listener


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
