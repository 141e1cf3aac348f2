"""A network of under ten layers that does more with as few weights: seven convolutions, one linear layer.

Book chapter: *The record*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .attentional import SAMPLERS
from .dropout import Dropout
from .sampler import Localization, sample_affine

WIDTHS = (24, 24, 48, 48, 64, 64, 96)


class CompactCNN(nn.Module):
    """Seven padded 3x3 convolutions with batch normalisation, a spatial transformer, one linear layer.

    Three pairs of convolutions, each pair followed by a max-pool, lead from 48x48 pixels to 6x6 places.
    There the transformer warps the maps; a seventh convolution, the mean over all places, dropout and
    a linear layer follow. The transformer acts late on purpose: what comes before it is local, so that
    occlusion maps stay exact and fast.

    Args:
        sampler: ``"features"`` warps the 6x6 maps, ``"input"`` the face, ``"none"`` nothing.
        widths: kernels of the seven convolutions.
        classes: 7, or 8 with contempt.
        dropout: probability that the dropout layer zeroes a mean.
        padding: what the sampler reads outside its input, see :func:`sample_affine`.
        mean, std: grey level and spread that are mapped to 0 and 1 before the first layer.

    Shapes:
        input: float ``(n, 1, 48, 48)`` in [0, 1]; output: logits ``(n, classes)``.

    Raises:
        ValueError: for an unknown sampler or other than seven widths.

    With the defaults it has 190,767 parameters and 8 layers on its main path.

    Example:
        >>> CompactCNN()(torch.rand(2, 1, 48, 48)).shape
        torch.Size([2, 7])
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        sampler: str = "features",
        widths: Sequence[int] = WIDTHS,
        classes: int = 7,
        dropout: float = 0.2,
        padding: str = "border",
        mean: float = 0.5,
        std: float = 0.25,
    ) -> None:
        super().__init__()
        if sampler not in SAMPLERS:
            raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}, not {sampler!r}")
        if len(widths) != len(WIDTHS):
            raise ValueError(f"widths must be {len(WIDTHS)} numbers of kernels, not {len(widths)}")
        self.config: dict[str, Any] = {
            "sampler": sampler,
            "widths": list(widths),
            "classes": classes,
            "dropout": dropout,
            "padding": padding,
            "mean": mean,
            "std": std,
        }
        self.sampler = sampler
        self.classes = classes
        self.padding = padding
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("std", torch.tensor(float(std)))
        self.localization = None if sampler == "none" else Localization()
        channels = [1, *widths]
        layers: list[nn.Module] = []
        for index in range(6):
            layers += _convolution(channels[index], channels[index + 1])
            if index % 2:
                layers.append(nn.MaxPool2d(2))
        self.trunk = nn.Sequential(*layers)
        self.top = nn.Sequential(*_convolution(widths[-2], widths[-1]))
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(widths[-1], classes)

    def normalise(self, x: Tensor) -> Tensor:
        """Map grey levels in [0, 1] to about zero mean and unit spread."""
        return (x - self.mean) / self.std

    def theta(self, x: Tensor) -> Tensor:
        """Return the affine maps ``(n, 2, 3)`` that the network chooses for faces `x` in [0, 1].

        Raises:
            ValueError: for a network without a transformer.
        """
        if self.localization is None:
            raise ValueError('a network with sampler="none" chooses no affine map')
        return self.localization(self.normalise(x))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(n, classes)`` for faces ``(n, 1, 48, 48)`` in [0, 1]."""
        x = self.normalise(x)
        if self.localization is None:
            return self._classify(self.trunk(x))
        theta = self.localization(x)
        if self.sampler == "input":
            return self._classify(self.trunk(sample_affine(x, theta, self.padding)))
        return self._classify(sample_affine(self.trunk(x), theta, self.padding))

    def _classify(self, features: Tensor) -> Tensor:
        return self.output(self.dropout(self.top(features).mean((2, 3))))


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    """Return a convolution without bias, its batch normalisation and a ReLU."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
