"""What a checker says to the reader, and how it takes an answer that may be anything."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Verdict:
    """The answer of a checker: right or not yet, and why; shown as one line in a notebook.

    True in a condition when the reader's answer is right.
    """

    right: bool
    reason: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'✓ Right' if self.right else '✗ Not yet'}: {self.reason}"


def right(reason: str) -> Verdict:
    """Return the verdict on a right answer; `reason` says what it shows."""
    return Verdict(True, reason)


def not_yet(reason: str) -> Verdict:
    """Return the verdict on a wrong or missing answer; `reason` says where to look."""
    return Verdict(False, reason)


def number(answer: object) -> float | Verdict:
    """Return an answer as a float, or the verdict on something that is no finite number."""
    value = math.nan
    if not isinstance(answer, str):
        # RuntimeError: a tensor of several
        with suppress(ArithmeticError, RuntimeError, TypeError, ValueError):
            value = float(scalar(answer))
    return value if math.isfinite(value) else not_yet(f"a number is asked for, not {shown(answer)}.")


def scalar(answer: Any) -> Any:
    """Return the one number in a tensor or an array; anything else as it is.

    Raises:
        RuntimeError, ValueError: for several.
    """
    return answer.item() if hasattr(answer, "item") else answer


def called(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the reader's function returns, or the verdict where that is nothing.

    The verdict is also on a function that raises, that changes a tensor that it is given, or that is none.
    """
    if not callable(function):
        return not_yet(f"a function is asked for, not {shown(function)}.")
    before = [value.clone() if isinstance(value, Tensor) else value for value in arguments]
    try:
        answer = function(*arguments)
    except Exception as error:  # the reader's code may fail in any way
        return not_yet(f"your function raises {type(error).__name__}: {error}")
    for given, value in zip(before, arguments, strict=True):
        if isinstance(given, Tensor) and not torch.equal(given, value):
            return not_yet("your function changes its argument: work on a copy, which `.clone()` makes.")
    if answer is None or answer is ...:
        return not_yet(f"your function returns {shown(answer)}: it should end with `return` and the result.")
    return answer


def called_number(function: Callable[..., Any], *arguments: object) -> float | Verdict:
    """Return the number that the reader's function returns, or the verdict where it returns none."""
    answer = called(function, *arguments)
    if isinstance(answer, Verdict):
        return answer
    value = number(answer)
    if isinstance(value, Verdict):
        return not_yet(f"your function returns {shown(answer)}, and a number is asked for.")
    return value


def shown(answer: object) -> str:
    """Return a few words for an answer: its value where that is short, otherwise its type."""
    if answer is ...:
        return "the placeholder `...`"
    if isinstance(answer, (str, int, float, complex, type(None))):
        words = repr(answer)
        if len(words) <= 40:
            return words
    shape = getattr(answer, "shape", None)
    if shape == () and hasattr(answer, "item"):
        return shown(answer.item())  # a tensor or an array of one number
    name = type(answer).__name__
    return f"a {name}" if shape is None else f"a {name} of shape {tuple(shape)}"
