"""What several commands share: a user would lose a photograph, or meet a traceback, if these failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

import fertutor
from fertutor.cli import main


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
