"""Pictures of a network that is built and trained. Book chapter: *Build it, train it*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from .style import ACCENTS, INK, describe, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def draw_layers(maps: Mapping[str, Tensor]) -> Figure:
    """Draw the strongest map after each of some layers, all in one size, with its side.

    Args:
        maps: words → float ``(channels, h, w)``, in the order of the network.
    """
    figure, axes = new_axes(1, len(maps), size=(1.5 * len(maps), 2.3), squeeze=False)
    sides = []
    for axis, (words, layer) in zip(axes[0], maps.items(), strict=True):
        strongest = layer[layer.flatten(1).std(1).argmax()]
        axis.imshow(strongest.numpy(), cmap="gray" if len(layer) == 1 else "cividis")
        side = layer.shape[-1]
        sides.append(f"{words} {side}")
        axis.set_title(words)
        axis.set_xlabel(f"{side} × {side}")
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set(color=INK, visible=True)
    return describe(
        figure,
        "A face and one map after each layer, which become coarser from left to right. "
        f"Sides in pixels: {', '.join(sides)}.",
    )


@styled
def draw_weights(paths: Mapping[str, Sequence[float]]) -> Figure:
    """Draw how weights move step by step, one line each.

    Args:
        paths: words → the weight before the first step and after each.
    """
    figure, axis = new_axes(size=(7.2, 3.8))
    widths = (6, 4, 2.5, 1.5)  # lines that lie on each other stay visible
    styles = ("-", "-", "--", ":")
    for index, (words, values) in enumerate(paths.items()):
        axis.plot(
            values,
            color=ACCENTS[index % len(ACCENTS)],
            linewidth=widths[index % 4],
            linestyle=styles[index % 4],
            label=words,
        )
    axis.set(xlabel="step", ylabel="weight", ylim=(0, None))
    axis.grid(True)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    said = "; ".join(f"{words}: from {values[0]:.2f} to {values[-1]:.2f}" for words, values in paths.items())
    return describe(figure, f"A weight by step, one line each. {said}.")
