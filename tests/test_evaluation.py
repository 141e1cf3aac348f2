"""Evaluation and ledger: what a researcher would lose if a number could not be trusted."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import fertutor
from fertutor import checkout
from fertutor.circumstances import circumstances
from fertutor.cli import main
from fertutor.commands.evaluate import print_report
from fertutor.errors import InputError
from fertutor.evaluation import ledger
from fertutor.evaluation.release import release
from fertutor.evaluation.report import Report, evaluate, predict_probabilities, wilson_interval
from fertutor.evaluation.units import count_units
from fertutor.faces.table import FaceSplits, FaceTable
from fertutor.network.weights import weights_path
from fertutor.training.device import choose_setting
from fertutor.training.loop import Run
from fertutor.training.recipes import PAPER


class Oracle(nn.Module):
    """Reads the class from the grey level of the top left pixel; mirrored faces confuse it."""

    def __init__(self, classes: int = 7) -> None:
        super().__init__()
        self.classes = classes
        self.dummy = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        level = (x[:, 0, 0, 0] * 255 / 30).round()
        return -10 * (level[:, None] - torch.arange(self.classes)).abs() + self.dummy


def table(said: list[int], true: list[int], classes: int = 7) -> FaceTable:
    images = torch.zeros(len(said), 1, 48, 48, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.tensor(said, dtype=torch.uint8) * 30
    return FaceTable(images, torch.tensor(true), classes=classes)


def test_the_confusion_matrix_has_rows_true_and_columns_predicted() -> None:
    report = evaluate(Oracle(), table(said=[1, 1, 2], true=[0, 1, 2]))
    assert report.confusion[0, 1] == 1
    assert report.confusion.sum() == report.n == 3
    assert report.accuracy == pytest.approx(2 / 3)
    assert report.per_class["disgust"] == {
        "n": 1,
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
    }
    assert report.per_class["angry"]["precision"] is None
    assert report.per_class["sad"]["recall"] is None


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40))
def test_per_class_figures_are_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    said, true = (list(values) for values in zip(*pairs, strict=True))
    report = evaluate(Oracle(), table(said, true))
    assert report.accuracy == pytest.approx(accuracy_score(true, said))
    assert report.confusion.tolist() == confusion_matrix(true, said, labels=range(7)).tolist()
    precision, recall, f1, _ = precision_recall_fscore_support(true, said, labels=range(7), zero_division=0.0)
    for index, figures in enumerate(report.per_class.values()):
        assert (figures["precision"] or 0) == pytest.approx(precision[index])
        assert (figures["recall"] or 0) == pytest.approx(recall[index])
        assert (figures["f1"] or 0) == pytest.approx(f1[index])


@given(st.integers(1, 5000), st.floats(0, 1))
def test_the_interval_holds_the_accuracy_and_is_scipys(n: int, share: float) -> None:
    from scipy.stats import binomtest

    right = round(share * n)
    low, high = wilson_interval(right, n)
    theirs = binomtest(right, n).proportion_ci(method="wilson")
    assert low == pytest.approx(theirs.low, abs=1e-6)
    assert high == pytest.approx(theirs.high, abs=1e-6)
    assert 0 <= low <= right / n <= high <= 1


def test_flip_averaging_is_the_mean_over_mirror_images() -> None:
    torch.manual_seed(0)
    network = fertutor.AttentionalCNN().eval()
    images = torch.randint(0, 256, (9, 1, 48, 48), dtype=torch.uint8)
    both = [predict_probabilities(network, x) for x in (images, images.flip(-1))]
    averaged = predict_probabilities(network, images, tta=True)
    assert torch.allclose(averaged, (both[0] + both[1]) / 2, atol=1e-6)
    assert torch.allclose(averaged, predict_probabilities(network, images.flip(-1), tta=True), atol=1e-6)


@pytest.mark.parametrize("words", [["evaluate"], ["units"], ["compare", "paper"]])
def test_a_record_is_of_the_weights_that_were_measured(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that goes on replaces its best weights whenever it finds better ones."""
    path = tmp_path / "best.safetensors"
    path.write_bytes(weights_path("drawn").read_bytes())

    command, *others = words
    module = import_module(f"fertutor.commands.{command}")
    chosen = module.chosen_split

    def replaced(*arguments: Any) -> Any:
        path.write_bytes(weights_path("paper").read_bytes())
        return chosen(*arguments)

    monkeypatch.setattr(module, "chosen_split", replaced)
    assert main([command, *others, str(path), "drawn-studio", "--ledger", str(tmp_path / "ledger")]) == 0
    (entry,) = ledger.read(tmp_path / "ledger").values()
    recorded = entry["weights_sha256"]
    assert (recorded if isinstance(recorded, str) else recorded[-1]) == ledger.file_sha256(
        weights_path("drawn")
    )


def test_a_command_shows_how_far_it_is_and_the_library_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[bool] = []

    def watched(items: Iterable[Any], label: str, total: int | None = None, show: bool = True) -> Any:
        shown.append(show)
        return items

    monkeypatch.setattr("fertutor.evaluation.report.progress", watched)
    monkeypatch.setattr("fertutor.evaluation.units.progress", watched)
    for words in (["evaluate", "drawn"], ["compare", "drawn", "drawn"], ["units", "drawn"]):
        shown.clear()
        assert main([*words, "drawn-studio", "--ledger", str(tmp_path)]) == 0
        assert shown and all(shown)
    shown.clear()
    evaluate(Oracle(), table([1], [1]))
    fertutor.compare(Oracle(), Oracle(), table([1], [1]))
    count_units(Oracle(), table([1], [1]))
    assert shown and not any(shown)


def test_other_classes_or_no_faces_are_refused() -> None:
    with pytest.raises(InputError, match="tells 7 classes apart and the faces have 8"):
        evaluate(Oracle(7), table([1], [1], classes=8))
    with pytest.raises(InputError, match=r"original or ferplus \(fer2013\) or --contempt drop \(ckplus\)"):
        evaluate(Oracle(7), table([1], [1], classes=8))
    with pytest.raises(InputError, match=r"--labels ferplus8 \(fer2013\) or --contempt keep \(ckplus\)"):
        evaluate(Oracle(8), table([1], [1]))
    with pytest.raises(InputError, match="no faces"):
        evaluate(Oracle(), table([1], [1])[torch.zeros(0, dtype=torch.int64)])


def test_a_whole_face_set_is_no_part_of_one() -> None:
    splits = FaceSplits("all", table([1], [1]), None, None)
    for wrong, called in ((splits, "FaceSplits"), (splits.test, "None")):
        with pytest.raises(InputError, match=f"faces of one part .*, such as splits.val, not {called}$"):
            evaluate(Oracle(), wrong)  # type: ignore[arg-type]


def test_the_ledger_only_grows(tmp_path: Path) -> None:
    paths = [ledger.append({"accuracy": value}, "run", tmp_path) for value in (0.5, 0.6)]
    assert [path.name for path in paths] == ["run-1.json", "run-2.json"]
    assert ledger.read(tmp_path) == {"run-1": {"accuracy": 0.5}, "run-2": {"accuracy": 0.6}}
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(InputError, match=r"bad\.json is not JSON"):
        ledger.read(tmp_path)
    (tmp_path / "bad.json").write_text("[" * 200_000)
    with pytest.raises(InputError, match=r"bad\.json is not JSON"):
        ledger.read(tmp_path)
    assert ledger.find({"kind": "training"}, tmp_path) is None, "and none of this run"
    (tmp_path / "bad.json").unlink()
    (tmp_path / "bad.json").symlink_to(tmp_path / "nowhere")
    assert ledger.find({"kind": "training"}, tmp_path) is None
    with pytest.raises(InputError, match=r"bad\.json cannot be read"):
        ledger.read(tmp_path)


def test_the_commit_of_the_project_around_a_virtual_environment_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("git") is None:
        pytest.skip("no git here")
    author = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    # a hook of git names its own repository in the environment, and a user's settings may ask for signatures
    others = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = others | author | {"GIT_CONFIG_GLOBAL": os.devnull}
    for name in os.environ.keys() - others.keys():
        monkeypatch.delenv(name)
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "theirs"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True, env=environment)
    monkeypatch.setattr(checkout, "ROOT", tmp_path / "venv")
    (tmp_path / "venv").mkdir()
    assert circumstances()["commit"] is None
    (tmp_path / "venv" / "pyproject.toml").touch()
    assert len(circumstances()["commit"]) == 40


def test_a_gpu_that_is_not_used_is_not_asked_for_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process that was forked beside a GPU, or where the GPU is broken, the question is an error."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    assert [circumstances(gpu)["machine"]["gpu"] for gpu in (True, False)] == ["a GPU", None]


@pytest.mark.parametrize("links", [True, False])
def test_runs_that_end_together_keep_all_their_entries(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reproductions run side by side, on file systems with and without links."""
    if not links:

        def link(*_: object) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", link)
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda run: ledger.append({"run": run}, "same", tmp_path), range(40)))
    assert sorted(entry["run"] for entry in ledger.read(tmp_path).values()) == list(range(40))
    assert set(paths) == set(tmp_path.iterdir())


@pytest.mark.parametrize("letter", ["a", "θ", "\udcff"])
def test_a_name_too_long_for_a_file_is_cut(letter: str, tmp_path: Path) -> None:
    """A run in such a folder was trained to its end and could not enter the ledger."""
    names = [f"train-{letter * 250}{end}" for end in ("x", "y")]
    paths = [ledger.append({"run": run}, names[run], tmp_path) for run in (0, 0, 1)]
    assert len(set(paths)) == 3 and all(path.is_file() for path in paths)
    first, again, other = (path.stem for path in paths)
    assert again == first.removesuffix("-1") + "-2" and other.endswith("-1")
    assert ledger.append({}, "train-short", tmp_path).name == "train-short-1.json"


def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    """Installed as a package, the ledger is a folder called results, as others are."""
    entry = {"kind": "training", "weights_sha256": "1", "recipe": {"name": "paper", "why": "Once."}}
    (tmp_path / "a.json").write_text("[1, 2]")
    path = ledger.append(entry, "run", tmp_path)
    assert ledger.read(tmp_path) == {"run-1": entry}
    (tmp_path / "b.json").write_text("{broken")
    assert ledger.find(entry | {"recipe": {"name": "paper", "why": "Again."}}, tmp_path) == path
    for other in ({"recipe": {"name": "compact"}}, {"seed": 1}, {"weights_sha256": "2"}):
        assert ledger.find(entry | other, tmp_path) is None


def test_train_and_evaluate_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: a drawn set, one epoch, weights, a report as JSON, and both in the ledger."""
    monkeypatch.chdir(tmp_path)
    out, book = str(tmp_path / "run"), str(tmp_path / "ledger")
    assert main(["train", "drawn-studio", "--epochs", "2", "--out", out, "--ledger", book]) == 0
    capsys.readouterr()
    weights = f"{out}/best.safetensors"
    command = ["evaluate", weights, "drawn-studio", "--split", "test", "--tta", "--json", "--ledger", book]
    assert main(command) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n"] == 70 == sum(map(sum, report["confusion"]))
    assert report["interval"][0] <= report["accuracy"] <= report["interval"][1]
    assert set(report["per_class"]) == set(fertutor.EXPRESSIONS)
    assert report["tta"]
    plain = evaluate(fertutor.load_network(weights), fertutor.load_faces("drawn-studio").test)
    assert report["plain"] == plain.summary()
    entries = ledger.read(Path(book))
    kinds = sorted(entry["kind"] for entry in entries.values())
    assert kinds == ["evaluation", "training"]
    training = next(entry for entry in entries.values() if entry["kind"] == "training")
    assert training["network"]["parameters"] == 76_777
    assert training["weights_sha256"] == ledger.file_sha256(Path(weights))
    assert [epoch["epoch"] for epoch in training["history"]] == [1, 2]
    assert training["splits"]["train"]["n"] == 120 and "test" not in training["splits"]


def test_a_test_split_is_never_opened_off_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fertutor.save_network(fertutor.AttentionalCNN(), tmp_path / "w.safetensors")
    assert main(["evaluate", str(path), "drawn-studio", "--split", "test", "--no-ledger"]) == 1
    assert "on the record only" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("precious")
    weights = str(fertutor.save_network(fertutor.AttentionalCNN(), tmp_path / "w.safetensors"))
    for place in (tmp_path / "file", tmp_path / "file" / "folder"):
        assert main(["evaluate", weights, "drawn-studio", "--ledger", str(place)]) == 1
        (said,) = capsys.readouterr().err.splitlines()
        assert f"{place} cannot be written to (Not a directory): name another folder" in said
    assert (tmp_path / "file").read_text() == "precious"


def test_a_release_needs_the_entry_of_its_own_run(tmp_path: Path) -> None:
    network = fertutor.AttentionalCNN()
    weights = fertutor.save_network(network, tmp_path / "best.safetensors")
    entry = tmp_path / "entry.json"
    other = ledger.describe_network(fertutor.AttentionalCNN(channels=12))
    for content in ({"kind": "training"}, {"kind": "training", "network": other}, [1]):
        entry.write_text(json.dumps(content))
        with pytest.raises(InputError, match=r"entry\.json is not the training run of"):
            release("new", "A summary.", weights, entry, tmp_path / "weights")
    own = {"kind": "training", "network": ledger.describe_network(network)}
    entry.write_text(json.dumps(own | {"weights_sha256": "0" * 64}))
    with pytest.raises(InputError, match=r"entry\.json is not the training run of"):
        release("new", "A summary.", weights, entry, tmp_path / "weights")
    with pytest.raises(InputError, match=r"cannot be released as '\.\./new'"):
        release("../new", "A summary.", weights, entry, tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize("older", [True, False])
def test_a_release_says_what_its_run_said_and_none_is_overwritten(tmp_path: Path, older: bool) -> None:
    """Weights from before entries held a digest can still be released."""
    weights = fertutor.save_network(fertutor.AttentionalCNN(), tmp_path / "best.safetensors")
    names = ("dataset", "labels", "seed", "commit", "date", "selection", "epochs_done", "best_epoch")
    facts: dict[str, object] = dict.fromkeys(names, 1) | {
        "kind": "training",
        "network": ledger.describe_network(fertutor.load_network(weights)),
        "recipe": {"name": "paper"},
        "best_val_accuracy": 0.5,
        "splits": {part: {"n": 7, "fingerprint": part} for part in ("train", "val")},
    }
    entry = tmp_path / "run-1.json"
    entry.write_text(json.dumps(facts | ({} if older else {"weights_sha256": ledger.file_sha256(weights)})))
    path = release("new", "A summary.", weights, entry, tmp_path / "weights")
    card = json.loads(path.with_suffix(".json").read_text())
    assert (card["ledger"], card["val_accuracy"], path.read_bytes()) == ("run-1", 0.5, weights.read_bytes())
    with pytest.raises(InputError, match="is released already: choose another name"):
        release("new", "Another summary.", weights, entry, tmp_path / "weights")
    assert json.loads(path.with_suffix(".json").read_text()) == card


def test_report_as_json_is_what_the_contract_names() -> None:
    values = Report(torch.eye(7, dtype=torch.int64)).as_dict()
    assert {"accuracy", "interval", "n", "confusion", "per_class"} <= set(values)
    assert json.loads(json.dumps(values)) == values


def test_wrong_calls_exit_2_and_bad_input_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["train"])
    assert error.value.code == 2
    assert main(["evaluate", "no-such-weights", "drawn-studio"]) == 1
    assert capsys.readouterr().err.count("\n") >= 1


def test_the_report_in_words_has_each_number_in_its_column(capsys: pytest.CaptureFixture[str]) -> None:
    confusion = torch.diag(torch.tensor([3, 1, 1, 1, 1, 1, 1]))
    confusion[0, 1] = 9  # three of twelve angry faces are found, and nobody else is called so
    print_report(Report(confusion, tta=False), "title")
    angry = next(line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == ["angry"])
    assert angry.split() == ["angry", "3", "9", "0", "0", "0", "0", "0", "25.0%", "100.0%"]


def test_an_entry_does_not_hide_the_librarys_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed, the book reads the entries that came with it and those of the working folder."""
    own, mine = tmp_path / "own", tmp_path / "mine"
    for number in (1, 3):
        (own / f"run-{number}.json").parent.mkdir(exist_ok=True)
        (own / f"run-{number}.json").write_text(f'{{"accuracy": {number}}}')
    monkeypatch.setattr(ledger, "_installed", lambda: sorted(own.glob("*.json")))
    monkeypatch.setattr(ledger, "results_folder", lambda: mine)
    names = [ledger.append({"accuracy": 0}, "run").name for _ in range(2)]
    assert names == ["run-2.json", "run-4.json"]
    assert [entry["accuracy"] for _, entry in sorted(ledger.read().items())] == [1, 0, 3, 0]
    assert ledger.append({}, "run", tmp_path / "elsewhere").name == "run-1.json"


def test_a_training_enters_the_ledger_with_its_best_epoch() -> None:
    table = FaceTable(torch.zeros(2, 1, 48, 48, dtype=torch.uint8), torch.tensor([0, 1]))
    epochs = [{"epoch": n, "val_accuracy": share, "seconds": 1.0} for n, share in ((1, 0.5), (2, 0.25))]
    run = Run(
        network=fertutor.AttentionalCNN(),
        history=epochs,
        best_epoch=1,
        recipe=PAPER,
        seed=0,
        setting=choose_setting("cpu", "fp32"),
        fingerprints={},
        diverged=False,
        sessions=[{"first_epoch": 1, "commit": "of the best"}, {"first_epoch": 2, "commit": "later"}],
    )
    entry = ledger.describe_training(run, "made-up", "original", {"train": table, "val": table})
    assert (entry["best_val_accuracy"], entry["best_epoch"], entry["epochs_done"]) == (0.5, 1, 2)
    assert (entry["commit"], entry["versions"], entry["sessions"]) == ("of the best", None, run.sessions)
