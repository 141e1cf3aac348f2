"""Eval mode for the while. It is written in :mod:`fertutor.mode`, which ``faces/`` may import too."""

from ..mode import evaluating

__all__ = ["evaluating"]
