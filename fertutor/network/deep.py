"""A network of more than 50 layers, for the comparison of the paper's section 3.

Book chapter: *The record*.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import check_std, normalised

WIDTHS = (16, 32, 64)


class DeepCNN(nn.Module):
    """The residual network of 6·n + 2 layers of He et al. 2016, section 4.2; 56 layers by default.

    Args:
        blocks: n, the residual blocks of each of the three stages.
        classes: 7, or 8 with contempt.
        mean, std: grey level and spread that are mapped to 0 and 1 before the first layer.

    Shapes:
        input: float ``(n, 1, 48, 48)`` in [0, 1]; output: logits ``(n, classes)``.

    Raises:
        ValueError: for no blocks, or a `std` that is not above 0.

    Example:
        >>> DeepCNN()(torch.rand(2, 1, 48, 48)).shape
        torch.Size([2, 7])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, blocks: int = 9, classes: int = 7, mean: float = 0.5, std: float = 0.25) -> None:
        super().__init__()
        if blocks < 1:
            raise ValueError(f"blocks must be 1 or more, not {blocks}")
        check_std(std)
        self.config: dict[str, Any] = {"blocks": blocks, "classes": classes, "mean": mean, "std": std}
        self.classes = classes
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("std", torch.tensor(float(std)))
        self.first = _Normalised(1, WIDTHS[0], 1)
        stages: list[nn.Module] = []
        before = WIDTHS[0]
        for width in WIDTHS:
            for index in range(blocks):
                stride = 2 if index == 0 and width != WIDTHS[0] else 1
                stages.append(_Block(before, width, stride))
                before = width
        self.stages = nn.Sequential(*stages)
        self.output = nn.Linear(before, classes)

    @property
    def depth(self) -> int:
        """Convolutions and linear layers on the main path."""
        return 2 * len(self.stages) + 2

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(n, classes)`` for faces ``(n, 1, 48, 48)`` in [0, 1]."""
        x = F.relu(self.first(normalised(x, self.mean, self.std)))
        return self.output(self.stages(x).mean((2, 3)))


class _Normalised(nn.Module):
    """A 3x3 convolution without bias and its batch normalisation."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.convolution(x))


class _Block(nn.Module):
    """Two convolutions, added to what came in; where the maps shrink, that is thinned and zero-padded."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, self.new_channels = stride, outputs - inputs
        self.one = _Normalised(inputs, outputs, stride)
        self.two = _Normalised(outputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.two(F.relu(self.one(x)))
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        if self.new_channels:
            x = F.pad(x, (0, 0, 0, 0, 0, self.new_channels))
        return F.relu(x + y)
