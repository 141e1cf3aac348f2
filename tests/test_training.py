"""Training: what a learner would lose if a run could not be trusted, resumed or compared."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from blobs import QUICK, blobs, silent, splits
from torch import Tensor, nn

import fertutor
from fertutor.cli import main
from fertutor.errors import InputError
from fertutor.evaluation import ledger
from fertutor.faces.table import FaceSplits, FaceTable
from fertutor.files import checksum
from fertutor.network.sampler import Localization
from fertutor.network.weights import (
    KINDS,
    build_network,
    load_network,
    save_network,
    weights_bytes,
    weights_path,
)
from fertutor.training import loop
from fertutor.training.augment import Augmentation, draw_augmentation
from fertutor.training.balance import epoch_order
from fertutor.training.checkpoint import load_checkpoint, save_checkpoint
from fertutor.training.device import Setting, choose_setting
from fertutor.training.distributed import Group
from fertutor.training.loop import train
from fertutor.training.mixup import draw_mix
from fertutor.training.objective import penalty
from fertutor.training.optimizer import rate_at, set_rate
from fertutor.training.recipes import PAPER
from fertutor.training.teachers import load_votes, taught


def states(folder: Path) -> dict[str, dict[str, Tensor]]:
    return load_checkpoint(folder)[0]


def assert_same(a: dict[str, dict[str, Tensor]], b: dict[str, dict[str, Tensor]]) -> None:
    assert a.keys() == b.keys()
    for part in a:
        assert a[part].keys() == b[part].keys()
        for name in a[part]:
            assert torch.equal(a[part][name], b[part][name]), f"{part}/{name}"


def test_it_learns_what_can_be_learned() -> None:
    run = train(fertutor.AttentionalCNN(), splits(350), replace(QUICK, epochs=12), report=silent)
    assert run.best_val_accuracy > 0.9
    assert fertutor.evaluate(run.network, blobs(70, 1)).accuracy == pytest.approx(run.best_val_accuracy)


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    torch.manual_seed(3)
    network = fertutor.AttentionalCNN()
    runs = [train(network, splits(), QUICK, seed=seed, report=silent) for seed in (1, 1, 2)]
    losses = [[epoch["loss"] for epoch in run.history] for run in runs]
    assert losses[0] == losses[1] != losses[2]
    assert all(
        torch.equal(a, b)
        for a, b in zip(runs[0].network.parameters(), runs[1].network.parameters(), strict=True)
    )


def test_training_leaves_the_network_it_was_given_alone() -> None:
    network = fertutor.AttentionalCNN()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    train(network, splits(), replace(QUICK, epochs=1), report=silent)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


CHILD = """
import sys, torch
sys.path.insert(0, {tests!r})
from blobs import QUICK, splits
from dataclasses import replace
import fertutor
torch.set_num_threads(1)
torch.manual_seed(0)
recipe = replace(QUICK, epochs=6, average=0.9, schedule="one-cycle")
fertutor.train(fertutor.AttentionalCNN(), splits(420), recipe, out=sys.argv[1],
               resume=sys.argv[2] == "resume", report=lambda line: print(line, flush=True))
"""


def test_a_killed_run_ends_bit_for_bit_where_the_unbroken_one_ends(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(CHILD.format(tests=str(Path(__file__).parent)))
    command = [sys.executable, str(script)]
    subprocess.run([*command, str(tmp_path / "whole"), "start"], check=True, stdout=subprocess.DEVNULL)
    child = subprocess.Popen([*command, str(tmp_path / "broken"), "start"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(2):
        child.stdout.readline()
    time.sleep(0.05)  # somewhere inside the third epoch
    child.send_signal(signal.SIGKILL)
    child.wait()
    done = len(json.loads((tmp_path / "broken" / "history.json").read_text()))
    assert 2 <= done < 6
    subprocess.run([*command, str(tmp_path / "broken"), "resume"], check=True, stdout=subprocess.DEVNULL)
    assert_same(states(tmp_path / "whole"), states(tmp_path / "broken"))
    best = [fertutor.load_network(tmp_path / name / "best.safetensors") for name in ("whole", "broken")]
    assert all(torch.equal(a, b) for a, b in zip(best[0].parameters(), best[1].parameters(), strict=True))


def test_a_run_is_resumed_in_the_setting_that_it_was_started_with(tmp_path: Path) -> None:
    network, recipe = fertutor.AttentionalCNN(), replace(QUICK, epochs=1)
    train(network, splits(), recipe, device="cpu", precision="fp32", out=tmp_path, report=silent)
    said = "was started with --device cpu --precision fp32: resume it .* and begin with --from .*best.safetensors"
    with pytest.raises(InputError, match=said):
        train(network, splits(), recipe, device="cpu", precision="bf16", out=tmp_path, resume=True)


def test_a_run_knows_with_what_each_of_its_sessions_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, commits = fertutor.AttentionalCNN(), iter("abc")
    monkeypatch.setattr(loop, "circumstances", lambda gpu: {"commit": next(commits), "gpu": gpu})

    def go_on(epochs: int, resume: bool = True) -> list[dict[str, Any]]:
        recipe = replace(QUICK, epochs=epochs)
        run = train(network, splits(), recipe, device="cpu", out=tmp_path, resume=resume, report=silent)
        return run.sessions

    first = [{"first_epoch": 1, "commit": "a", "gpu": False}]
    assert go_on(1, resume=False) == first
    assert go_on(1) == first  # nothing was left to train
    assert go_on(2) == [*first, {"first_epoch": 2, "commit": "b", "gpu": False}]
    parts, facts = load_checkpoint(tmp_path)
    del facts["sessions"]  # as in a checkpoint of an older version
    save_checkpoint(tmp_path, parts, facts, "token")
    assert go_on(3) == [{"first_epoch": 1}, {"first_epoch": 3, "commit": "c", "gpu": False}]


def test_a_pause_of_the_machine_does_not_count_in_the_time_that_is_left() -> None:
    faces, setting = splits(14), choose_setting("cpu", "fp32")
    recipe = replace(QUICK, epochs=63)
    trainer = loop._Trainer(
        fertutor.AttentionalCNN(), faces.train, faces.val, recipe, 0, setting, Group(), None
    )
    epoch = dict.fromkeys(loop.NUMBERS, 0.0) | {"seconds": 90.0}
    trainer.history, trainer.best_epoch = [epoch] * 3, 1
    assert trainer.line([0, 100, 200, 5000]).endswith("90.0 s, 1 h 40 min left")


def test_of_two_processes_in_one_run_one_ends(tmp_path: Path) -> None:
    network, recipe = fertutor.AttentionalCNN(), replace(QUICK, epochs=4)
    train(network, splits(), replace(recipe, epochs=1), out=tmp_path, report=silent)

    def meanwhile(line: str) -> None:  # another goes on with it after our second epoch
        train(network, splits(), replace(recipe, epochs=3), out=tmp_path, resume=True, report=silent)

    with pytest.raises(InputError, match="another process goes on with the run in"):
        train(network, splits(), recipe, out=tmp_path, resume=True, report=meanwhile)
    assert len(json.loads((tmp_path / "history.json").read_text())) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists what is mapped")
def test_a_resumed_run_keeps_no_hold_of_its_checkpoint(tmp_path: Path) -> None:
    """Windows replaces no file that is mapped into memory."""
    network = fertutor.AttentionalCNN()
    train(network, splits(), replace(QUICK, epochs=1), out=tmp_path, report=silent)
    parts, _ = load_checkpoint(tmp_path)
    assert parts
    assert str(tmp_path / "checkpoint.safetensors") not in Path("/proc/self/maps").read_text()


def test_a_run_is_never_overwritten_nor_resumed_as_another(tmp_path: Path) -> None:
    network = fertutor.AttentionalCNN()
    train(network, splits(), replace(QUICK, epochs=1), out=tmp_path, report=silent)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    with pytest.raises(InputError, match="already holds a run"):
        train(network, splits(), QUICK, out=tmp_path, report=silent)
    with pytest.raises(InputError, match="another seed"):
        train(network, splits(), replace(QUICK, epochs=1), seed=5, out=tmp_path, resume=True, report=silent)
    changed = replace(QUICK, epochs=1, learning_rate=0.1)
    with pytest.raises(InputError, match="another recipe"):
        train(network, splits(), changed, out=tmp_path, resume=True, report=silent)
    with pytest.raises(InputError, match="other faces"):
        train(network, splits(70), replace(QUICK, epochs=1), out=tmp_path, resume=True, report=silent)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before


def test_a_constant_rate_can_be_prolonged(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = fertutor.AttentionalCNN()
    train(network, splits(), replace(QUICK, epochs=2), out=tmp_path / "a", report=silent)
    train(network, splits(), replace(QUICK, epochs=4), out=tmp_path / "a", resume=True, report=silent)
    train(network, splits(), replace(QUICK, epochs=4), out=tmp_path / "b", report=silent)
    assert_same(states(tmp_path / "a"), states(tmp_path / "b"))


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run"):
        train(fertutor.AttentionalCNN(), splits(), QUICK, out=tmp_path, resume=True, report=silent)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"\x10\x00")
    with pytest.raises(InputError, match=r"checkpoint\.safetensors is damaged"):
        train(fertutor.AttentionalCNN(), splits(), QUICK, out=tmp_path, resume=True, report=silent)


def test_damaged_numbers_replace_no_good_weights(tmp_path: Path, short_run: Path) -> None:
    shutil.copytree(short_run, tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"is damaged \(its numbers are not those that were written\)"):
        train(
            fertutor.AttentionalCNN(),
            splits(14),
            replace(QUICK, epochs=2),
            out=path.parent,
            resume=True,
            report=silent,
        )
    assert (path.parent / "best.safetensors").read_bytes() == (short_run / "best.safetensors").read_bytes()


def test_a_kill_between_the_checkpoint_and_the_best_weights_loses_nothing(tmp_path: Path) -> None:
    network = fertutor.AttentionalCNN()
    recipe = replace(QUICK, epochs=2)
    train(network, splits(), recipe, out=tmp_path, report=silent)
    best = (tmp_path / "best.safetensors").read_bytes()
    (tmp_path / "best.safetensors").unlink()
    (tmp_path / "history.json").unlink()
    train(network, splits(), recipe, out=tmp_path, resume=True, report=silent)
    assert (tmp_path / "best.safetensors").read_bytes() == best
    assert len(json.loads((tmp_path / "history.json").read_text())) == 2


def test_a_checkpoint_of_before_the_checksum_goes_on(tmp_path: Path, short_run: Path) -> None:
    parts, facts = load_checkpoint(short_run)
    tensors = {f"{part}/{name}": value for part, state in parts.items() for name, value in state.items()}
    path = tmp_path / "checkpoint.safetensors"
    safetensors.torch.save_file(tensors, path, metadata={"facts": json.dumps(facts)})
    assert load_checkpoint(tmp_path)[1] == facts


@pytest.mark.parametrize("facts", ["{}", "[]", "null", "nonsense"])
def test_a_checkpoint_of_something_else_is_named(tmp_path: Path, facts: str) -> None:
    path = tmp_path / "checkpoint.safetensors"
    safetensors.torch.save_file({"a/b": torch.zeros(1)}, path, metadata={"facts": facts})
    with pytest.raises(InputError, match=r"checkpoint\.safetensors is damaged"):
        train(fertutor.AttentionalCNN(), splits(), QUICK, out=tmp_path, resume=True, report=silent)


@pytest.fixture(scope="module")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of one epoch."""
    folder = tmp_path_factory.mktemp("short")
    train(fertutor.AttentionalCNN(), splits(14), replace(QUICK, epochs=1), out=folder, report=silent)
    return folder


@pytest.mark.parametrize(
    "change",
    [
        {"history": []},
        {"history": 3},
        {"history": [3]},
        {"history": [{}]},
        {"best_epoch": 0},
        {"best_epoch": 2},
        {"best_epoch": "1"},
        {"sessions": []},
        {"sessions": [{}]},
        {"sessions": [{"first_epoch": 2}]},
        {"identity": []},
        {"diverged": None},
        {"without": "network/hidden.weight"},
        {"without": "best/"},
        {"without": "best/hidden.weight"},
        {"without": "optimizer/"},
        {"shape": "network/hidden.weight"},
        {"shape": "optimizer/0/exp_avg"},
    ],
    ids=str,
)
def test_a_checkpoint_whose_content_does_not_fit_is_named(
    change: dict[str, Any], short_run: Path, tmp_path: Path
) -> None:
    """No run goes on with half of what it knew."""
    with safetensors.safe_open(short_run / "checkpoint.safetensors", "pt") as file:
        facts = json.loads(file.metadata()["facts"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if "without" in change:
        tensors = {name: value for name, value in tensors.items() if not name.startswith(change["without"])}
    elif "shape" in change:
        assert change["shape"] in tensors
        tensors[change["shape"]] = torch.zeros(3)
    else:
        facts |= change
    path = tmp_path / "checkpoint.safetensors"
    metadata = {"facts": json.dumps(facts), "checksum": str(checksum(tensors))}
    safetensors.torch.save_file(tensors, path, metadata)
    with pytest.raises(
        InputError, match=r"checkpoint\.safetensors is damaged or no checkpoint of this version"
    ):
        train(
            fertutor.AttentionalCNN(),
            splits(14),
            replace(QUICK, epochs=2),
            out=tmp_path,
            resume=True,
            report=silent,
        )


def test_an_optimizer_without_a_memory_resumes(tmp_path: Path) -> None:
    recipe = replace(QUICK, optimizer="sgd", momentum=0.0, epochs=1)
    for epochs in (1, 2):
        run = train(
            fertutor.AttentionalCNN(),
            splits(14),
            replace(recipe, epochs=epochs),
            out=tmp_path,
            resume=epochs == 2,
            report=silent,
        )
    assert len(run.history) == 2


def test_the_best_epoch_on_validation_is_kept() -> None:
    run = train(fertutor.AttentionalCNN(), splits(), replace(QUICK, epochs=5), report=silent)
    accuracies = [epoch["val_accuracy"] for epoch in run.history]
    assert run.best_epoch == accuracies.index(max(accuracies)) + 1


def test_a_run_that_diverges_stops_and_says_so() -> None:
    run = train(fertutor.AttentionalCNN(), splits(), replace(QUICK, learning_rate=1e30), report=silent)
    assert run.diverged
    assert "diverged in epoch" in run.divergence and "--learning-rate than 1e+30" in run.divergence
    assert len(run.history) < 3


def test_a_diverged_run_is_told_and_leaves_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = tmp_path / "results"
    words = ["train", "drawn-studio", "--epochs", "2", "--learning-rate", "1e20"]
    assert main([*words, "--out", str(tmp_path / "run"), "--ledger", str(book)]) == 0
    assert "the run diverged in epoch" in capsys.readouterr().out

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    for path in (tmp_path / "run" / "history.json", next(book.glob("*.json"))):
        assert "null" in path.read_text()
        json.loads(path.read_text(), parse_constant=refuse)


@pytest.mark.parametrize("kind", ["compact", "best", "deep"])
@pytest.mark.parametrize("recipe", ["paper", "paper-fixed"])
def test_the_penalty_is_refused_where_there_are_no_such_layers(
    kind: str, recipe: str, tmp_path: Path
) -> None:
    """A compact network's last linear layers but one place its transformer."""
    with pytest.raises(InputError, match="choose --penalty 0 or --recipe compact"):
        train(fertutor.build_network(kind), splits(), recipe, out=tmp_path / "run")
    with pytest.raises(InputError, match="Figure 3"):
        penalty(fertutor.build_network(kind))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["best.safetensors", "history.json"])
def test_a_file_of_another_run_is_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(InputError, match=f"already holds a {name}"):
        train(fertutor.AttentionalCNN(), splits(), QUICK, out=tmp_path, report=silent)
    assert (tmp_path / name).read_text() == "precious"


def test_a_place_that_cannot_be_written_is_noticed_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    places = ([tmp_path / "file", tmp_path / "a"], [tmp_path / "file" / "b", tmp_path / "a"])
    for out, book in (*places, [tmp_path / "run", tmp_path / "file"]):
        words = ["train", "drawn-studio", "--epochs", "1", "--out", str(out), "--ledger", str(book)]
        assert main(words) == 1
        said = capsys.readouterr().err
        assert "cannot be written to" in said and str(tmp_path / "file") in said
        assert "epoch" not in said.lower()
        assert not (tmp_path / "run").exists() and not (tmp_path / "a").exists()


def test_fewer_epochs_than_are_done_are_refused(tmp_path: Path) -> None:
    network = fertutor.AttentionalCNN()
    train(network, splits(), replace(QUICK, epochs=2), out=tmp_path, report=silent)
    before = (tmp_path / "history.json").read_text()
    with pytest.raises(InputError, match=r"2 epochs behind it, .* --epochs 2 or more"):
        train(network, splits(), replace(QUICK, epochs=1), out=tmp_path, resume=True, report=silent)
    assert (tmp_path / "history.json").read_text() == before


def test_gaussian_initialisation_has_its_spread_and_keeps_the_identity() -> None:
    recipe = replace(PAPER, epochs=1, learning_rate=1e-12, weight_decay=0.0)
    network = train(fertutor.AttentionalCNN(), splits(), recipe, report=silent).network
    assert network.hidden.weight.std().item() == pytest.approx(0.05, rel=0.05)
    localization = next(module for module in network.modules() if isinstance(module, Localization))
    assert torch.allclose(localization.theta.bias, torch.tensor([1.0, 0, 0, 0, 1.0, 0]), atol=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--hold-out", "0.001"),
        ("--epochs", "1", "--set", "epochs=2"),
        ("--set", "mixup=0.1", "--set", "mixup=0.1"),
        ("--set", "gaussian=0.05", "--from", "drawn"),
        ("--network", "compact", "--penalty", "0.1"),
    ],
)
def test_a_call_that_makes_no_sense_is_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "drawn-studio", "--out", str(tmp_path / "run"), *arguments]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert arguments[-2] in said
    assert not (tmp_path / "run").exists()


def test_the_penalty_is_equation_1() -> None:
    network = fertutor.AttentionalCNN()
    by_hand = sum(
        float(value) ** 2
        for layer in (network.hidden, network.output)
        for value in layer.weight.detach().flatten()
    )
    assert float(penalty(network).detach()) == pytest.approx(by_hand, rel=1e-4)


def test_oversampling_brings_classes_to_the_same_order() -> None:
    labels = torch.tensor([0] * 100 + [1] * 7 + [2] * 60)
    order = epoch_order(labels, True, torch.Generator().manual_seed(0))
    counts = torch.bincount(labels[order])
    assert counts.tolist() == [100, 98, 60]
    assert set(order.tolist()) == set(range(167))
    plain = epoch_order(labels, False, torch.Generator().manual_seed(0))
    assert sorted(plain.tolist()) == list(range(167))


def test_one_cycle_rises_then_falls_to_nothing() -> None:
    recipe = replace(PAPER, schedule="one-cycle", learning_rate=0.1, warm_up=0.25)
    rates = [rate_at(recipe, step / 100) for step in range(101)]
    assert max(rates) == rates[25] == pytest.approx(0.1)
    assert rates[:26] == sorted(rates[:26])
    assert rates[25:] == sorted(rates[25:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    found = [rate_at(recipe, share) for share in (0, 0.05, 0.125, 0.625)]
    assert found == pytest.approx([0.001, 0.02, 0.05, 0.05])


def test_a_set_without_validation_faces_is_refused() -> None:
    with pytest.raises(InputError, match="blobs has no validation faces"):
        train(fertutor.AttentionalCNN(), FaceSplits("blobs", blobs(14), None, None), QUICK)
    with pytest.raises(InputError, match="blobs has no validation faces"):
        train(fertutor.AttentionalCNN(), FaceSplits("blobs", blobs(14), blobs(0), None), QUICK)
    with pytest.raises(InputError, match="blobs has no training faces"):
        train(fertutor.AttentionalCNN(), FaceSplits("blobs", blobs(0), blobs(14), None), QUICK)


@pytest.mark.parametrize("seed", ["a", 1.5, None])
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    with pytest.raises(InputError, match=f"a seed is a whole number from 0 to 4294967295, not {seed!r}"):
        train(fertutor.AttentionalCNN(), splits(), seed=seed)


def test_what_is_no_network_or_no_face_set_is_refused() -> None:
    with pytest.raises(InputError, match=r"a network is asked for, .* not 'drawn'"):
        train("drawn", splits())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Flatten is none of this library's networks"):
        train(nn.Flatten(), splits())
    with pytest.raises(InputError, match=r"a face set is asked for, .* not FaceTable"):
        train(fertutor.AttentionalCNN(), blobs(14))  # type: ignore[arg-type]
    for recipe, said in ((None, "None"), ({}, "dict")):
        with pytest.raises(InputError, match=f"a recipe or the name of one is asked for, .* not {said}"):
            train(fertutor.AttentionalCNN(), splits(), recipe)  # type: ignore[arg-type]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_gpu_learns_too() -> None:
    run = train(
        fertutor.AttentionalCNN(), splits(350), replace(QUICK, epochs=12), device="cuda", report=silent
    )
    assert run.best_val_accuracy > 0.9


WAYS = {
    "adam": {"penalty": 1e-3},
    "adamw": {"optimizer": "adamw", "schedule": "one-cycle"},
    "sgd": {
        "optimizer": "sgd",
        "schedule": "one-cycle",
        "mixup": 0.3,
        "soft": True,
        "average": 0.9,
        "augmentation": Augmentation(rotation=10, distortion=0.5, brightness=0.1, contrast=0.3, erase=0.5),
    },
}


def moving_start(kind: str) -> nn.Module:
    """A new network whose transformer moves its maps.

    At the identity every point of the grid lies on a pixel, where the sampler has a kink: rounding
    decides from which side its slope is taken, and two right runs part at their first step.
    """
    torch.manual_seed(0)
    network = build_network(kind)
    if kind != "deep":
        torch.nn.init.normal_(network.localization.theta.weight, std=0.02)
        with torch.no_grad():
            network.localization.theta.bias.add_(0.1 * torch.randn(6))
    return network


def distances(start: nn.Module, one: Path, other: Path) -> dict[str, float]:
    """How far apart two runs from `start` end: of weights as a share of the way, of moments of their size."""
    a, b = states(one), states(other)
    first = {name: value.detach() for name, value in start.named_parameters()}
    found = {}
    for part in a.keys() & {"network", "averaged"}:
        moved = torch.cat([(b[part][name] - value).flatten() for name, value in first.items()]).norm()
        apart = torch.cat([(b[part][name] - a[part][name]).flatten() for name in first]).norm()
        assert 0 < moved
        found[part] = float(apart / moved)
    assert a["optimizer"].keys() == b["optimizer"].keys()
    for kind in {name.split("/")[1] for name in a["optimizer"]}:
        ends = [
            torch.cat([value.flatten() for name, value in run["optimizer"].items() if name.endswith(kind)])
            for run in (a, b)
        ]
        found[kind] = float((ends[0] - ends[1]).norm() / ends[1].norm())
    return found


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_replayed_step_is_the_step(kind: str, way: str, tmp_path: Path) -> None:
    """Batches, dropout masks, rates and moments are those of plain steps; the last batch is smaller.

    Few steps at a small rate: under batch normalisation rounding grows from step to step. On a CPU weights
    that were changed by a millionth ended with moments up to 5 % apart, and one stale batch of the eight
    made that 16 % or more. What a GPU's rounding does is seen in two plain runs.
    """
    if kind != "attentional" and "penalty" in WAYS[way]:
        pytest.skip("the penalty is of Figure 3's network")
    recipe = replace(QUICK, epochs=2, learning_rate=0.0001, penalty=0.0)
    recipe = replace(recipe, **WAYS[way])
    table = blobs(108)
    faces = replace(splits(), train=replace(table, votes=F.one_hot(table.labels, 7).float()))
    network = moving_start(kind)
    runs = [
        train(
            network,
            faces,
            recipe,
            device="cuda",
            precision="fp32",
            out=tmp_path / name,
            graphs=name == "replayed",
            report=silent,
        )
        for name in ("replayed", "plain", "again")
    ]
    for one, other in zip(runs[0].history, runs[1].history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=0.005)
        assert one["learning_rate"] == other["learning_rate"]
    luck = distances(network, tmp_path / "again", tmp_path / "plain")
    for part, far in distances(network, tmp_path / "replayed", tmp_path / "plain").items():
        assert far < max(0.1, 3 * luck[part]), part


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_run_on_a_gpu_goes_on_where_it_was(tmp_path: Path) -> None:
    network = moving_start("attentional")
    recipe = replace(QUICK, learning_rate=0.0001)
    for name, epochs, resume in (("whole", 4, False), ("parts", 2, False), ("parts", 4, True)):
        train(
            network,
            splits(),
            replace(recipe, epochs=epochs),
            device="cuda",
            precision="fp32",
            out=tmp_path / name,
            resume=resume,
            report=silent,
        )
    assert max(distances(network, tmp_path / "parts", tmp_path / "whole").values()) < 0.1


def test_a_rate_that_a_tensor_does_not_hold_is_its_largest() -> None:
    """As on a GPU, where the rate is one."""
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=torch.tensor(0.1))
    set_rate(optimizer, 1e61)
    assert optimizer.param_groups[0]["lr"] == torch.finfo(torch.float32).max


def test_no_gpu_is_said_in_one_sentence() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(InputError, match="no CUDA GPU here"):
        train(fertutor.AttentionalCNN(), splits(), QUICK, device="cuda", report=silent)


def test_mixup_and_votes_train() -> None:
    table = blobs(140)
    votes = F.one_hot(table.labels, 7).float()
    soft = FaceTable(table.images, table.labels, votes=votes)
    recipe = replace(QUICK, mixup=0.4, soft=True, smoothing=0.1, optimizer="sgd", learning_rate=0.02)
    run = train(
        fertutor.AttentionalCNN(), FaceSplits("blobs", soft, blobs(70, 1), None), recipe, report=silent
    )
    assert not run.diverged


def test_the_share_of_mixup_follows_its_alpha() -> None:
    """A small α leaves nearly the one face or nearly the other, a large one a blend of both."""
    for alpha in (0.1, 1.0, 50.0):
        generator = torch.Generator().manual_seed(0)
        shares = torch.stack([draw_mix(2, alpha, generator)["shares"][0] for _ in range(400)])
        assert float(shares.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.25)


def test_of_mixed_faces_the_larger_share_is_the_right_answer() -> None:
    """Half of the shares are below one half: hits counted by the face's own label would stay near that."""
    torch.manual_seed(1)
    recipe = replace(QUICK, mixup=0.4, epochs=8)
    run = train(fertutor.AttentionalCNN(), splits(), recipe, precision="fp32", report=silent)
    assert run.history[-1]["val_accuracy"] > 0.95
    assert run.history[-1]["train_accuracy"] > 0.8


def test_the_callers_own_draws_go_on_as_if_nothing_was() -> None:
    network = fertutor.AttentionalCNN()
    state = torch.get_rng_state()
    train(network, splits(), replace(QUICK, epochs=1), report=silent)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("kind", "sizes"), [("compact", [32, 37]), ("attentional", [32, 32, 5])])
def test_few_faces_join_the_batch_before_them_where_statistics_are_taken(
    kind: str, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(
        "fertutor.training.loop.draw_augmentation",
        lambda n, *rest: seen.append(n) or draw_augmentation(n, *rest),
    )
    recipe = replace(QUICK, epochs=1, penalty=0.0, oversample=False)
    train(build_network(kind), splits(69), recipe, report=silent)
    assert seen == sizes


def test_without_momentum_sgd_is_plain() -> None:
    recipe = replace(QUICK, optimizer="sgd", momentum=0.0, learning_rate=0.05)
    assert train(fertutor.AttentionalCNN(), splits(), recipe, report=silent).history[-1]["loss"] < 2


HERE = Setting("cpu", "fp32")


def test_a_teacher_speaks_for_its_share_of_each_target() -> None:
    table, teacher = blobs(70), fertutor.AttentionalCNN().eval()
    with torch.inference_mode():
        said = teacher(table.images.float() / 255).softmax(1)
    still = Augmentation(flip=False)
    votes = taught(table, [teacher], 0.7, still, seed=0, setting=HERE).votes
    assert votes is not None
    assert torch.allclose(votes, 0.3 * F.one_hot(table.labels, 7) + 0.7 * said, atol=1e-5)
    own = replace(table, votes=torch.full((70, 7), 1 / 7))
    kept = taught(own, [teacher], 0.0, still, seed=0, setting=HERE).votes
    assert kept is not None
    assert torch.allclose(kept, torch.full((70, 7), 1 / 7))
    (nn.Parameter(torch.ones(7)) * votes).sum().backward()  # a loop of one's own trains on them


def test_two_teachers_share_their_part_and_see_the_faces_changed() -> None:
    torch.manual_seed(0)
    table, teachers = blobs(70), [fertutor.AttentionalCNN().eval() for _ in range(2)]

    def votes(which: list[fertutor.AttentionalCNN], how: Augmentation) -> Tensor:
        found = taught(table, which, 1.0, how, seed=0, setting=HERE).votes
        assert found is not None
        return found

    turned, still = Augmentation(rotation=30), Augmentation(flip=False)
    first, second = (votes([one], still) for one in teachers)
    assert torch.allclose(votes(teachers, still), (first + second) / 2, atol=1e-5)
    assert not torch.allclose(votes(teachers[:1], turned), first, atol=1e-5)


def test_teachers_are_left_as_they_are() -> None:
    teacher = fertutor.build_network("compact").train()
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    taught(blobs(7), [teacher], 0.5, Augmentation(), seed=0, setting=HERE)
    assert teacher.training
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_teacher_of_other_expressions_is_refused() -> None:
    with pytest.raises(InputError, match="a teacher tells 8 expressions apart and the faces have 7"):
        taught(blobs(7), [fertutor.AttentionalCNN(classes=8)], 0.5, Augmentation(), seed=0, setting=HERE)
    with pytest.raises(InputError, match=r"share must lie between 0 and 1, not 1\.5"):
        taught(blobs(7), [fertutor.AttentionalCNN()], 1.5, Augmentation(), seed=0, setting=HERE)


def test_a_taught_run_trains_on_its_votes_and_goes_on_with_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, book = tmp_path / "run", tmp_path / "results"
    words = ["train", "drawn-studio", "--epochs", "1", "--batch", "64", "--recipe", "paper"]
    words += ["--out", str(folder), "--ledger", str(book)]
    taught_by = [*words, "--teacher", "drawn"]
    assert main(taught_by) == 0
    entry = json.loads(next(book.glob("*.json")).read_text())
    assert entry["teachers"]["weights"] == ["drawn"]
    assert entry["recipe"]["soft"]

    faces = fertutor.load_faces("drawn-studio").train
    assert faces is not None
    with_votes = load_votes(faces, entry["teachers"], folder)
    assert with_votes.votes is not None
    assert not torch.allclose(with_votes.votes, F.one_hot(faces.labels, 7).float(), atol=0.01)
    identity = load_checkpoint(folder)[1]["identity"]
    assert identity["fingerprints"]["train"] == with_votes.fingerprint() != faces.fingerprint()

    before = (folder / "votes.safetensors").read_bytes()
    assert main(taught_by) == 1  # a folder that holds a run
    assert (folder / "votes.safetensors").read_bytes() == before
    assert main([*taught_by, "--epochs", "2", "--resume"]) == 0
    assert len(json.loads((folder / "history.json").read_text())) == 2

    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(weights_path("drawn").read_bytes())
    assert main([*words, "--teacher", str(moved), "--epochs", "3", "--resume"]) == 0

    capsys.readouterr()
    assert main([*words, "--teacher", "paper", "--resume"]) == 1
    assert main([*words, "--resume"]) == 1
    assert main([*taught_by, "--by-subject", "--hold-out", "0.5", "--resume"]) == 1
    (folder / "votes.safetensors").write_bytes(b"no tensors")
    assert main([*taught_by, "--resume"]) == 1
    (folder / "votes.safetensors").unlink()
    assert main([*taught_by, "--resume"]) == 1
    said = capsys.readouterr().err
    for words_of in (
        "other teachers",
        "another recipe",
        "other faces",
        "is damaged",
        "holds no run with teachers",
    ):
        assert words_of in said
    assert "Traceback" not in said


def test_teachers_and_torchrun_do_not_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    words = ["train", "drawn-studio", "--teacher", "drawn", "--out", str(tmp_path / "run")]
    assert main(words) == 1
    assert "--devices instead of torchrun" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_from_weights_begins_with_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start, folder, book = tmp_path / "start.safetensors", tmp_path / "run", tmp_path / "results"
    save_network(fertutor.AttentionalCNN("input", channels=3), start)
    where = ["--out", str(folder), "--ledger", str(book)]
    words = ["train", "drawn-studio", "--epochs", "1", "--batch", "256", "--learning-rate", "1e-9", *where]
    assert main([*words, "--from", str(start)]) == 0  # the recipe "paper" starts from a Gaussian
    entry = json.loads(next(book.glob("*.json")).read_text())
    assert entry["start"] == str(start)
    assert entry["recipe"]["gaussian"] is None
    assert entry["network"]["arguments"]["sampler"] == "input"
    before, after = (load_network(path).state_dict() for path in (start, folder / "best.safetensors"))
    for name, value in before.items():
        assert torch.allclose(value, after[name], atol=1e-6), name

    assert entry["start_sha256"] == ledger.file_sha256(start)
    longer = ["train", "drawn-studio", "--epochs", "2", *words[4:], "--resume"]
    other = tmp_path / "other.safetensors"
    save_network(fertutor.AttentionalCNN("input", channels=3), other)
    capsys.readouterr()
    built = ["--sampler", "input", "--channels", "3", "--set", "gaussian=null"]
    for begun in (built, ["--from", str(other)]):
        assert main([*longer, *begun]) == 1
        assert "was started with other weights in --from, or none" in capsys.readouterr().err
    assert main([*longer, "--from", str(start)]) == 0
    for more in (["--network", "compact"], ["--sampler", "none"], ["--channels", "0"]):
        assert main([*words, "--from", str(start), *more]) == 1
        assert f"leave out {more[0]}, or --from" in capsys.readouterr().err


def test_of_two_runs_that_begin_in_one_folder_the_first_stays(tmp_path: Path) -> None:
    """The other one, which found the folder empty when it began, loses an epoch and not the first its run."""
    kept = []

    def begin_another(line: str) -> None:
        if not kept:
            kept.append((tmp_path / "run" / "best.safetensors").read_bytes())

    first = replace(QUICK, epochs=1)

    class Slow(FaceTable):
        """Faces whose reading takes so long that the other run has its first epoch behind it."""

        def fingerprint(self) -> str:
            if not kept:
                train(fertutor.AttentionalCNN(), splits(), first, out=tmp_path / "run", report=begin_another)
            return super().fingerprint()

    slow = splits()
    late = FaceSplits("blobs", Slow(slow.train.images, slow.train.labels), slow.val, None)
    with pytest.raises(InputError, match="already holds a run"):
        train(fertutor.AttentionalCNN(), late, replace(first, learning_rate=0.1), out=tmp_path / "run")
    assert kept == [(tmp_path / "run" / "best.safetensors").read_bytes()]


def test_a_recipe_may_be_put_in_other_words(tmp_path: Path) -> None:
    train(fertutor.AttentionalCNN(), splits(), replace(QUICK, epochs=1), out=tmp_path, report=silent)
    reworded = replace(QUICK, epochs=2, why="Better said.")
    run = train(fertutor.AttentionalCNN(), splits(), reworded, out=tmp_path, resume=True, report=silent)
    assert len(run.history) == 2


def test_runs_of_other_numbers_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "drawn-studio", "--batch", "256", "--ledger", "ledger", "--epochs"]
    assert main([*words, "1"]) == 0
    assert main([*words, "1", "--learning-rate", "0.001"]) == 0
    assert main([*words, "2", "--resume"]) == 0
    stem = "drawn-studio-original-attentional-paper-batch-256"
    assert {path.name for path in Path("runs").iterdir()} == {f"{stem}-0", f"{stem}-learning-rate-0.001-0"}


def test_a_network_of_other_expressions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tells 8 expressions apart and blobs has 7"):
        train(fertutor.AttentionalCNN(classes=8), splits(), "paper", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_resumed_run_keeps_its_best_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best lies behind the run that is resumed, and a later epoch that is as good does not replace it."""
    shares = iter([0.9, 0.5, 0.9])
    monkeypatch.setattr(loop._Trainer, "_validate", lambda self: (1.0, next(shares)))
    network = fertutor.AttentionalCNN()
    train(network, splits(), replace(QUICK, epochs=2), out=tmp_path, report=silent)
    best = (tmp_path / "best.safetensors").read_bytes()
    run = train(network, splits(), QUICK, out=tmp_path, resume=True, report=silent)
    assert (run.best_epoch, len(run.history)) == (1, 3)
    assert (tmp_path / "best.safetensors").read_bytes() == best == weights_bytes(run.network)
