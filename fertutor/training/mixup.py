"""Mixup: every face mixed with another one, its target likewise (Zhang et al. 2018)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def draw_mix(n: int, alpha: float, generator: torch.Generator) -> dict[str, Tensor]:
    """Draw how `n` faces are to be mixed.

    Args:
        n: faces in the batch.
        alpha: of the Beta(α, α) distribution from which the batch's one share is drawn.
        generator: CPU generator.

    Returns:
        On the CPU: ``shares`` float32 ``(2,)``, a face's own and its other's, and ``others`` int64
        ``(n,)``, each face's other.
    """
    # torch's Beta takes no generator; numpy's does
    seed = int(torch.randint(2**62, (1,), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    return {"shares": torch.tensor([share, 1 - share]), "others": torch.randperm(n, generator=generator)}


def mix(x: Tensor, targets: Tensor, drawn: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return mixed faces and targets, of the shapes that came in.

    Args:
        x: float ``(n, 1, h, w)``.
        targets: float ``(n, classes)``.
        drawn: what :func:`draw_mix` drew for them, on their device; other names are left alone.
    """
    (own, new), others = drawn["shares"], drawn["others"]
    return own * x + new * x[others], own * targets + new * targets[others]
