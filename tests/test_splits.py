"""A reader who repeats an experiment loses the same split, or a person leaks from training into test."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fertutor import load_faces
from fertutor.commands.set_options import hold_out_of
from fertutor.faces.splits import by_subject, hold_out, hold_out_people, per_class, stratified


@st.composite
def labelled_rows(draw):
    seed, n = draw(st.integers(0, 2**32)), draw(st.integers(1, 300))  # a list drawn would be a short one
    first, second = sorted(draw(st.lists(st.integers(0, n), min_size=2, max_size=2)))
    labels = torch.randint(draw(st.integers(1, 7)), (n,), generator=torch.Generator().manual_seed(seed))
    return labels, (first, second - first, n - second), seed


@settings(deadline=None)
@given(labelled_rows())
def test_stratified_parts_share_all_rows_and_all_classes(case):
    labels, sizes, seed = case
    parts = stratified(labels, sizes, seed)
    assert [len(part) for part in parts] == list(sizes)
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(len(labels)))
    for part, size in zip(parts, sizes, strict=True):
        share = torch.bincount(labels, minlength=7) * size / len(labels)
        assert (torch.bincount(labels[part], minlength=7) - share).abs().max() < 3


@settings(deadline=None)
@given(labelled_rows())
def test_nobody_is_in_two_parts(case):
    subjects, sizes, seed = case
    if len(subjects.unique()) < 3:
        return
    parts = by_subject(subjects, sizes, seed)
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(len(subjects)))
    people = [set(subjects[part].tolist()) for part in parts]
    assert len(people[0] | people[1] | people[2]) == sum(map(len, people))
    assert all(len(part) > 0 for part, size in zip(parts, sizes, strict=True) if size)
    assert all(len(part) == 0 for part, size in zip(parts, sizes, strict=True) if not size)


def test_by_subject_comes_near_the_sizes_wanted():
    subjects = torch.arange(10).repeat_interleave(21)  # like JAFFE
    train, val, test = by_subject(subjects, (118, 22, 70), seed=1)
    assert (len(train), len(val), len(test)) == (126, 21, 63)


def test_people_are_held_out_whole():
    subjects = torch.arange(300) // 10
    kept, held = hold_out_people(subjects, 0.2, seed=1)
    assert (len(kept), len(held)) == (240, 60)
    assert not set(subjects[kept].tolist()) & set(subjects[held].tolist())
    with pytest.raises(ValueError, match="1 people cannot be dealt into 2 parts"):
        hold_out_people(torch.zeros(10, dtype=torch.int64), 0.2)


def test_the_seed_decides():
    labels = torch.arange(700) % 7
    for deal in (
        lambda seed: stratified(labels, (500, 200), seed)[1],
        lambda seed: hold_out(labels, 0.1, seed)[1],
        lambda seed: per_class(labels, 10, seed)[0],
        lambda seed: by_subject(torch.arange(700) // 10, (500, 200), seed)[1],
        lambda seed: hold_out_people(torch.arange(700) // 10, 0.1, seed)[1],
    ):
        assert torch.equal(deal(3), deal(3))
        assert not torch.equal(deal(3), deal(4))


def test_per_class_takes_the_same_number_of_each():
    labels = torch.arange(213) % 7
    chosen, rest = per_class(labels, 10, seed=0)
    assert torch.bincount(labels[chosen]).tolist() == [10] * 7
    assert len(rest) == 143
    assert not set(chosen.tolist()) & set(rest.tolist())


def test_wrong_sizes_are_named():
    labels = torch.zeros(5, dtype=torch.int64)
    with pytest.raises(ValueError, match="add up to 5"):
        stratified(labels, (3, 3))
    with pytest.raises(ValueError, match="1 people"):
        by_subject(labels, (3, 2))
    with pytest.raises(ValueError, match="it has 5"):
        per_class(labels, 6)
    with pytest.raises(ValueError, match="not 2"):
        hold_out(labels, 2)
    with pytest.raises(ValueError, match="between 0 and 1"):
        hold_out_people(labels, 2)


def test_who_is_held_out_of_a_division_by_people_is_nowhere_else(tmp_path, monkeypatch):
    monkeypatch.setenv("FERTUTOR_CACHE", str(tmp_path))
    splits = hold_out_of(load_faces("drawn-studio", by_subject=True), 0.3, by_subject=True)
    assert not set(splits.train.subjects.tolist()) & set(splits.val.subjects.tolist())
