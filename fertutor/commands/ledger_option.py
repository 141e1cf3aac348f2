"""Where the commands that measure something write it down."""

from __future__ import annotations

import argparse

from ..files import expanded


def add_ledger_option(parser: argparse.ArgumentParser) -> None:
    """Add the folder of the ledger."""
    parser.add_argument(
        "--ledger",
        type=expanded,
        metavar="FOLDER",
        help="of the ledger entries (default: results/ of the source checkout, or of this folder where "
        "fertutor was installed as a package)",
    )
