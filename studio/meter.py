"""Meter: what is counted while the studio runs, in the words of Prometheus.

What the database knows anyway (the jobs of each status, their age) is not counted here but read when asked.
"""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Histogram

# Seconds: from the demonstration model on a graphics card to a large one on a processor.
_JOB_SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


class Outcome(StrEnum):
    """How one execution of a job ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    """It went back to the queue, to be tried again."""


class Meter:
    """Counters since the start. Thread-safe; owner: assembly. No label comes from strangers."""

    def __init__(self) -> None:
        # A registry of its own: two studios in one process, as tests have them, count apart.
        self.registry = CollectorRegistry()
        self._jobs = Histogram(
            "studio_job_seconds", "How long an execution of a job took, from the claim to its end.",
            ("model", "outcome"), buckets=_JOB_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._starts = Counter(
            "studio_engine_starts", "Processes of the engine that were started.", registry=self.registry
        )
        self._exits = Counter(
            "studio_engine_exits", "Processes of the engine that ended: stopped by the studio, or died.",
            ("how",), registry=self.registry,
        )  # fmt: skip
        for how in ("stopped", "died"):
            self._exits.labels(how)  # counters are known from the start, with 0
        self._requests = Counter(
            "studio_http_requests", "Requests answered.", ("route", "method", "status"),
            registry=self.registry,
        )  # fmt: skip

    def job_ended(self, model: str, outcome: Outcome, seconds: float) -> None:
        """An execution of a job of this entry of models.yml ended."""
        self._jobs.labels(model, str(outcome)).observe(seconds)

    def engine_started(self) -> None:
        """A process of the engine runs."""
        self._starts.inc()

    def engine_ended(self, was_told: bool) -> None:
        """A process of the engine is gone, because the studio ended it or by itself."""
        self._exits.labels("stopped" if was_told else "died").inc()

    def answered(self, route: str, method: str, status: int) -> None:
        """A request was answered; `route` is a template of ours, never a path that somebody typed."""
        self._requests.labels(route, method, str(status)).inc()
