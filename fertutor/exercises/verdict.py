"""What a checker says to the reader."""

from __future__ import annotations

from dataclasses import dataclass


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
