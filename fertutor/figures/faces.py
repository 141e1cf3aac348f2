"""Pictures of drawn faces: muscles, prototypes, masks, and what a network says. Book chapter:
*Faces and emotions*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from ..expressions import ACTION_UNITS, COLOURS, EXPRESSIONS
from ..faces.drawn import UNITS, draw_faces
from .style import ACCENTS, INK, bare, describe, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = 144
"""Side in pixels of the faces that these figures draw themselves."""


def _face(ax: Axes, face: Tensor, title: str = "", colour: str = INK, size: float = 11) -> None:
    ax.imshow(face.detach().squeeze().numpy(), cmap="gray", vmin=0, vmax=1)
    bare(ax)
    ax.set_title(title, color=colour, fontsize=size)


def name_units(units: Sequence[int]) -> str:
    """Return action units as FACS writes them: ``4+5+7+24``."""
    return "+".join(map(str, units)) or "none"


@styled
def draw_units(units: Sequence[int], person: int = 0) -> Figure:
    """Draw a person at rest, and once for each action unit, at full strength.

    Args:
        units: action units, by their number in FACS.
        person: number of the person.
    """
    columns = 6
    wanted: list[Mapping[int | str, float]] = [{}]
    wanted += [{unit: 1.0} for unit in units]
    faces = draw_faces(wanted, person, size=SIZE)
    titles = ["at rest", *(f"{unit}\n{ACTION_UNITS[unit]}" for unit in units)]
    rows = -(-len(faces) // columns)
    figure, axes = new_axes(rows, columns, size=(1.6 * columns, 2.15 * rows), squeeze=False)
    for ax in axes.flat[len(faces) :]:
        ax.set_axis_off()
    for ax, face, title in zip(axes.flat, faces, titles, strict=False):
        _face(ax, face, title)
    names = ", ".join(f"{unit} {ACTION_UNITS[unit]}" for unit in units)
    return describe(figure, f"A drawn face at rest, and with one action unit each: {names}.")


@styled
def draw_prototypes(tables: Mapping[str, Mapping[str, Sequence[int]]], person: int = 0) -> Figure:
    """Draw prototypes of several sources, one a row: the six expressions other than neutral in columns.

    Titles are orange where the sources differ.

    Args:
        tables: source → expression → action units.
        person: number of the person.
    """
    names = [name for name in EXPRESSIONS if name != "neutral"]
    figure, axes = new_axes(len(tables), len(names), size=(9.6, 2.1 * len(tables)), squeeze=False)
    differ = [name for name in names if len({frozenset(table[name]) for table in tables.values()}) > 1]
    for row, (source, table) in zip(axes, tables.items(), strict=True):
        faces = draw_faces([dict.fromkeys(table[name], 1.0) for name in names], person, size=SIZE)
        for ax, face, name in zip(row, faces, names, strict=True):
            colour = ACCENTS[1] if name in differ else INK
            _face(ax, face, f"{name}\n{name_units(table[name])}", colour, size=10)
        row[0].set_ylabel(source)
    return describe(
        figure,
        f"The same drawn person with the six prototypes, one row a source: {' and '.join(tables)}. "
        f"The sources differ for {', '.join(differ)}.",
    )


@styled
def draw_said(faces: Tensor, titles: Sequence[str], probabilities: Sequence[float], word: str) -> Figure:
    """Draw faces, and under each how probable a network finds one word for it.

    Args:
        faces: float ``(n, 1, h, w)``.
        titles: one a face.
        probabilities: one a face, 0 to 1.
        word: the expression that they are of.
    """
    count = len(titles)
    figure, axes = new_axes(2, count, size=(1.7 * count, 2.6), height_ratios=[6, 1], squeeze=False)
    for column, (face, title, value) in enumerate(zip(faces, titles, probabilities, strict=True)):
        _face(axes[0, column], face, title)
        ax = axes[1, column]
        ax.barh(0, 1, color=INK, alpha=0.18)
        ax.barh(0, value, color=COLOURS[word])
        ax.set(xlim=(0, 1), ylim=(-0.4, 0.4), yticks=[], xticks=[])
        ax.spines[:].set_visible(False)
        ax.set_xlabel(f"{word} {value:.1f}")
    said = ", ".join(f"{title}: {value:.1f}" for title, value in zip(titles, probabilities, strict=True))
    return describe(figure, f"Drawn faces, and a bar under each: how probable “{word}” is. {said}.")


@styled
def draw_masks(faces: Tensor, masks: Tensor, titles: Sequence[str]) -> Figure:
    """Draw faces, and under each the pixels that its action units moved, in orange.

    Args:
        faces: float ``(n, 1, h, w)``.
        masks: bool ``(n, 1, h, w)``.
        titles: one a face.
    """
    from matplotlib.colors import ListedColormap

    figure, axes = new_axes(2, len(titles), size=(1.6 * len(titles), 3.5), squeeze=False)
    for column, (face, mask, title) in enumerate(zip(faces, masks, titles, strict=True)):
        _face(axes[0, column], face, title)
        _face(axes[1, column], face)
        moved = mask.squeeze().float().numpy()
        axes[1, column].imshow(moved, cmap=ListedColormap(["none", ACCENTS[1]]), vmin=0, vmax=1, alpha=0.65)
    most = titles[int(masks.flatten(1).float().mean(1).argmax())]
    return describe(
        figure,
        "Drawn faces, and below the same with every pixel orange that the action units moved. From left to "
        f"right: {', '.join(titles)}. Most of the face moves in {most}.",
    )


@styled
def draw_slopes(slopes: Tensor, word: str, prototype: Sequence[int]) -> Figure:
    """Draw the slope of a word's probability along each action unit; those of its prototype are marked.

    Args:
        slopes: float ``(17,)``, in the order of :data:`fertutor.faces.drawn.UNITS`.
        word: an expression.
        prototype: its action units.
    """
    figure, ax = new_axes(size=(6.6, 5.0))
    places = range(len(UNITS))
    colours = [COLOURS[word] if unit in prototype else INK for unit in UNITS]
    ax.barh(places, slopes.tolist(), color=colours)
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.set_yticks(places, [f"{name}  {unit}" for unit, name in ACTION_UNITS.items()], fontsize=10)
    ax.invert_yaxis()
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.locator_params(axis="x", nbins=6)
    ax.set_xlabel(f"change of the probability of “{word}” per unit of strength")
    order = slopes.argsort(descending=True).tolist()
    return describe(
        figure,
        f"Bars: the slope of the probability of “{word}” along each of the 17 action units. Longest to the "
        f"right: {UNITS[order[0]]} and {UNITS[order[1]]}; to the left: {UNITS[order[-1]]}. Coloured are "
        f"those of the prototype, {name_units(prototype)}.",
    )


@styled
def draw_step(before: Tensor, after: Tensor, said: tuple[Tensor, Tensor]) -> Figure:
    """Draw a face before and after a step of its muscles, and what a network says of both.

    Args:
        before, after: float ``(1, h, w)``.
        said: the probabilities ``(7,)`` before and after.
    """
    figure, axes = new_axes(1, 4, size=(9.2, 2.9), width_ratios=[1.3, 1, 1.3, 1])
    for column, (face, title, values) in enumerate(
        zip((before, after), ("before the step", "after the step"), said, strict=True)
    ):
        _face(axes[2 * column], face, title)
        ax = axes[2 * column + 1]
        ax.barh(EXPRESSIONS, values.tolist(), color=[COLOURS[name] for name in EXPRESSIONS])
        ax.invert_yaxis()
        ax.set(xlim=(0, 1), xticks=[0, 1])
        ax.tick_params(axis="y", length=0, labelsize=10)
    first, last = (EXPRESSIONS[int(values.argmax())] for values in said)
    return describe(
        figure,
        "One drawn face before and after one step along the gradient, each with bars of the network's seven "
        f"probabilities. Before, the highest is {first}; after it, {last}.",
    )
