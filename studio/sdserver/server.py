"""Server: one sd-server that has its model loaded and answers."""

from studio.engine import EngineFeatures
from studio.errors import EngineCrashed, OutOfMemory
from studio.model import Model
from studio.sdserver.client import SdServerClient
from studio.sdserver.exits import fault_of_exit
from studio.sdserver.payload import ENGINE_BATCH_LIMIT
from studio.sdserver.process import Child


class Server:
    """A ready engine. `busy`: it may be working on a job, from which only its end would free it.

    Owner: the driver's thread.
    """

    def __init__(
        self, child: Child, client: SdServerClient, *, model: Model, features: EngineFeatures
    ) -> None:
        self.child = child
        self.client = client
        self.model = model
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

    def serves(self, model: Model) -> bool:
        """Whether it can do jobs of `model` as it runs: loaded by the same entry, with the same options."""
        return self.is_alive and _as_loaded(self.model) == _as_loaded(model)

    def fault_of_exit(self) -> EngineCrashed | OutOfMemory:
        """What it died of; for an ended process only."""
        return fault_of_exit(self.child.returncode or 0, self.child.stderr.lines(), self.child.stdout.lines())

    def stop(self) -> None:
        """End it; returns when it is gone."""
        self.child.stop()
        self.client.close()


def _as_loaded(model: Model) -> Model:
    """What of the entry matters to a loaded engine: every request says for itself whether it is tiled."""
    return model.model_copy(update={"engine": model.engine.model_copy(update={"vae_tiling": False})})
