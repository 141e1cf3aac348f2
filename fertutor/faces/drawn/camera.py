"""The camera: blur and grain, the last step from a drawn face to a photograph of it."""

from __future__ import annotations

import torch
from torch import Tensor

from .scene import COLUMN


def photograph(pictures: Tensor, scene: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return the pictures as the scene's camera sees them: blurred, then grainy.

    Args:
        pictures: float ``(n, 1, size, size)``.
        scene: float ``(n, len(SCENE))``; blur is in pixels of a 48-pixel picture and grows with `size`.
        generator: CPU generator of the grain; None leaves the grain away.
    """
    size = pictures.shape[-1]
    blur = scene[:, COLUMN["blur"]] * (size / 48)
    if bool((blur > 0).any()):
        ticks = torch.arange(size, device=pictures.device, dtype=pictures.dtype)
        offsets = (ticks[:, None] - ticks[None, :]) ** 2
        weights = torch.exp(offsets / (-2 * blur[:, None, None].clamp(min=0.1) ** 2))
        weights = weights / weights.sum(2, keepdim=True)
        pictures = (weights @ pictures[:, 0] @ weights.transpose(1, 2))[:, None]
    if generator is not None:
        grain = torch.randn(pictures.shape, generator=generator).to(pictures)
        pictures = pictures + grain * scene[:, COLUMN["noise"], None, None, None]
    return pictures.clamp(0, 1)
