"""Checkers for the chapter *Faces and emotions*."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import product

import torch
from torch import Tensor

from ..errors import InputError
from ..expressions import EXPRESSIONS, PROTOTYPES, PROTOTYPES_OPENDBM
from ..faces.drawn import UNITS, draw_faces, read_action_units
from ..network.weights import load_network
from .verdict import Verdict, called, called_number, not_yet, right, shown

PEOPLE = tuple(range(12))
"""The drawn people of the chapter's last exercise."""

ENOUGH = 9
"""How many of them the network has to give the wanted word."""


def check_scowl(angry_given_scowl: Callable[[float, float, float], float]) -> Verdict:
    """Check ``angry_given_scowl(reliability, others, angry)``: how likely a scowling person is angry.

    The arguments are shares from 0 to 1: of angry moments that show a scowl, of other moments that show
    one, and of all moments that are angry.
    """
    for reliability, others, angry in product((0.2, 0.35, 0.9), (0.05, 0.1, 0.4), (0.1, 0.5)):
        hits = reliability * angry
        expected = hits / (hits + others * (1 - angry))
        where = f"with shares of {reliability:.0%}, {others:.0%} and {angry:.0%}"
        answer = called_number(angry_given_scowl, reliability, others, angry)
        if isinstance(answer, Verdict):
            return answer
        if abs(answer - expected) < 1e-6:
            continue
        if abs(answer - reliability) < 1e-6:
            hint = "that is how many angry moments show a scowl, not how many scowls are angry."
        elif abs(answer - expected) < 0.006:
            return not_yet(f"{where} {answer} is near {expected:.6f}: do not round it.")
        elif abs(answer / 100 - expected) < 1e-6:
            return not_yet("that is the percentage, and a share from 0 to 1 is asked for.")
        elif abs(answer - reliability / (reliability + others)) < 1e-6:
            hint = "angry moments are not as frequent as others: weigh each share by how frequent it is."
        else:
            hint = "divide the angry scowls by all scowls, angry or not."
        return not_yet(f"{where}, {expected:.0%} of the scowls are angry, not {answer:.0%}: {hint}")
    return right(
        "angry scowls by all scowls. Where anger is rare, most scowls may be of other moments, even if "
        "anger makes them likelier."
    )


def check_agreement(agreement: Callable[[Collection[int], Collection[int]], float]) -> Verdict:
    """Check ``agreement(first, second)``: the units that both name, as a share of those that either names."""
    pairs = [(PROTOTYPES[name], PROTOTYPES_OPENDBM[name]) for name in EXPRESSIONS if name != "neutral"]
    for first, second in (*pairs, ((4, 5), (5,)), ((4,), ()), ((), (4,)), ((), ())):
        either = set(first) | set(second)
        expected = len(set(first) & set(second)) / len(either) if either else 1.0
        answer = called_number(agreement, first, second)
        if isinstance(answer, Verdict):
            hint = "" if either else " (two faces at rest agree fully)"
            return not_yet(f"for {first} and {second} {answer.reason}{hint}")
        if not abs(answer - expected) <= 1e-6:
            if abs(answer - expected) < 0.006:
                return not_yet(f"for {first} and {second} {answer} is near {expected:.6f}: do not round it.")
            hint = (
                "two faces at rest agree fully."
                if not either
                else f"{len(either)} units are named by at least one."
            )
            return not_yet(f"{first} and {second} agree to {expected:.2f}, not {answer:.2f}: {hint}")
    return right("from 0, no unit in common, to 1, the same units.")


def check_other_side(other_side: Callable[[Tensor], Tensor]) -> Verdict:
    """Check ``other_side(units)``: action units ``(n, 17, 2)`` with the person's left and right exchanged."""
    faces: list[dict[int | str, float]] = [
        {"12L": 1.0},
        {"1R": 0.5, "2R": 1.0, 26: 0.3},
        {"12L": 0.8, "12R": 0.3},
    ]
    units = read_action_units(faces).reshape(-1, len(UNITS), 2)
    answer = called(other_side, units)
    if isinstance(answer, Verdict):
        return answer
    if not isinstance(answer, Tensor):
        return not_yet(f"your function returns {shown(answer)}, and a tensor is asked for.")
    if answer.shape != units.shape:
        return not_yet(f"the result should have the shape {tuple(units.shape)}, as the argument.")
    answer = answer.float()
    if torch.equal(answer, units):
        return not_yet("nothing has changed sides: which dimension holds left and right?")
    if not torch.equal(answer, units.flip(2)):
        return not_yet("units have changed as well as sides: turn round the last dimension only.")
    return right("a smile on the left is one on the right, and the jaw, which has no sides, stays.")


def check_change_mind(
    units: Mapping[int | str, float], word: str, most: int = 3, without: int | None = None
) -> Verdict:
    """Check action units, at most `most`, that make the released network say `word` of most drawn people.

    `without` is a unit that the chapter has named already, and that does not count.
    """
    try:
        row = read_action_units(units)
    except InputError as error:
        return not_yet(f"{error}.")
    except Exception:  # nothing that action units can be read from
        row = torch.zeros(0)
    if tuple(row.shape) != (1, 2 * len(UNITS)):
        return not_yet(
            f"action units and their strengths are asked for, as in {{12: 1.0}}, not {shown(units)}."
        )
    if word not in EXPRESSIONS:
        return not_yet(f"{shown(word)} is no expression: {', '.join(EXPRESSIONS)} are.")
    moved = (row.reshape(len(UNITS), 2) > 0).any(1)
    if without is not None and bool(moved[UNITS.index(without)]):
        return not_yet(f"unit {without} is the one that the chapter names: find another that is enough.")
    used = int(moved.sum())
    if used > most:
        return not_yet(f"you move {used} units, and {most} will do.")
    with torch.no_grad():
        said = load_network("paper")(draw_faces(row, list(PEOPLE))).argmax(1)
    count = int((said == EXPRESSIONS.index(word)).sum())
    if count < ENOUGH:
        commonest = EXPRESSIONS[int(said.mode().values)]
        return not_yet(
            f"the network says {word} of {count} of {len(PEOPLE)} people; most often it says {commonest}. "
            "Which slopes are longest?"
        )
    return right(f"moving {used} of {len(UNITS)} units, the network says {word} of most of the people.")
