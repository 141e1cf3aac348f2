"""Equation (1): cross-entropy plus λ times the squared norm of the last two layers' weights.

Book chapter: *Build it, train it*.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..network.attentional import AttentionalCNN


def penalty(network: nn.Module) -> Tensor:
    """Return ‖w_fc‖₂², a scalar: the squared weights (no biases) of the last two linear layers.

    Raises:
        ValueError: for a network with fewer than two linear layers.
    """
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if isinstance(network, AttentionalCNN):
        linear = list(network.last_two_linear())
    if len(linear) < 2:
        raise ValueError(f"{type(network).__name__} has no two fully connected layers to penalise")
    return torch.stack([layer.weight.square().sum() for layer in linear[-2:]]).sum()


def soft_targets(labels: Tensor, votes: Tensor | None, classes: int, smoothing: float) -> Tensor:
    """Return targets float32 ``(n, classes)`` whose rows sum to 1.

    Args:
        labels: int64 ``(n,)``.
        votes: float32 ``(n, classes)`` to use instead of `labels`, or None.
        classes: 7 or 8.
        smoothing: share of the target that is spread over all classes.
    """
    targets = F.one_hot(labels, classes).float() if votes is None else votes
    return targets * (1 - smoothing) + smoothing / classes
