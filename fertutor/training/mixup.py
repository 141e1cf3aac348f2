"""Mixup: every face mixed with another one, its target likewise (Zhang et al. 2018)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def mix(x: Tensor, targets: Tensor, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return mixed faces and targets, of the shapes that came in.

    Args:
        x: float ``(n, 1, h, w)``.
        targets: float ``(n, classes)``.
        alpha: of the Beta(α, α) distribution from which the batch's one share is drawn.
        generator: CPU generator.
    """
    # torch's Beta takes no generator; numpy's does
    seed = int(torch.randint(2**62, (1,), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    other = torch.randperm(len(x), generator=generator).to(x.device)
    return share * x + (1 - share) * x[other], share * targets + (1 - share) * targets[other]
