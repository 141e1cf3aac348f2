"""The options of a face set that several commands share: how it is divided, and what of CK+ is taken."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..expressions import LABELS
from .seed_option import seed

if TYPE_CHECKING:
    from ..faces.table import FaceSplits, FaceTable

BELONG_TO = {
    "by_subject": ("ckplus", "jaffe", "ferg", "drawn-posed", "drawn-studio", "drawn-cartoon"),
    "split_seed": ("ckplus", "jaffe", "ferg", "drawn-wild", "drawn-posed", "drawn-studio", "drawn-cartoon"),
    "sequences": ("ckplus",),
    "contempt": ("ckplus",),
}
"""Option → the sets that have it."""


def add_faces(parser: argparse.ArgumentParser, about: str = "a face set, see `fertutor datasets`") -> None:
    """Add the set and where it lies.

    Args:
        parser: of the command.
        about: the help for the set.
    """
    parser.add_argument("dataset", metavar="DATASET", help=about)
    parser.add_argument("--root", help="folder of a published set (default: $FERTUTOR_DATA/DATASET)")


def add_labels_option(parser: argparse.ArgumentParser) -> None:
    """Add the choice among the labels of FER-2013."""
    parser.add_argument(
        "--labels",
        default=LABELS[0],
        choices=LABELS,
        help="of fer2013: its own, or FER+'s: a majority for one of seven or of eight expressions, or most "
        "votes of seven, which keeps the disputed faces too (default: %(default)s)",
    )


def add_set_options(parser: argparse.ArgumentParser) -> None:
    """Add the options; without them a set is divided as in the paper."""
    parser.add_argument(
        "--by-subject", action="store_true", help="divide by people: nobody is in training and in test"
    )
    parser.add_argument(
        "--split-seed",
        type=seed,
        help="of the division; another seed of a drawn set draws other people (default: 0)",
    )
    parser.add_argument(
        "--sequences", choices=("labelled", "all"), help="ckplus: the 327 labelled, or all 593 (see the book)"
    )
    parser.add_argument(
        "--contempt", choices=("drop", "keep"), help="ckplus: leave contempt out, or as the eighth class"
    )


def set_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were given, as :func:`fertutor.load_faces` takes them.

    Raises:
        InputError: for an option that the set does not have.
    """
    given = {name: value for name in BELONG_TO if (value := getattr(args, name)) not in (None, False)}
    for name in given:
        if args.dataset not in BELONG_TO[name]:
            raise InputError(
                f"--{name.replace('_', '-')} is no option of {args.dataset}, "
                f"only of {', '.join(BELONG_TO[name])}"
            )
    if "split_seed" in given:
        given["seed"] = given.pop("split_seed")
    return given


def chosen_split(
    args: argparse.Namespace, labels: str, without_copies: bool = False
) -> tuple[FaceTable, dict[str, Any]]:
    """Return the faces that ``dataset``, ``root``, ``split`` and the set's options name, and these options.

    Args:
        args: of the command.
        labels: see :func:`fertutor.load_faces`.
        without_copies: leave out the faces that are among the training faces, too.

    Raises:
        InputError: for an option that the set does not have, or a split that the copy at hand lacks.
    """
    from ..faces.catalogue import load_faces
    from ..faces.survey import copies

    options = set_options(args)
    parts = load_faces(args.dataset, root=args.root, labels=labels, **options).parts()
    if args.split not in parts:
        raise InputError(
            f"{args.dataset} as found here has no {args.split} split, only {' and '.join(parts)}: choose "
            "one of these with --split, or give a copy of the set that holds it"
        )
    table = parts[args.split]
    if without_copies:
        if "train" not in parts:
            raise InputError(
                f"{args.dataset} as found here has no training faces to compare with: leave out "
                "--without-copies, or give a copy of the set that holds them"
            )
        table = table[~copies(table, parts["train"])]
    return table, options


def hold_out_of(splits: FaceSplits, share: float, by_subject: bool) -> FaceSplits:
    """Return splits whose validation faces are a share of the training faces, the same for every seed.

    For tuning: the set's own validation part is left for the choice among finalists. A set that was divided
    by people is divided so here, too.

    Raises:
        InputError: for no training faces, a share that is not between 0 and 1, or one that leaves no face
            on one side.
    """
    from ..faces.splits import hold_out, hold_out_people

    if splits.train is None:
        raise InputError(f"{splits.name} has no training faces to hold some out of")
    if not 0 < share < 1:
        raise InputError(f"--hold-out must lie between 0 and 1, not {share:g}")
    if by_subject:
        assert splits.train.subjects is not None  # or it could not have been divided by them
        try:
            kept, held = hold_out_people(splits.train.subjects, share)
        except ValueError as error:
            raise InputError(f"--hold-out {share:g}: {error}") from None
    else:
        kept, held = hold_out(splits.train.labels, share)
    if not len(kept) or not len(held):
        raise InputError(f"--hold-out {share:g} of {len(splits.train)} faces leaves one side without any")
    return replace(splits, train=splits.train[kept], val=splits.train[held])


def options_in_name(options: dict[str, Any]) -> list[str]:
    """Return the options as parts of a file's name."""
    return [
        name.replace("_", "-") + ("" if value is True else f"-{value}") for name, value in options.items()
    ]
