"""How weights start, step and are averaged: initialisation, optimizer, learning rate.

Paper, section 4.2. Book chapter: *Build it, train it*.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ..network.sampler import Localization
from .recipes import Recipe


@torch.no_grad()
def initialise(network: nn.Module, std: float, generator: torch.Generator) -> None:
    """Draw all weights from N(0, std²) and zero the biases, but for the transformer's identity."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.weight.copy_(torch.randn(module.weight.shape, generator=generator) * std)
            if module.bias is not None:
                module.bias.zero_()
    for module in network.modules():
        if isinstance(module, Localization):
            module.bias_to_identity()


LARGEST = torch.finfo(torch.float32).max
"""Rate that a tensor holds; a run at a larger one diverges as one at this does."""


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimizer; weight decay acts on weights, not on biases and norms.

    On a GPU its learning rate is a tensor there: a CUDA graph reads it, where a number would be fixed.
    """
    weights = [value for value in network.parameters() if value.dim() > 1]
    others = [value for value in network.parameters() if value.dim() <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    rate: float | Tensor = recipe.learning_rate
    if weights[0].is_cuda:
        rate = torch.tensor(min(recipe.learning_rate, LARGEST), device=weights[0].device)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, lr=rate, fused=True)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, fused=True)
    return torch.optim.SGD(
        groups, lr=rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0, fused=True
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all weights."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(min(rate, LARGEST))
        else:
            group["lr"] = rate


def rate_at(recipe: Recipe, share: float) -> float:
    """Return the learning rate when `share` (0 to 1) of all steps are done."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if share < recipe.warm_up:
        return recipe.learning_rate * max(share / recipe.warm_up, 0.01)
    return (
        recipe.learning_rate * (1 + math.cos(math.pi * (share - recipe.warm_up) / (1 - recipe.warm_up))) / 2
    )


@torch.no_grad()
def move_average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move `averaged` towards `network` by a share of 1 - `decay`; counters are copied."""
    for old, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)
