"""The pictures that stand for widgets where scripts are off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from ..expressions import COLOURS, class_names
from ..figures.sampling import draw_frame, show_face
from ..figures.style import new_axes, styled
from ..network.sampler import sample_affine

if TYPE_CHECKING:
    from ..saliency.occlusion import OcclusionMap

WHERE = "Where scripts run, this is a live widget."


def draw_bars(ax: Any, probabilities: Tensor) -> None:
    """Draw the probability of each expression."""
    names = class_names(len(probabilities))
    ax.barh(range(len(names)), probabilities.tolist(), color=[COLOURS[name] for name in names])
    ax.set_yticks(range(len(names)), names)
    ax.set(xlim=(0, 1), xlabel="probability")
    ax.invert_yaxis()


@styled
def draw_occlusion(face: Tensor, found: OcclusionMap, view: str) -> tuple[Any, str]:
    """Draw a face, float ``(48, 48)``, its occlusion map, and what the network says of it."""
    figure, axes = new_axes(1, 3, size=(7.2, 2.6), width_ratios=[1, 1, 1.3])
    axes[0].imshow(face.numpy(), cmap="gray", vmin=0, vmax=1)
    axes[0].set_title("the face")
    values = getattr(found, view)[0].cpu()
    most = max(0.01, float(values.nan_to_num().abs().max()))
    axes[1].imshow(face.numpy(), cmap="gray", vmin=0, vmax=1)
    axes[1].imshow(values.numpy(), cmap="RdBu_r", vmin=-most, vmax=most, alpha=0.65)
    axes[1].set_title("lost probability" if view == "drop" else "wrong answers")
    for ax in axes[:2]:
        ax.set_axis_off()
    draw_bars(axes[2], found.clean[0].cpu())
    windows = found.windows
    return figure, (
        f"The occlusion explorer: a face, its occlusion map for patches of {windows.size} by "
        f"{windows.size} pixels and stride {windows.stride}, and the network's probabilities. {WHERE}"
    )


@styled
def draw_transformer(face: Tensor, theta: Tensor, padding: str, probabilities: Tensor) -> tuple[Any, str]:
    """Draw a face ``(1, 48, 48)`` with the grid of θ ``(2, 3)``, the warped face, and the probabilities."""
    figure, axes = new_axes(1, 3, size=(7.2, 2.6), width_ratios=[1, 1, 1.3])
    show_face(axes[0], face)
    draw_frame(axes[0], theta, face.shape[-1])
    axes[0].set_title("where it reads")
    show_face(axes[1], sample_affine(face[None] - 0.5, theta[None], padding)[0] + 0.5)
    axes[1].set_title("what it makes")
    draw_bars(axes[2], probabilities)
    return figure, (
        "The spatial transformer explorer: a face with the sampling grid, the face that the grid makes, "
        f"and the network's probabilities. {WHERE}"
    )


@styled
def draw_action_units(face: Tensor, seen: Tensor, probabilities: Tensor, name: str) -> tuple[Any, str]:
    """Draw a face, float ``(h, w)``, the 48x48 pixels that the network sees, and the probabilities."""
    figure, axes = new_axes(1, 3, size=(7.2, 2.6), width_ratios=[1, 1, 1.3])
    axes[0].imshow(face.numpy(), cmap="gray", vmin=0, vmax=1)
    axes[0].set_title("the face")
    axes[1].imshow(seen.numpy(), cmap="gray", vmin=0, vmax=255)
    axes[1].set_title("what the network sees")
    for ax in axes[:2]:
        ax.set_axis_off()
    draw_bars(axes[2], probabilities)
    return figure, (
        f"The action-unit face, {name}: a drawn face, the same in 48 by 48 pixels, and the network's "
        f"probabilities. {WHERE}"
    )


@styled
def draw_confusion(matrix: Tensor, names: tuple[str, ...]) -> tuple[Any, str]:
    """Draw counts ``(classes, classes)``, rows true, columns predicted."""
    figure, ax = new_axes(size=(5.2, 4.6))
    share = matrix / matrix.sum(1, keepdim=True).clamp(min=1)
    ax.imshow(share.numpy(), cmap="Blues", vmin=0, vmax=1.4, alpha=0.8)
    for row in range(len(names)):
        for column in range(len(names)):
            ax.text(column, row, int(matrix[row, column]), ha="center", va="center")
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="what the network says", ylabel="what the face shows")
    right = float(matrix.diagonal().sum() / matrix.sum())
    return figure, (
        f"The confusion explorer: a matrix of {len(names)} by {len(names)} counts of "
        f"{int(matrix.sum())} faces, {right:.0%} of them on the diagonal. {WHERE}"
    )
