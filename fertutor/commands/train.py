"""``fertutor train``: a network, a face set and a recipe become weights and a ledger entry."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..files import refuse_unwritable, shortened
from ..training.defaults import DEFAULTS
from .device_option import add_device_option, add_precision_option
from .folder_option import folder
from .ledger_option import add_ledger_option, refuse_unwritable_ledger
from .recipe_options import add_recipe_options, changes
from .seed_option import seed
from .set_options import (
    add_faces,
    add_labels_option,
    add_set_options,
    hold_out_of,
    options_in_name,
    set_options,
)

if TYPE_CHECKING:
    from torch import nn

    from ..faces.table import FaceSplits
    from ..training.loop import Run
    from ..training.recipes import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is trained, on what, how and where to."""
    add_faces(parser)
    add_labels_option(parser)
    add_set_options(parser)
    add_recipe_options(parser)
    parser.add_argument(
        "--network",
        help="attentional, that of Figure 3, or compact, best or deep, which need --recipe compact or "
        f"--penalty 0 (default: {DEFAULTS['network']})",
    )
    parser.add_argument("--sampler", choices=("features", "input", "none"), help="where the attention acts")
    parser.add_argument(
        "--channels", type=int, help="of attentional: kernels of each convolution of the trunk"
    )
    parser.add_argument(
        "--widths",
        type=_widths,
        help="of compact and best: kernels of each convolution, seven or more, such as 24,24,48,48,64,64,96",
    )
    parser.add_argument("--dropout", type=float, help="probability, instead of the network's own")
    parser.add_argument(
        "--hold-out", type=float, metavar="SHARE", help="validate on this share of the training faces instead"
    )
    parser.add_argument(
        "--seed",
        type=seed,
        default=DEFAULTS["seed"],
        help="of all that is left to chance (default: %(default)s)",
    )
    add_device_option(parser)
    parser.add_argument("--devices", type=int, default=1, help="processes that share each batch (default: 1)")
    add_precision_option(parser)
    parser.add_argument(
        "--no-graphs",
        dest="graphs",
        action="store_false",
        help="on a GPU take each step as it is, instead of replaying a recorded one",
    )
    parser.add_argument(
        "--from", dest="start", metavar="WEIGHTS", help="go on from these weights, which bring their network"
    )
    parser.add_argument(
        "--teacher",
        action="append",
        default=[],
        metavar="WEIGHTS",
        help="train on what these weights say of the faces, too; give it once for each teacher, and with "
        "--hold-out only teachers that were trained with the same",
    )
    parser.add_argument(
        "--teacher-share",
        type=float,
        default=DEFAULTS["teacher_share"],
        help="of the teachers in each target (default: %(default)s)",
    )
    parser.add_argument("--out", type=folder, help="the run's folder (default: runs/DATASET-…)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--note", default="", help="a sentence for the ledger")
    add_ledger_option(parser)


def _widths(text: str) -> list[int]:
    numbers = text.split(",")
    if not all(number.isascii() and number.isdigit() and len(number) < 10 for number in numbers):
        raise argparse.ArgumentTypeError(f"expected whole numbers separated by commas, not {text}")
    return [int(number) for number in numbers]


def run(args: argparse.Namespace) -> None:
    """Train, then write the ledger entry."""
    import torch

    from ..evaluation import ledger
    from ..faces.catalogue import load_faces
    from ..network.weights import weights_path
    from ..training.device import choose_setting, describe
    from ..training.loop import BEST, train
    from ..training.objective import penalised_layers

    recipe = first_recipe(args)
    options = set_options(args)
    splits = load_faces(args.dataset, root=args.root, labels=args.labels, **options)
    if args.hold_out is not None:
        splits = hold_out_of(splits, args.hold_out, args.by_subject)
        options["hold_out"] = args.hold_out
    # the network's own initialisation draws from torch's generator
    torch.manual_seed(args.seed)
    network = first_network(args, 7 if splits.train is None else splits.train.classes)
    start = ledger.file_sha256(weights_path(args.start)) if args.start else None
    if recipe.penalty:
        penalised_layers(network)  # before teachers are asked
    refuse_unwritable_ledger(args.ledger)
    out = args.out or Path("runs") / shortened(_name(args, options, network, recipe))
    faces, teachers = splits, None
    if args.teacher:
        recipe = replace(recipe, soft=True)  # no number of the reader's: the folder's name is without it
        faces, teachers = taught_splits(splits, args, recipe, out)
    setting = choose_setting(args.device, args.precision)
    leads = int(os.environ.get("RANK", "0")) == 0  # under torchrun the first process speaks for all
    if leads:
        print(f"training on {describe(setting)}", file=sys.stderr)
    result = train(
        network,
        faces,
        recipe,
        seed=args.seed,
        device=args.device,
        precision=args.precision,
        out=out,
        resume=args.resume,
        devices=args.devices,
        graphs=args.graphs,
        start=start,
    )
    if not leads:
        return
    entry = ledger.describe_training(result, args.dataset, args.labels, splits.parts()) | {"options": options}
    if args.start:
        entry |= {"start": args.start, "start_sha256": start}
    if teachers:
        entry["teachers"] = teachers
    if args.note:
        entry["note"] = args.note
    # a finished run that is resumed has its entry
    known = ledger.find(entry, args.ledger) if args.resume else None
    path = known or ledger.append(entry, f"train-{out.resolve().name}", args.ledger)
    _print(result)
    print(f"weights: {out / BEST}")
    print(f"ledger: {path}")


def first_recipe(args: argparse.Namespace) -> Recipe:
    """Return the recipe that was named, with the numbers that were given; weights of ``--from`` stay.

    Raises:
        InputError: as :func:`chosen_recipe`, and for a number that ``--from`` or ``--teacher`` excludes.
    """
    from ..training.recipes import find_recipe

    given = changes(args)
    recipe = find_recipe(args.recipe, **given)
    if args.start:
        if given.get("gaussian") is not None:
            raise InputError(
                f"--set gaussian={given['gaussian']} would throw the weights of {args.start} away: "
                "leave it out, or --from"
            )
        recipe = replace(recipe, gaussian=None)
    if args.teacher_share != DEFAULTS["teacher_share"] and not args.teacher:
        raise InputError(
            f"--teacher-share {args.teacher_share:g} needs a teacher: name weights with --teacher"
        )
    if args.teacher and given.get("soft") is False:
        raise InputError("--set soft=false would pass over what the teachers say: leave it out, or --teacher")
    return recipe


def _name(args: argparse.Namespace, options: dict[str, Any], network: nn.Module, recipe: Recipe) -> str:
    """Return the name of the run's folder: all that is not the default."""
    from ..network.weights import kind_of
    from ..training.recipes import changed_numbers

    changed = changed_numbers(recipe.as_dict())
    changed.pop("epochs", None)  # a run may be resumed with more
    widths = "-".join(map(str, args.widths)) if args.widths else None
    built = {"channels": args.channels, "widths": widths, "dropout": args.dropout}
    return "-".join(
        [
            args.dataset,
            args.labels,
            *options_in_name(options),
            kind_of(network),
            *([args.sampler] if args.sampler else []),
            *options_in_name({name: value for name, value in built.items() if value is not None}),
            recipe.name,
            *options_in_name(changed),
            str(args.seed),
        ]
    )


def _print(result: Run) -> None:
    """Print how the training went."""
    best = result.history[result.best_epoch - 1]
    print(
        f"best on validation: {best['val_accuracy']:.2%}, epoch {result.best_epoch} of {len(result.history)}"
    )
    if result.diverged:
        print(result.divergence)


def first_network(args: argparse.Namespace, classes: int) -> nn.Module:
    """Return the network that training begins with: a new one, or that of ``--from``.

    Raises:
        InputError: for a network that cannot be built or read, or another one beside ``--from``.
    """
    from ..network.weights import build_network, load_network

    names = ("network", "sampler", "channels", "widths", "dropout")
    given = {name: getattr(args, name) for name in names}
    built = {name: value for name, value in given.items() if value is not None}
    if not args.start:
        return build_network(built.pop("network", DEFAULTS["network"]), classes=classes, **built)
    if built:
        raise InputError(f"{args.start} brings its own network: leave out --{next(iter(built))}, or --from")
    return load_network(args.start)


def taught_splits(
    splits: FaceSplits, args: argparse.Namespace, recipe: Recipe, out: Path
) -> tuple[FaceSplits, dict[str, Any]]:
    """Return splits with the teachers' votes, which the run's folder keeps, and who teaches.

    Raises:
        InputError: for no training faces, several processes, teachers that cannot be read or do not suit the
            faces, a folder that holds another run, or one that cannot be written.
    """
    from ..evaluation import ledger
    from ..network.weights import load_network, weights_path
    from ..training.device import choose_setting
    from ..training.loop import refuse_old_run
    from ..training.teachers import load_votes, save_votes, taught

    if splits.train is None:
        raise InputError(f"{splits.name} has no training faces to teach on")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("one process asks the teachers: share the run with --devices instead of torchrun")
    networks = [load_network(weights) for weights in args.teacher]
    facts = {
        "weights": args.teacher,
        "sha256": [ledger.file_sha256(weights_path(weights)) for weights in args.teacher],
        "share": args.teacher_share,
    }
    if args.resume:
        return replace(splits, train=load_votes(splits.train, facts, out)), facts
    refuse_old_run(out)
    refuse_unwritable(out)
    setting = choose_setting(args.device, args.precision)
    table = taught(
        splits.train, networks, args.teacher_share, recipe.augmentation, seed=args.seed, setting=setting
    )
    assert table.votes is not None
    save_votes(table.votes, facts, out)
    return replace(splits, train=table), facts
