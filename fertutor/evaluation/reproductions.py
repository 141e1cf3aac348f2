"""The book's page of reproduced results: the paper's accuracies beside those of the ledger.

Paper, tables 1 to 4. Book page: *Reproductions*.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

from ..checkout import ROOT
from ..files import replacing
from . import ledger
from .paper import OURS, TABLES
from .record import Entries, recipe_words

PAPER_ACCURACY = {name: accuracies[OURS] for name, accuracies in TABLES.items()}
"""The paper's own, tables 1 to 4."""

STAND_INS = {
    "fer2013": "drawn-wild",
    "ckplus": "drawn-posed",
    "jaffe": "drawn-studio",
    "ferg": "drawn-cartoon",
}

LARGE = 1000
"""Test faces from which on a single pair of divisions is worth showing."""

PAGE = Path("book") / "reproductions.md"

HEAD = """# Reproductions

`fertutor reproduce NAME` trains the network of Figure 3 on a face set by the paper's recipe, or by another
that is asked for, keeps the weights that are best on validation, opens the test part, writes both to the
ledger, and rewrites this page from the ledger, where the entries are called `reproduce-train-…` and
`reproduce-test-…`. A published set needs its licence and `--root DIR`; the drawn stand-ins need nothing.
Accuracies of drawn and real faces cannot be compared with each other, only the rows of one set. Where a set
has rows of several recipes, the later recipe was chosen after the earlier one's result was seen: read these
as exploration. *Set 1*, *set 2* and so on are other drawings of a stand-in, with other people and another
division. The intervals count the luck of the faces only. Where whole people are in the test part, other
people may differ by more: that of drawn-cartoon is a single character. And each row is one training, whose
luck counts too. A row "not measured" is filled in by `fertutor reproduce NAME --root DIR`.

| set | paper | test accuracy (95 % interval) | n | division | recipe | seed |
|---|---|---|---|---|---|---|
"""

DEAD = """
A network that is no better than guessing has, as a rule, died early. At the paper's rate of 0.005 the first
steps, taken before there is anything to follow, can drive all units of its trunk below zero, or the grid of
its transformer out of the picture, where the sampler reads only zeros. Either way the last layers see the
same of every face, no gradient comes back, and the loss stays at that of guessing. Whether it happens is a
matter of luck, on small sets and on large ones; a rate of 0.001 is slow enough to learn first.
"""

DIVISIONS = """
## What a random division hides

The same method on the same faces, divided at random and by people. Each pair has seeds of
its own, and other people; given is the mean over the pairs, on the test parts. On the 63 to 113 faces of the
small sets, the luck of the faces alone gives one accuracy a standard error of 4 to 6 points; the people
and the training add to it. Left out are methods that only guess where faces are dealt at random, which have
learnt nothing that a division could flatter, networks that say one word to every face, and single pairs on
fewer than 1,000 test faces, where the difference is mostly luck.
{doc}`four-data-sets` reads this table.

| set | method | pairs | dealt at random | whole people dealt | the random division flatters by |
|---|---|---|---|---|---|
"""

METHODS = """
## Methods of the paper's time

`fertutor baselines NAME` fits histograms of gradients (hog) or of local binary patterns (lbp) with a linear
support vector machine, and Fisherfaces, and measures them. Of each division, seed 0 is listed.

| set | method | part | accuracy (95 % interval) | n | division | fitted on |
|---|---|---|---|---|---|---|
"""


def page(entries: Entries) -> str:
    """Return the page, Markdown, from ledger entries by name."""
    made = {key: entry for key, entry in entries.items() if entry.get("reproduces")}
    text = HEAD + _lines(_result_rows(made))
    if any(guesses(entry) for entry in made.values()):
        text += DEAD
    if compared := divisions(entries):
        text += DIVISIONS + _lines(_division_row(*group) for group in compared.items())
    if methods := [_method_row(entry) for entry in _latest_baselines(entries)]:
        text += METHODS + _lines(methods)
    return text


def guesses(entry: Mapping[str, Any]) -> bool:
    """Return whether an evaluation is no better than always naming the most frequent expression.

    That is when this would be within the accuracy's 95 % interval.
    """
    most_frequent = max(map(sum, entry["confusion"])) / entry["n"]
    return bool(entry["interval"][0] <= most_frequent)


def _is_stuck(entry: Mapping[str, Any]) -> bool:
    """Return whether one word was said to every face, as by a network whose units have died."""
    return sum(map(any, zip(*entry["confusion"], strict=True))) == 1


def divisions(entries: Entries) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Return what the two divisions came to: set, method → accuracy at random and by people for each seed.

    A pair is two entries of `fertutor reproduce`, or of `fertutor baselines`, that differ in
    `--by-subject` only; of entries that agree in all else the last one counts. Left out are methods that
    only guess where faces are dealt at random, which have learnt nothing that a division could flatter,
    networks that say one word to every face, and a single pair on small test parts, which is luck.
    """
    found: dict[tuple[str, str, tuple[int, int], str], dict[bool, Mapping[str, Any]]] = {}
    for entry in sorted(entries.values(), key=lambda entry: str(entry.get("date"))):
        if entry.get("split") != "test" or "options" not in entry or "limit" in entry or _is_stuck(entry):
            continue
        if entry.get("reproduces"):
            method = recipe_words(entry)
        elif entry["kind"] == "baseline":
            method = entry["network"]["kind"]
        else:
            continue
        options = dict(entry["options"])
        people = bool(options.pop("by_subject", False))
        seeds = (options.pop("seed", 0), entry["seed"])
        rest = json.dumps([options, entry["labels"]], sort_keys=True)
        found.setdefault((entry["dataset"], method, seeds, rest), {})[people] = entry
    compared: dict[tuple[str, str], list[dict[bool, Mapping[str, Any]]]] = {}
    for (dataset, method, *_), pair in sorted(found.items()):
        if len(pair) == 2 and not guesses(pair[False]):
            compared.setdefault((dataset, method), []).append(pair)
    return {
        group: [(pair[False]["accuracy"], pair[True]["accuracy"]) for pair in pairs]
        for group, pairs in compared.items()
        if len(pairs) > 1 or pairs[0][False]["n"] >= LARGE
    }


def _lines(rows: Any) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _result_rows(made: Entries) -> list[list[str]]:
    rows = []
    for real, drawn in STAND_INS.items():
        for name in (real, drawn):
            shown = (tuple(_result_row(entry)) for entry in made.values() if entry["dataset"] == name)
            own = list(map(list, dict.fromkeys(shown)))  # the test part may have been opened again
            if not own and name == real:
                own = [[name, f"{PAPER_ACCURACY[name]:.1%}", "not measured", *["–"] * 4]]
            rows += sorted(own, key=lambda row: (row[5], int(row[6]) if row[6].isdecimal() else 0, row[4]))
    return rows


def _result_row(entry: Mapping[str, Any]) -> list[str]:
    name = entry["dataset"]
    return [
        name,
        f"{PAPER_ACCURACY[name]:.1%}" if name in PAPER_ACCURACY else "–",
        _accuracy(entry) + (", no better than guessing" if guesses(entry) else ""),
        f"{entry['n']:,}",
        _division(entry),
        recipe_words(entry),
        str(entry["seed"]),
    ]


def _accuracy(entry: Mapping[str, Any]) -> str:
    low, high = (100 * end for end in entry["interval"])
    return f"{entry['accuracy']:.1%} ({low:.1f}–{high:.1f})"


def _division(entry: Mapping[str, Any]) -> str:
    """Put the options of the set in words."""
    options = dict(entry.get("options", {}))  # the first entries have none
    given = "its makers'" if entry["dataset"] in ("fer2013", "drawn-wild") else "at random"
    words = ["by people" if options.pop("by_subject", False) else given]
    words += [f"{'set' if name == 'seed' else name} {value}" for name, value in options.items()]
    if entry["labels"] != "original":
        words.append(f"labels {entry['labels']}")
    return ", ".join(words)


def _division_row(group: tuple[str, str], pairs: list[tuple[float, float]]) -> list[str]:
    random, people = (mean(values) for values in zip(*pairs, strict=True))
    differences = [100 * (first - second) for first, second in pairs]
    average, *each = (f"{value:.1f}".replace("-", "−") for value in (mean(differences), *differences))
    return [
        *group,
        str(len(pairs)),
        f"{random:.1%}",
        f"{people:.1%}",
        f"{average} points ({', '.join(each)})",
    ]


def _latest_baselines(entries: Entries) -> list[Mapping[str, Any]]:
    """Return the last entry of each baseline on each set's own faces, part and division, set by set."""
    order = [name for pair in STAND_INS.items() for name in pair]
    latest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for entry in entries.values():
        if (
            entry.get("kind") == "baseline"
            and "limit" not in entry
            and "seed" not in entry.get("options", {})
        ):
            place = (order.index(entry["dataset"]), entry["labels"], entry["split"], _division(entry))
            what = (*place, entry["network"]["kind"])
            if what not in latest or latest[what]["date"] < entry["date"]:
                latest[what] = entry
    return [latest[what] for what in sorted(latest)]


def _method_row(entry: Mapping[str, Any]) -> list[str]:
    return [
        entry["dataset"],
        entry["network"]["kind"],
        {"val": "validation"}.get(entry["split"], entry["split"]),
        _accuracy(entry),
        f"{entry['n']:,}",
        _division(entry),
        f"{entry['train']['n']:,}",
    ]


def write_page(folder: Path | None = None) -> Path | None:
    """Rewrite the book's page from the ledger; None where there is no book (an installed library)."""
    path = ROOT / PAGE
    if not path.parent.is_dir():
        return None
    text = page(ledger.read(folder))
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path
