"""Random draws that stay the same from one NumPy release to the next.

NumPy keeps the stream of a bit generator, and so of ``Generator.random()``, but not that of
``choice`` or ``normal``. Everything here is made of ``random()`` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_NORMAL = NormalDist()


class Draw:
    """One seeded stream of draws."""

    def __init__(self, *seed: int) -> None:
        self._random = np.random.default_rng(list(seed)).random

    def unit(self) -> float:
        """A number in [0, 1)."""
        return float(self._random())

    def chance(self, probability: float) -> bool:
        """True with ``probability``."""
        return self.unit() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        """One of ``items``, each as likely as the next."""
        return items[int(self.unit() * len(items))]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """``count`` different ``items`` in random order."""
        return [item for _, item in sorted(((self.unit(), item) for item in items), key=_first)][
            :count
        ]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One of ``items`` with probability in proportion to ``weights``."""
        left = self.unit() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            left -= weight
            if left < 0.0:
                return item
        return items[-1]

    def normal(self, mean: float, deviation: float) -> float:
        """A normal draw."""
        return mean + deviation * _NORMAL.inv_cdf(self.unit() or 0.5)

    def key(self, digits: int = 12) -> str:
        """Hexadecimal digits, at most 12 of them."""
        return f"{int(self.unit() * 16**digits):0{digits}x}"


def _first(pair: tuple[float, object]) -> float:
    return pair[0]
