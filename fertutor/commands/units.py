"""``fertutor units``: which units of a network are alive, and whether θ differs between faces."""

from __future__ import annotations

import argparse
import json

from .ledger_option import add_ledger_option, refuse_unwritable_ledger
from .set_options import add_faces, add_set_options, chosen_split
from .weights_option import add_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the network and the faces."""
    add_weights(parser)
    add_faces(parser)
    parser.add_argument("--split", default="val", choices=("train", "val"))
    add_set_options(parser)
    parser.add_argument("--json", action="store_true", help="print the ledger entry as one JSON value")
    add_ledger_option(parser)


def run(args: argparse.Namespace) -> None:
    """Count, record, print."""
    from ..circumstances import circumstances
    from ..evaluation import ledger
    from ..evaluation.units import count_units
    from ..network.weights import load_network, name_of_weights, weights_path

    refuse_unwritable_ledger(args.ledger)
    path = weights_path(args.weights)
    digest = ledger.file_sha256(path)  # before the long work: a training may replace the file meanwhile
    network = load_network(args.weights)
    table, options = chosen_split(args, "original")
    name = name_of_weights(path)
    units = count_units(network, table, show_progress=True)
    entry = {
        "kind": "units",
        "weights": name,
        "weights_sha256": digest,
        "dataset": args.dataset,
        "options": options,
        "split": args.split,
        "faces": ledger.describe_table(table),
        "network": ledger.describe_network(network),
        **units.as_dict(),
        **circumstances(),
    }
    ledger.append(entry, f"units-{name}-{args.dataset}-{args.split}", args.ledger)
    if args.json:
        print(json.dumps(entry))
        return
    for layer, (alive, total) in units.live.items():
        print(f"{layer:>24} {alive:>4} of {total} alive")
    if units.theta is not None:
        for words, row in units.theta.items():
            print(f"{f'θ, {words}':>24} " + " ".join(f"{value:7.3f}" for value in row))
