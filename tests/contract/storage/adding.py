"""A program that works through jobs as fast as it can and says what is durable, until it is killed."""

import sys
import threading
import uuid

from studio.claims import Claims
from studio.clock import SystemClock
from studio.database import migrate, open_database
from studio.store import JobStore
from studio.writer import GroupWriter
from tests.builders import a_generation, a_recipe


def main(path: str) -> None:
    """Four threads that submit, claim and finish; a line for each change that was acknowledged."""
    database, clock = open_database(path), SystemClock()
    migrate(database)
    writer = GroupWriter(database)
    jobs, claims = JobStore(database, writer, clock), Claims(database, writer, clock)
    claims.release()
    speak = threading.Lock()

    def say(*words: str) -> None:
        with speak:
            print(*words, flush=True)

    def work() -> None:
        name = str(uuid.uuid4())
        while True:
            say("added", jobs.add(a_recipe(), max_pending=1_000_000, webhook="https://receiver.example/").id)
            claim = claims.claim(name)
            assert claim is not None
            say("claimed", claim.job.id)
            generation = a_generation(claim.job, count=2)
            if claims.finish(claim, generation):
                say("finished", claim.job.id, generation.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1])
