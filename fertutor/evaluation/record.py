"""Tables of the ledger for people: what was measured, beside what the paper says.

Book chapter: *The record*.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, pstdev, stdev
from typing import Any

from ..errors import InputError
from ..network.weights import own_argument
from ..training.defaults import DEFAULTS
from ..training.recipes import OWN_OPTIONS, changed_numbers
from . import paper
from .report import wilson_interval

Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Measured:
    """One accuracy of the ledger.

    Attributes:
        accuracy: a share.
        interval: its 95 % Wilson interval.
        n: faces it was measured on.
        parameters: of the network; None for a method that has none.
        epochs: of the training; None for an entry of another kind.
    """

    accuracy: float
    interval: tuple[float, float]
    n: int
    parameters: int | None
    epochs: int | None = None


def measured(entry: Mapping[str, Any]) -> Measured:
    """Return the accuracy of a ledger entry: a training's best on validation, an evaluation's own.

    Raises:
        InputError: for an entry without an accuracy.
    """
    if entry.get("kind") == "training":
        n = entry["splits"]["val"]["n"]
        accuracy = entry["best_val_accuracy"]
    elif "accuracy" in entry:
        n, accuracy = entry["n"], entry["accuracy"]
    else:
        raise InputError(f"a ledger entry of the kind {entry.get('kind')!r} holds no accuracy")
    interval = wilson_interval(round(accuracy * n), n)
    return Measured(accuracy, interval, n, entry["network"].get("parameters"), entry.get("epochs_done"))


def table(entries: Entries, rows: Mapping[str, str], claims: Mapping[str, float] | None = None) -> str:
    """Return a Markdown table: accuracy, interval, n, epochs and parameters of ledger entries.

    Args:
        entries: the ledger, by name.
        rows: words for the first column → name of the entry.
        claims: words → an accuracy that the paper prints; these rows come first.

    Raises:
        InputError: for a name that the ledger does not hold.
    """
    lines = ["| | accuracy | 95 % interval | n | epochs | parameters |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {words} | {_as_printed(share)} | – | – | – | – |" for words, share in (claims or {}).items()
    ]
    for words, name in rows.items():
        found = measured(_entry(entries, name))
        low, high = found.interval
        size, epochs = ("–" if count is None else f"{count:,}" for count in (found.parameters, found.epochs))
        lines.append(
            f"| {words} | {found.accuracy:.1%} | {low:.1%} to {high:.1%} | {found.n:,} | {epochs} | {size} |"
        )
    return "\n".join(lines)


def paper_table(name: str, entries: Entries) -> str:
    """Return one of the paper's Tables 1 to 4 as Markdown, with what was reached here on the same faces.

    Args:
        name: of the table's face set.
        entries: the ledger, by name. What ``fertutor reproduce`` and ``fertutor evaluate --split test``
            measured counts, by the set's own labels and divided as in the paper; of what is described by
            the same words, the last.
    """
    rows = [f"| {method} | {_as_printed(accuracy)} |" for method, accuracy in paper.TABLES[name].items()]
    found = {}
    for entry in sorted(entries.values(), key=lambda entry: str(entry.get("date"))):
        if _on_the_papers_terms(entry, name):
            accuracy, (low, high) = entry["accuracy"], (100 * end for end in entry["interval"])
            reached = f"{accuracy:.1%} ({low:.1f} to {high:.1f}, n = {entry['n']:,})"
            found[_made_by(entry)] = reached
    rows += [f"| *here: {words}* | {reached} |" for words, reached in found.items()]
    if not found:
        rows.append("| *the same network, here* | not measured |")
    return "\n".join([f"| Table {paper.TABLE_NUMBERS[name]}: {name} | accuracy |", "|---|---|", *rows])


def _on_the_papers_terms(entry: Mapping[str, Any], name: str) -> bool:
    """Return whether an entry is an accuracy on the test part, by the paper's labels and division."""
    return (
        (entry.get("kind"), entry.get("dataset"), entry.get("split")) == ("evaluation", name, "test")
        and entry["labels"] == "original"
        and set(entry.get("options", ())) <= {"sequences", "contempt"}  # CK+: the paper counts 593 sequences
    )


def _made_by(entry: Mapping[str, Any]) -> str:
    """Put in words what was measured: a recipe, or somebody's weights."""
    if "reproduces" in entry:
        words = [f"recipe {recipe_words(entry)}"]
    else:
        words = [f"weights {entry['weights']}", *(["mirrored"] if entry["tta"] else [])]
    return ", ".join([*words, *(f"{option} {value}" for option, value in entry.get("options", {}).items())])


def recipe_words(entry: Mapping[str, Any]) -> str:
    """Put the recipe of an entry of ``fertutor reproduce`` in words, with what was changed of it."""
    changed = {name: value for name, value in entry["changed"].items() if name != "epochs"}
    words = [entry["recipe"], f"{entry['epochs']} epoch{'s' if entry['epochs'] > 1 else ''}"]
    words += [f"{name.replace('_', ' ')} {value}" for name, value in changed.items()]
    sampler = entry["network"]["arguments"]["sampler"]
    return ", ".join(words if sampler == "features" else [*words, f"sampler {sampler}"])


def comparison_table(entries: Entries, rows: Mapping[str, str]) -> str:
    """Return a Markdown table of comparisons: the faces that only one of two networks recognises.

    Args:
        entries: the ledger, by name.
        rows: words for the first column → name of a comparison.

    Raises:
        InputError: for a name that the ledger does not hold, or an entry of another kind.
    """
    lines = [
        "| | only the first | only the second | difference, points | 95 % interval | p |",
        "|---|---|---|---|---|---|",
    ]
    for words, name in rows.items():
        found = _comparison(entries, name)
        difference, low, high = (100 * share for share in (found["difference"], *found["interval"]))
        lines.append(
            f"| {words} | {found['first']} | {found['second']} | {difference:+.1f} "
            f"| {low:+.1f} to {high:+.1f} | {found['p_value']:.2g} |"
        )
    return "\n".join(lines)


def saliency_table(entries: Entries, columns: Mapping[str, str], what: str) -> str:
    """Return one number of the maps of each expression as a Markdown table, a column a network.

    Args:
        entries: the ledger, by name.
        columns: words for the first row → name of an entry of ``fertutor bench saliency``.
        what: the number, as in :meth:`fertutor.saliency.by_expression.ExpressionMaps.as_dict`.

    Raises:
        InputError: for a name that the ledger does not hold.
    """
    found = [_entry(entries, name)["expressions"] for name in columns.values()]
    rows = [[name, *(_with_interval(column[name][what]) for column in found)] for name in found[0]]
    return _lines([["", *columns], ["---"] * (len(columns) + 1), *rows])


def grades_table(entries: Entries, columns: Mapping[str, str]) -> str:
    """Return deletion and insertion of each way of making maps as a Markdown table.

    Args:
        entries: the ledger, by name.
        columns: words for the first row → name of an entry of ``fertutor bench saliency``.

    Raises:
        InputError: for a name that the ledger does not hold.
    """
    grades = ("deletion", "insertion")
    found = [_entry(entries, name)["scores"] for name in columns.values()]
    head = ["map", *(f"{words}, {grade}" for words in columns for grade in grades)]
    rows = [
        [way, *(_with_interval(column[way][grade]) for column in found for grade in grades)]
        for way in found[0]
    ]
    return _lines([head, ["---"] * len(head), *rows])


def _with_interval(value: Mapping[str, Any]) -> str:
    low, high = value["interval"]
    return f"{value['mean']:.2f} [{low:.2f}, {high:.2f}]"


def _lines(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _comparison(entries: Entries, name: str) -> Mapping[str, Any]:
    entry = _entry(entries, name)
    if entry.get("kind") != "comparison":
        raise InputError(
            f"{name} is no comparison of two networks but a ledger entry of the kind {entry.get('kind')!r}"
        )
    return entry


def _as_printed(share: float) -> str:
    return f"{100 * share:.4g}%"


def counts_table(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Return counts as a Markdown table: a row a way of counting, a column a class, and the sum."""
    classes = list(next(iter(counts.values())))
    lines = ["| | " + " | ".join([*classes, "sum"]) + " |", "|---" * (len(classes) + 2) + "|"]
    for words, row in counts.items():
        numbers = [row[name] for name in classes]
        lines.append(f"| {words} | " + " | ".join(f"{n:,}" for n in [*numbers, sum(numbers)]) + " |")
    return "\n".join(lines)


def curve(entry: Mapping[str, Any], key: str = "val_accuracy") -> list[float]:
    """Return one number an epoch of a training's history."""
    return [epoch[key] for epoch in entry["history"]]


def command(entry: Mapping[str, Any]) -> str:
    """Return the command line that repeats a training, but for the folder of a published set (``--root``).

    Raises:
        InputError: for an entry of another kind.
    """
    if entry.get("kind") != "training":
        raise InputError(f"a ledger entry of the kind {entry.get('kind')!r} is not repeated by one training")
    network, recipe = entry["network"], entry["recipe"]
    changed = changed_numbers(recipe)
    options = dict(entry["options"])
    if "seed" in options:
        options["split_seed"] = options.pop("seed")
    arguments = network["arguments"]
    built = {
        "network": network["kind"],
        **{name: arguments[name] for name in ("sampler", "channels") if name in arguments},
    }
    if arguments.get("dropout") != own_argument(network["kind"], "dropout"):
        built["dropout"] = arguments["dropout"]
    if arguments.get("widths", []) != list(own_argument(network["kind"], "widths") or []):
        built["widths"] = ",".join(map(str, arguments["widths"]))
    chosen = {
        "labels": entry["labels"],
        **options,
        **({"from": entry["start"]} if "start" in entry else built),
        "recipe": recipe["name"],
        **{name: changed.pop(name) for name in OWN_OPTIONS if name in changed},
        "seed": entry["seed"],
        "precision": entry["setting"]["precision"],
    }
    teachers = entry.get("teachers")
    if teachers:
        chosen["teacher_share"] = teachers["share"]
    words = ["fertutor", "train", entry["dataset"]]
    for name, value in chosen.items():
        if value is not None and DEFAULTS.get(name) != value:
            words += (
                [f"--{name.replace('_', '-')}"]
                if value is True
                else [f"--{name.replace('_', '-')}", str(value)]
            )
    for weights in teachers["weights"] if teachers else ():
        words += ["--teacher", weights]
    for name, value in changed.items():
        words += ["--set", f"{name}={json.dumps(value)}"]
    return shlex.join(words)


def spread(entry: Mapping[str, Any]) -> float:
    """Return by how much θ differs between faces: the largest standard deviation of its six numbers.

    Raises:
        InputError: for an entry that is no count of units, or of a network without a transformer.
    """
    if not entry.get("theta"):
        raise InputError(f"a ledger entry of the kind {entry.get('kind')!r} holds no θ")
    return max(entry["theta"]["deviation"])


def mean_and_deviation(entries: Entries, names: Sequence[str]) -> str:
    """Return mean and standard deviation of the accuracies of several entries, in words."""
    shares = [measured(_entry(entries, name)).accuracy for name in names]
    return f"{100 * mean(shares):.1f} ± {100 * stdev(shares):.1f} % ({len(shares)} seeds)"


def minutes_to(entry: Mapping[str, Any], accuracy: float) -> float | None:
    """Return minutes of training to the first epoch of at least `accuracy` on validation; None if none is."""
    seconds = 0.0
    for epoch in entry["history"]:
        seconds += epoch["seconds"]
        if epoch["val_accuracy"] >= accuracy:
            return seconds / 60
    return None


def oscillation(values: Sequence[float], last: int = 20) -> float:
    """Return the standard deviation of the change from one epoch to the next, over the last epochs."""
    steps = [after - before for before, after in pairwise(values)]
    return pstdev(steps[-last:])


def _entry(entries: Entries, name: str) -> Mapping[str, Any]:
    if name not in entries:
        raise InputError(f"the ledger has no entry {name!r}: see results/")
    return entries[name]
