"""Pictures of saliency maps being graded. Book chapter: *Can you trust the map?*"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from .occlusion import COLOUR_MAP, picture, picture_axes
from .style import ACCENTS, INK, bare, describe, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def draw_truth(rest: Tensor, acted: Tensor, mask: Tensor) -> Figure:
    """Draw a face at rest, the same face acting, and the pixels that moved.

    Args:
        rest, acted: float ``(1, h, w)``.
        mask: bool ``(h, w)``.
    """
    figure, axes = picture_axes(1, 3, size=(7.5, 2.9))
    for ax, face, title in zip(axes, (rest, acted, acted), ("at rest", "acted", "moved"), strict=True):
        picture(ax, face, title)
    _outline(axes[2], mask)
    rows = mask.any(1).nonzero()
    share = float(mask.float().mean())
    return describe(
        figure,
        f"A drawn face at rest, acting, and again with the outline of the pixels that differ: {share:.0%} of "
        f"all, from row {int(rows.min())} to row {int(rows.max())} of {len(mask)}.",
    )


@styled
def draw_ways(faces: Tensor, masks: Tensor, maps: Mapping[str, Tensor]) -> Figure:
    """Draw faces in columns, with the outline of the truth, and under each the maps to be graded.

    Args:
        faces: float ``(n, 1, h, w)``.
        masks: bool ``(n, h, w)``.
        maps: name of a way → float ``(n, h, w)``; each map has its own colour scale.
    """
    count = len(faces)
    figure, axes = picture_axes(
        len(maps) + 1, count, size=(1.45 * count + 0.6, 1.5 * (len(maps) + 1)), squeeze=False
    )
    for column, (face, mask) in enumerate(zip(faces, masks, strict=True)):
        picture(axes[0, column], face)
        _outline(axes[0, column], mask)
        for ax, values in zip(axes[1:, column], maps.values(), strict=True):
            ax.imshow(values[column].clamp(min=0).cpu().numpy(), cmap=COLOUR_MAP)
            bare(ax)
            _outline(ax, mask)
    for ax, name in zip(axes[:, 0], ("face", *maps), strict=True):
        ax.set_ylabel(name)
    return describe(
        figure,
        f"{count} drawn faces with the outline of the pixels that their action units moved, and the same "
        f"outline on the maps of {len(maps)} ways: {', '.join(maps)}.",
    )


@styled
def draw_sanity(checks: Mapping[str, Sequence[tuple[str, Tensor]]]) -> Figure:
    """Draw how the maps change as a network's layers are shuffled, from the output backwards.

    Args:
        checks: name of a way → what :func:`fertutor.saliency.scores.sanity_check` returned.
    """
    figure, ax = new_axes(size=(7.2, 3.6))
    words = []
    for (name, steps), colour, marker in zip(checks.items(), ACCENTS, "osD^v", strict=False):
        values = [1.0, *(float(correlation.nanmean()) for _, correlation in steps)]
        ax.plot(range(len(values)), values, marker=marker, color=colour, label=name)
        words.append(f"{name} from {values[1]:.1f} after the first to {values[-1]:.1f} after the last")
    layers = ["trained", *(layer for layer, _ in next(iter(checks.values())))]
    ax.set_xticks(range(len(layers)), layers, rotation=35, ha="right")
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.set(ylabel="rank correlation", xlabel="layers shuffled, up to this one")
    ax.legend()
    return describe(
        figure,
        "Rank correlation with the trained network's maps while layer after layer is shuffled: "
        f"{'; '.join(words)}.",
    )


def _outline(ax: Axes, mask: Tensor) -> None:
    ax.contour(mask.cpu().float().numpy(), levels=[0.5], colors=[ACCENTS[1]], linewidths=1.2)
