"""Where the commands that measure something write it down."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..files import expanded, refuse_unwritable


def add_ledger_option(parser: argparse.ArgumentParser) -> None:
    """Add the folder of the ledger."""
    parser.add_argument(
        "--ledger",
        type=expanded,
        metavar="FOLDER",
        help="of the ledger entries (default: results/ of the source checkout, or of this folder where "
        "fertutor was installed as a package)",
    )


def refuse_unwritable_ledger(folder: Path | None) -> None:
    """Refuse, before any work is done, a folder where no entry can be written.

    Args:
        folder: of the ledger; ``results/`` when None.

    Raises:
        InputError: names the folder and the option.
    """
    from ..evaluation.ledger import results_folder

    refuse_unwritable(folder or results_folder(), "--ledger")
