"""Server: one sd-server that has its model loaded and answers."""

from studio.engine import EngineFeatures
from studio.sdserver.client import SdServerClient
from studio.sdserver.exits import reason_for_exit
from studio.sdserver.payload import ENGINE_BATCH_LIMIT
from studio.sdserver.process import Child


class Server:
    """A ready engine. `busy`: it may be working on a job, from which only its end would free it.

    Owner: the driver's thread.
    """

    def __init__(
        self, child: Child, client: SdServerClient, *, model_id: str, features: EngineFeatures
    ) -> None:
        self.child = child
        self.client = client
        self.model_id = model_id
        self.features = features
        self.busy = False

    @property
    def batch_limit(self) -> int:
        """How many pictures one job may have: by its own word, at most as many as are known to work."""
        said = self.features.limits.get("max_batch_count", 0)
        return min(said, ENGINE_BATCH_LIMIT) if said >= 1 else ENGINE_BATCH_LIMIT

    @property
    def is_alive(self) -> bool:
        """The process has not ended."""
        return self.child.is_alive

    def reason_for_exit(self) -> str:
        """Why it ended, as a sentence; for an ended process only."""
        return reason_for_exit(
            self.child.returncode or 0, self.child.stderr.lines(), self.child.stdout.lines()
        )

    def stop(self) -> None:
        """End it; returns when it is gone."""
        self.child.stop()
        self.client.close()
