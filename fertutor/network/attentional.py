"""The network of the paper's Figure 3, with both readings of where its attention acts.

Book chapters: *Attention: the spatial transformer*, *Build it, train it*.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ..faces.table import SIDE
from .attention import AttentionNetwork
from .dropout import Dropout


class AttentionalCNN(AttentionNetwork):
    """Four convolutions, two fully connected layers and a spatial transformer (Figure 3).

    Args:
        sampler: ``"features"`` warps the maps after the dropout, as Figure 3 draws it; ``"input"``
            warps the face itself, as section 3 says it; ``"none"`` leaves the transformer out.
        channels: kernels of each convolution of the trunk.
        classes: 7, or 8 with contempt.
        dropout: probability that the dropout layer zeroes an activation (the paper gives none).
        padding: what the sampler reads outside its input, see :func:`sample_affine`.
        mean, std: grey level and spread that are mapped to 0 and 1 before the first layer.

    Shapes:
        input: float ``(n, 1, 48, 48)`` in [0, 1]; output: logits ``(n, classes)``.

    With the defaults it has 76,777 parameters.

    Raises:
        ValueError: for no channels, an unknown sampler, or a `std` that is not above 0.

    Example:
        >>> network = AttentionalCNN()
        >>> network(torch.rand(2, 1, 48, 48)).shape
        torch.Size([2, 7])
    """

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
        if channels < 1:
            raise ValueError(f"channels must be 1 or more, not {channels}")
        super().__init__(sampler, padding, mean, std, channels=channels, classes=classes, dropout=dropout)
        self.classes = classes
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

    def features(self, x: Tensor) -> Tensor:
        """Return ``(n, channels, 9, 9)``, after dropout, for normalised faces."""
        return self.dropout(self.trunk(x))

    def classify(self, features: Tensor) -> Tensor:
        """Return logits for such maps."""
        return self.output(F.relu(self.hidden(features.flatten(1))))

    def last_two_linear(self) -> tuple[nn.Linear, nn.Linear]:
        """Return the two layers whose weights equation (1) penalises."""
        return self.hidden, self.output
