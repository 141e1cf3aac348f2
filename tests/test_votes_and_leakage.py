"""The chapter's two measures of a set: how far its labellers agree, and what its division hides. If these
failed, the book would call a noisy label clean, or a lucky division a result."""

from __future__ import annotations

import math

import pytest
import torch

from fertutor.evaluation.leakage import draw_takes, linear_probe
from fertutor.faces.splits import by_subject, stratified
from fertutor.faces.table import FaceTable
from fertutor.faces.votes import survey_votes, vote_entropy


def test_entropy_is_that_of_information_theory() -> None:
    votes = torch.tensor([[1.0] + [0] * 6, [0.5, 0.5] + [0] * 5, [1 / 7] * 7])
    assert vote_entropy(votes).tolist() == pytest.approx([0, 1, math.log2(7)], abs=1e-6)
    with pytest.raises(ValueError, match="sum to 1"):
        vote_entropy(torch.ones(2, 7))


def test_a_survey_counts_every_face_once() -> None:
    votes = torch.rand(50, 7, generator=torch.Generator().manual_seed(0)) ** 4
    votes = votes / votes.sum(1, keepdim=True)
    votes[:5] = torch.eye(7)[:5]
    table = FaceTable(torch.zeros(50, 1, 48, 48, dtype=torch.uint8), votes.argmax(1), votes=votes)
    survey = survey_votes(table)
    assert sum(survey["bins"]) == survey["n"] == 50
    assert survey["bins"][0] == 5
    assert survey["unanimous"] == pytest.approx(0.1)
    assert sum(part["n"] for part in survey["expressions"].values()) == 50
    with pytest.raises(ValueError, match="no votes"):
        survey_votes(FaceTable(table.images, table.labels))


def test_takes_are_alike_as_asked() -> None:
    anew, same = draw_takes(0, people=2), draw_takes(1, people=2)
    assert anew.counts() == same.counts() == dict.fromkeys(anew.counts(), 6)
    takes = same.images.view(14, 3, -1).float()
    assert float((takes[:, 0] - takes[:, 1]).abs().mean()) < 3  # the camera's grain only
    takes = anew.images.view(14, 3, -1).float()
    assert float((takes[:, 0] - takes[:, 1]).abs().mean()) > 5
    with pytest.raises(ValueError, match="between 0 and 1"):
        draw_takes(1.5)


def test_a_random_division_flatters_where_takes_are_alike() -> None:
    table = draw_takes(1, people=6)
    assert table.subjects is not None
    train, test = stratified(table.labels, (84, 42))
    flattered = linear_probe(table, train, test)
    train, test = by_subject(table.subjects, (84, 42))
    assert flattered > 0.8 > linear_probe(table, train, test) + 0.2


def test_the_probe_is_ridge_regression() -> None:
    ridge = pytest.importorskip("sklearn.linear_model").RidgeClassifier(alpha=1.0)
    table = draw_takes(0.5, people=4)
    table = table[torch.arange(len(table)) % 21 > 1]  # fewer angry faces than others
    train, test = stratified(table.labels, (52, 24))
    pixels = table.images.flatten(1).double().numpy() / 255
    ridge.fit(pixels[train], table.labels[train])
    expected = ridge.score(pixels[test], table.labels[test])
    assert linear_probe(table, train, test) == pytest.approx(expected)
