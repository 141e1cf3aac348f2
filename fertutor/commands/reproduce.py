"""``fertutor reproduce``: train by the paper's recipe, evaluate on the test part, record both."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import expanded, shortened
from .device_option import add_device_option, add_precision_option
from .folder_option import folder
from .ledger_option import refuse_unwritable_ledger
from .recipe_options import add_recipe_options, chosen_recipe
from .seed_option import seed
from .set_options import add_faces, add_labels_option, add_set_options, options_in_name, set_options

if TYPE_CHECKING:
    from ..evaluation.report import Report
    from ..faces.table import FaceSplits
    from ..training.loop import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the set and what may differ from the paper."""
    add_faces(parser, "fer2013, ckplus, jaffe, ferg or a drawn stand-in")
    add_labels_option(parser)
    add_set_options(parser)
    add_recipe_options(parser)
    parser.add_argument("--sampler", default="features", choices=("features", "input", "none"))
    parser.add_argument("--seed", type=seed, default=0, help="of the training")
    add_device_option(parser)
    add_precision_option(parser)
    parser.add_argument("--out", type=folder, help="the run's folder (default: runs/reproduce-…)")
    parser.add_argument(
        "--ledger", type=expanded, help="folder of the ledger entries; the book's page is then left"
    )


def run(args: argparse.Namespace) -> None:
    """Train (or go on with the run that is there), evaluate, record, rewrite the book's page."""
    import torch

    from ..errors import InputError
    from ..evaluation import ledger, reproductions
    from ..evaluation.report import evaluate
    from ..faces.catalogue import load_faces
    from ..network.attentional import AttentionalCNN
    from ..training.checkpoint import FILE
    from ..training.device import choose_setting, describe
    from ..training.loop import BEST, train
    from ..training.recipes import changed_numbers

    options = set_options(args)
    recipe = chosen_recipe(args)
    splits = load_faces(args.dataset, root=args.root, labels=args.labels, **options)
    missing = [part for part in ("train", "val", "test") if part not in splits.parts()]
    if missing:
        raise InputError(
            f"{args.dataset} as found here has no {' and no '.join(missing)} part: "
            "reproducing needs the whole set"
        )
    assert splits.train is not None
    assert splits.test is not None
    torch.manual_seed(args.seed)  # of the network's own initialisation
    network = AttentionalCNN(sampler=args.sampler, classes=splits.train.classes)
    name = "-".join(
        [
            args.dataset,
            args.labels,
            *options_in_name(options),
            args.sampler,
            recipe.name,
            *options_in_name(changed_numbers(recipe.as_dict())),
            str(args.seed),
        ]
    )
    out = args.out or Path("runs") / shortened(f"reproduce-{name}")
    refuse_unwritable_ledger(args.ledger)
    resume = (out / FILE).exists()
    print(f"training on {describe(choose_setting(args.device, args.precision))}", file=sys.stderr)
    result = train(
        network,
        splits,
        recipe,
        seed=args.seed,
        device=args.device,
        precision=args.precision,
        out=out,
        resume=resume,
    )
    report = evaluate(result.network, splits.test, device=args.device)
    trained, tested = _entries(args, options, splits, result, report)
    if not (resume and ledger.find(trained, args.ledger)):  # a finished run has its entry
        ledger.append(trained, f"reproduce-train-{name}", args.ledger)
    # each opening of the test part has one
    path = ledger.append(tested, f"reproduce-test-{name}", args.ledger)
    low, high = report.interval
    print(f"test accuracy {report.accuracy:.2%} (95 % interval {low:.2%} to {high:.2%}, n = {report.n})")
    if result.diverged:
        print(result.divergence)
    elif reproductions.guesses(tested):
        print(
            "that is no better than guessing: the network may have died early, as the book's page "
            "Reproductions explains; try --learning-rate 0.001 or another --seed"
        )
    if args.dataset in reproductions.PAPER_ACCURACY:
        print(f"the paper says {reproductions.PAPER_ACCURACY[args.dataset]:.2%}")
    print(f"weights: {out / BEST}")
    print(f"ledger: {path}")
    page = None if args.ledger else reproductions.write_page()
    if page is not None:
        print(f"table: {page}")
        if args.dataset in reproductions.PAPER_ACCURACY:
            print("the tables of the chapter The record: make chapters CHAPTERS=book/the-record.ipynb")


def _entries(
    args: argparse.Namespace,
    options: dict[str, Any],
    splits: FaceSplits,
    result: Run,
    report: Report,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the ledger entries of the training and of the test."""
    from ..circumstances import circumstances
    from ..evaluation import ledger, paper
    from ..training.loop import BEST
    from ..training.recipes import changed_numbers

    assert splits.test is not None
    trained = ledger.describe_training(result, args.dataset, args.labels, splits.parts())
    tested = {
        "kind": "evaluation",
        "reproduces": f"Table {paper.TABLE_NUMBERS.get(args.dataset, '–')}",
        "weights": BEST,
        "weights_sha256": trained["weights_sha256"],
        "dataset": args.dataset,
        "labels": args.labels,
        "options": options,
        "split": "test",
        "notes": list(splits.notes),
        "faces": ledger.describe_table(splits.test),
        "network": ledger.describe_network(result.network),
        "recipe": result.recipe.name,
        "changed": changed_numbers(result.recipe.as_dict()),
        "epochs": len(result.history),
        "best_epoch": result.best_epoch,
        "best_val_accuracy": result.best_val_accuracy,
        "seed": args.seed,
        **report.as_dict(),
        **circumstances(),
    }
    return trained | {"options": options}, tested
