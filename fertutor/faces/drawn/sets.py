"""The four stand-ins: drawn sets with the counts and protocols of the published ones.

Book chapter: *Four data sets*.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...errors import InputError
from ...expressions import EXPRESSIONS, JAFFE_LABELS
from ...progress import progress
from ...seed import check_seed
from .. import ckplus, fer2013, ferg, jaffe
from ..cache import remember
from ..splits import by_subject as deal_people
from ..splits import per_class, stratified
from ..table import SIDE, FaceSplits, FaceTable
from .acting import act
from .characters import CHARACTERS, cast
from .drawing import draw_faces
from .shoot import studio_scenes, wild_scenes
from .traits import sample_people

VERSION = 2
"""Raised whenever the drawn sets change; caches of another version are drawn anew."""

PARTS = ("train", "val", "test")

WILD_COUNTS = dict(zip(PARTS, fer2013.COUNTS.values(), strict=True))
"""FER-2013's own: Training, PublicTest and PrivateTest."""

WILD_LABEL_NOISE = 0.08
"""Share of drawn-wild's faces whose label was exchanged with another such face's."""

WILD_WEAK = 0.2
"""Share of drawn-wild's expressions acted at 0.15 to 0.5 of full strength."""

POSED_COUNTS = (82, 107, 45, 125, 51, 150, 33)
"""Sequences of drawn-posed: 560 in the proportions of CK+'s labelled ones, and 33 that stay neutral."""

_JAFFE_COUNTS = {JAFFE_LABELS[code]: count for code, count in jaffe.COUNTS.items()}
STUDIO_COUNTS = tuple(_JAFFE_COUNTS[name] for name in EXPRESSIONS)
"""JAFFE's own."""

CARTOON_TRAIN = 34_000
"""As the paper says; what FERG's own training part has more belongs to no part here."""

APART = 1_000_003
"""Between what two seeds of a set begin to count from: more than any set has faces."""


@dataclass(frozen=True)
class Plan:
    """What is on each face of a drawn set, before it is drawn.

    Attributes:
        action_units: float32 ``(n, 34)``.
        people: float32 ``(n, len(TRAITS))``.
        scenes: float32 ``(n, len(SCENE))``.
        acted: int64 ``(n,)``, the expression that was acted.
        labels: int64 ``(n,)``, the label in the set; differs from `acted` by the label noise.
        subjects: int64 ``(n,)``.
        parts: int64 ``(n,)``: 0 train, 1 val, 2 test.
    """

    action_units: Tensor
    people: Tensor
    scenes: Tensor
    acted: Tensor
    labels: Tensor
    subjects: Tensor
    parts: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Tensor) -> Plan:
        return Plan(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))

    def part(self, name: str) -> Plan:
        """Return the faces of ``"train"``, ``"val"`` or ``"test"``, in the order of its FaceTable."""
        return self[self.parts == PARTS.index(name)]


def _repeat(counts: tuple[int, ...]) -> Tensor:
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))


def _parts(n: int, *rows: Tensor) -> Tensor:
    parts = torch.full((n,), -1)
    for number, chosen in enumerate(rows):
        parts[chosen] = number
    return parts


def _exchange(labels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return the labels with a share of them handed on in a ring: every class keeps its count."""
    chosen = torch.randperm(len(labels), generator=generator)[: round(share * len(labels))]
    labels = labels.clone()
    labels[chosen] = labels[chosen.roll(1)]
    return labels


def _wild(generator: torch.Generator, split: bool) -> Plan:
    labels = torch.cat([_repeat(WILD_COUNTS[part]) for part in PARTS])
    sizes = torch.tensor([sum(WILD_COUNTS[part]) for part in PARTS])
    parts = torch.repeat_interleave(torch.arange(3), sizes)
    order = torch.cat([torch.randperm(int(s), generator=generator) for s in sizes])
    order = order + torch.repeat_interleave(sizes.cumsum(0) - sizes, sizes)
    labels = labels[order]
    acted = torch.cat([_exchange(labels[parts == p], WILD_LABEL_NOISE, generator) for p in range(3)])
    n = len(labels)
    units = act(acted, generator, weak=WILD_WEAK, stray=0.06, skew=0.18)
    people = sample_people(n, generator)
    return Plan(units, people, wild_scenes(acted, generator), acted, labels, torch.arange(n), parts)


def _posed(generator: torch.Generator, split: bool) -> Plan:
    labels = _repeat(POSED_COUNTS)
    n, crew = len(labels), 123
    labels = labels[torch.randperm(n, generator=generator)]
    subjects = torch.cat([torch.arange(crew), torch.randint(crew, (n - crew,), generator=generator)])
    people, scenes = sample_people(crew, generator), studio_scenes(n, generator)
    units = act(labels, generator, weak=0.05, stray=0.02, skew=0.08)
    sizes = ckplus.PROTOCOL.sizes
    rows = deal_people(subjects, sizes) if split else stratified(labels, sizes)
    return Plan(units, people[subjects], scenes, labels, labels, subjects, _parts(n, *rows))


def _studio(generator: torch.Generator, split: bool) -> Plan:
    labels = _repeat(STUDIO_COUNTS)
    n, crew = len(labels), 10
    subjects = torch.arange(n) % crew
    people, scenes = sample_people(crew, generator), studio_scenes(n, generator)
    units = act(labels, generator, weak=0.10, stray=0.02, skew=0.06)
    train_size, val_size, test_size = jaffe.PROTOCOL.sizes
    if split:
        rows = deal_people(subjects, jaffe.PROTOCOL.sizes)
    else:
        test, rest = per_class(labels, test_size // len(EXPRESSIONS))
        train, val = stratified(labels[rest], (train_size, val_size))
        rows = (rest[train], rest[val], test)
    return Plan(units, people[subjects], scenes, labels, labels, subjects, _parts(n, *rows))


def _cartoon(generator: torch.Generator, split: bool) -> Plan:
    n, val_size, test_size = ferg.PROTOCOL.n, ferg.PROTOCOL.val, ferg.PROTOCOL.test
    rest_size = n - CARTOON_TRAIN - val_size - test_size
    subjects = torch.arange(n) % len(CHARACTERS)
    labels = (torch.arange(n) // len(CHARACTERS)) % len(EXPRESSIONS)
    units = act(labels, generator, weak=0.0, stray=0.0, skew=0.10)
    scenes = studio_scenes(n, generator)
    if split:
        rows = deal_people(subjects, (CARTOON_TRAIN, val_size, test_size + rest_size))
    else:
        test, rest = per_class(labels, test_size // len(EXPRESSIONS))
        train, val, _ = stratified(labels[rest], (CARTOON_TRAIN, val_size, rest_size))
        rows = (rest[train], rest[val], test)
    return Plan(units, cast()[subjects], scenes, labels, labels, subjects, _parts(n, *rows))


_PLANS: dict[str, Callable[[torch.Generator, bool], Plan]] = {
    "drawn-wild": _wild,
    "drawn-posed": _posed,
    "drawn-studio": _studio,
    "drawn-cartoon": _cartoon,
}


def _notes(name: str, plan: Plan, size: int | None) -> tuple[str, ...]:
    """Return facts about a stand-in as it was drawn, for :attr:`FaceSplits.notes`."""
    n, people = len(plan), len(plan.subjects.unique())
    tested = torch.bincount(plan.part("test").labels, minlength=len(EXPRESSIONS))
    least, most = int(tested.min()), int(tested.max())
    each = f"{least if least == most else f'{least} to {most}'} of each expression in test"
    if name == "drawn-wild":
        counts = "with its class counts" if size is None else f"with {n} faces in its class proportions"
        return (
            f"a stand-in for FER-2013 {counts}; every face is another person's",
            f"{WILD_LABEL_NOISE:.0%} of the labels were exchanged among faces, at random within each part",
            f"{WILD_WEAK:.0%} of the expressions are weak (0.15 to 0.5 of full strength)",
        )
    if name == "drawn-posed":
        neutral = int((plan.labels == EXPRESSIONS.index("neutral")).sum())
        return (
            f"a stand-in for CK+: {n} sequences of {people} people, of which the last frame is used",
            f"{n - neutral} sequences are in the proportions of CK+'s labelled ones without contempt, "
            f"{neutral} stay neutral",
            "5% of the expressions are weak; no label noise",
        )
    if name == "drawn-studio":
        return (
            f"a stand-in for JAFFE: {n} faces of {people} people, {each}",
            "10% of the expressions are weak; no label noise",
        )
    left = ferg.PROTOCOL.n - n if size is None else 0
    characters = "six" if people == len(CHARACTERS) else people
    rest = f"the paper's rounded counts add up to {n:,}: {left} faces belong to no part"
    return (
        f"a stand-in for FERG: {characters} characters, {n + left:,} faces, {each}",
        *([rest] if left else []),
        "no weak expressions, no label noise",
    )


def plan_drawn(name: str, size: int | None = None, seed: int = 0, by_subject: bool = False) -> Plan:
    """Return what is on each face of a stand-in; see :func:`load_drawn` for the arguments.

    The rows of ``plan.part("test")`` are those of ``load_drawn(…).test``: draw them again with
    ``draw_faces(part.action_units, part.people, part.scenes, mask=True)`` to learn which pixels
    the expression moved, or larger.

    Raises:
        InputError: for an unknown name, a size that the set does not have, or what is no seed.
    """
    if name not in _PLANS:
        raise InputError(f"no drawn set is called {name!r}: choose one of {', '.join(_PLANS)}")
    seed = check_seed(seed)
    plan = _PLANS[name](torch.Generator().manual_seed(APART * seed + len(name)), by_subject)
    plan = plan[plan.parts >= 0]
    if size is None:
        return plan
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= len(plan):
        raise InputError(f"size {size!r}: {name} has from 1 to {len(plan)} faces")
    kept, _ = stratified(plan.parts * 7 + plan.labels, (size, len(plan) - size))
    return plan[kept]


def load_drawn(
    name: str, size: int | None = None, seed: int = 0, by_subject: bool = False, show_progress: bool = True
) -> FaceSplits:
    """Draw a stand-in of a published set, or take it from the cache.

    - ``drawn-wild``, like FER-2013: 35,887 faces (28,709 / 3,589 / 3,589) with its class counts, in
      any pose, light and frame, with hands, hair, glasses and watermarks in the way; 8 % of the labels
      exchanged, 20 % of the expressions weak. Every face is another person's.
    - ``drawn-posed``, like CK+: 593 sequences of 123 people, the last frame used (420 / 60 / 113).
    - ``drawn-studio``, like JAFFE: 213 faces of 10 people (120 / 23 / 70, 10 an expression in test).
    - ``drawn-cartoon``, like FERG: six characters (34,000 / 14,000 / 7,000, 1000 an expression in test).

    Args:
        name: one of the four.
        size: number of faces in all, dealt over parts and classes in the set's proportions; None is
            the whole set. What is on the faces of a smaller set is, but for a few of them, on faces of
            the larger; their grain is another, and so are their pixels.
        seed: another seed, from 0 to 4294967295, draws another set of the same kind.
        by_subject: deal whole people into the parts, so that nobody is in two; the sizes of the parts
            then are the published ones only about. drawn-wild is that way already.
        show_progress: show a bar while drawing.

    Returns:
        The parts with their subjects, None where a small set leaves a part without faces. The same name,
        size and seed give the same labels, subjects and parts everywhere, and pictures whose grey levels
        differ by at most 1 (floating-point libraries round differently, so fingerprints agree on one
        machine, and nearly always across machines of one kind).

    Raises:
        InputError: for an unknown name, a size that the set does not have, or what is no seed.
    """
    seed = check_seed(seed)
    plan = plan_drawn(name, size, seed, by_subject)
    settings: dict[str, Any] = {
        "path": f"{name} size={size} seed={seed} by_subject={by_subject}",
        "mtime_ns": 0,
        "version": VERSION,
    }
    tensors = remember(
        name, lambda: settings, lambda: {"images": _draw_plan(plan, name, seed, show_progress)}
    )
    tables: dict[str, FaceTable | None] = dict.fromkeys(PARTS)
    for number, part in enumerate(PARTS):
        rows = plan.parts == number
        if rows.any():
            tables[part] = FaceTable(tensors["images"][rows], plan.labels[rows], subjects=plan.subjects[rows])
    return FaceSplits(name, **tables, notes=_notes(name, plan, size))


def _draw_plan(plan: Plan, name: str, seed: int, show_progress: bool) -> Tensor:
    """Return uint8 ``(n, 1, 48, 48)``."""
    step = 512
    images = torch.empty(len(plan), 1, SIDE, SIDE, dtype=torch.uint8)
    for start in progress(range(0, len(plan), step), f"drawing {name}", show=show_progress):
        rows = slice(start, start + step)
        pictures = draw_faces(
            plan.action_units[rows], plan.people[rows], plan.scenes[rows], seed=APART * seed + start
        )
        images[rows] = (pictures * 255).round().to(torch.uint8)
    return images
