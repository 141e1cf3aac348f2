"""The chapter *Four data sets*: its checkers must not praise a wrong answer, nor its figures be mute."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from conftest import ROOT
from PIL import Image

from fertutor.exercises.four_sets import check_divide_people, check_entropy
from fertutor.faces.table import FaceTable
from fertutor.faces.votes import vote_entropy


def test_entropy_is_checked() -> None:
    assert check_entropy(vote_entropy)
    wrong = {
        "nats": lambda votes: torch.special.entr(votes).sum(1),
        "has to count as 0": lambda votes: -(votes * votes.log2()).sum(1),
        "one number a row": lambda votes: votes,
        "raises": lambda votes: votes.nonsense(),
        "for seven equal shares": lambda votes: votes.amax(1),
        "for the shares": lambda votes: (-(votes * votes.log2()).sum(1)).nan_to_num(),  # rows with any 0
        "changes its argument": lambda votes: vote_entropy(votes.mul_(1.0).clamp_(min=1e-9)),
    }
    for words, answer in wrong.items():
        verdict = check_entropy(answer)
        assert not verdict
        assert words in verdict.reason


def dealt(tested: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.nonzero(~tested)[:, 0], torch.nonzero(tested)[:, 0]


def order(subjects: torch.Tensor) -> torch.Tensor:
    return subjects.unique(return_inverse=True)[1]


def test_a_division_by_people_is_checked() -> None:
    assert check_divide_people(lambda subjects: dealt(order(subjects) % 3 == 0))
    assert check_divide_people(lambda subjects: [part.tolist() for part in dealt(order(subjects) >= 8)])  # type: ignore[arg-type,return-value]
    wrong = [
        ("are in both", lambda subjects: dealt(torch.arange(len(subjects)) % 3 == 0)),
        ("one of the two parts", lambda subjects: (torch.arange(5), torch.arange(5, 9))),
        ("a third is asked", lambda subjects: dealt(order(subjects) % 12 == 0)),
        ("a third is asked", lambda subjects: dealt(order(subjects) % 2 == 0)),
        ("a third is asked", lambda subjects: dealt(subjects % 3 == 0)),  # of the numbers, not of the people
        ("a third is asked", lambda subjects: dealt(subjects % 5 == 4)),
        ("a third is asked", lambda subjects: dealt(subjects > 90)),
        ("is in both parts", lambda subjects: (torch.arange(200), torch.arange(70))),
        ("Rows are meant", lambda subjects: (subjects[subjects > 60], subjects[subjects <= 60])),
        ("two tensors", lambda subjects: (torch.where(subjects > 60), torch.where(subjects <= 60))),
        ("raises", lambda subjects: dealt(subjects.nonsense)),
    ]
    for words, answer in wrong:
        verdict = check_divide_people(answer)
        assert not verdict
        assert words in verdict.reason


def test_every_figure_is_said_in_words() -> None:
    pytest.importorskip("matplotlib")
    from fertutor.figures import sets

    table = FaceTable(torch.zeros(9, 1, 48, 48, dtype=torch.uint8), torch.arange(9) % 6)
    survey = {
        "expressions": {
            "fear": {"unanimous": 0.25, "mean_bits": 0.7},
            "happy": {"unanimous": 0.8, "mean_bits": 0.1},
        }
    }
    face = table.images[0]
    figures = {
        "set": sets.draw_sets({"one set": table}),
        "angry 2": sets.draw_counts({"counts": table.counts()}),
        "happy 80 % and 0.10, fear 25 % and 0.70": sets.draw_agreement(survey),
        "a row": sets.draw_row(table.images[:2].float(), ["a", "b"], "a row"),
        "about 70 to about 90 %": sets.draw_divisions([0, 1], [0.7, 0.9], [0.6, 0.4]),
        "box": sets.draw_framing(Image.fromarray(np.zeros((90, 80, 3), np.uint8)), (5, 5, 48, 48), face),
    }
    for words, figure in figures.items():
        assert words in str(figure.get_label())


def test_the_chapters_numbers_about_real_faces_are_the_ledgers() -> None:
    """What is printed of FER-2013 was surveyed, not typed."""
    survey = json.loads((ROOT / "results" / "survey-fer2013-original-2.json").read_text(encoding="utf-8"))
    chapter = (ROOT / "book" / "four-data-sets.ipynb").read_text(encoding="utf-8")
    for labels in ("ferplus-plurality", "ferplus8"):
        votes = survey["ferplus"][labels]["train"]["votes"]
        assert f"{labels}: {votes['n']:,} training faces" in chapter
        assert f"for one expression on {votes['unanimous']:.0%}" in chapter
    assert f"{survey['splits']['train']['duplicates']['images']:,} pictures occur more than once" in chapter
