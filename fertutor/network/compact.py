"""Networks of under ten layers that do more than the paper's: seven or eight convolutions, one linear layer.

Book chapter: *The record*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from .attention import AttentionNetwork
from .dropout import Dropout

WIDTHS = (24, 24, 48, 48, 64, 64, 96)
BEST_WIDTHS = (32, 32, 64, 64, 160, 160, 256, 256)
PAIRED = 6
"""Convolutions before the transformer, a max-pool after every second."""


class CompactCNN(AttentionNetwork):
    """Seven padded 3x3 convolutions with batch normalisation, a spatial transformer, one linear layer.

    Three pairs of convolutions, each pair followed by a max-pool, lead from 48x48 pixels to 6x6 places.
    There the transformer warps the maps; the other convolutions, the mean over all places, dropout and
    a linear layer follow. The transformer acts late on purpose: what comes before it is local, so that
    occlusion maps stay exact and fast.

    Args:
        sampler: ``"features"`` warps the 6x6 maps, ``"input"`` the face, ``"none"`` nothing.
        widths: kernels of the convolutions, seven or more.
        classes: 7, or 8 with contempt.
        dropout: probability that the dropout layer zeroes a mean.
        padding: what the sampler reads outside its input, see :func:`sample_affine`.
        mean, std: grey level and spread that are mapped to 0 and 1 before the first layer.

    Shapes:
        input: float ``(n, 1, 48, 48)`` in [0, 1]; output: logits ``(n, classes)``.

    Raises:
        ValueError: for an unknown sampler, fewer than seven widths or one below 1, or a `std` that is not
            above 0.

    With the defaults it has 190,767 parameters and 8 layers on its main path.

    Example:
        >>> CompactCNN()(torch.rand(2, 1, 48, 48)).shape
        torch.Size([2, 7])
    """

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
        if len(widths) < PAIRED + 1 or min(widths) < 1:
            raise ValueError(f"widths must be {PAIRED + 1} or more numbers of kernels, not {list(widths)}")
        super().__init__(sampler, padding, mean, std, widths=list(widths), classes=classes, dropout=dropout)
        self.classes = classes
        channels = [1, *widths]
        layers: list[nn.Module] = []
        for index in range(PAIRED):
            layers += _convolution(channels[index], channels[index + 1])
            if index % 2:
                layers.append(nn.MaxPool2d(2))
        self.trunk = nn.Sequential(*layers)
        top: list[nn.Module] = []
        for index in range(PAIRED, len(widths)):
            top += _convolution(channels[index], channels[index + 1])
        self.top = nn.Sequential(*top)
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(widths[-1], classes)

    def features(self, x: Tensor) -> Tensor:
        """Return ``(n, widths[5], 6, 6)`` for normalised faces."""
        return self.trunk(x)

    def classify(self, features: Tensor) -> Tensor:
        """Return logits for such maps."""
        return self.output(self.dropout(self.top(features).mean((2, 3))))


class BestCNN(CompactCNN):
    """:class:`CompactCNN` with more kernels, an eighth convolution and more dropout, for the best accuracy.

    Args:
        widths, dropout: as there.
        arguments: the others of :class:`CompactCNN`, by name.

    Raises:
        ValueError: as there.

    With the defaults it has 1,382,711 parameters and 9 layers on its main path.

    Example:
        >>> BestCNN()(torch.rand(2, 1, 48, 48)).shape
        torch.Size([2, 7])
    """

    def __init__(
        self, *, widths: Sequence[int] = BEST_WIDTHS, dropout: float = 0.3, **arguments: Any
    ) -> None:
        super().__init__(widths=widths, dropout=dropout, **arguments)


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    """Return a convolution without bias, its batch normalisation and a ReLU."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
