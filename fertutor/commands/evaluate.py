"""``fertutor evaluate``: accuracy, interval and confusion matrix on one split."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from .device_option import add_device_option
from .ledger_option import add_ledger_option, refuse_unwritable_ledger
from .set_options import add_faces, add_labels_option, add_set_options, chosen_split
from .weights_option import add_weights

if TYPE_CHECKING:
    from ..evaluation.report import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the network, the faces and the form of the answer."""
    add_weights(parser)
    add_faces(parser)
    parser.add_argument("--split", default="val", choices=("train", "val", "test"), help="(default: val)")
    add_labels_option(parser)
    add_set_options(parser)
    parser.add_argument(
        "--without-copies",
        action="store_true",
        help="leave out the faces that are, pixel for pixel, among the training faces, too",
    )
    parser.add_argument(
        "--tta",
        action="store_true",
        help="average each face with its mirror image; the accuracy without that stands apart",
    )
    add_device_option(parser)
    parser.add_argument("--json", action="store_true", help="print the report as one JSON value")
    add_ledger_option(parser)
    parser.add_argument(
        "--no-ledger", action="store_true", help="record nothing; not allowed for a test split"
    )


def run(args: argparse.Namespace) -> None:
    """Measure, record, print."""
    from ..circumstances import circumstances
    from ..errors import InputError
    from ..evaluation import ledger
    from ..evaluation.report import evaluate
    from ..network.weights import load_network, name_of_weights, weights_path

    if args.split == "test" and args.no_ledger:
        raise InputError("a test split is opened on the record only: leave out --no-ledger")
    if args.no_ledger and args.ledger:
        raise InputError("--no-ledger and --ledger exclude each other: leave one of the two out")
    if args.split == "train" and args.without_copies:
        raise InputError("--without-copies compares with the training faces: choose --split val or test")
    if not args.no_ledger:
        refuse_unwritable_ledger(args.ledger)
    path = weights_path(args.weights)
    digest = ledger.file_sha256(path)  # before the long work: a training may replace the file meanwhile
    network = load_network(args.weights)
    table, options = chosen_split(args, args.labels, args.without_copies)
    report = evaluate(network, table, tta=args.tta, device=args.device, show_progress=True)
    plain = evaluate(network, table, device=args.device, show_progress=True) if args.tta else report
    name = name_of_weights(path)
    entry = {
        "kind": "evaluation",
        "weights": name,
        "weights_sha256": digest,
        "dataset": args.dataset,
        "labels": args.labels,
        "options": options,
        "split": args.split,
        **({"without_copies": True} if args.without_copies else {}),
        "faces": ledger.describe_table(table),
        "network": ledger.describe_network(network),
        **report.as_dict(),
        **({"plain": plain.summary()} if args.tta else {}),
        **circumstances(),
    }
    if not args.no_ledger:
        left_out = "-without-copies" if args.without_copies else ""
        name = f"evaluate-{name}-{args.dataset}-{args.labels}-{args.split}{left_out}"
        ledger.append(entry, name, args.ledger)
    if args.json:
        print(json.dumps(entry))
        return
    title = f"{args.dataset} {args.split}, {args.labels} labels"
    if args.without_copies:
        title += ", without copies of training faces"
    if args.tta:
        print(headline(plain, title))
    print_report(report, title)


def headline(report: Report, title: str) -> str:
    """Return accuracy, interval and n in one line."""
    low, high = report.interval
    flips = ", flip-averaged" if report.tta else ""
    return f"{title}{flips}: {report.accuracy:.2%} (95 % interval {low:.2%} to {high:.2%}, n = {report.n})"


def print_report(report: Report, title: str) -> None:
    """Print accuracy, interval, per-class figures and the confusion matrix."""
    from ..expressions import class_names

    print(headline(report, title) + "\n")
    names = class_names(len(report.confusion))
    print(f"{'true, predicted →':>18} " + " ".join(f"{name:>8}" for name in names) + "   recall  precision")
    for name, row in zip(names, report.confusion.tolist(), strict=True):
        figures = report.per_class[name]
        shares = "  ".join(
            "    – " if figures[key] is None else f"{figures[key]:6.1%}" for key in ("recall", "precision")
        )
        print(f"{name:>18} " + " ".join(f"{count:>8}" for count in row) + f"   {shares}")
