"""The seeds of all commands, as argparse reads them."""

from __future__ import annotations

import argparse

from ..seed import LARGEST


def seed(text: str) -> int:
    """Read a seed, as an argparse type.

    Raises:
        argparse.ArgumentTypeError: for anything but a whole number from 0 to :data:`fertutor.seed.LARGEST`.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {LARGEST}, not {text}")
    return int(text)
