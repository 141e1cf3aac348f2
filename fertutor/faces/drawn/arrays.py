"""Numbers of callers who work with numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...errors import InputError


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
