"""Which faces make up an epoch: all of them once, or rare classes more often.

Paper, section 4.2: "oversampling on the classes with fewer samples to force the different classes
to be of the same order". Book chapter: *Four data sets*.
"""

from __future__ import annotations

import torch
from torch import Tensor


def epoch_order(labels: Tensor, oversample: bool, generator: torch.Generator) -> Tensor:
    """Return the rows of one epoch in random order, int64 on the CPU.

    Args:
        labels: int64 ``(n,)``.
        oversample: repeat every class whole times, as often as it stays within the largest class;
            no class is then less than half as large as the largest.
        generator: CPU generator; another state, another order.
    """
    labels = labels.cpu()
    if not oversample:
        return torch.randperm(len(labels), generator=generator)
    by_class = [(labels == label).nonzero().flatten() for label in labels.unique()]
    largest = max(map(len, by_class))
    order = torch.cat([rows.repeat(largest // len(rows)) for rows in by_class])
    return order[torch.randperm(len(order), generator=generator)]
