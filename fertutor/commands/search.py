"""``fertutor search``: look for a recipe's best numbers on validation faces."""

from __future__ import annotations

import argparse
import hashlib
import json
from typing import Any

from ..errors import InputError
from ..files import expanded
from .device_option import add_device_option
from .ledger_option import add_ledger_option, refuse_unwritable_ledger
from .seed_option import seed
from .set_options import add_faces, add_labels_option, add_set_options, hold_out_of, set_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is searched, on which faces, and where trials are kept."""
    parser.add_argument(
        "--over",
        action="append",
        required=True,
        metavar="NAME=LOW:HIGH",
        help="penalty, learning_rate or weight_decay with its range, e.g. penalty=1e-6:1e-2",
    )
    parser.add_argument("--trials", type=int, default=20, help="trainings of this call (default: 20)")
    add_faces(parser)
    add_labels_option(parser)
    add_set_options(parser)
    parser.add_argument(
        "--recipe", default="paper-fixed", help="paper, paper-fixed or compact (default: paper-fixed)"
    )
    parser.add_argument(
        "--network", default="attentional", help="attentional, compact, best or deep (default: attentional)"
    )
    parser.add_argument("--epochs", type=int, default=10, help="of each trial (default: 10)")
    parser.add_argument(
        "--hold-out", type=float, default=0.1, help="share of the training faces to judge on (default: 0.1)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="of proposals and trainings (default: 0)")
    add_device_option(parser)
    parser.add_argument(
        "--storage",
        default="sqlite:///runs/search.db",
        help="an Optuna storage, which several workers may share (default: sqlite:///runs/search.db)",
    )
    add_ledger_option(parser)


def run(args: argparse.Namespace) -> None:
    """Search, then write all trials to the ledger."""
    import torch

    from ..circumstances import circumstances
    from ..evaluation import ledger
    from ..faces.catalogue import load_faces
    from ..network.weights import build_network
    from ..training.device import choose_setting
    from ..training.recipes import find_recipe
    from ..training.search import search

    refuse_unwritable_ledger(args.ledger)
    ranges: dict[str, tuple[float, float]] = {}
    for text in args.over:
        number, ends = _range(text)
        if number in ranges:
            raise InputError(f"--over {text} gives {number} a second time: leave one of the two out")
        ranges[number] = ends
    options = set_options(args)
    faces = load_faces(args.dataset, root=args.root, labels=args.labels, **options)
    splits = hold_out_of(faces, args.hold_out, args.by_subject)
    recipe = find_recipe(args.recipe, epochs=args.epochs)
    storage = args.storage
    if storage.startswith("sqlite:///"):
        file = expanded(storage.removeprefix("sqlite:///"))
        file.parent.mkdir(parents=True, exist_ok=True)
        storage = f"sqlite:///{file}"
    assert splits.train is not None
    classes = splits.train.classes

    def build() -> torch.nn.Module:
        torch.manual_seed(args.seed)
        return build_network(args.network, classes=classes)

    name = "-".join(
        [args.dataset, args.labels, args.network, recipe.name, str(args.epochs), *ranges, str(args.seed)]
    )
    options["hold_out"] = args.hold_out
    setting = choose_setting(args.device)  # trials in other numbers would not compare
    parts = {part: ledger.describe_table(splits.parts()[part]) for part in ("train", "val")}
    trials = search(
        build,
        splits,
        recipe,
        ranges,
        args.trials,
        seed=args.seed,
        device=args.device,
        storage=storage,
        study=f"{name}-{_digest(options, ranges, recipe.as_dict(), parts, setting.as_dict())}",
    )
    entry = {
        "kind": "search",
        "dataset": args.dataset,
        "labels": args.labels,
        "options": options,
        "splits": parts,
        "network": ledger.describe_network(build()),
        "recipe": recipe.as_dict(),
        "ranges": {number: list(ends) for number, ends in ranges.items()},
        "seed": args.seed,
        "trials": trials,
        **circumstances(),
    }
    print(f"ledger: {ledger.append(entry, f'search-{name}', args.ledger)}")


def _digest(*facts: Any) -> str:
    """Return eight digits that differ where any of these facts does: trials of one study must compare."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def _range(text: str) -> tuple[str, tuple[float, float]]:
    """Read ``NAME=LOW:HIGH``."""
    name, _, ends = text.partition("=")
    low, _, high = ends.partition(":")
    try:
        return name.replace("-", "_"), (float(low), float(high))
    except ValueError:
        raise InputError(f"--over {text} cannot be read: write NAME=LOW:HIGH") from None
