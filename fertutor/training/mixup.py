"""Mixup: every face mixed with another one, its target likewise (Zhang et al. 2018)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def draw_mix(n: int, alpha: float, generator: torch.Generator) -> dict[str, Tensor]:
    """Return what :func:`mix` needs to mix `n` faces, on the CPU: a share for the batch, and the others.

    Args:
        n: faces in the batch.
        alpha: of the Beta(α, α) distribution from which the batch's one share is drawn.
        generator: CPU generator.
    """
    # torch's Beta takes no generator; numpy's does
    seed = int(torch.randint(2**62, (1,), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    return {"shares": torch.tensor([share, 1 - share]), "others": torch.randperm(n, generator=generator)}


def mix(x: Tensor, targets: Tensor, shares: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return mixed faces and targets, of the shapes that came in.

    Args:
        x: float ``(n, 1, h, w)``.
        targets: float ``(n, classes)``.
        shares: float ``(2,)``, of the face itself and of the other.
        others: int64 ``(n,)``, each face's other.
    """
    own, new = shares
    return own * x + new * x[others], own * targets + new * targets[others]
