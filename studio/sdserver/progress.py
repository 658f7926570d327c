"""OutputParser: the engine's standard output, told as facts. Pure: bytes in, facts out.

The engine tells how far it is only here: log lines, and bars redrawn with a carriage return. File names and
line numbers in front of a message change between versions, so only the message text is matched.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """A line that says where the engine is."""

    LISTENING = "listening"
    STARTED = "started"
    ENCODED = "encoded"
    """The prompt, and a picture to work on, have become numbers; sampling follows."""
    PICTURE = "picture"
    """Sampling of picture `number` of `total` begins."""
    SAMPLED = "sampled"
    ENLARGING = "enlarging"
    """A second pass over all pictures begins, at a larger size."""
    ENLARGED = "enlarged"
    """The second pass over picture `number` of `total` is done."""
    DECODING = "decoding"
    DECODED = "decoded"
    """Picture `number` is decoded."""
    FINISHED = "finished"


@dataclass(frozen=True)
class Marker:
    """A mark, with its numbers where it has some (else 0)."""

    mark: Mark
    number: int = 0
    total: int = 0


@dataclass(frozen=True)
class Bar:
    """A progress bar: `step` of `steps`. `seconds_per_step` is None for bars that count weights, not work."""

    step: int
    steps: int
    seconds_per_step: float | None

    @property
    def counts_weights(self) -> bool:
        return self.seconds_per_step is None


Fact = Marker | Bar

_END = re.compile(rb"\n|\x1b\[K")
_FACT = re.compile(
    rb"\|[=> #]{50}\| (?P<step>\d{1,9})/(?P<steps>\d{1,9}) - (?P<speed>\d[\d.]*)(?P<unit>it/s|s/it|MB/s|GB/s)"
    rb"|(?P<listening>listening on: )"
    rb"|(?P<finished>generate_image completed in )"
    rb"|(?P<started>generate_image \d+x\d+)"
    rb"|(?P<encoded>get_learned_condition completed)"
    rb"|(?P<picture>generating image: (?P<picture_number>\d{1,9})/(?P<picture_total>\d{1,9}))"
    rb"|(?P<sampled>generating \d+ latent images completed)"
    rb"|(?P<enlarging>hires fix: upscaling to )"
    rb"|(?P<enlarged>hires sampling (?P<enlarged_number>\d{1,9})/(?P<enlarged_total>\d{1,9}) completed)"
    rb"|(?P<decoding>decoding (?:\d+/)?(?P<decoding_total>\d{1,9}) latents)"
    rb"|(?P<decoded>latent (?P<decoded_number>\d{1,9}) decoded)"
)
# Longer than any line the engine prints; a flood without line ends must not grow the memory.
_LONGEST_LINE = 8192


class OutputParser:
    """Takes the stream in chunks cut anywhere; gives the facts of every finished line and bar, in order."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Fact]:
        """The facts that `chunk` completes."""
        *whole, rest = _END.split(self._rest + chunk)
        self._rest = rest[-_LONGEST_LINE:]
        return [_fact(match) for line in whole for match in _FACT.finditer(line[-_LONGEST_LINE:])]


def _fact(match: re.Match[bytes]) -> Fact:
    if match["step"] is not None:
        return Bar(int(match["step"]), int(match["steps"]), _seconds(match["speed"], match["unit"]))
    name = match.lastgroup or ""
    mark = Mark(name.partition("_")[0])
    number = match[f"{mark}_number"] if f"{mark}_number" in match.re.groupindex else None
    total = match[f"{mark}_total"] if f"{mark}_total" in match.re.groupindex else None
    return Marker(mark, int(number or 0), int(total or 0))


def _seconds(speed: bytes, unit: bytes) -> float | None:
    try:
        value = float(speed)
    except ValueError:
        return 0.0
    if unit == b"s/it":
        return value
    if unit == b"it/s":
        return 1 / value if value > 0 else 0.0
    return None
