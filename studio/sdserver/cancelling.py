"""Cancelling: having an engine that can do so give up its job, so that its loaded model stays."""

import logging
import threading

from studio.clock import Clock
from studio.sdserver.client import CANCEL_SECONDS, Failed, Finished, Lost, Working
from studio.sdserver.server import Server

log = logging.getLogger(__name__)

ABILITY = "cancel_generating"
# Past this the process is ended, as if it could not cancel: somebody waits.
GIVE_UP_SECONDS = 5.0
_ASK_AGAIN_SECONDS = 0.05


def give_up(server: Server, clock: Clock, job_id: str, count: int) -> bool:
    """Cancel the engine's job of `count` pictures; whether the engine is free again, and sound.

    False at once from an engine that never says that it can.
    """
    if ABILITY not in server.features.abilities or not server.client.cancel(job_id):
        return False
    deadline, never = clock.monotonic() + GIVE_UP_SECONDS, threading.Event()
    while server.is_alive and clock.monotonic() < deadline:
        match server.client.job(job_id, count, read_seconds=CANCEL_SECONDS):
            case Working():
                clock.wait(never, _ASK_AGAIN_SECONDS)
            case Finished() | Failed() | Lost():
                log.info("engine %d gave up %s; its model stays", server.child.pid, job_id)
                return True
            case _:
                break
    log.warning("engine %d did not give up %s in time; it is ended", server.child.pid, job_id)
    return False
