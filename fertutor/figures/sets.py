"""Pictures of face sets. Book chapter: *Four data sets*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..expressions import COLOURS, EXPRESSIONS
from ..faces.table import FaceTable
from .style import ACCENTS, bare, describe, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image


@styled
def draw_sets(tables: Mapping[str, FaceTable]) -> Figure:
    """Draw one face of each expression out of each set: a row a set, a column an expression."""
    figure, axes = new_axes(len(tables), 7, size=(8.4, 1.25 * len(tables) + 0.3), squeeze=False)
    for row, (name, table) in zip(axes, tables.items(), strict=True):
        for label, axis in enumerate(row):
            found = torch.nonzero(table.labels == label)[:, 0]
            bare(axis)
            if len(found):
                axis.imshow(table.images[found[0], 0].numpy(), vmin=0, vmax=255)
        row[0].set_ylabel(name.replace("drawn-", ""))
    for axis, expression in zip(axes[0], EXPRESSIONS, strict=True):
        axis.set_title(expression)
    return describe(
        figure,
        f"Drawn faces of the sets {', '.join(tables)}, a row each, with the expressions "
        f"{', '.join(EXPRESSIONS)} in columns. The wild ones are turned, badly lit or half hidden; the "
        "posed and the studio ones look straight at us; the cartoon ones have large eyes.",
    )


@styled
def draw_counts(counts: Mapping[str, Mapping[str, int]]) -> Figure:
    """Draw the faces of each expression as bars, a panel for each set or way of counting."""
    figure, axes = new_axes(1, len(counts), size=(4.2 * len(counts), 3.2), squeeze=False)
    said = []
    for axis, (title, numbers) in zip(axes[0], counts.items(), strict=True):
        colours = [COLOURS[name] for name in numbers]
        axis.barh(list(numbers), list(numbers.values()), color=colours)
        axis.invert_yaxis()
        axis.set(title=title, xlabel="faces")
        said.append(f"{title}: {', '.join(f'{name} {n:,}' for name, n in numbers.items())}")
    return describe(figure, f"Bars that count the faces of each expression. {'. '.join(said)}.")


@styled
def draw_agreement(survey: Mapping[str, Any]) -> Figure:
    """Draw how far votes agree on each expression, most agreed first: faces without dissent, mean entropy.

    Args:
        survey: of :func:`fertutor.faces.votes.survey_votes`.
    """
    parts = sorted(survey["expressions"].items(), key=lambda item: -item[1]["unanimous"])
    names = [name for name, _ in parts]
    shares = [100 * part["unanimous"] for _, part in parts]
    bits = [part["mean_bits"] for _, part in parts]
    figure, (left, right) = new_axes(1, 2, size=(8.4, 3.2), sharey=True)
    for axis, values in ((left, shares), (right, bits)):
        axis.barh(names, values, color=[COLOURS[name] for name in names])
    left.invert_yaxis()
    left.set(xlabel="faces with votes for one expression only (%)", xlim=(0, 100))
    right.set(xlabel="mean entropy (bits)", xlim=(0, max(1, 1.05 * max(bits))))
    right.locator_params(axis="x", nbins=4)  # its 0 stands beside the 100 of the left one
    words = ", ".join(
        f"{name} {share:.0f} % and {entropy:.2f}"
        for name, share, entropy in zip(names, shares, bits, strict=True)
    )
    return describe(
        figure, f"Bars of the faces with votes for one expression only, and of their mean entropy: {words}."
    )


@styled
def draw_row(faces: Tensor, titles: Sequence[str], alt: str) -> Figure:
    """Draw faces in a row.

    Args:
        faces: float ``(n, 1, 48, 48)`` in [0, 1].
        titles: one a face.
        alt: what the picture shows, in words.
    """
    figure, axes = new_axes(1, len(faces), size=(1.25 * len(faces), 1.6), squeeze=False)
    for axis, face, title in zip(axes[0], faces, titles, strict=True):
        bare(axis)
        axis.imshow(face[0].numpy(), vmin=0, vmax=1)
        axis.set_title(title)
    return describe(figure, alt)


@styled
def draw_divisions(alike: Sequence[float], random: Sequence[float], people: Sequence[float]) -> Figure:
    """Draw the accuracy of two ways to divide a set, against how alike a person's takes are.

    Args:
        alike: from 0, every take anew, to 1, the same picture.
        random, people: accuracy when faces are dealt at random, and when whole people are.
    """
    figure, axis = new_axes(size=(6.0, 3.6))
    for values, name, colour, marker in (
        (random, "dealt at random", ACCENTS[1], "o"),
        (people, "whole people dealt", ACCENTS[0], "s"),
    ):
        axis.plot(alike, [100 * value for value in values], marker=marker, color=colour, label=name)
    axis.axhline(100 / 7, linestyle=":", color=ACCENTS[4], label="guessing")
    axis.set(xlabel="how alike the takes are", ylabel="test accuracy (%)", ylim=(0, 100))
    axis.legend(loc="lower left", bbox_to_anchor=(0, 0.14))
    ends = [5 * round(20 * values[end]) for values in (random, people) for end in (0, -1)]
    return describe(
        figure,
        "Two lines of test accuracy against how alike the takes of a person are. Dealt at random it goes "
        "from about {} to about {} %, with whole people dealt from about {} to about {} %.".format(*ends),
    )


@styled
def draw_framing(photo: Image.Image, box: tuple[int, int, int, int], face: Tensor) -> Figure:
    """Draw a photograph with a face's box, and beside it the face as the network sees it.

    Args:
        photo: an upright photograph.
        box: left, top, width, height in its pixels.
        face: uint8 ``(1, 48, 48)``.
    """
    figure, (left, right) = new_axes(1, 2, size=(6.4, 3.2))
    shrink = max(1, max(photo.size) // 256)  # a page needs no more pixels
    for axis, picture in ((left, photo.reduce(shrink)), (right, face[0].numpy())):
        bare(axis)
        axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
    x, y, width, height = (value / shrink for value in box)
    corners = ([x, x + width, x + width, x, x], [y, y, y + height, y + height, y])
    left.plot(*corners, color=ACCENTS[1], linewidth=2)
    left.set_title("photograph and box")
    right.set_title("48 × 48, grey")
    return describe(
        figure, "A photograph with a box around a face, and the face in the box, grey and coarse."
    )
