"""Rows of numbers: their columns by name, and those of callers who work with numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError


class Columns:
    """The columns of a tensor ``(n, columns)`` by name, each as ``(n, 1, 1)``.

    A subclass says in `places` which column a name is.
    """

    places: ClassVar[Mapping[str, int]]

    def __init__(self, values: Tensor) -> None:
        self.columns = values.t()[:, :, None, None].unbind(0)

    def __getattr__(self, name: str) -> Tensor:
        return self.columns[self.places[name]]

    def pair(self, name: str) -> Tensor:
        """Return the column as ``(n, 1)``, for arithmetic with the two sides of a face."""
        return self.columns[self.places[name]][:, :, 0]


def as_tensor(values: Any) -> Any:
    """Return a numpy array as a tensor, and anything else as it is.

    Raises:
        InputError: for an array of what are no numbers.
    """
    if not isinstance(values, np.ndarray):
        return values
    try:
        return torch.tensor(np.ascontiguousarray(values))
    except (TypeError, ValueError):
        raise InputError(f"an array of {values.dtype} cannot be drawn: give one of numbers") from None
