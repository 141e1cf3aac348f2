"""One command for who has the licence: trains, tests, records, fills in the book's table. If these failed,
a result could not be traced to its run, or a table would show what nobody measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fertutor import load_network
from fertutor.checkout import ROOT
from fertutor.cli import main
from fertutor.evaluation import ledger, reproductions
from fertutor.faces.lookalikes import write_ckplus, write_jaffe


@pytest.fixture(scope="module")
def jaffe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jaffe(tmp_path_factory.mktemp("sets") / "jaffe", each=6)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERTUTOR_CACHE", str(tmp_path / "cache"))


def only_entry(folder: Path, start: str) -> dict:
    (path,) = folder.glob(f"{start}*.json")
    return json.loads(path.read_text())


def test_training_on_a_published_layout_ends_in_a_ledger_entry(jaffe, tmp_path, capsys):
    out, results = tmp_path / "run", tmp_path / "results"
    command = ["train", "jaffe", "--root", str(jaffe), "--by-subject", "--epochs", "2", "--device", "cpu"]
    assert main([*command, "--out", str(out), "--ledger", str(results)]) == 0
    entry = only_entry(results, "train-")
    assert entry["dataset"] == "jaffe"
    assert entry["options"] == {"by_subject": True}
    assert sum(part["n"] for part in entry["splits"].values()) < 42  # the test part is not among them
    assert len(entry["history"]) == 2
    assert load_network(out / "best.safetensors").classes == 7
    capsys.readouterr()


def test_reproduce_records_training_and_test(jaffe, tmp_path, capsys):
    out, results = tmp_path / "run", tmp_path / "results"
    command = ["reproduce", "jaffe", "--root", str(jaffe), "--epochs", "2", "--device", "cpu"]
    command += ["--learning-rate", "0.001", "--out", str(out), "--ledger", str(results)]
    assert main(command) == 0
    assert "the paper says 92.80%" in capsys.readouterr().out
    name = "jaffe-original-features-paper-epochs-2-learning-rate-0.001-0"
    tested, trained = (only_entry(results, f"reproduce-{kind}-{name}") for kind in ("test", "train"))
    assert tested["n"] == sum(map(sum, tested["confusion"])) == 14
    assert tested["split"] == "test"
    assert tested["faces"]["fingerprint"] not in json.dumps(trained)
    assert tested["weights_sha256"] == ledger.file_sha256(out / "best.safetensors")
    # a second call goes on with the finished run: the same weights, one more opening of the test part
    assert main(command) == 0
    openings = [json.loads(path.read_text()) for path in results.glob("reproduce-test-*.json")]
    assert len(openings) == 2
    assert openings[0]["weights_sha256"] == openings[1]["weights_sha256"]
    assert len(list(results.glob("reproduce-train-*.json"))) == 1, "there was no second training"
    (row,) = (line for line in reproductions.page(ledger.read(results)).splitlines() if "| jaffe |" in line)
    assert f"{tested['accuracy']:.1%}" in row
    assert "| paper, 2 epochs, learning rate 0.001 | 0 |" in row
    assert "92.8%" in row


def test_eight_classes_of_ckplus_train_an_eight_class_network(tmp_path, capsys):
    root = write_ckplus(tmp_path / "ckplus", people=4, sequences=8)
    out, results = tmp_path / "run", tmp_path / "results"
    command = ["reproduce", "ckplus", "--root", str(root), "--contempt", "keep", "--sequences", "all"]
    assert (
        main([*command, "--epochs", "1", "--device", "cpu", "--out", str(out), "--ledger", str(results)]) == 0
    )
    assert load_network(out / "best.safetensors").classes == 8
    assert only_entry(results, "reproduce-test-")["options"] == {"sequences": "all", "contempt": "keep"}
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["jaffe", "--contempt", "keep"], "--contempt is no option of jaffe"),
        (["drawn-wild", "--by-subject"], "--by-subject is no option of drawn-wild"),
        (["drawn-studio", "--recipe", "secret"], "there is no recipe 'secret'"),
        (["jaffe", "--root", "nowhere"], "nowhere does not exist"),
    ],
)
def test_what_cannot_be_reproduced_is_said_in_one_sentence(arguments, words, capsys):
    assert main(["reproduce", *arguments]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_set_without_test_faces_is_refused_before_training(tmp_path, capsys):
    row = "3," + " ".join(["7"] * 2304) + ","
    text = "emotion,pixels,Usage\n" + "".join(row + usage + "\n" for usage in ("Training", "PublicTest"))
    (tmp_path / "fer2013.csv").write_text(text)
    assert main(["reproduce", "fer2013", "--root", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    assert "has no test part" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def measured(accuracy: float, seed: int, /, **options: object) -> dict:
    """An entry such as `fertutor reproduce drawn-studio` writes, of 10 faces in two classes."""
    right = round(10 * accuracy)
    return {
        "kind": "evaluation",
        "reproduces": "Table –",
        "dataset": "drawn-studio",
        "labels": "original",
        "split": "test",
        "options": options,
        "network": {"kind": "attentional", "arguments": {"sampler": "features"}},
        "recipe": "paper",
        "changed": {"learning_rate": 0.001, "epochs": 9},
        "epochs": 9,
        "seed": seed,
        "accuracy": accuracy,
        "interval": [accuracy - 0.05, accuracy + 0.05],
        "n": 10,
        "confusion": [[min(right, 5), 5 - min(right, 5)], [10 - max(right, 5), max(right, 5) - 5]],
    }


def test_divisions_are_compared_seed_by_seed():
    entries = {
        "a": measured(0.9, 0),
        "b": measured(0.6, 0, by_subject=True),
        "c": measured(0.8, 1, seed=1),
        "d": measured(0.7, 1, seed=1, by_subject=True),
        "e": measured(0.9, 2),  # nobody to compare with
        "f": measured(0.9, 3),
        "g": measured(0.1, 3, by_subject=True),  # only guesses about new people, which is the worst of leaks
        "h": measured(0.1, 4),  # guesses: nothing learnt that could be flattered
        "i": measured(0.1, 4, by_subject=True),
        "j": measured(0.9, 5),
        "k": measured(0.5, 5, by_subject=True)
        | {"confusion": [[5, 0], [5, 0]]},  # stuck, by luck of its seed
    }
    method = "paper, 9 epochs, learning rate 0.001"
    compared = {("drawn-studio", method): [(0.9, 0.6), (0.9, 0.1), (0.8, 0.7)]}
    assert reproductions.divisions(entries) == compared
    anew = measured(0.6, 0, by_subject=True) | {"date": "2026-11-26"}
    assert (
        reproductions.divisions({"anew": anew} | entries | {"b": anew | {"accuracy": 0.5, "date": ""}})
        == compared
    )
    page = reproductions.page(entries)
    assert f"| drawn-studio | {method} | 3 | 86.7% | 46.7% | 40.0 points (30.0, 80.0, 10.0) |" in page
    assert "| 10.0% (5.0–15.0), no better than guessing |" in page
    assert "died early" in page
    assert "died early" not in reproductions.page({"a": entries["a"]})


def test_baselines_of_the_ledger_are_on_the_page():
    entry = measured(0.9, 0) | {
        "kind": "baseline",
        "date": "2026-11-24T00:00:00Z",
        "network": {"kind": "hog-svm"},
        "train": {"n": 1234},
    }
    del entry["reproduces"], entry["options"]
    newer = entry | {"date": "2026-11-25T00:00:00Z", "accuracy": 0.8}
    page = reproductions.page({"old": entry, "new": newer})
    rows = [line for line in page.splitlines() if "hog-svm" in line]
    assert rows == ["| drawn-studio | hog-svm | test | 80.0% (85.0–95.0) | 10 | at random | 1,234 |"]


def test_the_books_page_shows_what_the_ledger_holds_and_nothing_else():
    path = ROOT / reproductions.PAGE
    assert path.read_text(encoding="utf-8") == reproductions.page(ledger.read())


def test_a_guess_is_within_its_interval_of_the_most_frequent_word():
    """Not only what is no better: what may be no better by chance."""
    even = [[5, 0], [0, 5]]
    assert reproductions.guesses({"confusion": even, "n": 10, "accuracy": 0.6, "interval": [0.45, 0.75]})
    assert not reproductions.guesses({"confusion": even, "n": 10, "accuracy": 0.6, "interval": [0.55, 0.65]})
