"""``fertutor baselines``: what methods of the paper's time reach on a face set."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from .ledger_option import add_ledger_option, refuse_unwritable_ledger
from .seed_option import seed
from .set_options import add_faces, add_labels_option, add_set_options, options_in_name, set_options

if TYPE_CHECKING:
    from ..evaluation.baselines import FittedBaseline
    from ..evaluation.report import Report
    from ..faces.table import FaceTable

METHODS = ("hog-svm", "lbp-svm", "fisherfaces")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the faces, the methods and the form of the answer."""
    add_faces(parser)
    parser.add_argument("--method", default="all", choices=("all", *METHODS), help="(default: all)")
    parser.add_argument("--split", default="val", choices=("val", "test"), help="(default: val)")
    add_labels_option(parser)
    add_set_options(parser)
    parser.add_argument(
        "--limit",
        type=int,
        help="fit on this many training faces only, stratified; the book's page is then left",
    )
    parser.add_argument(
        "--seed", type=seed, default=0, help="of the held-out faces and the classifier (default: 0)"
    )
    parser.add_argument("--json", action="store_true", help="print the ledger entries as one JSON list")
    add_ledger_option(parser)


def run(args: argparse.Namespace) -> None:
    """Fit each method on the training faces, measure it, record it."""
    from ..evaluation import ledger, reproductions
    from ..evaluation.baselines import fit_baseline

    refuse_unwritable_ledger(args.ledger)
    options = set_options(args)
    train, table = _faces(args, options)
    place = "-".join([args.dataset, args.labels, *options_in_name(options), args.split])
    entries = []
    for name in METHODS if args.method == "all" else (args.method,):
        fitted = fit_baseline(name, train, args.seed, args.by_subject)
        report = fitted.evaluate(table)
        entry = _entry(args, fitted, report, train, table) | {"options": options}
        ledger.append(entry, f"baseline-{name}-{place}", args.ledger)
        entries.append(entry)
        if not args.json:
            low, high = report.interval
            setting = ", ".join(f"{key} {value:g}" for key, value in fitted.chosen.items())
            print(
                f"{name:12} {args.dataset} {args.split}, {args.labels} labels: {report.accuracy:.2%} "
                f"(95 % interval {low:.2%} to {high:.2%}, n = {report.n}); "
                f"fitted on {len(train)} faces, {setting}",
                flush=True,
            )
    page = None if args.ledger or args.limit else reproductions.write_page()
    if args.json:
        print(json.dumps(entries))
    elif page is not None:
        print(f"table: {page}")


def _faces(args: argparse.Namespace, options: dict[str, Any]) -> tuple[FaceTable, FaceTable]:
    """Return the training faces, and those to measure on."""
    from ..errors import InputError
    from ..faces.catalogue import load_faces
    from ..faces.splits import stratified

    splits = load_faces(args.dataset, root=args.root, labels=args.labels, **options)
    parts = splits.parts()
    for part in ("train", args.split):
        if part not in parts:
            raise InputError(f"{args.dataset} as found here has no {part} split: it has {', '.join(parts)}")
    train = parts["train"]
    if args.limit is not None:
        if not 0 < args.limit <= len(train):
            raise InputError(f"--limit {args.limit}: there are from 1 to {len(train)} training faces")
        train = train[stratified(train.labels, (args.limit, len(train) - args.limit), args.seed)[0]]
    return train, parts[args.split]


def _entry(
    args: argparse.Namespace, fitted: FittedBaseline, report: Report, train: FaceTable, table: FaceTable
) -> dict[str, Any]:
    from importlib.metadata import version

    from ..circumstances import circumstances
    from ..evaluation import ledger

    now = circumstances()
    now["versions"] |= {name: version(name) for name in ("scikit-image", "scikit-learn")}
    return {
        "kind": "baseline",
        "dataset": args.dataset,
        "labels": args.labels,
        "split": args.split,
        "train": ledger.describe_table(train),
        "faces": ledger.describe_table(table),
        "network": {"kind": fitted.name, "arguments": fitted.chosen, "parameters": fitted.parameters},
        "selection": "highest accuracy on held-out training faces, the first of equals",
        "searched": fitted.searched,
        "seed": args.seed,
        **({} if args.limit is None else {"limit": args.limit}),
        **report.as_dict(),
        **now,
    }
