"""Sums of samples: quantiles, ratios, and how loaded the machine is."""

import statistics
import time
from collections.abc import Sequence
from typing import Any

Figures = dict[str, Any]
"""What one measure found, ready for JSON: numbers, words, and figures again."""


def quantile(samples: Sequence[float], share: float) -> float | None:
    """The quantile by linear interpolation; `share` is 0..1. None of nothing."""
    if not samples:
        return None
    ordered = sorted(samples)
    place = (len(ordered) - 1) * share
    below = int(place)
    above = ordered[min(below + 1, len(ordered) - 1)]
    return ordered[below] + (above - ordered[below]) * (place - below)


def rounded(value: float | None, factor: float = 1.0, digits: int = 3) -> float | None:
    """`value` times `factor`, rounded; None stays None."""
    return None if value is None else round(value * factor, digits)


def ratio(value: float | None, base: float | None, digits: int = 3) -> float | None:
    """`value` over `base`, rounded; None if either is missing or the base is zero."""
    return None if value is None or not base else round(value / base, digits)


def milliseconds(seconds: Sequence[float], prefix: str = "") -> Figures:
    """p50, p95 and number of samples; the samples are seconds, the figures milliseconds."""
    return {
        f"{prefix}p50_ms": rounded(quantile(seconds, 0.5), 1000),
        f"{prefix}p95_ms": rounded(quantile(seconds, 0.95), 1000),
        f"{prefix}n": len(seconds),
    }


def spin() -> float:
    """Milliseconds for a fixed piece of Python: how loaded the machine is just now."""
    taken = []
    for _ in range(5):
        begin, total = time.monotonic(), 0
        for number in range(60000):
            total += number * number % 7
        taken.append(time.monotonic() - begin)
    return round(statistics.median(taken) * 1000, 2)
