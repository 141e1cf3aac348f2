"""Numbers of the book's tables, derived again from the ledger: without this a figure typed by hand, or left
over from an earlier run, would pass for a measurement."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from scipy.stats import binomtest

from fertutor.evaluation import paper, reproductions

PAGES = sorted((*(ROOT / "book").glob("*.ipynb"), *(ROOT / "book").glob("*.md")))
ENTRIES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "results").glob("*.json")
}
SHARE = re.compile(r"\d+(?:\.\d+)?\s?%")
PRINTED = {f"{100 * share:.4g}%" for shares in paper.TABLES.values() for share in shares.values()}
"""The accuracies that the paper prints."""
TESTED = {
    f"{entry['accuracy']:.1%} ({100 * low:.1f} to {100 * high:.1f}, n = {entry['n']:,})"
    for entry in ENTRIES.values()
    if entry.get("split") == "test"
    for low, high in [
        binomtest(round(entry["accuracy"] * entry["n"]), entry["n"]).proportion_ci(method="wilson")
    ]
}
"""Accuracies on test parts, as the paper's tables take them in."""


def tables(text: str) -> Iterator[list[list[str]]]:
    """The Markdown tables of a text, as rows of cells, without the line of dashes."""
    for block in re.findall(r"(?:^\|.*\|[ \t]*(?:\n|\Z))+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.splitlines()]
        yield [row for row in rows if not all(set(cell) <= set("-: ") and cell for cell in row)]


def texts(page: Path) -> Iterator[str]:
    """What a page says: its text, and of a chapter also the tables that its cells put out."""
    content = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        yield content
        return
    for cell in json.loads(content)["cells"]:
        if cell["cell_type"] == "markdown":
            yield "".join(cell["source"])
        for output in cell.get("outputs", []):
            yield "".join(output.get("data", {}).get("text/markdown", ""))


def measured(entry: dict[str, Any]) -> tuple[int, int] | None:
    """Right answers and faces of an entry, from its history or its confusion matrix alone."""
    if entry["kind"] == "training":
        n = sum(entry["splits"]["val"]["counts"].values())
        return round(max(epoch["val_accuracy"] for epoch in entry["history"]) * n), n
    if "confusion" in entry:
        rows = entry["confusion"]
        return sum(row[place] for place, row in enumerate(rows)), sum(map(sum, rows))
    return None


def accuracy_cells() -> set[tuple[str, str, int]]:
    """Accuracy, interval and n of every entry, as a table writes them."""
    cells = set()
    for entry in ENTRIES.values():
        if (found := measured(entry)) is not None:
            right, n = found
            low, high = binomtest(right, n).proportion_ci(method="wilson")
            cells.add((f"{right / n:.1%}", f"{low:.1%} to {high:.1%}", n))
    return cells


def comparison_cells() -> set[tuple[str, ...]]:
    """Counts, difference, interval and p of every comparison, as a table writes them."""
    cells = set()
    for entry in ENTRIES.values():
        if entry["kind"] != "comparison":
            continue
        first, second, n = entry["first"], entry["second"], entry["n"]
        gap = 100 * (first - second) / n
        half = 196 * sqrt(first + second - (first - second) ** 2 / n) / n
        p = binomtest(first, first + second).pvalue
        cells.add(
            (f"{first}", f"{second}", f"{gap:+.1f}", f"{gap - half:+.1f} to {gap + half:+.1f}", f"{p:.2g}")
        )
    return cells


def check(table: list[list[str]], known: set[tuple[str, str, int]]) -> int:
    """Check every row of a table that holds a share; return how many are of the ledger."""
    head, *rows = table
    place = {name: column for column, name in enumerate(head)}
    found = 0
    if "only the first" in place:
        compared = comparison_cells()
        for row in rows:
            assert tuple(row[1:]) in compared, f"no comparison of results/ gives {row}"
        return len(rows)
    for row in rows:
        shares = [cell for cell in row if SHARE.search(cell)]
        if "95 % interval" in place and SHARE.search(row[place["95 % interval"]]):
            column = next(column for name, column in place.items() if "accuracy" in name)
            n = int(row[place["n"]].replace(",", ""))
            claim = (row[column], row[place["95 % interval"]], n)
            assert claim in known, f"no entry of results/ gives {claim}"
            shares = [cell for cell in shares if cell not in claim]
            found += 1
        assert set(shares) <= PRINTED | TESTED, f"{shares} is neither of the ledger nor of the paper: {row}"
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_share_in_a_table_is_of_the_ledger_or_of_the_paper(page: Path) -> None:
    if page.name == "reproductions.md":  # made from the ledger as a whole, its means over pairs too
        assert page.read_text(encoding="utf-8") == reproductions.page(ENTRIES)
        return
    known = accuracy_cells()
    for text in texts(page):
        for table in tables(text):
            check(table, known)


def test_the_book_has_tables_of_the_ledger() -> None:
    known = accuracy_cells()
    found = [
        check(table, known)
        for page in PAGES
        if page.suffix == ".ipynb"
        for text in texts(page)
        for table in tables(text)
    ]
    assert sum(found) > 0


def test_a_number_that_nobody_measured_is_found() -> None:
    (accuracy, interval, n), *_ = sorted(accuracy_cells())
    head = "| | accuracy | 95 % interval | n |\n|---|---|---|---|\n"
    (table,) = tables(f"{head}| ours | {accuracy} | {interval} | {n:,} |\n")
    assert check(table, accuracy_cells()) == 1
    for row in (f"| ours | 99.9% | {interval} | {n} |", "| ours | 99.9% | – | – |"):
        (table,) = tables(f"{head}{row}\n")
        with pytest.raises(AssertionError, match=r"no entry|neither of the ledger"):
            check(table, accuracy_cells())


def test_a_comparison_that_nobody_made_is_found() -> None:
    cells = sorted(comparison_cells())[0]
    head = "| | only the first | only the second | difference, points | 95 % interval | p |\n|---|---|---|---|---|---|\n"
    (table,) = tables(f"{head}| ours | {' | '.join(cells)} |\n")
    assert check(table, set()) == 1
    (table,) = tables(f"{head}| ours | {' | '.join((*cells[:-1], '1e-12'))} |\n")
    with pytest.raises(AssertionError, match="no comparison"):
        check(table, set())


def test_what_an_entry_says_of_itself_follows_from_its_own_counts() -> None:
    """Accuracy, interval, n and best epoch of every entry, from its confusion matrix or its history."""
    for name, entry in ENTRIES.items():
        found = measured(entry)
        if found is None:
            continue
        right, n = found
        if entry["kind"] == "training":
            curve = [epoch["val_accuracy"] for epoch in entry["history"]]
            assert entry["best_epoch"] == curve.index(max(curve)) + 1, name
            assert entry["best_val_accuracy"] == pytest.approx(right / n), name
            assert entry["splits"]["val"]["n"] == n, name
        else:
            low, high = binomtest(right, n).proportion_ci(method="wilson")
            assert entry["accuracy"] == pytest.approx(right / n), name
            assert entry["interval"] == pytest.approx([low, high], abs=1e-5), name
            assert entry["n"] == n, name


def test_a_card_repeats_the_entry_that_it_names() -> None:
    for path in (ROOT / "fertutor" / "weights").glob("*.json"):
        card = json.loads(path.read_text(encoding="utf-8"))
        entry = ENTRIES[card["ledger"]]
        right, n = measured(entry) or (0, 0)
        assert card["val_accuracy"] == pytest.approx(right / n)
        assert (card["val_n"], card["epochs"]) == (n, len(entry["history"]))
        for key in ("dataset", "labels", "network", "seed", "best_epoch"):
            assert card[key] == entry[key], f"{path.name}: {key}"
        assert card["recipe"] == entry["recipe"]["name"]
        for split, digest in card["fingerprints"].items():
            assert digest == entry["splits"][split]["fingerprint"]
