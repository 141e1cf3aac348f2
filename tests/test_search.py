"""The search of a recipe's numbers: its trials, its record, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fertutor.cli import main


def search(tmp_path: Path, *more: str) -> int:
    storage = f"sqlite:///{tmp_path / 'search.db'}"
    options = ["--epochs", "1", "--trials", "2", "--ledger", str(tmp_path), "--storage", storage]
    return main(["search", "drawn-studio", *options, *more])


def test_a_search_is_recorded_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    assert search(tmp_path, "--over", "penalty=1e-5:1e-2") == 0
    assert search(tmp_path, "--over", "penalty=1e-5:1e-2") == 0
    first, second = (json.loads(path.read_text()) for path in sorted(tmp_path.glob("search-*.json")))
    assert len(first["trials"]) == 2 and len(second["trials"]) == 4
    assert all(1e-5 <= trial["penalty"] <= 1e-2 for trial in second["trials"])
    accuracies = [trial["val_accuracy"] for trial in second["trials"]]
    assert accuracies == sorted(accuracies, reverse=True)
    parts = second["splits"]
    assert parts["train"]["n"] + parts["val"]["n"] == 120
    assert parts["train"]["fingerprint"] != parts["val"]["fingerprint"]


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ("penalty=1e-5", "write NAME=LOW:HIGH"),
        ("batch=1:2", "batch cannot be searched"),
        ("penalty=0:1", "must run from above 0 upwards"),
    ],
)
def test_what_cannot_be_searched_is_said(
    over: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert search(tmp_path, "--over", over) == 1
    assert words in capsys.readouterr().err
    assert not list(tmp_path.glob("*.json"))
