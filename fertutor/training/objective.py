"""Equation (1): cross-entropy plus λ times the squared norm of the last two layers' weights.

The equation is of the network of Figure 3, which names these layers; other networks have no such two.
Book chapter: *Build it, train it*.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from ..network.attentional import AttentionalCNN


def penalised_layers(network: nn.Module) -> tuple[nn.Linear, nn.Linear]:
    """Return the two layers whose weights equation (1) penalises.

    Raises:
        InputError: for another network than that of Figure 3.
    """
    if not isinstance(network, AttentionalCNN):
        raise InputError(
            "the penalty of equation (1) is on the last two layers of the network of Figure 3, and "
            f"{type(network).__name__} has no such two: choose --penalty 0 or --recipe compact"
        )
    return network.last_two_linear()


def penalty(network: nn.Module) -> Tensor:
    """Return ‖w_fc‖₂², a float scalar: the squared weights (no biases) of the last two linear layers.

    Raises:
        InputError: for another network than that of Figure 3.
    """
    return torch.stack([layer.weight.square().sum() for layer in penalised_layers(network)]).sum()


def soft_targets(labels: Tensor, votes: Tensor | None, classes: int) -> Tensor:
    """Return targets float32 ``(n, classes)`` whose rows sum to 1.

    Args:
        labels: int64 ``(n,)``.
        votes: float32 ``(n, classes)`` to use instead of `labels`, or None.
        classes: 7 or 8.
    """
    return F.one_hot(labels, classes).float() if votes is None else votes
