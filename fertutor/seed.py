"""The seeds of the whole library: one range, which torch, numpy and scikit-learn all take."""

from __future__ import annotations

import operator

from .errors import InputError

LARGEST = 2**32 - 1
"""numpy and scikit-learn take no larger seed, and torch overflows where a set multiplies one."""


def check_seed(seed: object, largest: int = LARGEST) -> int:
    """Return a seed as an int, numpy's whole numbers too.

    Raises:
        InputError: for anything but a whole number from 0 to `largest`.
    """
    try:
        if isinstance(seed, bool) or not 0 <= operator.index(seed) <= largest:  # type: ignore[arg-type]
            raise TypeError
        return operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(f"a seed is a whole number from 0 to {largest}, not {seed!r}") from None
