"""Checkers for the chapter *The record*."""

from __future__ import annotations

from collections.abc import Callable

from ..evaluation.comparison import Comparison
from ..evaluation.report import wilson_interval
from .verdict import Verdict, called, called_number, not_yet, number, right, shown


def check_interval(interval: Callable[[int, int], tuple[float, float]]) -> Verdict:
    """Check ``interval(right, n)``: the 95 % Wilson interval of `right` hits among `n` faces."""
    for hits, n in ((2513, 3589), (70, 70), (0, 25), (1, 2)):
        expected = wilson_interval(hits, n)
        answer = called(interval, hits, n)
        if isinstance(answer, Verdict):
            return answer
        try:
            low, high = (float(end) for end in answer)
        except Exception:  # of one end, of three, or of words
            return not_yet(
                f"your function returns {shown(answer)}, and two ends are asked for, low and high."
            )
        if abs(low / 100 - expected[0]) <= 1e-3 and abs(high / 100 - expected[1]) <= 1e-3 and high > 1:
            return not_yet("these are percentages, and shares from 0 to 1 are asked for.")
        if not (abs(low - expected[0]) <= 1e-3 and abs(high - expected[1]) <= 1e-3):  # nan is never close
            hint = (
                "p ± 1.96 standard errors is no interval where all answers are right."
                if hits == n and high >= 1 and low > expected[0] + 1e-3
                else "look at the middle and at the half width of Wilson's formula once more."
            )
            return not_yet(
                f"of {hits} right among {n} it should be {expected[0]:.3f} to {expected[1]:.3f}, "
                f"not {low:.3f} to {high:.3f}: {hint}"
            )
    return right("it is never empty and never leaves 0 to 1, even where no answer or every answer is right.")


def check_faces_needed(answer: float) -> Verdict:
    """Check how many faces make one standard error of an accuracy of 70 % a quarter of a gap of 0.01."""
    expected = 0.7 * (1 - 0.7) / (0.01 / 4) ** 2
    found = number(answer)
    if isinstance(found, Verdict):
        return found
    if abs(found / expected - 1) < 0.02:
        return right(
            f"about {round(expected, -3):,.0f} faces, and FER-2013's test set has 3,589: "
            "an accuracy measured on it alone does not tell 70 % from 71 %."
        )
    if abs(found / (expected / 16) - 1) < 0.02:
        return not_yet("that makes the standard error as large as the gap; it has to be a quarter of it.")
    return not_yet("solve p(1 − p) / n = (gap / 4)² for n, with p = 0.7 and a gap of 0.01.")


def check_paired(p_value: Callable[[int, int], float]) -> Verdict:
    """Check ``p_value(first, second)``: McNemar's exact test on faces that only one network recognises."""
    for first, second in ((3, 9), (9, 3), (322, 367), (6, 6)):
        expected = Comparison(0, first, second, 0).p_value
        found = called_number(p_value, first, second)
        if isinstance(found, Verdict):
            return found
        if not abs(found - expected) <= 1e-6:
            hint = "look at the sum once more."
            if abs(2 * found - expected) < 1e-6:
                hint = "luck could favour either network: count both sides."
            elif abs(found / 100 - expected) < 1e-6:
                hint = "that is the percentage, and a probability is asked for."
            elif abs(found / 2 ** (first + second) - expected) < 1e-6:
                hint = "divide by all the ways in which the coins may fall, 2 to the power of their number."
            elif found > 1 and first != second:
                hint = "the smaller of the two counts is the last of the sum."
            elif found > 1:
                hint = "where both win as often, both sides share the middle; a probability is never above 1."
            return not_yet(f"of {first} and {second} it should be {expected:.4g}, not {found:.4g}: {hint}")
    return right("if the coin alone often parts two networks as unevenly, the gain may be luck.")
