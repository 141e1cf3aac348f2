"""The stand-ins: a chapter that runs on drawn faces must meet the published sets' counts and protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fertutor import load_faces
from fertutor.errors import InputError
from fertutor.faces.drawn import draw_faces, load_drawn, plan_drawn, sets
from fertutor.faces.drawn.characters import CHARACTERS, cast
from fertutor.faces.drawn.sets import PARTS, WILD_COUNTS, WILD_LABEL_NOISE, WILD_WEAK

SIZES = {
    "drawn-wild": (28_709, 3_589, 3_589),
    "drawn-posed": (420, 60, 113),
    "drawn-studio": (120, 23, 70),
    "drawn-cartoon": (34_000, 14_000, 7_000),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERTUTOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("name", SIZES)
def test_parts_have_the_published_sizes(name: str) -> None:
    plan = plan_drawn(name)
    assert tuple(torch.bincount(plan.parts, minlength=3).tolist()) == SIZES[name]
    assert len(plan.action_units) == len(plan.people) == len(plan.scenes) == sum(SIZES[name])


def test_wild_has_the_class_counts_of_fer2013() -> None:
    plan = plan_drawn("drawn-wild")
    for part in PARTS:
        assert tuple(torch.bincount(plan.part(part).labels, minlength=7).tolist()) == WILD_COUNTS[part]


@pytest.mark.parametrize(("name", "count"), [("drawn-studio", 10), ("drawn-cartoon", 1000)])
def test_test_parts_have_as_many_of_each_expression(name: str, count: int) -> None:
    assert torch.bincount(plan_drawn(name).part("test").labels).tolist() == [count] * 7


def test_label_noise_and_weak_share_are_the_stated_ones() -> None:
    """A good network must not reach 100 %, and a reader is told why."""
    plan = plan_drawn("drawn-wild")
    changed = float((plan.labels != plan.acted).float().mean())
    assert 0.75 * WILD_LABEL_NOISE < changed <= WILD_LABEL_NOISE
    loudest = plan.action_units.amax(1)[plan.acted != 6]
    assert abs(float((loudest < 0.55).float().mean()) - WILD_WEAK) < 0.06
    for name in SIZES:
        if name != "drawn-wild":
            assert torch.equal(plan_drawn(name).labels, plan_drawn(name).acted)


@pytest.mark.parametrize("name", SIZES)
def test_by_subject_nobody_is_in_two_parts(name: str) -> None:
    plan = plan_drawn(name, by_subject=True)
    people = [set(plan.part(part).subjects.tolist()) for part in PARTS]
    assert all(people)
    assert sum(map(len, people)) == len(set.union(*people))


def test_people_keep_their_looks() -> None:
    plan = plan_drawn("drawn-posed")
    assert len(plan.subjects.unique()) == 123
    assert plan_drawn("drawn-studio").subjects.unique().tolist() == list(range(10))
    for subject in (0, 60, 122):
        assert len(plan.people[plan.subjects == subject].unique(dim=0)) == 1


def test_six_characters_of_their_own() -> None:
    assert len(CHARACTERS) == 6
    assert not {name.lower() for name in CHARACTERS} & {"aia", "bonnie", "jules", "malcolm", "mery", "ray"}
    assert bool((torch.cdist(cast(), cast()) + 9 * torch.eye(6) > 0.8).all())


def test_a_smaller_set_shows_the_people_of_the_larger() -> None:
    small, large = plan_drawn("drawn-wild", size=500), plan_drawn("drawn-wild")
    assert len(small) == 500
    assert set(small.subjects.tolist()) <= set(large.subjects.tolist())
    assert set(small.labels.tolist()) == set(range(7))
    assert torch.bincount(small.parts).tolist() == [400, 50, 50]
    row = int(small.subjects[123])
    assert torch.equal(small.people[123], large.people[torch.nonzero(large.subjects == row)[0, 0]])


def test_load_faces_gives_tables_and_a_second_call_reads_the_cache(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_faces("drawn-studio")
    assert [len(table) for table in first.parts().values()] == [120, 23, 70]
    assert first.notes
    assert list(cache.glob("*.safetensors"))
    monkeypatch.setattr(sets, "draw_faces", lambda *rows, **named: pytest.fail("drawn again"))
    again = load_faces("drawn-studio")
    for part, table in first.parts().items():
        assert table.fingerprint() == again.parts()[part].fingerprint()


def test_notes_tell_of_the_set_that_was_drawn() -> None:
    """The record and a chapter print them: a set in another size, or divided by people, is another."""
    studio, by_people, cartoon = (
        sets._notes(name, plan_drawn(name, size, by_subject=people), size)
        for name, size, people in (
            ("drawn-studio", None, False),
            ("drawn-studio", 100, True),
            ("drawn-cartoon", None, False),
        )
    )
    assert studio[0] == "a stand-in for JAFFE: 213 faces of 10 people, 10 of each expression in test"
    assert cartoon[0] == "a stand-in for FERG: six characters, 55,767 faces, 1000 of each expression in test"
    assert cartoon[1] == "the paper's rounded counts add up to 55,000: 767 faces belong to no part"
    tested = plan_drawn("drawn-studio", 100, by_subject=True).part("test").labels.bincount(minlength=7)
    assert tested.min() < tested.max()
    assert f"100 faces of 10 people, {tested.min()} to {tested.max()} of each" in by_people[0]
    (posed,) = load_drawn("drawn-posed", 30, show_progress=False).notes[1:2]
    assert posed.startswith("28 sequences") and posed.endswith("2 stay neutral")
    assert len(sets._notes("drawn-cartoon", plan_drawn("drawn-cartoon", 700), 700)) == 2


@pytest.mark.parametrize("name", SIZES)
def test_rounding_moves_a_grey_level_by_one_at_most(name: str) -> None:
    """The stated tolerance of a fingerprint: as far as any two floating-point libraries can differ."""
    drawn = load_drawn(name, size=60, show_progress=False)
    plan = plan_drawn(name, size=60)
    rows = (value.double() for value in (plan.action_units, plan.people, plan.scenes))
    exact = (draw_faces(*rows) * 255).round().to(torch.int16)
    for number, table in enumerate(drawn.parts().values()):
        apart = (exact[plan.parts == number] - table.images).abs()
        assert int(apart.max()) <= 1
        assert float((apart > 0).float().mean()) < 0.001


def test_another_seed_is_another_set_of_the_same_kind() -> None:
    one, other = (load_drawn("drawn-studio", size=40, seed=seed) for seed in (0, 1))
    assert one.train is not None and other.train is not None
    assert one.train.counts() == other.train.counts()
    assert one.train.fingerprint() != other.train.fingerprint()


@pytest.mark.parametrize("size", [0, -3, 214, True, 2.5])
def test_impossible_sizes(size: int) -> None:
    with pytest.raises(InputError, match=f"size {size}"):
        load_drawn("drawn-studio", size=size)


@pytest.mark.parametrize("seed", ["a", 1.5, -1, 2**32, 2**70, None, True])
def test_impossible_seeds(seed: Any) -> None:
    for read in (load_faces, plan_drawn):
        with pytest.raises(InputError, match=f"a seed is a whole number from 0 to 4294967295, not {seed!r}$"):
            read("drawn-studio", seed=seed)


def test_the_largest_seed_and_numpys_are_seeds_too() -> None:
    for seed in (2**32 - 1, np.int32(5000)):
        assert load_drawn("drawn-studio", size=1, seed=seed, show_progress=False).parts()


def test_a_part_without_faces_is_none() -> None:
    splits = load_drawn("drawn-studio", size=1, show_progress=False)
    (table,) = splits.parts().values()
    assert len(table) == 1


def test_unknown_set() -> None:
    with pytest.raises(InputError, match="drawn-tame"):
        load_drawn("drawn-tame")
