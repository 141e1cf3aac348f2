"""The folder that an option names, as an argparse type."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..files import expanded


def folder(text: str) -> Path:
    """Read a folder's name.

    Raises:
        argparse.ArgumentTypeError: for no name at all.
    """
    if not text:
        raise argparse.ArgumentTypeError("expected the name of a folder")
    return expanded(text)
