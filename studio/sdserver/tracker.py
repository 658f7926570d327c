"""ProgressTracker: facts from the engine's output -> one fraction over all pictures that never falls."""

from dataclasses import dataclass

from studio.job import Phase, Progress
from studio.sdserver.progress import Bar, Fact, Mark, Marker

# Shares of one engine job's time; sampling takes nearly all of it on any machine.
_ENCODING = 0.04
_SAMPLING = 0.84
_DECODING = 0.10
# A job that first loads its model spends this share of its bar on it.
_LOADING = 0.10
# The rest is the caller's: the pictures are stored after the engine is done.
_SAVED_BY_CALLER = 0.01


@dataclass
class _Batch:
    """One engine job: pictures `first` + 1 .. `first` + `count` of the recipe."""

    first: int
    count: int
    phase: Phase = Phase.ENCODING
    picture: int = 0
    """The picture in hand within the batch, from 1; 0 before the first."""
    decoded: int = 0
    step: int = 0
    steps: int = 0
    second_pass: float = 0.0
    """Its share of the sampling."""
    in_second_pass: bool = False

    @property
    def sampled(self) -> float:
        """How much of the sampling is done, 0..1."""
        within = self.step / self.steps if self.steps else 0.0
        done = (max(self.picture - 1, 0) + within) / self.count
        first = 1 - self.second_pass
        return first + self.second_pass * done if self.in_second_pass else first * done

    @property
    def fraction(self) -> float:
        within = self.step / self.steps if self.steps else 0.0
        match self.phase:
            case Phase.ENCODING:
                return _ENCODING * within
            case Phase.SAMPLING:
                return _ENCODING + _SAMPLING * self.sampled
            case Phase.DECODING:
                return _ENCODING + _SAMPLING + _DECODING * (self.decoded + within) / self.count
            case _:
                return 1.0


class ProgressTracker:
    """Follows one `load` or `generate` from the first byte to the last picture. Not thread-safe.

    `images` is how many pictures the recipe asks for (0: only loading). `expected_seconds` is what this model
    needed for such a recipe before, loading left out, or None. `second_pass` is the share of sampling that a
    second pass takes, 0..1. Times given to it are Clock.monotonic seconds.
    """

    def __init__(
        self, images: int, expected_seconds: float | None = None, *, second_pass: float = 0.0
    ) -> None:
        self._images = images
        self._second_pass = second_pass
        self._expected = expected_seconds
        self._loading: Progress | None = None
        self._base = 0.0
        self._highest = 0.0
        self._batch: _Batch | None = None
        self._began: float | None = None
        self._seconds_per_step: float | None = None
        self.finished = 0
        """How many engine jobs were seen to end."""
        self.changes = 0
        """Grows whenever `progress` would say something new."""

    def begin_loading(self) -> None:
        """The model's weights are being read from here on."""
        self._base = _LOADING
        self._loading = Progress(Phase.LOADING, self._highest, images=self._images)
        self.changes += 1

    def begin_batch(self, first: int, count: int, now: float) -> None:
        """An engine job for `count` pictures is handed in; `first` pictures are done before it."""
        self._loading = None
        self._batch = _Batch(first, count, second_pass=self._second_pass)
        self._began = now if self._began is None else self._began
        self.changes += 1

    def apply(self, fact: Fact) -> None:
        """The engine said `fact`."""
        self.changes += 1
        if isinstance(fact, Marker) and fact.mark is Mark.FINISHED:
            self.finished += 1
        if self._loading is not None:
            self._apply_loading(fact)
        elif self._batch is not None:
            if isinstance(fact, Bar):
                self._apply_bar(self._batch, fact)
            else:
                _apply_mark(self._batch, fact)

    def progress(self, now: float) -> Progress:
        """Where it stands at `now`."""
        if self._loading is not None or self._batch is None:
            return self._loading or Progress(Phase.PREPARING, images=self._images)
        batch = self._batch
        done = (batch.first + batch.count * batch.fraction) / max(self._images, 1)
        fraction = min(self._base + (1 - self._base) * done, 1 - _SAVED_BY_CALLER)
        self._highest = max(self._highest, fraction)
        in_hand = batch.decoded + 1 if batch.phase is Phase.DECODING else batch.picture
        return Progress(
            phase=batch.phase,
            fraction=self._highest,
            step=batch.step,
            steps=batch.steps,
            image=batch.first + min(in_hand, batch.count),
            images=self._images,
            seconds_per_step=self._seconds_per_step,
            eta_seconds=self._eta(done, now),
        )

    def _apply_loading(self, fact: Fact) -> None:
        if isinstance(fact, Bar) and fact.counts_weights and fact.steps:
            self._highest = max(self._highest, _LOADING * min(fact.step / fact.steps, 1.0))
            self._loading = Progress(
                Phase.LOADING, self._highest, step=fact.step, steps=fact.steps, images=self._images
            )

    def _apply_bar(self, batch: _Batch, bar: Bar) -> None:
        if bar.counts_weights or not 0 < bar.step <= bar.steps:
            return  # a LoRA being read: the phase does not change
        batch.step, batch.steps = bar.step, bar.steps
        if batch.phase is Phase.SAMPLING:
            self._seconds_per_step = bar.seconds_per_step or None

    def _eta(self, done: float, now: float) -> float | None:
        """Seconds left: history at first, the measured speed more and more."""
        if self._began is None:
            return None
        elapsed = now - self._began
        # Before the first step the fraction says nothing about speed.
        measured = elapsed * (1 - done) / done if self._seconds_per_step is not None and done > 0 else None
        remembered = max(self._expected - elapsed, 0.0) if self._expected is not None else None
        if measured is None or remembered is None:
            return remembered if measured is None else measured
        return done * measured + (1 - done) * remembered


def _apply_mark(batch: _Batch, marker: Marker) -> None:
    match marker.mark:
        case Mark.PICTURE:
            batch.phase, batch.picture = Phase.SAMPLING, marker.number
        case Mark.ENLARGING:
            batch.phase, batch.picture, batch.in_second_pass = Phase.SAMPLING, 1, True
        case Mark.ENLARGED:
            batch.picture = marker.number + 1
        case Mark.SAMPLED if batch.second_pass:
            batch.picture = batch.count + 1
        case Mark.SAMPLED | Mark.DECODING:
            batch.phase = Phase.DECODING
        case Mark.DECODED:
            batch.phase, batch.decoded = Phase.DECODING, marker.number
        case Mark.FINISHED:
            batch.phase, batch.decoded = Phase.SAVING, batch.count
        case _:
            return
    batch.step = batch.steps = 0
