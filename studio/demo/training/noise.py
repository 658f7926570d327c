"""The engine's random numbers: Philox 4x32-10 and Box-Muller, as its default generator draws them."""

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]

MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
KEY_STEPS = (np.uint32(0x9E3779B9), np.uint32(0xBB67AE85))
ROUNDS = 10
UNIT = np.float32(2.3283064e-10)
"""2 ** -32"""
TURN = np.float32(2.3283064e-10 * 6.2831855)


def normal(count: int, seed: int, offset: int = 0) -> npt.NDArray[np.float32]:
    """`count` numbers of the normal distribution; `offset`: earlier draws with this seed."""
    words = [np.full(count, offset, np.uint32), np.zeros(count, np.uint32)]
    words += [np.arange(count, dtype=np.uint32), np.zeros(count, np.uint32)]
    key = [np.full(count, seed & 0xFFFFFFFF, np.uint32), np.full(count, seed >> 32, np.uint32)]
    for _ in range(ROUNDS):
        first = words[0].astype(np.uint64) * MULTIPLIERS[0]
        second = words[2].astype(np.uint64) * MULTIPLIERS[1]
        words = [
            _high(second) ^ words[1] ^ key[0],
            second.astype(np.uint32),
            _high(first) ^ words[3] ^ key[1],
            first.astype(np.uint32),
        ]
        key = [part + step for part, step in zip(key, KEY_STEPS, strict=True)]  # wraps at 2 ** 32
    radius = words[0].astype(np.float32) * UNIT + UNIT / 2
    angle = words[1].astype(np.float32) * TURN + TURN / 2
    drawn: npt.NDArray[np.float32] = np.sqrt(-2 * np.log(radius)) * np.sin(angle)
    return drawn


def _high(product: npt.NDArray[np.uint64]) -> Words:
    return (product >> np.uint64(32)).astype(np.uint32)
