"""Where a network runs and in which numbers it is trained, as several commands ask for it."""

from __future__ import annotations

import argparse


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the device."""
    parser.add_argument(
        "--device",
        default="auto",
        choices=("auto", "cpu", "cuda"),
        help="auto: a CUDA GPU where torch finds one, of several the first; another with "
        "CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=1 before the command (default: auto)",
    )


def add_precision_option(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the precision of a training."""
    parser.add_argument(
        "--precision",
        default="auto",
        choices=("auto", "fp32", "bf16"),
        help="auto: bf16 where the hardware multiplies it, fp32 elsewhere (default: auto)",
    )
