"""The network that several commands ask for."""

from __future__ import annotations

import argparse


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the network's name or file."""
    parser.add_argument("weights", metavar="WEIGHTS", help="a released network or a .safetensors file")
