"""Augmentation of whole batches on the device: one bilinear sampling does all geometry.

Paper, section 4.2: "flipping, small rotation, and small distortion".
Book chapter: *Four data sets*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces.table import SIDE
from .kinds import check_fields

FIELD = 6
"""Side of the coarse grid on which a distortion is drawn before it is smoothly enlarged."""


@dataclass(frozen=True)
class Augmentation:
    """How much the faces of a batch are changed; each face draws its own amounts.

    Attributes:
        flip: mirror left and right with probability one half.
        rotation: largest turn to either side, degrees.
        scale: largest relative change of size, e.g. 0.1 for 90 % to 110 %.
        shift: largest shift along each axis, pixels.
        distortion: standard deviation of a random displacement at the nodes of a coarse grid, pixels; it is
            enlarged smoothly, to two thirds of that at the mean pixel.
        brightness: largest change of grey level, as a share of the full range.
        contrast: largest relative change of contrast.
        erase: probability that a random rectangle is painted grey.

    Raises:
        ValueError: names the amount that makes no sense or is of another kind than declared here.
    """

    flip: bool = True
    rotation: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    distortion: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("rotation", "scale", "shift", "distortion", "brightness", "contrast", "erase"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")
        for name, most in (("rotation", 180), ("shift", SIDE), ("distortion", SIDE), ("brightness", 1)):
            if getattr(self, name) > most:
                raise ValueError(f"{name} must be {most} or less, not {getattr(self, name)}")
        if self.scale >= 1:
            raise ValueError(f"scale must be below 1, not {self.scale}")
        if self.erase > 1:
            raise ValueError(f"erase is a probability and must be 1 or less, not {self.erase}")

    @property
    def moves(self) -> bool:
        """Whether any pixel changes place other than by a flip."""
        return any((self.rotation, self.scale, self.shift, self.distortion))


Drawn = dict[str, Tensor]
"""Random numbers that were drawn for a batch, by name."""


def augment(images: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Return changed copies of faces.

    Args:
        images: uint8 ``(n, 1, 48, 48)``, or other squares, on any device; they are left as they are.
        how: the amounts.
        generator: a CPU generator; the random numbers are drawn on the CPU, so that a seed means
            the same faces on every device.

    Returns:
        Float32 ``(n, 1, 48, 48)`` in [0, 1]; pixels from outside repeat the border.
    """
    drawn = draw_augmentation(len(images), how, images.shape[-2:], generator)
    return apply_augmentation(images, how, {name: value.to(images.device) for name, value in drawn.items()})


def draw_augmentation(n: int, how: Augmentation, size: torch.Size, generator: torch.Generator) -> Drawn:
    """Draw how each of `n` faces is to be changed.

    Args:
        n: faces.
        how: the amounts.
        size: ``(h, w)`` of the faces, pixels; shifts and turns are those asked for where the two are equal.
        generator: a CPU generator.

    Returns:
        On the CPU, float32, as far as `how` asks for them: ``nodes`` ``(2·n, FIELD²)`` of the sampling
        grids, or ``flips`` ``(n,)``, -1 or 1; ``gain`` and ``offset`` ``(n,)`` of the grey levels;
        ``rectangles`` ``(5, n)`` in [0, 1]: chance, top, left, height and width.
    """
    drawn: Drawn = {}
    flips = _flips(n, generator) if how.flip else torch.ones(n)
    if how.moves:
        drawn["nodes"] = _nodes(flips, how, size, generator)
    elif how.flip:
        drawn["flips"] = flips
    if how.brightness or how.contrast:
        drawn["gain"] = 1 + how.contrast * _signed(n, generator)
        drawn["offset"] = how.brightness * _signed(n, generator)
    if how.erase:
        drawn["rectangles"] = torch.rand(5, n, generator=generator)
    return drawn


def apply_augmentation(images: Tensor, how: Augmentation, drawn: Drawn) -> Tensor:
    """Change faces as was drawn.

    Nothing here waits for the device or depends on a value, so that a CUDA graph can hold it.

    Args:
        images: uint8 ``(n, 1, 48, 48)``, or other squares.
        how: the amounts.
        drawn: what :func:`draw_augmentation` drew for them, on their device; other names are left alone.

    Returns:
        Float32 ``(n, 1, 48, 48)`` in [0, 1].
    """
    n, (height, width) = len(images), images.shape[-2:]
    x = images.to(torch.float32, copy=True).div_(255)  # a copy also where a caller has floats from 0 to 255
    if how.moves:
        fine = drawn["nodes"] @ _enlargement(height, width, str(x.device))
        grid = fine.view(n, 2, height, width).permute(0, 2, 3, 1)
        x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    elif how.flip:
        x = torch.where(drawn["flips"].view(n, 1, 1, 1) < 0, x.flip(-1), x)
    if how.brightness or how.contrast:
        mean = x.mean((1, 2, 3), keepdim=True)
        x = (x - mean) * drawn["gain"].view(n, 1, 1, 1) + mean + drawn["offset"].view(n, 1, 1, 1)
        x = x.clamp_(0, 1)
    if how.erase:
        x = _erase(x, how.erase, drawn["rectangles"])
    return x


def _signed(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator) * 2 - 1


def _flips(n: int, generator: torch.Generator) -> Tensor:
    return torch.randint(0, 2, (n,), generator=generator).float() * 2 - 1


def _nodes(flips: Tensor, how: Augmentation, size: torch.Size, generator: torch.Generator) -> Tensor:
    """Return the sampling grid at the nodes of a coarse grid, ``(2·n, FIELD²)``: an affine map plus noise.

    One matrix product enlarges both bilinearly, which leaves the affine part exact, makes a smooth
    displacement of the noise, and costs less than a fine grid of each.
    """
    n, (height, width) = len(flips), size
    angle = math.radians(how.rotation) * _signed(n, generator)
    zoom = 1 + how.scale * _signed(n, generator)
    cos, sin = (angle.cos() / zoom).view(n, 1, 1), (angle.sin() / zoom).view(n, 1, 1)
    shift_x, shift_y = (2 * how.shift / width * _signed(n, generator).view(n, 1, 1) for _ in range(2))
    y, x = torch.meshgrid(torch.linspace(-1, 1, FIELD), torch.linspace(-1, 1, FIELD), indexing="ij")
    mirror = flips.view(n, 1, 1)
    nodes = torch.stack([(cos * x - sin * y) * mirror + shift_x, sin * x + cos * y + shift_y], 1)
    if how.distortion:
        pixels = torch.randn(n, 2, FIELD, FIELD, generator=generator) * how.distortion
        nodes = nodes + pixels * torch.tensor([2 / width, 2 / height]).view(2, 1, 1)
    return nodes.view(n * 2, FIELD**2)


@lru_cache
def _enlargement(height: int, width: int, device: str) -> Tensor:
    """Return the matrix ``(FIELD², h·w)`` that interpolates coarse nodes at the pixels' centres."""
    nodes = torch.eye(FIELD**2).view(FIELD**2, 1, FIELD, FIELD)
    y, x = torch.meshgrid(
        (torch.arange(height) + 0.5) * 2 / height - 1,
        (torch.arange(width) + 0.5) * 2 / width - 1,
        indexing="ij",
    )
    centres = torch.stack([x, y], -1).expand(FIELD**2, height, width, 2)
    return F.grid_sample(nodes, centres, align_corners=True).view(FIELD**2, height * width).to(device)


def _erase(x: Tensor, probability: float, rectangles: Tensor) -> Tensor:
    """Paint a rectangle of 1/8 to 1/2 of each side mid-grey in a share of the faces."""
    n, _, height, width = x.shape
    chance, top, left, tall, wide = rectangles.view(5, n, 1, 1, 1)
    tall, wide = height * (0.125 + 0.375 * tall), width * (0.125 + 0.375 * wide)
    top, left = top * (height - tall), left * (width - wide)
    rows = torch.arange(height, device=x.device).view(1, 1, -1, 1)
    columns = torch.arange(width, device=x.device).view(1, 1, 1, -1)
    inside = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide)
    return torch.where(inside & (chance < probability), torch.full_like(x, 0.5), x)
