"""Where a network runs, as several commands ask for it."""

from __future__ import annotations

import argparse


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the device."""
    parser.add_argument(
        "--device",
        default="auto",
        choices=("auto", "cpu", "cuda"),
        help="auto: a CUDA GPU where torch finds one (default: auto)",
    )
