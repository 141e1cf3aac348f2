"""The search of a recipe's numbers: its trials, its record, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from blobs import QUICK, silent, splits

from fertutor.cli import main
from fertutor.errors import InputError
from fertutor.faces.table import FaceSplits
from fertutor.network.attentional import AttentionalCNN
from fertutor.training import search as training_search
from fertutor.training.recipes import find_recipe


def search(tmp_path: Path, *more: str) -> int:
    storage = f"sqlite:///{tmp_path / 'search.db'}"
    options = ["--epochs", "1", "--trials", "2", "--ledger", str(tmp_path), "--storage", storage]
    return main(["search", "drawn-studio", *options, *more])


def test_a_search_is_recorded_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    assert search(tmp_path, "--over", "penalty=1e-5:1e-2") == 0
    assert search(tmp_path, "--over", "penalty=1e-5:1e-2") == 0
    first, second = (json.loads(path.read_text()) for path in sorted(tmp_path.glob("search-*.json")))
    assert len(first["trials"]) == 2 and len(second["trials"]) == 4
    assert len({trial["penalty"] for trial in second["trials"]}) == 4, "the second call repeats the first"
    assert all(1e-5 <= trial["penalty"] <= 1e-2 for trial in second["trials"])
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'search.db'}")
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    accuracies = [trial["val_accuracy"] for trial in second["trials"]]
    assert accuracies == sorted(accuracies, reverse=True)
    parts = second["splits"]
    assert parts["train"]["n"] + parts["val"]["n"] == 120
    assert parts["train"]["fingerprint"] != parts["val"]["fingerprint"]


def test_searches_of_other_faces_or_ranges_share_no_trials(tmp_path: Path) -> None:
    """A trial on other validation faces would win, or lose, by its faces."""
    for more in ([], ["--by-subject"], ["--split-seed", "1"], ["--hold-out", "0.2"]):
        assert search(tmp_path, "--over", "penalty=1e-5:1e-2", "--trials", "1", *more) == 0
    assert search(tmp_path, "--over", "penalty=1e-5:1e-3", "--trials", "1") == 0
    entries = [json.loads(path.read_text()) for path in tmp_path.glob("search-*.json")]
    assert [len(entry["trials"]) for entry in entries] == [1] * 5


def test_a_trial_is_kept_though_nobody_hears_of_it(tmp_path: Path) -> None:
    def gone(line: str) -> None:
        raise BrokenPipeError

    storage = f"sqlite:///{tmp_path / 'trials.db'}"
    recipe = replace(QUICK, epochs=1)
    arguments = (AttentionalCNN, splits(14), recipe, {"learning_rate": (1e-4, 1e-3)})
    with pytest.raises(BrokenPipeError):
        training_search.search(*arguments, 2, storage=storage, report=gone)
    assert len(training_search.search(*arguments, 1, storage=storage, report=silent)) == 2


def test_a_training_that_diverged_is_below_all_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert search(tmp_path, "--over", "learning_rate=1e10:1e99", "--trials", "1") == 0
    assert ", diverged" in capsys.readouterr().out
    (trial,) = json.loads(next(tmp_path.glob("search-*.json")).read_text())["trials"]
    assert trial["diverged"] and 0 <= trial["val_accuracy"] < 1
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'search.db'}")
    assert study.best_value < 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Optuna would log the traceback of a trial that fails."""
    assert search(tmp_path, "--over", "penalty=1e-5:1e-2", "--device", "cuda") == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "finds no CUDA GPU" in said


@pytest.mark.parametrize("storage", ["nonsense", "sqlite:///{folder}", "postgresql+none://host/trials"])
def test_a_storage_that_cannot_be_used_is_one_sentence(
    storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = storage.format(folder=tmp_path)
    assert search(tmp_path, "--over", "penalty=1e-5:1e-2", "--storage", storage) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert storage in said and "sqlite:///runs/search.db" in said


def test_workers_may_start_together_on_a_new_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Optuna sets a storage up without a lock: all but one found its tables half made and died."""
    create, failures = optuna.create_study, ["table studies already exists", "UNIQUE constraint failed"]

    def late(**options: Any) -> optuna.Study:
        if failures:
            raise RuntimeError(f"(sqlite3.OperationalError) {failures.pop()}")
        return create(**options)

    monkeypatch.setattr(optuna, "create_study", late)
    storage = f"sqlite:///{tmp_path / 'new.db'}"
    assert training_search._open_study(optuna, storage, "ours").study_name == "ours"
    failures.extend(["unable to open database file"] * 2)
    with pytest.raises(InputError, match="unable to open database file"):
        training_search._open_study(optuna, storage, "ours")
    assert len(failures) == 1, "a wrong address is tried once"


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


def test_a_seed_below_zero_is_one_sentence() -> None:
    with pytest.raises(InputError, match="a whole number from 0 to 4294967295, not -1"):
        training_search.search(
            AttentionalCNN,
            FaceSplits("none", None, None, None),
            find_recipe("paper-fixed"),
            {"penalty": (1e-5, 1e-2)},
            1,
            seed=-1,
        )
