"""Pictures of the ledger. Book chapter: *The record*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..evaluation.record import Measured
from ..expressions import class_names
from .style import ACCENTS, INK, describe, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = ("o", "s", "D", "^", "v", "P", "X")
"""Of the groups of :func:`draw_spread`; where the colours begin again the markers are hollow."""

DASHES = ("solid",) * len(ACCENTS) + ("dash",) * len(ACCENTS)
"""Of the curves of :func:`draw_curves`, in plotly's words; where the colours begin again they are dashed."""


@styled
def draw_confusion(confusion: Sequence[Sequence[int]]) -> Figure:
    """Draw a confusion matrix as shares of each row, with the counts in its cells (Figures 8 to 10).

    Args:
        confusion: counts, rows true, columns predicted.
    """
    names = class_names(len(confusion))
    sums = [max(1, sum(row)) for row in confusion]
    shares = [[count / total for count in row] for row, total in zip(confusion, sums, strict=True)]
    figure, axis = new_axes(size=(6.4, 5.4))
    axis.imshow(shares, vmin=0, vmax=1, cmap="cividis")
    for row, counts in enumerate(confusion):
        for column, count in enumerate(counts):
            light = shares[row][column] < 0.5
            axis.text(
                column, row, f"{count}", ha="center", va="center", color="#ffffff" if light else "#000000"
            )
    axis.set_xticks(range(len(names)), names, rotation=30)
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel="predicted", ylabel="true")
    said = ", ".join(
        f"{name} {shares[i][i]:.0%}" if sum(confusion[i]) else f"{name} has no faces"
        for i, name in enumerate(names)
    )
    return describe(figure, f"Confusion matrix, rows true and columns predicted. Right answers: {said}.")


@styled
def draw_intervals(rows: Mapping[str, Measured], marks: Mapping[str, float]) -> Figure:
    """Draw accuracies with their 95 % intervals, one below the other, and vertical marks to compare with.

    Args:
        rows: words → accuracy.
        marks: words → a share, drawn as a dotted line.
    """
    figure, axis = new_axes(size=(7.6, 0.42 * len(rows) + 1.3))
    for place, found in enumerate(rows.values()):
        low, high = found.interval
        axis.plot([100 * low, 100 * high], [place, place], color=ACCENTS[0], linewidth=3)
        axis.plot(100 * found.accuracy, place, "o", color=ACCENTS[0])
    for index, (words, share) in enumerate(marks.items()):
        axis.axvline(100 * share, color=ACCENTS[1 + index % 4], linestyle=":")
        side = ("left", "right")[index % 2]  # neighbours lean away from each other
        axis.text(100 * share, -0.75, f" {words} ", ha=side, va="bottom", color=INK)
    axis.set_yticks(range(len(rows)), list(rows))
    axis.set(xlabel="accuracy (%)", ylim=(len(rows) - 0.5, -0.8))
    said = ", ".join(f"{words} {found.accuracy:.1%}" for words, found in rows.items())
    lines = ", ".join(f"{words} {share:.1%}" for words, share in marks.items())
    return describe(figure, f"Accuracies with 95 % intervals: {said}. Dotted lines: {lines}.")


@styled
def draw_spread(groups: Mapping[str, Sequence[tuple[float, float]]], level: float, words: str) -> Figure:
    """Draw accuracy against how much θ differs between faces, one point a run.

    Args:
        groups: words → (spread of θ, accuracy as a share) of each run.
        level: an accuracy to compare with, drawn as a dotted line.
        words: what that is.

    Raises:
        ValueError: for more groups than can be told apart.
    """
    _at_most(len(MARKERS), groups)
    figure, axis = new_axes(size=(6.8, 4.8))
    for index, (name, points) in enumerate(groups.items()):
        across, up = zip(*points, strict=True)
        colour = ACCENTS[index % len(ACCENTS)]
        axis.plot(
            across,
            [100 * share for share in up],
            MARKERS[index],
            color=colour,
            markersize=8,
            markeredgewidth=1.5,
            markerfacecolor=colour if index < len(ACCENTS) else "none",
            label=name,
        )
    axis.axhline(100 * level, color=INK, linestyle=":", label=words)
    axis.set(xlabel="largest standard deviation of θ over the faces", ylabel="validation accuracy (%)")
    axis.grid(True)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    said = "; ".join(
        f"{name}: " + ", ".join(f"{share:.1%} at {across:.2f}" for across, share in points)
        for name, points in groups.items()
    )
    return describe(
        figure, f"Accuracy against the spread of θ, one point a run. {said}. {words}: {level:.1%}."
    )


@styled
def draw_curves(curves: Mapping[str, Sequence[float]], label: str = "validation accuracy (%)") -> Figure:
    """Draw shares by epoch, one line a run (Figure 14).

    Args:
        curves: words → one share an epoch.
        label: of the vertical axis.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    _at_most(len(DASHES), curves)
    figure, axis = new_axes(size=(7.2, 4.0))
    for index, (words, values) in enumerate(curves.items()):
        axis.plot(
            range(1, len(values) + 1),
            [100 * value for value in values],
            color=ACCENTS[index % len(ACCENTS)],
            linestyle="-" if DASHES[index] == "solid" else "--",
            label=words,
        )
    axis.set(xlabel="epoch", ylabel=label)
    axis.grid(True)
    axis.legend(loc="lower right")
    said = "; ".join(
        f"{words}: {values[0]:.0%} after the first of {len(values)} epochs, {max(values):.0%} at best"
        for words, values in curves.items()
    )
    return describe(figure, f"Lines of {label.removesuffix(' (%)')} by epoch. {said}.")


def plot_curves(curves: Mapping[str, Sequence[float]], label: str = "validation accuracy (%)") -> Any:
    """Return what :func:`draw_curves` draws as a plotly Figure, whose points say their numbers.

    Raises:
        ValueError: for more curves than can be told apart.
    """
    import plotly.graph_objects as go

    _at_most(len(DASHES), curves)
    figure = go.Figure()
    for index, (words, values) in enumerate(curves.items()):
        line = {"color": ACCENTS[index % len(ACCENTS)]}
        if DASHES[index] != "solid":
            line["dash"] = DASHES[index]
        figure.add_scatter(
            x=list(range(1, len(values) + 1)),
            y=[round(100 * value, 1) for value in values],
            name=words,
            mode="lines",
            line=line,
            hovertemplate="epoch %{x}: %{y} %",
        )
    axis = {"gridcolor": "rgba(123, 127, 134, 0.3)", "zeroline": False}
    figure.update_layout(
        xaxis={"title": {"text": "epoch"}, **axis},
        yaxis={"title": {"text": label}, **axis},
        margin={"l": 60, "r": 10, "t": 10, "b": 50},
        legend={"x": 0.98, "y": 0.02, "xanchor": "right", "yanchor": "bottom"},
        height=400,
    )
    return figure


def _at_most(number: int, rows: Mapping[str, Any]) -> None:
    if len(rows) > number:
        raise ValueError(f"{len(rows)} are too many to tell apart in one figure: draw at most {number}")
