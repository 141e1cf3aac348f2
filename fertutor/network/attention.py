"""Where a spatial transformer stands in a network: on the features, on the input, or nowhere.

Book chapter: *Attention: the spatial transformer*.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from .sampler import Localization, sample_affine

SAMPLERS = ("features", "input", "none")


def normalised(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Map grey levels in [0, 1] so that `mean` is at 0 and the spread `std` is 1.

    Raises:
        InputError: for whole numbers, whose grey levels go up to 255.
    """
    if isinstance(x, Tensor) and not x.is_floating_point():  # a tracer's stand-in is no tensor
        raise InputError(f"faces are floats from 0 to 1, not {x.dtype}: take .float() / 255 of bytes")
    return (x - mean) / std


def check_std(std: float) -> None:
    """Raise ValueError for a spread that grey levels cannot be divided by."""
    if not float(std) > 0:
        raise ValueError(f"std must be above 0, not {std}")


class AttentionNetwork(nn.Module, ABC):
    """What networks with a spatial transformer share; each brings `features` and `classify`.

    Args:
        sampler: ``"features"`` warps what `features` returns, ``"input"`` the face itself, ``"none"``
            leaves the transformer out.
        padding: what the sampler reads outside its input, see :func:`sample_affine`.
        mean, std: grey level and spread that are mapped to 0 and 1 before the first layer; part of
            the network, so that weights and pages cannot disagree about them.
        more: the network's own arguments, for :attr:`config`.

    Raises:
        ValueError: for an unknown sampler, or no spread above 0.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, sampler: str, padding: str, mean: float, std: float, **more: Any) -> None:
        super().__init__()
        if sampler not in SAMPLERS:
            raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}, not {sampler!r}")
        check_std(std)
        self.config: dict[str, Any] = {
            "sampler": sampler,
            **more,
            "padding": padding,
            "mean": mean,
            "std": std,
        }
        self.sampler = sampler
        self.padding = padding
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("std", torch.tensor(float(std)))
        self.localization = None if sampler == "none" else Localization()

    def normalise(self, x: Tensor) -> Tensor:
        """Map grey levels in [0, 1] to about zero mean and unit spread, see :func:`normalised`."""
        return normalised(x, self.mean, self.std)

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
            return self.classify(self.features(x))
        theta = self.localization(x)
        if self.sampler == "input":
            return self.classify(self.features(sample_affine(x, theta, self.padding)))
        return self.classify(sample_affine(self.features(x), theta, self.padding))

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Return the maps of normalised faces that a sampler on the features warps."""

    @abstractmethod
    def classify(self, features: Tensor) -> Tensor:
        """Return logits for such maps."""
