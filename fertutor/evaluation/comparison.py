"""Two networks on the same faces, face by face: sharper than two intervals side by side.

Book chapter: *The record*.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from torch import nn

from ..faces.table import FaceTable
from ..mode import check_network
from .report import Z, answers


@dataclass(frozen=True)
class Comparison:
    """How many faces each of two networks gets right.

    Attributes:
        both, first, second, neither: faces that both, only the first, only the second, and neither
            network recognises.
    """

    both: int
    first: int
    second: int
    neither: int

    @property
    def n(self) -> int:
        """The number of faces."""
        return self.both + self.first + self.second + self.neither

    @property
    def difference(self) -> float:
        """The first network's accuracy less the second's."""
        return (self.first - self.second) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the difference, from the faces on which the two part.

        Wald's, paired, after half a face has been added to each of the four counts (Agresti and Min 2005):
        without that, a few faces on which nobody parts would leave no doubt at all.
        """
        n, first, second = self.n + 2, self.first + 0.5, self.second + 0.5
        middle = (first - second) / n
        half = Z * math.sqrt(first + second - n * middle**2) / n
        return max(-1.0, middle - half), min(1.0, middle + half)

    @cached_property
    def p_value(self) -> float:
        """McNemar's exact two-sided test: how often luck alone would part them as unevenly (McNemar 1947).

        Were the networks equally good, each face on which they part would be a fair coin.
        """
        parted = self.first + self.second
        ways = tail = 1  # of the fairer coin to win 0 times; each binomial coefficient makes the next
        for wins in range(min(self.first, self.second)):
            ways = ways * (parted - wins) // (wins + 1)
            tail += ways
        return min(1.0, 2 * tail / 2**parted)

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON values."""
        return {
            **asdict(self),
            "n": self.n,
            "difference": self.difference,
            "interval": list(self.interval),
            "p_value": self.p_value,
        }


def compare(
    first: nn.Module,
    second: nn.Module,
    table: FaceTable,
    *,
    tta: bool = False,
    device: str = "auto",
    show_progress: bool = False,
) -> Comparison:
    """Compare two networks face by face.

    Takes two networks where :func:`~fertutor.evaluate` takes one, and raises what it raises.

    Example:
        >>> fertutor.compare(best, compact, splits.val).difference
    """
    check_network(second)  # before the first is measured
    one, other = (
        answers(network, table, tta=tta, device=device, show_progress=show_progress) == table.labels.cpu()
        for network in (first, second)
    )
    return Comparison(
        both=int((one & other).sum()),
        first=int((one & ~other).sum()),
        second=int((~one & other).sum()),
        neither=int((~one & ~other).sum()),
    )
