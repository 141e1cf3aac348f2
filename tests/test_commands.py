"""What several commands share: a user would lose a photograph, or meet a traceback, if these failed."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import fertutor
from fertutor.cli import main
from fertutor.errors import InputError
from fertutor.network.weights import weights_path
from fertutor.training.checkpoint import load_checkpoint


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.new("L", (60, 60), 120).save(path)
    return path


@pytest.mark.parametrize("command", [["predict", "--annotated"], ["occlude", "--size", "24", "--out"]])
def test_a_command_never_replaces_what_it_reads(
    command: list[str], photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, link = tmp_path / "own.safetensors", tmp_path / "link.png"
    fertutor.save_network(fertutor.AttentionalCNN(), weights)
    link.symlink_to(photo)
    before = photo.read_bytes(), weights.read_bytes()
    name, *options = command
    for out in (photo, link, weights):
        assert main([name, str(weights), str(photo), "--whole", *options, str(out)]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{options[-1]} {out} would replace" in line
    assert (photo.read_bytes(), weights.read_bytes()) == before


@pytest.mark.parametrize("command", [["predict", "--annotated"], ["occlude", "--size", "24", "--out"]])
def test_a_picture_that_cannot_be_written_is_named(
    command: list[str], photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command
    out = photo / "map.png"
    assert main([name, "drawn", str(photo), "--whole", *options, str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{out} cannot be read or written" in line


def test_labels_to_map_are_those_of_the_network(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    eight = tmp_path / "eight.safetensors"
    fertutor.save_network(fertutor.AttentionalCNN(classes=8), eight)
    words = [str(photo), "--whole", "--size", "24", "--stride", "24", "--label", "contempt"]
    assert main(["occlude", str(eight), *words]) == 0
    assert "the map is about contempt" in capsys.readouterr().out
    assert main(["occlude", "drawn", *words]) == 1
    assert "'contempt' is no expression of the network: choose one of angry" in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["-1", "99999999999999999999", "4294967296", "1.5", "²"])
@pytest.mark.parametrize(
    "command",
    [
        ["draw", "--expression", "sad", "--out", "face.png", "--seed"],
        ["datasets", "drawn-studio", "--split-seed"],
        ["baselines", "drawn-studio", "--seed"],
        ["reproduce", "drawn-studio", "--seed"],
        ["search", "drawn-studio", "--over", "penalty=1e-5:1e-2", "--seed"],
        ["train", "drawn-studio", "--seed"],
    ],
)
def test_a_seed_out_of_range_is_one_sentence(
    command: list[str], seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*command, seed])
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"{command[-1]}: expected a whole number from 0 to 4294967295, not {seed}" in last


@pytest.mark.parametrize("widths", ["8,x", "", "8,,8", "-8", "8.5"])
def test_widths_that_are_no_numbers_are_one_sentence(widths: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["train", "drawn-studio", f"--widths={widths}"])
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"--widths: expected whole numbers separated by commas, not {widths}" in last


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threads", "-1"], "--threads must be from 1"),
        (["--threads", "0"], "--threads must be from 1"),
        (["--threads", str(10**12)], "--threads must be from 1"),
        (["--device", "cuda"], "no CUDA GPU here"),
    ],
)
def test_a_benchmark_that_cannot_be_run_is_one_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "cuda" in words and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert main(["bench", "drawn", *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_who_is_cut_off_does_not_say_that_all_is_done() -> None:
    """Nobody reads the output: status 141, as of other programs, and no word about it."""
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "fertutor", "weights"]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OSError(24, "Too many open files", "x"), 1),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 1),
        (RuntimeError("CUDA out of memory. Tried"), 1),
    ],
)
def test_what_ends_a_command_is_one_line(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Any) -> None:
        raise error

    for name in ("run", "add_arguments"):
        with monkeypatch.context() as patch:
            patch.setattr(f"fertutor.commands.weights.{name}", fail)
            assert main(["weights"]) == status
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_terminated_command_leaves_no_temporary_file(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, fertutor.commands.weights as weights\n"
        "from fertutor.cli import main\n"
        "from fertutor.files import replacing\n"
        "def run(args):\n"
        "    with replacing(sys.argv[1]) as path:\n"
        "        path.write_text('half')\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "weights.run = run\n"
        "sys.exit(main(['weights']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "file")], check=False)
    assert done.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["--help"], ["draw", "--expression", "θ", "--out", "face.png"]])
def test_a_terminal_without_unicode_gets_its_text(words: list[str]) -> None:
    """Windows pipes in code page 1252, which has no θ."""
    process = subprocess.run(
        [sys.executable, "-m", "fertutor", *words],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=False,
    )
    assert process.returncode == int("--help" not in words)
    assert b"\\u03b8" in process.stdout + process.stderr
    assert b"Traceback" not in process.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluate", "drawn", "drawn-studio", "--no-ledger", "--ledger", "x"], "exclude each other"),
        (["weights", "--run", "runs/a"], "add --release NAME"),
        (["datasets", "--record"], "--record is of one face set"),
        (["datasets", "--root", "x"], "--root is of one face set"),
        (["occlude", "drawn", "drawn-studio:val:0", "--whole"], "--whole is of a photograph"),
        (["occlude", "drawn", "drawn-studio:val"], "write SET:SPLIT:ROW"),
        (["train", "drawn-studio", "--teacher-share", "0.9"], "needs a teacher"),
        (["train", "drawn-studio", "--teacher-share", "nan"], "needs a teacher"),
        (
            ["train", "drawn-studio", "--teacher", "drawn", "--set", "soft=false"],
            "pass over what the teachers say",
        ),
        (
            ["train", "drawn-studio", "--batch", "9223372036854775808"],
            "batch must lie between 1 and 1,000,000",
        ),
        (["train", "drawn-studio", "--set", "augmentation.rotation=1e300"], "rotation must be 180 or less"),
        (["train", "drawn-studio", "--set", "augmentation.shift=1e300"], "shift must be 48 or less"),
        (["search", "drawn-studio", "--over", "penalty=1e-6:1", "--over", "penalty=1:2"], "a second time"),
        (
            [
                "search",
                "drawn-studio",
                "--over",
                "penalty=1e-6:1",
                "--network",
                "compact",
                "--recipe",
                "compact",
            ],
            "search another number",
        ),
        (
            ["search", "drawn-studio", "--over", "learning_rate=1e-6:1", "--network", "compact"],
            "take a recipe without it, such as compact",
        ),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert said in error
    assert not list(tmp_path.glob("runs/*/*"))


def test_a_runs_folder_is_named_by_its_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "drawn-studio", "--network", "compact", "--recipe", "compact", "--epochs", "1"]
    built = ["--widths", "4,4,4,4,4,4,5", "--dropout", "0.1"]
    assert main([*words, *built, "--ledger", "results"]) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == "drawn-studio-original-compact-widths-4-4-4-4-4-4-5-dropout-0.1-compact-0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("CUDA out of memory. Tried to allocate", "the GPU's memory does not suffice (nvidia-smi says"),
        ("DefaultCPUAllocator: can't allocate memory", "fertutor: the memory does not suffice: close"),
    ],
)
def test_it_is_said_whose_memory_does_not_suffice(
    words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lack(args: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr("fertutor.commands.weights.run", lack)
    assert main(["weights"]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_stream_that_the_shell_closed_is_no_error(closed: str) -> None:
    words = f"exec {shlex.quote(sys.executable)} -m fertutor weights {closed}>&-"
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("named", [True, False])
def test_a_face_of_a_set_is_never_replaced_by_its_map(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "fer2013"
    monkeypatch.setenv("FERTUTOR_DATA", str(tmp_path))
    face = root / "train" / "happy" / "a.png"
    face.parent.mkdir(parents=True)
    Image.new("L", (48, 48), 90).save(face)
    before = face.read_bytes()
    words = ["occlude", "drawn", "fer2013:train:0", "--size", "24", "--stride", "24"]
    words += ["--root", str(root)] if named else []
    assert main([*words, "--out", str(face)]) == 1
    assert "would replace a file of" in capsys.readouterr().err
    assert face.read_bytes() == before


def test_a_name_that_is_no_utf_8_is_refused_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9")
    assert main(["train", "drawn-studio", "--epochs", "1", "--out", odd, "--ledger", str(tmp_path)]) == 1
    assert "is no UTF-8: rename it" in capsys.readouterr().err
    (weights := Path(f"{odd}.safetensors")).write_bytes(weights_path("drawn").read_bytes())
    with pytest.raises(InputError, match="is no UTF-8"):
        fertutor.load_network(weights)


def test_a_checkpoint_is_not_the_networks_file(tmp_path: Path) -> None:
    run, results = tmp_path / "run", tmp_path / "results"
    words = ["train", "drawn-studio", "--epochs", "1", "--out", str(run), "--ledger", str(results)]
    assert main(words) == 0
    with pytest.raises(InputError, match="run's checkpoint: name best"):
        fertutor.load_network(run / "checkpoint.safetensors")
    assert main([*words, "--resume"]) == 0
    assert len(list(results.iterdir())) == 1, "a finished run that is resumed has its entry"
    shutil.copy(run / "best.safetensors", run / "checkpoint.safetensors")
    with pytest.raises(InputError, match="is no checkpoint of a run"):
        load_checkpoint(run)


def test_a_map_without_matplotlib_is_refused_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(
        "fertutor.saliency.occlusion.occlude", lambda *_, **__: pytest.fail("the map was made")
    )
    assert main(["occlude", "drawn", "face.png", "--out", str(tmp_path / "map.png")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "fertutor[chapters]" in line and "--json" in line
