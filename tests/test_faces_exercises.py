"""The checkers and figures of the chapter on faces: a reader would be told right for wrong, or vice versa."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from fertutor.evaluation import ledger, record
from fertutor.exercises import faces as exercises
from fertutor.expressions import EXPRESSIONS, PROTOTYPES, PROTOTYPES_OPENDBM

pytest.importorskip("matplotlib")
figures = pytest.importorskip("fertutor.figures.faces")


def test_scowl() -> None:
    check = exercises.check_scowl
    answer = check(lambda hit, other, angry: hit * angry / (hit * angry + other * (1 - angry)))
    assert answer
    assert "most scowls may be of other moments, even if anger makes them likelier" in answer.reason
    assert "not how many scowls" in check(lambda hit, other, angry: hit).reason
    assert "how frequent" in check(lambda hit, other, angry: hit / (hit + other)).reason
    percent = check(lambda hit, other, angry: 100 * hit * angry / (hit * angry + other * (1 - angry)))
    assert "percentage" in percent.reason
    assert "all scowls" in check(lambda hit, other, angry: hit * angry).reason
    rounded = check(lambda hit, other, angry: round(hit * angry / (hit * angry + other * (1 - angry)), 2))
    assert "do not round" in rounded.reason
    assert "ZeroDivisionError" in check(lambda hit, other, angry: 1 / 0).reason


def test_agreement() -> None:
    check = exercises.check_agreement
    assert check(lambda a, b: len({*a} & {*b}) / len({*a} | {*b}) if a or b else 1.0)
    assert "at rest" in check(lambda a, b: len({*a} & {*b}) / len({*a} | {*b})).reason
    assert "named by at least one" in check(lambda a, b: len({*a} & {*b}) / max(len(a), 1)).reason
    one_at_rest = check(lambda a, b: len({*a} & {*b}) / len({*a} | {*b}) if a and b else 1.0)
    assert "(4,) and () agree to 0.00, not 1.00" in one_at_rest.reason
    rounded = check(lambda a, b: round(len({*a} & {*b}) / len({*a} | {*b}), 2) if a or b else 1.0)
    assert "do not round" in rounded.reason


def test_other_side() -> None:
    check = exercises.check_other_side
    assert check(lambda units: units.flip(2))
    assert "nothing" in check(lambda units: units.clone()).reason
    assert "units have changed" in check(lambda units: units.flip(1, 2)).reason
    assert "shape" in check(lambda units: units.mean(2)).reason
    one_sided = check(
        lambda units: torch.where((units == 0).any(2, keepdim=True), units.flip(2), units),
    )
    assert not one_sided
    assert "a tensor is asked for" in check(lambda units: units.numpy()[:, :, ::-1]).reason
    assert "changes its argument" in check(lambda units: units.mul_(0)).reason


def test_change_mind() -> None:
    check = exercises.check_change_mind
    assert check({2: 1.0, 5: 1.0, 26: 1.0}, "surprise")
    assert "units" in check({1: 1.0, 2: 1.0, 5: 1.0, 26: 1.0}, "surprise").reason
    assert "of 12 people" in check({}, "surprise").reason
    assert "'suprise' is no expression" in check({5: 1.0}, "suprise").reason
    assert "expected a number" in check({2: 3.0}, "surprise").reason


def test_the_unit_that_the_chapter_names_does_not_count() -> None:
    check = exercises.check_change_mind
    assert check({5: 1.0}, "surprise", most=1, without=26)
    for named in ({26: 1.0}, {26: 0.1, 5: 1.0}):
        assert "find another" in check(named, "surprise", without=26).reason


def test_every_figure_describes_itself() -> None:
    pictures, said = torch.rand(2, 1, 16, 16), torch.rand(2, 7).softmax(1)
    drawn = [
        figures.draw_units([4, 12]),
        figures.draw_prototypes({"one": PROTOTYPES, "other": PROTOTYPES_OPENDBM}),
        figures.draw_said(pictures, ["weak", "strong"], [0.1, 0.9], "happy"),
        figures.draw_masks(pictures, pictures > 0.5, ["angry", "sad"]),
        figures.draw_slopes(torch.linspace(-1, 1, 17), "happy", PROTOTYPES["happy"]),
        figures.draw_step(pictures[0], pictures[1], (said[0], said[1])),
    ]
    for figure in drawn:
        assert len(str(figure.get_label())) > 60
    assert "disgust" in str(drawn[1].get_label())
    assert "sad" not in str(drawn[1].get_label())


def test_what_drawings_teach_about_photographs_is_what_the_ledger_says() -> None:
    """The chapter's table and shares are those of networks that saw drawings only, or photographs."""
    entries = ledger.read()
    training = entries["train-drawn-only-1"]
    found = entries["evaluate-drawn-only-fer2013-original-val-1"]
    assert (training["dataset"], found["dataset"], found["split"]) == ("drawn-wild", "fer2013", "val")
    assert training["network"] == found["network"]
    assert found["accuracy"] >= 0.38
    book = Path(__file__).resolve().parents[1] / "book" / "faces-and-emotions.ipynb"
    cells = json.loads(book.read_text(encoding="utf-8"))["cells"]
    shown = json.dumps([cell.get("outputs") for cell in cells], ensure_ascii=False)
    part = "fer2013-original-val"
    rows = {
        "*compact*, drawn faces only": f"evaluate-drawn-only-{part}-1",
        "*compact*, not taught, photographs": f"evaluate-compact-0-{part}-1",
        "*paper*, photographs": f"evaluate-paper-{part}-3",
    }
    assert all(line in shown for line in record.table(entries, rows).splitlines())
    for name in EXPRESSIONS:
        shares = [entries[row]["per_class"][name]["recall"] for row in rows.values()]
        assert f"{name:9}" + "".join(f"{share:6.0%}" for share in shares) in shown
