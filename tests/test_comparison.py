"""Two networks face by face: a difference that is luck must not pass for a gain."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor, nn

import fertutor
from fertutor.cli import main
from fertutor.errors import InputError
from fertutor.evaluation.comparison import Comparison
from fertutor.faces.table import FaceTable


class Answers(nn.Module):
    """A network that reads the answer from a pixel: `where` is the pixel's column."""

    def __init__(self, where: int) -> None:
        super().__init__()
        self.where, self.unused = where, nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        said = (x[:, 0, 0, self.where] * 255).round().long()
        return nn.functional.one_hot(said, 7).float()


def answered(first: Tensor, second: Tensor, labels: Tensor) -> FaceTable:
    images = torch.zeros(len(labels), 1, 48, 48, dtype=torch.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = first.byte(), second.byte()
    return FaceTable(images, labels)


def test_each_face_is_counted_where_it_belongs() -> None:
    labels = torch.tensor([0, 1, 2, 3, 4, 5])
    first, second = torch.tensor([0, 1, 2, 3, 0, 0]), torch.tensor([0, 0, 0, 0, 4, 0])
    found = fertutor.compare(Answers(0), Answers(1), answered(first, second, labels))
    assert found == Comparison(both=1, first=3, second=1, neither=1)
    assert found.n == 6
    assert found.difference == pytest.approx(4 / 6 - 2 / 6)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (3, 9), (12, 12), (250, 228), (400, 300)])
def test_the_test_is_mcnemars_exact_one(first: int, second: int) -> None:
    found = Comparison(both=2000, first=first, second=second, neither=900)
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert found.p_value == pytest.approx(expected)


def test_many_faces_apart_are_tested_exactly_and_once() -> None:
    """At 8,000 faces, each coefficient anew took 13 seconds, and the command asks twice."""
    for first, second in ((0, 5), (17, 4), (300, 350)):
        tail = sum(math.comb(first + second, wins) for wins in range(min(first, second) + 1))
        found = Comparison(both=0, first=first, second=second, neither=1)
        assert found.p_value == min(1.0, 2 * tail / 2 ** (first + second))
    start = time.process_time()
    found = Comparison(both=0, first=4100, second=3900, neither=0)
    assert found.p_value is found.p_value
    assert found.p_value == pytest.approx(binomtest(3900, 8000).pvalue)
    assert time.process_time() - start < 3


def test_the_interval_of_the_difference_covers_it_as_often_as_it_says() -> None:
    chances = torch.tensor([0.6, 0.08, 0.05, 0.27])
    generator = torch.Generator().manual_seed(0)
    covered = 0
    for _ in range(1000):
        drawn = torch.multinomial(chances, 500, replacement=True, generator=generator)
        low, high = Comparison(*torch.bincount(drawn, minlength=4).tolist()).interval
        covered += low <= 0.03 <= high
    assert covered == pytest.approx(950, abs=25)


def test_a_few_faces_leave_doubt_even_where_nobody_parts() -> None:
    low, high = Comparison(both=60, first=0, second=0, neither=10).interval
    assert low == -high < -0.02
    assert Comparison(both=0, first=5, second=0, neither=0).interval[0] < 0.8


def test_the_command_writes_the_ledger_and_agrees_with_evaluate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--ledger", str(tmp_path)]
    assert main(["compare", "drawn", "paper", "drawn-studio", *where]) == 0
    said = capsys.readouterr().out
    entry = json.loads((tmp_path / "compare-drawn-paper-drawn-studio-original-val-1.json").read_text())
    faces = fertutor.load_faces("drawn-studio").val
    assert faces is not None
    shares = [fertutor.evaluate(fertutor.load_network(name), faces).accuracy for name in entry["weights"]]
    assert entry["difference"] == pytest.approx(shares[0] - shares[1])
    counts = [[line.rsplit(maxsplit=1)[0].strip(), int(line.split()[-1])] for line in said.splitlines()[1:5]]
    assert entry["first"] != entry["second"]
    words = ("both", "only drawn", "only paper", "neither")
    assert counts == [
        [word, entry[key]] for word, key in zip(words, ("both", "first", "second", "neither"), strict=True)
    ]
    assert f"drawn minus paper: {100 * entry['difference']:+.2f} points" in said
    assert main(["compare", "drawn", "paper", "drawn-studio", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == len(faces)


def test_what_cannot_be_compared_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    empty = answered(torch.zeros(0), torch.zeros(0), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(InputError, match="no faces to evaluate on"):
        fertutor.compare(Answers(0), Answers(1), empty)
    eight = FaceTable(torch.zeros(1, 1, 48, 48, dtype=torch.uint8), torch.zeros(1).long(), classes=8)
    with pytest.raises(InputError, match="7 classes apart and the faces have 8"):
        fertutor.compare(Answers(0), Answers(1), eight)
    assert main(["compare", "drawn", "nothing", "drawn-studio"]) == 1
    assert "nothing" in capsys.readouterr().err
