"""Training on several processes: what a user of two machines would lose if it were another training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import torch
from blobs import QUICK, silent, splits

import fertutor
from fertutor.errors import InputError
from fertutor.network.dropout import Dropout
from fertutor.network.weights import build_network
from fertutor.training.augment import Augmentation
from fertutor.training.checkpoint import load_checkpoint
from fertutor.training.distributed import Group, _what_was_raised
from fertutor.training.loop import train

RECIPE = replace(
    QUICK, epochs=2, penalty=1e-3, mixup=0.3, augmentation=Augmentation(rotation=10, distortion=0.5)
)


@pytest.mark.parametrize(
    ("kind", "optimizer"),
    [("attentional", "adam"), ("compact", "sgd")],  # Adam blows rounding up where a gradient is all but 0
)
def test_two_processes_train_as_one(tmp_path: Path, kind: str, optimizer: str) -> None:
    """Dropout, batch normalisation, augmentation and mixup included: the loss curves agree within rounding."""
    torch.manual_seed(0)
    network, recipe = build_network(kind), replace(RECIPE, optimizer=optimizer)
    if kind != "attentional":
        recipe = replace(recipe, penalty=0.0)  # which is of the network of Figure 3
    one = train(network, splits(150), recipe, precision="fp32", report=silent)
    two = train(network, splits(150), recipe, precision="fp32", out=tmp_path, devices=2, report=silent)
    assert [session["first_epoch"] for session in two.sessions] == [1]
    for a, b in zip(one.history, two.history, strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4)
        assert b["val_loss"] == pytest.approx(a["val_loss"], rel=1e-3)


def ran(text: str, folder: Path, *launcher: str) -> subprocess.CompletedProcess[str]:
    """What a script that is written to a folder came to; it is given the place of a run there."""
    script = folder / "script.py"
    script.write_text(text)
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.run(
        [sys.executable, *launcher, str(script), str(folder / "run")],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


SHARED = """
import sys
import torch
from dataclasses import replace
from blobs import QUICK, silent, splits
from fertutor.network.weights import build_network
from fertutor.training.loop import train

recipe = replace(QUICK, epochs=1, penalty=0.0)
run = train(build_network("compact"), splits(14), recipe, device="cpu", out=sys.argv[1], report=silent)
torch.distributed.destroy_process_group()
assert run.network.train()(torch.rand(5, 1, 48, 48)).shape == (5, 7)
"""


def test_the_network_of_a_shared_run_needs_the_others_no_more(tmp_path: Path) -> None:
    """Under torchrun the layers that are trained ask the other processes, which have gone then."""
    done = ran(
        SHARED,
        tmp_path,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--local-addr=127.0.0.1",
        "--nproc_per_node=2",
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("kind", ["attentional", "compact"])
def test_a_last_batch_smaller_than_the_processes_trains_as_one_does(tmp_path: Path, kind: str) -> None:
    """Three faces, one a batch: the first process never has one."""
    torch.manual_seed(0)
    network = build_network(kind)
    recipe = replace(QUICK, epochs=1, batch=1, oversample=False, optimizer="sgd", penalty=0.0)
    one = train(network, splits(3), recipe, precision="fp32", report=silent)
    two = train(network, splits(3), recipe, precision="fp32", out=tmp_path, devices=2)
    for a, b in zip(one.history, two.history, strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4)
        assert b["val_loss"] == pytest.approx(a["val_loss"], rel=1e-3)


def test_torchrun_makes_the_entry_that_one_process_makes(tmp_path: Path) -> None:
    command = [
        "fertutor",
        "train",
        "drawn-studio",
        "--epochs",
        "1",
        "--set",
        "optimizer=sgd",
        "--batch",
        "60",
    ]
    entries = []
    for name, start in (
        ("one", []),
        (
            "two",
            ["torch.distributed.run", "--standalone", "--local-addr=127.0.0.1", "--nproc_per_node=2", "-m"],
        ),
    ):
        folders = ["--out", str(tmp_path / name), "--ledger", str(tmp_path / f"ledger-{name}")]
        subprocess.run(
            [sys.executable, "-m", *start, *command, *folders],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            check=True,
        )
        (entry,) = (tmp_path / f"ledger-{name}").iterdir()
        entries.append(json.loads(entry.read_text()))
    one, two = entries
    for part in ("dataset", "splits", "network", "recipe", "seed", "setting", "epochs_done"):
        assert one[part] == two[part]
    for number in ("loss", "val_loss", "learning_rate"):
        assert two["history"][0][number] == pytest.approx(one["history"][0][number], rel=1e-3)


def test_shares_make_up_the_batch() -> None:
    for size in (1, 2, 3, 5):
        parts = [Group(rank, size).part(37) for rank in range(size)]
        assert parts[0][0] == 0 and parts[-1][1] == 37
        assert all(before[1] == after[0] for before, after in pairwise(parts))


@pytest.mark.parametrize("channels_last", [False, True])
def test_the_shared_mask_is_torchs_own(channels_last: bool) -> None:
    x = torch.rand(10, 4, 3, 3)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    dropout = Dropout(0.4)
    torch.manual_seed(1)
    whole = dropout(x)
    pieces = []
    for part in ((0, 3), (3, 10)):
        torch.manual_seed(1)
        dropout.part = (*part, 10)
        pieces.append(dropout(x[slice(*part)]))
    assert torch.equal(torch.cat(pieces), whole)


CHILD = """
import sys, torch
sys.path.insert(0, {tests!r})
from blobs import QUICK, splits
from dataclasses import replace
import fertutor
if __name__ == "__main__":
    torch.manual_seed(0)
    recipe = replace(QUICK, epochs=200)
    try:
        fertutor.train(fertutor.AttentionalCNN(), splits(420), recipe, out=sys.argv[1], devices=2)
    except fertutor.InputError as error:
        sys.exit(str(error))
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_a_killed_worker_ends_the_job_and_leaves_a_run_to_resume(name: str, tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(CHILD.format(tests=str(Path(__file__).parent)))
    out = tmp_path / "run"
    job = subprocess.Popen([sys.executable, str(script), str(out)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while not (out / "history.json").exists() and time.monotonic() < deadline and job.poll() is None:
        time.sleep(0.1)
    workers = _workers(job.pid)
    assert len(workers) == 2
    workers[-1].send_signal(getattr(signal, name))
    _, said = job.communicate(timeout=240)
    assert job.returncode == 1
    assert [line for line in said.splitlines() if f"({name})" in line and "--resume" in line]
    assert "Traceback" not in said
    torch.manual_seed(0)
    done = len(load_checkpoint(out)[1]["history"])
    recipe = replace(QUICK, epochs=done + 1)
    again = train(fertutor.AttentionalCNN(), splits(420), recipe, out=out, resume=True, report=silent)
    assert len(again.history) == done + 1
    assert [session["first_epoch"] for session in again.sessions] == [1, done + 1]


def test_no_worker_outlives_its_job(tmp_path: Path) -> None:
    """In the background of a script SIGINT is ignored, which is what torch sends to those that are left."""
    script = tmp_path / "child.py"
    script.write_text(CHILD.format(tests=str(Path(__file__).parent)))
    (tmp_path / "t#mp").mkdir()
    job = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, str(script), str(tmp_path / "run")],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path / "t#mp")},
    )
    deadline = time.monotonic() + 240
    while not (tmp_path / "run" / "history.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["child.py", "run", "t#mp"]
    workers = _workers(job.pid)
    assert len(workers) == 2
    job.kill()
    job.wait()
    assert not psutil.wait_procs(workers, timeout=60)[1]


INTERRUPTED = """
import sys, time, torch
sys.path.insert(0, {tests!r})
from blobs import QUICK, splits
from dataclasses import replace
import fertutor
if __name__ == "__main__":
    try:
        fertutor.train(fertutor.AttentionalCNN(), splits(420), replace(QUICK, epochs=200), out=sys.argv[1], devices=2)
    except KeyboardInterrupt:
        print("went on", flush=True)
        time.sleep(100)
"""


def test_an_interrupted_call_leaves_nobody_training(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(INTERRUPTED.format(tests=str(Path(__file__).parent)))
    out = tmp_path / "run"
    job = subprocess.Popen(
        [sys.executable, str(script), str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 240
    while not (out / "history.json").exists() and time.monotonic() < deadline and job.poll() is None:
        time.sleep(0.1)
    half = out / f".checkpoint.safetensors.{_workers(job.pid)[0].pid}-1.tmp"  # as files.replacing names it
    half.touch()
    job.send_signal(signal.SIGINT)
    assert job.stdout is not None and job.stdout.readline() == "went on\n"
    assert not _workers(job.pid)
    assert not half.exists()
    job.kill()
    assert "Traceback" not in job.communicate()[1]


UNGUARDED = """
import sys
from blobs import QUICK, splits
import fertutor

try:
    fertutor.train(fertutor.AttentionalCNN(), splits(14), QUICK, out=sys.argv[1], devices=2)
except fertutor.InputError as error:
    sys.exit(str(error))
"""


def test_a_script_without_a_guard_is_told_of_it_and_of_no_run_to_resume(tmp_path: Path) -> None:
    """Each process imports the script, which there starts processes again."""
    done = ran(UNGUARDED, tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert (
        'no epoch was kept, so start again, in a script of your own under if __name__ == "__main__":' in last
    )
    assert "--resume" not in last


def test_a_process_that_fails_on_a_gpu_says_how() -> None:
    text = (
        "\n\n-- Process 1 terminated with the following error:\nTraceback (most recent call last):\n"
        '  File "loop.py", line 1, in step\ntorch.AcceleratorError: CUDA error: an illegal access\n'
        "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.\n"
    )
    assert _what_was_raised(text) == "torch.AcceleratorError: CUDA error: an illegal access"
    assert _what_was_raised("no traceback\nat all") == "at all"


def _workers(pid: int) -> list[psutil.Process]:
    """Return the training processes under `pid`, multiprocessing's own helper left out."""
    children = psutil.Process(pid).children()
    return [child for child in children if any("spawn_main" in word for word in child.cmdline())]


def test_devices_are_refused_where_they_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give out="):
        train(fertutor.AttentionalCNN(), splits(), RECIPE, devices=2)
    with pytest.raises(InputError, match="devices must be 1 or more"):
        train(fertutor.AttentionalCNN(), splits(), RECIPE, devices=0, out=tmp_path)
    with pytest.raises(InputError, match="--devices 10000: there are"):
        train(fertutor.AttentionalCNN(), splits(), RECIPE, device="cpu", devices=10_000, out=tmp_path)
    with pytest.raises(InputError, match="report=<lambda> cannot be sent to the processes"):
        train(fertutor.AttentionalCNN(), splits(), RECIPE, devices=2, out=tmp_path, report=lambda line: None)
    assert not list(tmp_path.iterdir())
