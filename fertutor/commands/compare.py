"""``fertutor compare``: two networks on the same faces, face by face."""

from __future__ import annotations

import argparse
import json

from .device_option import add_device_option
from .ledger_option import add_ledger_option, refuse_unwritable_ledger
from .set_options import add_faces, add_labels_option, add_set_options, chosen_split
from .weights_option import add_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two networks and the faces."""
    add_weights(parser)
    parser.add_argument("other", metavar="OTHER", help="the network to compare it with")
    add_faces(parser)
    parser.add_argument("--split", default="val", choices=("train", "val"))
    add_labels_option(parser)
    add_set_options(parser)
    parser.add_argument("--tta", action="store_true", help="average each face with its mirror image")
    add_device_option(parser)
    parser.add_argument("--json", action="store_true", help="print the ledger entry as one JSON value")
    add_ledger_option(parser)


def run(args: argparse.Namespace) -> None:
    """Compare, record, print."""
    from ..circumstances import circumstances
    from ..evaluation import ledger
    from ..evaluation.comparison import compare
    from ..network.weights import load_network, name_of_weights, weights_path

    refuse_unwritable_ledger(args.ledger)
    paths = [weights_path(weights) for weights in (args.weights, args.other)]
    digests = [ledger.file_sha256(path) for path in paths]  # a training may replace a file in the meantime
    first, second = (load_network(weights) for weights in (args.weights, args.other))
    table, options = chosen_split(args, args.labels)
    found = compare(first, second, table, tta=args.tta, device=args.device, show_progress=True)
    names = [name_of_weights(path) for path in paths]
    entry = {
        "kind": "comparison",
        "weights": names,
        "weights_sha256": digests,
        "dataset": args.dataset,
        "labels": args.labels,
        "options": options,
        "split": args.split,
        "tta": args.tta,
        "faces": ledger.describe_table(table),
        "networks": [ledger.describe_network(network) for network in (first, second)],
        **found.as_dict(),
        **circumstances(),
    }
    ledger.append(entry, f"compare-{'-'.join(names)}-{args.dataset}-{args.labels}-{args.split}", args.ledger)
    if args.json:
        print(json.dumps(entry))
        return
    width = max(len(name) for name in names) + len("only ")
    print(f"{args.dataset} {args.split}, {args.labels} labels, n = {found.n}")
    for words, count in (
        ("both", found.both),
        (f"only {names[0]}", found.first),
        (f"only {names[1]}", found.second),
        ("neither", found.neither),
    ):
        print(f"{words:>{width}} {count:>6}")
    low, high = found.interval
    print(
        f"{names[0]} minus {names[1]}: {100 * found.difference:+.2f} points "
        f"(95 % interval {100 * low:+.2f} to {100 * high:+.2f}), p = {found.p_value:.2g}"
    )
