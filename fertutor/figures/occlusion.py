"""Pictures of occlusion maps: the paper's Figures 1, 11, 12 and 13, and the mean map of each expression.

Maps are drawn in cividis, which readers who see few colours read as well. Book chapters: *What does the
network look at?*, *Can you trust the map?*
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..expressions import class_names
from ..mode import device_of, evaluating
from ..saliency.by_expression import ExpressionMaps
from ..saliency.occlusion import OcclusionMap, occlude, occluded_images
from ..saliency.windows import Windows
from . import style
from .style import ACCENTS, INK, bare, describe, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOUR_MAP = "cividis"
LEAST_SCALE = 0.05
"""Maps that never rise above this are drawn on a scale that ends here, lest noise look like signal."""

FADED = 0.5
"""Grey level into which unimportant parts of a face fade, the same on a light and on a dark page."""


@styled
def draw_map(face: Tensor, result: OcclusionMap) -> Figure:
    """Draw a face, its map of wrong predictions and its map of lost probability, on one scale.

    Args:
        face: uint8 or float ``(1, h, w)``.
        result: its map; of several, the first.
    """
    names = class_names(result.clean.shape[1])
    label, said = int(result.labels[0]), int(result.clean[0].argmax())
    figure, axes = picture_axes(1, 3, size=(9.2, 3.4))
    picture(axes[0], face, f"{names[said]}, {float(result.clean[0].max()):.0%}")
    maps = (result.flips[0], result.drop[0])
    top = _scale(*maps)
    for ax, values, title in zip(
        axes[1:], maps, ("wrong predictions", f"loss of “{names[label]}”"), strict=True
    ):
        shown = _map(ax, values, top, title)
    figure.colorbar(shown, ax=axes, label="share of squares, or probability", shrink=0.85)
    return describe(
        figure,
        f"A face that the network calls {names[said]} and two maps of it, about {names[label]}. "
        f"Share of squares of {result.windows.size} pixels that make the prediction wrong: highest "
        f"{_place(maps[0])}. Loss of probability: highest {_place(maps[1])}.",
    )


@styled
def draw_nine(network: nn.Module, faces: Tensor, labels: Tensor) -> Figure:
    """Draw the paper's Figure 11: nine occluded images of each face, with what the network says of them.

    Args:
        network: faces → logits; it runs in eval mode and is left as it was.
        faces: uint8 or float ``(n, 1, 48, 48)``; the paper shows a happy and an angry one.
        labels: int64 ``(n,)``, the true classes.
    """
    windows = Windows(16, 16, "clamp", *faces.shape[-2:])  # of 48 pixels, three rows of three
    figure, axes = picture_axes(
        len(faces), windows.count, size=(1.35 * windows.count, 1.6 * len(faces)), squeeze=False
    )
    words = []
    for row, (face, label) in enumerate(zip(_grey(faces), labels.tolist(), strict=True)):
        pictures = occluded_images(face, windows)
        with evaluating(network), torch.no_grad():
            logits = network(pictures.to(device_of(network)))
        said, names = logits.argmax(1).tolist(), class_names(logits.shape[1])
        for ax, hidden, guess in zip(axes[row], pictures, said, strict=True):
            mark = "✓" if guess == label else "✗"
            picture(ax, hidden, f"{mark} {names[guess]}")
            ax.title.set(color=INK if guess == label else ACCENTS[1], fontsize=10)
        wrong = sum(guess != label for guess in said)
        words.append(f"{names[label]}: {wrong} of {windows.count} predictions are wrong")
    return describe(
        figure,
        f"Rows of the same face with a black square of {windows.size} pixels in {windows.count} places, from "
        f"the top left to the bottom right, each titled with the network's prediction: {'; '.join(words)}.",
    )


@styled
def draw_maps(faces: Tensor, result: OcclusionMap, titles: Sequence[str] | None = None) -> Figure:
    """Draw the paper's Figures 12 and 13: faces in columns; under each its two maps, all on one scale.

    Seven faces of seven expressions make Figure 12, three of fear Figure 13.

    Args:
        faces: uint8 or float ``(n, 1, h, w)``.
        result: their maps.
        titles: one a face; the labels when None.
    """
    names = class_names(result.clean.shape[1])
    titles = titles or [names[label] for label in result.labels.tolist()]
    count = len(faces)
    figure, axes = picture_axes(3, count, size=(1.4 * count + 1.2, 4.6), squeeze=False)
    top = _scale(result.flips, result.drop)
    for column, (face, title) in enumerate(zip(faces, titles, strict=True)):
        picture(axes[0, column], face, title)
        _map(axes[1, column], result.flips[column], top)
        shown = _map(axes[2, column], result.drop[column], top)
    for ax, text in zip(axes[:, 0], ("face", "wrong\npredictions", "lost\nprobability"), strict=True):
        ax.set_ylabel(text)
    figure.colorbar(shown, ax=axes[1:], shrink=0.9)
    places = "; ".join(f"{title} {_place(m)}" for title, m in zip(titles, result.drop, strict=True))
    return describe(
        figure,
        f"{count} faces, the share of squares that make each prediction wrong, and the loss of probability. "
        f"The loss is highest: {places}.",
    )


@styled
def draw_sizes(network: nn.Module, face: Tensor, label: int, sizes: Sequence[int]) -> Figure:
    """Draw the map of lost probability of one face for squares of several sizes, each on its own scale.

    Args:
        network: faces → logits.
        face: uint8 or float ``(1, h, w)``.
        label: the class that the maps are about.
        sizes: sides of the squares in pixels; the stride is a quarter, 4 at most.
    """
    figure, axes = picture_axes(1, len(sizes) + 1, size=(1.7 * len(sizes) + 1.7, 2.2), squeeze=False)
    picture(axes[0, 0], face, "face")
    words = []
    for ax, size in zip(axes[0, 1:], sizes, strict=True):
        result = occlude(network, face[None], size, max(1, min(4, size // 4)), torch.tensor([label]))
        top = float(result.drop.max())
        _map(ax, result.drop[0], max(top, 1e-6), f"N = {size}")
        ax.set_xlabel(f"up to {top:.2f}")
        words.append(f"N = {size}: up to {top:.2f}, highest {_place(result.drop[0])}")
    return describe(
        figure, f"A face and its maps of lost probability for squares of several sizes. {'; '.join(words)}."
    )


@styled
def draw_salient(faces: Tensor, maps: Tensor, titles: Sequence[str]) -> Figure:
    """Draw the paper's Figure 1: each face, and under it what is left when its unimportant parts fade.

    Args:
        faces: uint8 or float ``(n, 1, h, w)``.
        maps: float ``(n, h, w)``, flips or drop; each is scaled to its own highest value, and its root
            is drawn, so that a face is still recognised where the map is low but not nothing.
        titles: one a face.
    """
    columns = 4
    rows = -(-len(faces) // columns)
    figure, axes = picture_axes(2 * rows, columns, size=(1.6 * columns, 3.6 * rows), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for number, (face, values, title) in enumerate(zip(_grey(faces), maps, titles, strict=True)):
        row, column = 2 * (number // columns), number % columns
        picture(axes[row, column], face, title)
        strength = values.nan_to_num(0).clamp(min=0).cpu()
        strength = (strength / strength.max().clamp(min=1e-12)).sqrt()
        picture(axes[row + 1, column], FADED + strength * (face.cpu() - FADED))
    places = "; ".join(f"{title} {_place(m)}" for title, m in zip(titles, maps, strict=True))
    return describe(
        figure, f"{len(faces)} faces, and under each only its salient parts. The most salient: {places}."
    )


@styled
def draw_expression_maps(found: ExpressionMaps) -> Figure:
    """Draw the mean face and the mean maps of each expression, with the sparsity of its maps.

    Args:
        found: what :func:`fertutor.saliency.by_expression.maps_by_expression` returned.
    """
    count = len(found.names)
    figure, axes = picture_axes(3, count, size=(1.4 * count + 1.2, 4.9), squeeze=False)
    top = _scale(found.flips, found.drop)
    for column, name in enumerate(found.names):
        picture(axes[0, column], found.faces[column][None], name)
        _map(axes[1, column], found.flips[column], top)
        shown = _map(axes[2, column], found.drop[column], top)
        index = found.sparsity_drop[column]
        axes[2, column].set_xlabel(f"{index.mean:.2f}\n[{index.low:.2f}, {index.high:.2f}]", fontsize=10)
    for ax, text in zip(axes[:, 0], ("mean face", "wrong\npredictions", "lost\nprobability"), strict=True):
        ax.set_ylabel(text)
    figure.colorbar(shown, ax=axes[1:], shrink=0.9)
    indices = ", ".join(f"{n} {s.mean:.2f}" for n, s in zip(found.names, found.sparsity_drop, strict=True))
    return describe(
        figure,
        "The mean face of each expression over its mean maps of wrong predictions and of lost probability. "
        f"Sparsity (Gini index) of the single faces' maps: {indices}.",
    )


def picture_axes(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, Any]:
    """Axes for square pictures, without gaps where the figure is wider or higher than they need."""
    figure, axes = style.new_axes(rows, columns, size, **options)
    figure.set_layout_engine("compressed")
    return figure, axes


def _grey(faces: Tensor) -> Tensor:
    return faces.float() / 255 if faces.dtype == torch.uint8 else faces.float()


def picture(ax: Axes, face: Tensor, title: str = "") -> None:
    """Draw a face, uint8 or float in [0, 1] ``(1, h, w)``, without ticks."""
    ax.imshow(_grey(face)[0].cpu().numpy(), cmap="gray", vmin=0, vmax=1)
    bare(ax, title)


def _map(ax: Axes, values: Tensor, top: float, title: str = "") -> Any:
    shown = ax.imshow(values.cpu().numpy(), cmap=COLOUR_MAP, vmin=0, vmax=top)
    bare(ax, title)
    return shown


def _scale(*maps: Tensor) -> float:
    """The upper end of the colour scale that several maps share; the lower is 0."""
    return max(LEAST_SCALE, *(float(values.nan_to_num(0).max()) for values in maps))


def _place(values: Tensor) -> str:
    """Where a map is highest, in words."""
    values = values.nan_to_num(0)
    if float(values.max()) <= 0:
        return "nowhere"
    height, width = values.shape
    row, column = divmod(int(values.argmax()), width)
    down = ("at the top", "in the middle", "at the bottom")[3 * row // height]
    across = ("left", "centre", "right")[3 * column // width]
    return f"{down} {across}"
