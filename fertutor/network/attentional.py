"""The network of the paper's Figure 3, with both readings of where its attention acts.

Book chapter: *Attention: the spatial transformer*.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..faces.table import SIDE
from .dropout import Dropout
from .sampler import Localization, sample_affine

SAMPLERS = ("features", "input", "none")


class AttentionalCNN(nn.Module):
    """Four convolutions, two fully connected layers and a spatial transformer (Figure 3).

    Args:
        sampler: ``"features"`` warps the maps after the dropout, as Figure 3 draws it; ``"input"``
            warps the face itself, as section 3 says it; ``"none"`` leaves the transformer out.
        channels: kernels of each convolution of the trunk.
        classes: 7, or 8 with contempt.
        dropout: probability that the dropout layer zeroes an activation (the paper gives none).
        padding: what the sampler reads outside its input, see :func:`sample_affine`.
        mean, std: grey level and spread that are mapped to 0 and 1 before the first layer; part of
            the network, so that weights and pages cannot disagree about them.

    Shapes:
        input: float ``(n, 1, 48, 48)`` in [0, 1]; output: logits ``(n, classes)``.

    With the defaults it has 76,777 parameters.

    Example:
        >>> network = AttentionalCNN()
        >>> network(torch.rand(2, 1, 48, 48)).shape
        torch.Size([2, 7])
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        sampler: str = "features",
        channels: int = 10,
        classes: int = 7,
        dropout: float = 0.5,
        padding: str = "zeros",
        mean: float = 0.5,
        std: float = 0.25,
    ) -> None:
        super().__init__()
        if sampler not in SAMPLERS:
            raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}, not {sampler!r}")
        if channels < 1:
            raise ValueError(f"channels must be 1 or more, not {channels}")
        self.config: dict[str, Any] = {
            "sampler": sampler,
            "channels": channels,
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
        self.trunk = nn.Sequential(
            nn.Conv2d(1, channels, 3),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3),
            nn.MaxPool2d(2),
            nn.ReLU(),
        )
        self.dropout = Dropout(dropout)
        side = ((SIDE - 4) // 2 - 4) // 2
        self.hidden = nn.Linear(channels * side * side, 50)
        self.output = nn.Linear(50, classes)

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
            return self._classify(self.dropout(self.trunk(x)))
        theta = self.localization(x)
        if self.sampler == "input":
            return self._classify(self.dropout(self.trunk(sample_affine(x, theta, self.padding))))
        return self._classify(sample_affine(self.dropout(self.trunk(x)), theta, self.padding))

    def _classify(self, features: Tensor) -> Tensor:
        return self.output(F.relu(self.hidden(features.flatten(1))))

    def last_two_linear(self) -> tuple[nn.Linear, nn.Linear]:
        """Return the two layers whose weights equation (1) penalises."""
        return self.hidden, self.output
