"""``fertutor datasets``: the face sets, or what one of them holds."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from ..errors import InputError
from .ledger_option import add_ledger_option, refuse_unwritable_ledger
from .set_options import add_labels_option, add_set_options, options_in_name, set_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the set's name and its options."""
    parser.add_argument("dataset", metavar="NAME", nargs="?", help="a face set; none lists them all")
    parser.add_argument("--root", help="folder where it lies (default: its name below $FERTUTOR_DATA)")
    add_labels_option(parser)
    add_set_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument("--record", action="store_true", help="also write the survey to the ledger")
    add_ledger_option(parser)


def run(args: argparse.Namespace) -> None:
    """Print the list, or the survey of one set."""
    if args.dataset is None:
        for option in ("root", "record"):
            if getattr(args, option):
                raise InputError(f"--{option} is of one face set: name it")
        sets = list_sets()
        print(json.dumps(sets) if args.json else describe_list(sets))
    else:
        options = set_options(args)
        if args.record:
            refuse_unwritable_ledger(args.ledger)
        figures = survey_set(args.dataset, args.root, args.labels, **options)
        if args.record:
            record(figures, args.labels, options, args.ledger)
        print(json.dumps(figures) if args.json else describe_survey(figures))


def list_sets() -> list[dict[str, Any]]:
    """Return name, place, presence and terms of every set."""
    from ..faces.catalogue import FACE_SETS, default_root

    rows = []
    for face_set in FACE_SETS.values():
        root = None if face_set.drawn else default_root(face_set.name)
        rows.append(
            {
                "name": face_set.name,
                "about": face_set.about,
                "licence": face_set.licence,
                "root": None if root is None else str(root),
                "present": face_set.drawn or (root is not None and os.path.exists(root)),
            }
        )
    return rows


def survey_set(name: str, root: str | None, labels: str, **options: Any) -> dict[str, Any]:
    """Return the survey of a set; of FER-2013 also the counts by FER+ where its votes are at hand."""
    from ..faces.catalogue import find_root, load_faces
    from ..faces.survey import survey
    from ..faces.votes import survey_votes

    figures = survey(load_faces(name, root, labels, **options))
    if name == "fer2013" and labels == "original":
        from ..faces.fer2013 import FERPLUS_RULES, has_votes

        if has_votes(find_root(name, root)):
            try:
                figures["ferplus"] = {
                    labels: {
                        part: {"n": len(table), "counts": table.counts(), "votes": survey_votes(table)}
                        for part, table in load_faces(name, root, labels).parts().items()
                    }
                    for labels in FERPLUS_RULES
                }
            except InputError as error:  # the set's own labels are as good as they were
                figures["notes"] = [*figures["notes"], f"FER+ is left out: {error}"]
    return figures


def record(figures: dict[str, Any], labels: str, options: dict[str, Any], folder: Path | None) -> None:
    """Append the survey to the ledger, in a folder or in ``results/``; the book reads those of real sets."""
    from ..circumstances import circumstances
    from ..evaluation import ledger

    entry = {"kind": "survey", "dataset": figures["name"], "labels": labels, "options": options, **figures}
    name = "-".join(["survey", figures["name"], labels, *options_in_name(options)])
    path = ledger.append(entry | circumstances(), name, folder)
    print(f"ledger: {path}", file=sys.stderr)


def describe_list(sets: list[dict[str, Any]]) -> str:
    """Put the list in words."""
    lines = []
    for row in sets:
        place = row["root"] or ("drawn on first use" if row["present"] else "FERTUTOR_DATA is not set")
        state = "" if row["present"] else " (not there)" if row["root"] else ""
        lines += [f"{row['name']:14} {row['about']}", f"{'':14} {place}{state}", f"{'':14} {row['licence']}"]
    return "\n".join(lines)


def describe_survey(figures: dict[str, Any]) -> str:
    """Put the survey in words."""
    lines = [figures["name"], *(f"  {note}" for note in figures["notes"]), ""]
    lines += _table(figures["splits"])
    for part, values in figures["splits"].items():
        lines.append(_duplicates(f"{part}: ", values["duplicates"], "occur more than once"))
    for pair, values in figures["across"].items():
        lines.append(_duplicates("", values, f"are in both {' and '.join(pair.split('-'))}"))
    lines.append("blank images: " + ", ".join(f"{k} {v['blank']}" for k, v in figures["splits"].items()))
    for labels, parts in figures.get("ferplus", {}).items():
        lines += ["", f"with --labels {labels}", *_table(parts)]
    return "\n".join(lines)


def _table(parts: dict[str, Any]) -> list[str]:
    head = f"{'':10}" + "".join(f"{part:>9}" for part in parts)
    names = next(iter(parts.values()))["counts"] if parts else {}
    rows = [f"{name:10}" + "".join(f"{part['counts'][name]:9,}" for part in parts.values()) for name in names]
    return [head, *rows, f"{'all':10}" + "".join(f"{part['n']:9,}" for part in parts.values())]


def _duplicates(start: str, values: dict[str, int], where: str) -> str:
    text = f"{start}{values['images']:,} exact images {where}"
    if not values["images"]:
        return text
    return (
        f"{text} ({values['rows']:,} rows), {values['with_different_labels']:,} of them with different labels"
    )
