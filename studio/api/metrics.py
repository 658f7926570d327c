"""What Prometheus asks for: the meter's counters, and what is read at that moment."""

import contextlib
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import Scope

from studio.darkroom import studio_version
from studio.engine import EngineState
from studio.errors import StudioError
from studio.job import JobStatus
from studio.service import Studio

# Requests may come with any method somebody thinks of.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MEDIA_TYPE = CONTENT_TYPE_LATEST


def exposition(studio: Studio) -> bytes:
    """Everything that is measured, as Prometheus reads it. Cheap: no rows are counted."""
    now = CollectorRegistry(auto_describe=True)
    now.register(_Now(studio))
    return generate_latest(now) + generate_latest(studio.meter.registry)


def route_of(scope: Scope) -> str:
    """The template of the route that answered: its own, after the place where its application is mounted."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    return f"{scope.get('root_path', '')}{path}" if isinstance(path, str) else "none"


def method_of(scope: Scope) -> str:
    """The method, or "other" for one that nobody knows."""
    method = scope.get("method", "WEBSOCKET")
    return method if method in _METHODS or scope["type"] == "websocket" else "other"


class _Now(Collector):
    """What is so at the moment of asking."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        studio, counts = self._studio, self._studio.counts()
        about = GaugeMetricFamily("studio_build_info", "The studio's version.", labels=("version",))
        about.add_metric((studio_version(),), 1)
        yield about
        jobs = GaugeMetricFamily("studio_jobs", "Jobs of each status.", labels=("status",))
        for status, count in counts.items():
            jobs.add_metric((str(status),), count)
        yield jobs
        yield _gauge("studio_queue_depth", "Jobs that wait.", counts[JobStatus.PENDING])
        yield _gauge("studio_queue_paused", "Whether the queue is paused.", studio.queue.is_paused())
        yield _gauge(
            "studio_oldest_pending_seconds", "How long the oldest waiting job has waited; 0: none waits.",
            studio.condition.oldest_pending(),
        )  # fmt: skip
        pictures, size = studio.condition.pictures()
        yield _gauge("studio_pictures", "Pictures in the library.", pictures)
        yield _gauge("studio_picture_bytes", "Bytes of their files, without thumbnails.", size)
        yield self._engine()
        yield self._disk()

    def _engine(self) -> Metric:
        states = GaugeMetricFamily("studio_engine_state", "1 for the engine's state.", labels=("state",))
        current = self._studio.engine.state
        for state in EngineState:
            states.add_metric((str(state),), state is current)
        return states

    def _disk(self) -> Metric:
        meaning = "Bytes on the disk: room left for the outputs, and what the database takes."
        sizes = GaugeMetricFamily("studio_disk_bytes", meaning, labels=("what",))
        sizes.add_metric(("database",), self._studio.condition.database_bytes())
        with contextlib.suppress(StudioError):  # what is unknown is told by its absence
            sizes.add_metric(("free",), self._studio.condition.free_bytes())
        return sizes


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=float(value))
