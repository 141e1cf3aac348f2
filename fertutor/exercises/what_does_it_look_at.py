"""Checkers for the chapter *What does the network look at?*"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..saliency.reach import Reach, Sliding
from ..saliency.windows import Windows
from .verdict import Verdict, called, called_number, not_yet, number, right, shown


def check_hide(hide: Callable[[Tensor, int, int, int], Tensor]) -> Verdict:
    """Check ``hide(face, row, column, size)``: the face ``(1, h, w)`` with a black square."""
    generator = torch.Generator().manual_seed(0)
    for row, column, size in ((0, 0, 8), (5, 30, 8), (40, 40, 8), (10, 2, 1)):
        face = torch.rand(1, 48, 64, generator=generator) * 0.9 + 0.1
        hidden = called(hide, face, row, column, size)
        if isinstance(hidden, Verdict):
            return hidden
        if not isinstance(hidden, Tensor):
            return not_yet(f"your function returns {shown(hidden)}, and a face is asked for, a tensor.")
        if hidden.shape != face.shape:
            return not_yet("the result has another shape than the face.")
        hidden = hidden.float()
        expected = face.clone()
        expected[:, row : row + size, column : column + size] = 0
        if torch.equal(hidden, expected):
            continue
        black = (hidden[0] == 0).nonzero()
        if len(black) == 0:
            return not_yet("no pixel is black.")
        if len(black) != size * size:
            return not_yet(f"a square of {size} pixels hides {size * size}; yours hides {len(black)}.")
        if torch.equal(black, (expected[0] == 0).nonzero()):
            return not_yet("the square is where it should be, but pixels beside it have changed as well.")
        return not_yet(
            f"the square should start at row {row} and column {column}; "
            f"yours starts at row {int(black[0, 0])} and column {int(black[:, 1].min())}."
        )
    return right("the square is where it should be, and the face is still whole.")


def check_count(count: Callable[[int, int, int], int]) -> Verdict:
    """Check ``count(size, stride, side)``: the number of squares on a face, the last one clamped."""
    for side in (48, 20):
        for size in (1, 4, 7, 8, 20):
            for stride in (1, 3, 4, 5, 8):
                if stride > side:
                    continue
                expected = Windows(size, stride, "clamp", side, side).count
                answer = called_number(count, size, stride, side)
                if isinstance(answer, Verdict):
                    return answer
                if answer == expected:
                    continue
                where = f"N = {size}, stride {stride} and a side of {side}"
                if answer**2 == expected:
                    return not_yet(f"with {where} you count the squares of one row; there are as many rows.")
                hint = (
                    "the last square is moved back to the border, but it is still one square."
                    if (side - size) % stride
                    else "a square starts at 0, at the stride, … and at the side less N."
                )
                return not_yet(f"with {where} there are {expected} squares, not {answer:g}: {hint}")
    return right("squares in a row: the side less N, divided by the stride and rounded up, plus one.")


def check_reach(first: int, last: int) -> Verdict:
    """Check which rows of the first pooled map change when rows 12 to 19 of the face are hidden."""
    ends = []
    for end in (first, last):
        answer = number(end)
        if isinstance(answer, Verdict):
            return answer
        ends.append(answer)
    reach = Reach(torch.tensor([12]).numpy(), torch.tensor([19]).numpy(), 48)
    steps = []
    for layer, side in ((Sliding(3, 1, 0, 1), 46), (Sliding(3, 1, 0, 1), 44), (Sliding(2, 2, 0, 1), 22)):
        reach = reach.through(layer, side)
        steps.append((int(reach.first[0]), int(reach.last[0])))
    if tuple(ends) == steps[-1]:
        return right(
            f"after the first convolution rows {steps[0][0]} to {steps[0][1]}, after the second "
            f"{steps[1][0]} to {steps[1][1]}, and pooling halves them: {steps[2][0]} to {steps[2][1]}."
        )
    if tuple(ends) in steps[:-1]:
        left = ("two layers are", "one layer is")[steps.index((int(ends[0]), int(ends[1])))]
        return not_yet(f"so far it is right; {left} still to come.")
    if ends[0] > steps[-1][0]:
        return not_yet(
            "row o of an unpadded 3x3 convolution reads rows o to o + 2: smaller o are reached as well."
        )
    return not_yet("go layer by layer: which outputs read at least one row that has changed?")
