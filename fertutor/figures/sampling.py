"""Pictures of the spatial transformer at work. Book chapter: *Attention: the spatial transformer*."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..network.sampler import sample_affine
from .style import ACCENTS, INK, describe, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OUTSIDE = 0.5
"""Grey level outside the picture: what zero stands for after the network's normalisation."""

LINES = 7
"""Of a sampling grid as it is drawn, along each axis."""


@styled
def draw_point(image: Tensor, x: float, y: float) -> Figure:
    """Draw where a point of the grid lands between the pixels of a tiny image, and the four weights.

    Args:
        image: float ``(h, w)``; its values are written into the pixels.
        x, y: the point in coordinates from -1 (left, top edge) to 1.
    """
    height, width = image.shape
    column, row = ((x + 1) * width - 1) / 2, ((y + 1) * height - 1) / 2
    left, top = int(column // 1), int(row // 1)
    figure, ax = new_axes(size=(4.2, 4.2))
    ax.imshow(image.numpy(), cmap="Greys", alpha=0.25, vmin=0, vmax=1.6 * float(image.max()))
    for r in range(height):
        for c in range(width):
            ax.text(c, r, f"{image[r, c]:g}", ha="center", va="center", fontsize=15)
    for r, c in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        weight = (1 - abs(row - r)) * (1 - abs(column - c))
        ax.plot([column, c], [row, r], color=ACCENTS[1], linewidth=1 + 8 * weight, alpha=0.55)
        ax.text(c, r + 0.36, f"× {weight:.2f}", ha="center", va="center", color=ACCENTS[1])
    ax.plot(column, row, "o", color=ACCENTS[0], markersize=10)
    label_ends(ax, height, width)
    return describe(
        figure,
        f"A grid of {height} by {width} numbered pixels. A blue point lies between four of them, at "
        f"column {column:.2f} and row {row:.2f}; lines to the four carry the weights of their "
        "bilinear mean, the nearest pixel the largest.",
    )


def label_ends(ax: Axes, height: int, width: int) -> None:
    """Mark -1, 0 and 1 on both axes of an image: its edges and its middle."""
    ax.set_xticks([-0.5, (width - 1) / 2, width - 0.5], ["−1", "0", "1"])
    ax.set_yticks([-0.5, (height - 1) / 2, height - 0.5], ["−1", "0", "1"])
    ax.set(xlabel="x", ylabel="y")


@styled
def draw_warps(face: Tensor, thetas: Mapping[str, Tensor]) -> Figure:
    """Draw one face warped by several affine maps: above where each map reads, below what it makes.

    Args:
        face: float ``(1, 48, 48)`` in [0, 1], or one face for each map ``(maps, 1, 48, 48)``.
        thetas: title → θ, float ``(2, 3)``.
    """
    faces = face.expand(len(thetas), 1, *face.shape[-2:])
    warped = sample_affine(faces - OUTSIDE, torch.stack(list(thetas.values()))) + OUTSIDE
    figure, axes = new_axes(2, len(thetas), size=(1.75 * len(thetas), 3.9), squeeze=False)
    # one frame for all, wide enough for the corners of every grid
    reach = max(1.0, *(float(theta.abs().sum(1).max()) for theta in thetas.values())) + 0.06
    span = to_pixels(torch.tensor([-reach, reach]), faces.shape[-1]).tolist()
    for column, (title, theta) in enumerate(thetas.items()):
        show_face(axes[0, column], faces[column])
        draw_frame(axes[0, column], theta, faces.shape[-1])
        axes[0, column].set(xlim=span, ylim=span[::-1])
        axes[0, column].set_title(title)
        show_face(axes[1, column], warped[column])
    return describe(
        figure,
        "Two rows of pictures of faces. Above, a grid on each face shows where its map reads; below is "
        f"what the map makes of it. Left to right: {', '.join(thetas)}.",
    )


def show_face(ax: Axes, face: Tensor) -> None:
    """Show one grey picture, float ``(1, h, w)`` in [0, 1], without axes."""
    ax.imshow(face[0].numpy(), cmap="gray", vmin=0, vmax=1)
    ax.set_axis_off()


def to_pixels(places: Tensor, side: int) -> Tensor:
    """Return where places from -1 to 1 lie, counted in pixels from the middle of the first."""
    return ((places + 1) * side - 1) / 2


def draw_frame(ax: Axes, theta: Tensor, side: int) -> None:
    """Draw the sampling grid of θ ``(2, 3)`` over a picture of `side` pixels; its upper edge is thick."""
    ends = torch.linspace(-1, 1, LINES)
    y, x = torch.meshgrid(ends, ends, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], dim=-1) @ theta.T
    columns, rows = to_pixels(points, side).numpy().transpose(2, 0, 1)
    for line in range(LINES):
        width = 1.6 if line in (0, LINES - 1) else 0.6
        ax.plot(columns[:, line], rows[:, line], color=ACCENTS[1], linewidth=width)
        ax.plot(columns[line], rows[line], color=ACCENTS[1], linewidth=3.5 if line == 0 else width)


@styled
def draw_descent(losses: list[float], start: Tensor, end: Tensor, goal: Tensor) -> Figure:
    """Draw the loss while θ is learnt by gradient descent, and the picture before, after and wanted.

    Args:
        losses: mean squared difference after each step.
        start, end, goal: float ``(1, h, w)`` in [0, 1].
    """
    figure, axes = new_axes(1, 4, size=(8.0, 2.5), width_ratios=[1.7, 1, 1, 1])
    axes[0].semilogy(losses)
    axes[0].set(xlabel="step", ylabel="difference")
    for ax, title, face in zip(axes[1:], ("start", "learnt", "wanted"), (start, end, goal), strict=True):
        show_face(ax, face)
        ax.set_title(title)
    return describe(
        figure,
        f"The difference falls from {losses[0]:.1g} to {losses[-1]:.1g} in {len(losses)} steps; beside "
        "it the face at the start, which is askew, and the learnt one, which looks like the wanted one.",
    )


@styled
def draw_maps(before: Tensor, after: Tensor, count: int = 5) -> Figure:
    """Draw feature maps before and after they are warped, one colour scale for all.

    Args:
        before, after: float ``(c, h, w)``.
        count: the strongest maps are shown, this many.
    """
    strongest = before.flatten(1).amax(1).argsort(descending=True)[:count]
    figure, axes = new_axes(2, count, size=(1.6 * count, 3.5), squeeze=False)
    top = float(before[strongest].max())
    for row, (name, maps) in enumerate((("before", before), ("after", after))):
        for column, index in enumerate(strongest):
            ax = axes[row, column]
            ax.imshow(maps[index].numpy(), cmap="cividis", vmin=0, vmax=top)
            ax.set_xticks([])
            ax.set_yticks([])
            for spine in ax.spines.values():
                spine.set_color(INK)
        axes[row, 0].set_ylabel(name)
    side = before.shape[-1]
    return describe(
        figure,
        f"{count} feature maps of {side} by {side} values, above as the trunk makes them, below as the "
        "sampler hands them on.",
    )


def zoom(theta: Tensor) -> Tensor:
    """Return how far each affine map ``(n, 2, 3)`` zooms out: the square root of its |determinant|.

    1 keeps the size, 2 fits twice the width and height into the picture, 0.5 shows its inner half.
    """
    return torch.linalg.det(theta[..., :2]).abs().sqrt()


def share_outside(theta: Tensor, side: int) -> Tensor:
    """Return the share of the grid's points that each map ``(n, 2, 3)`` places outside the picture."""
    grid = F.affine_grid(theta, [len(theta), 1, side, side], align_corners=False)
    return (grid.abs().amax(-1) > 1).float().mean((1, 2))
