"""The seeds of all commands: one range, which torch, numpy and scikit-learn all take."""

from __future__ import annotations

import argparse

LARGEST = 2**32 - 1
"""numpy and scikit-learn take no larger seed, and torch overflows where a set multiplies one."""


def seed(text: str) -> int:
    """Read a seed, as an argparse type.

    Raises:
        argparse.ArgumentTypeError: for anything but a whole number from 0 to :data:`LARGEST`.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {LARGEST}, not {text}")
    return int(text)
