"""Dropout whose mask is the same whether one process sees a batch or several share it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """torch's dropout, told which rows of a larger batch it is given.

    Attributes:
        part: ``(start, stop, n)`` when the input is rows `start` to `stop` of a batch of `n` faces
            that several processes share: the mask is drawn for all `n`, and its own rows are used.
            None when the input is the whole batch.
    """

    part: tuple[int, int, int] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with each value zeroed with probability `p`, the rest scaled up, in training."""
        if self.part is None or not self.training or not self.p:
            return F.dropout(x, self.p, self.training)
        start, stop, n = self.part
        # dropping from ones gives the mask, drawn in the memory order in which torch would draw it
        ones = torch.ones(n, *x.shape[1:], dtype=x.dtype, device=x.device)
        if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
            ones = ones.contiguous(memory_format=torch.channels_last)
        return x * F.dropout(ones, self.p)[start:stop]
