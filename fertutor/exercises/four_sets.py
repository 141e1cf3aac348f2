"""Checkers for the chapter *Four data sets*."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..faces.votes import vote_entropy
from .verdict import Verdict, called, not_yet, right, shown


def check_entropy(entropy: Callable[[Tensor], Tensor]) -> Verdict:
    """Check a function that returns the entropy in bits of each row of votes."""
    votes = torch.rand(40, 7, generator=torch.Generator().manual_seed(0)) ** 6
    some = torch.tensor([[7.0, 3, 0, 0, 0, 0, 0], [0, 5, 0, 0, 5, 0, 0]])
    votes = torch.cat([votes, some, torch.eye(7), torch.full((1, 7), 1.0)])
    votes = votes / votes.sum(1, keepdim=True)
    expected = vote_entropy(votes)
    answer = called(entropy, votes)
    if isinstance(answer, Verdict):
        return answer
    try:
        answer = torch.as_tensor(answer, dtype=torch.float32)
    except (RuntimeError, TypeError, ValueError):
        return not_yet(f"your function returns {shown(answer)}, and a tensor is asked for.")
    if tuple(answer.shape) != (len(votes),):
        return not_yet(
            f"one number a row is asked for, shape ({len(votes)},); yours is {tuple(answer.shape)}."
        )
    if bool(answer.isnan().any()):
        return not_yet("0 · log 0 is not a number to torch, and has to count as 0: nobody chose that class.")
    if torch.allclose(answer, expected * math.log(2), atol=1e-4):
        return not_yet("these are nats; a bit is log 2 of them.")
    if not abs(answer[-1] - expected[-1]) <= 1e-4:
        return not_yet(
            f"for seven equal shares it is {float(answer[-1]):.4f}, "
            f"and should be log2(7) = {float(expected[-1]):.4f}."
        )
    if not torch.allclose(answer, expected, atol=1e-4):
        worst = int((answer - expected).abs().argmax())
        shares = ", ".join(f"{share:.2f}" for share in votes[worst].tolist())
        return not_yet(
            f"for the shares {shares} it is {float(answer[worst]):.4f}, "
            f"and should be {float(expected[worst]):.4f}."
        )
    return right("no bits where all agree, log2(7) where all seven are as likely.")


def check_divide_people(divide: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Verdict:
    """Check a function that deals whole people: subjects ``(n,)`` → rows to train on, rows to test on.

    About a third of the people are to be tested on.
    """
    people = torch.randint(12, (200,), generator=torch.Generator().manual_seed(0))
    # Numbers that leave one remainder: every third number is not every third person, and few rules about the
    # numbers of the first set deal the second as well.
    verdict = _dealt(divide, people * 12 + 4)
    return verdict and _dealt(divide, people * 35 + 1000)


def _dealt(divide: Callable[[Tensor], tuple[Tensor, Tensor]], subjects: Tensor) -> Verdict:
    answer = called(divide, subjects)
    if isinstance(answer, Verdict):
        return answer
    try:
        train, test = (torch.as_tensor(rows) for rows in answer)
    except (RuntimeError, TypeError, ValueError):
        return not_yet(
            f"your function returns {shown(answer)}; two tensors are asked for, rows to train on and rows "
            "to test on. Of a mask torch.nonzero(mask)[:, 0] makes them."
        )
    for part in (train, test):
        if part.ndim != 1:
            return not_yet(f"rows are asked for as a shape (n,), yours is {tuple(part.shape)}.")
        if len(part) and part.dtype == torch.bool:
            return not_yet("numbers of rows are asked for: torch.nonzero(mask)[:, 0] makes them of a mask.")
        if len(part) and (part.is_floating_point() or part.is_complex()):
            return not_yet("numbers of rows are whole: make them int64, not floating point.")
        outside = part[(part < 0) | (part >= len(subjects))]
        if len(outside):
            return not_yet(f"there is no row {int(outside[0])}: the rows are 0 to {len(subjects) - 1}.")
    train, test = train.long(), test.long()
    rows = torch.cat([train, test])
    twice = int(rows.mode().values) if len(rows) > len(rows.unique()) else None
    if twice is not None and all(len(part) == len(part.unique()) for part in (train, test)):
        return not_yet(f"row {twice} is in both parts: each face belongs to one of them.")
    if twice is not None:
        return not_yet(f"you return row {twice} more than once: are these numbers of people? Rows are meant.")
    if len(rows) != len(subjects):
        return not_yet(
            f"every face belongs to one of the two parts; you return {len(rows)} of {len(subjects)}."
        )
    both = set(subjects[train].tolist()) & set(subjects[test].tolist())
    if both:
        return not_yet(f"{len(both)} of the 12 people are in both parts: choose people, not faces.")
    share = len(subjects[test].unique()) / 12
    if not 0.25 <= share <= 0.42:
        return not_yet(f"{share:.0%} of the people are tested on; a third is asked for.")
    return right("nobody who is tested on was seen in training.")
