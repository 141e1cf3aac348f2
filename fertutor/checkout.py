"""The source checkout: where it lies, if the library was not installed."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def is_checkout() -> bool:
    """Return whether the library lies in its source checkout, and is not installed."""
    return (ROOT / "pyproject.toml").is_file()
