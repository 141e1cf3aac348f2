"""draw_faces: the one function most callers need.

Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, overload

import torch
from torch import Tensor

from ...errors import InputError
from ...seed import check_seed
from .camera import photograph
from .muscles import Units, read_action_units
from .renderer import FaceRenderer
from .scene import make_scene
from .traits import People, read_people

CHUNK_PIXELS = 32 * 48 * 48
"""Pixels drawn at once: their maps stay in a processor's cache, and memory does not grow with n."""

MOVED = 0.02
"""Change of grey level, out of 1, from which a pixel counts as moved by the action units."""

SIZES = (16, 1024)
"""Smallest and largest side of a picture in pixels."""

LARGEST_SEED = 2**64 - 1
"""torch's own: a set's seed is multiplied to become that of its grain."""


@lru_cache(maxsize=8)
def _renderer(size: int, device: str) -> FaceRenderer:
    return FaceRenderer(size).to(device)


@overload
def draw_faces(
    action_units: Units,
    people: People = ...,
    scene: Mapping[str, float] | Tensor | None = ...,
    size: int = ...,
    seed: int = ...,
    mask: Literal[False] = ...,
    device: str | torch.device | None = ...,
) -> Tensor: ...


@overload
def draw_faces(
    action_units: Units,
    people: People = ...,
    scene: Mapping[str, float] | Tensor | None = ...,
    size: int = ...,
    seed: int = ...,
    *,
    mask: Literal[True],
    device: str | torch.device | None = ...,
) -> tuple[Tensor, Tensor]: ...


def draw_faces(
    action_units: Units,
    people: People = None,
    scene: Mapping[str, float] | Tensor | None = None,
    size: int = 48,
    seed: int = 0,
    mask: bool = False,
    device: str | torch.device | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """Draw faces from action units.

    The three inputs are one row for all faces, or one row a face. The pictures are a differentiable
    function of tensors of action units, people and scenes.

    Args:
        action_units: intensities from 0 to 1, as a text (``"6=1,12L=0.8"``), a mapping from unit to
            intensity, a sequence of those, or a tensor ``(n, 17)``, ``(n, 17, 2)`` (person's left and
            right) or ``(n, 34)``, or an array of these; see :func:`fertutor.faces.drawn.read_action_units`.
        people: numbers of people (any integers from 0; person `k` looks the same everywhere), or
            their traits as a tensor ``(n, len(TRAITS))``. None is person 0.
        scene: named values of :data:`fertutor.faces.drawn.SCENE`, or a tensor ``(n, len(SCENE))``.
            None is a plain portrait.
        size: height and width in pixels, 16 to 1024.
        seed: seed of the camera's grain (none in a plain portrait).
        mask: also return which pixels the action units moved, against the same face at rest.
        device: where to draw; by default where the action units are.

    Returns:
        Pictures, float32 ``(n, 1, size, size)`` from 0 black to 1 white; with `mask` also bool
        ``(n, 1, size, size)``.

    Raises:
        InputError: an unknown action unit, an intensity that is NaN or outside 0 to 1, a person, scene,
            size or seed that cannot be, or rows that do not match in number.

    Example:
        >>> pictures, moved = fertutor.draw_faces({6: 1, 12: 0.8, 25: 0.6}, people=3, size=192, mask=True)
        >>> pictures.shape
        torch.Size([1, 1, 192, 192])
    """
    if isinstance(size, bool) or not isinstance(size, int) or not SIZES[0] <= size <= SIZES[1]:
        raise InputError(f"size {size!r}: expected a whole number of pixels from {SIZES[0]} to {SIZES[1]}")
    units, traits, scenes = read_action_units(action_units), read_people(people), make_scene(scene)
    rows = {"action units": len(units), "people": len(traits), "scenes": len(scenes)}
    n = max(rows.values()) if min(rows.values()) else 0
    for name, count in rows.items():
        if count not in (1, n):
            raise InputError(f"{count} {name} for {n} faces: expected 1 or {n}")
    device = units.device if device is None else torch.device(device)
    units, traits, scenes = (x.to(device).expand(n, -1) for x in (units, traits, scenes))
    generator = torch.Generator().manual_seed(check_seed(seed, LARGEST_SEED))
    if n == 0:
        empty = torch.zeros(0, 1, size, size, device=device)
        return (empty, empty.bool()) if mask else empty
    step = max(1, CHUNK_PIXELS // size**2)
    if device.type != "cpu":
        step *= 64  # an accelerator wants long queues, and has the memory
    parts = [
        _draw(units[i : i + step], traits[i : i + step], scenes[i : i + step], size, generator, mask)
        for i in range(0, n, step)
    ]
    pictures = torch.cat([picture for picture, _ in parts])
    return (pictures, torch.cat([moved for _, moved in parts])) if mask else pictures


def _draw(
    units: Tensor, traits: Tensor, scene: Tensor, size: int, generator: torch.Generator, mask: bool
) -> tuple[Tensor, Tensor]:
    renderer = _renderer(size, str(units.device))
    clean = renderer(units, traits, scene)
    moved = torch.zeros(0, dtype=torch.bool, device=units.device)
    if mask:
        with torch.no_grad():
            rest = renderer(torch.zeros_like(units), traits, scene)
            moved = (photograph(clean, scene) - photograph(rest, scene)).abs() > MOVED
    return photograph(clean, scene, generator), moved
