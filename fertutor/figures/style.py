"""The look of every figure: transparent ground, and colours that read on light and on dark pages.

A page of the book cannot ask a picture to change its colours when the reader switches to dark mode,
so one grey is used for all text and lines, of equal contrast to both grounds.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from .png import with_palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

GROUNDS = ("#ffffff", "#121212")
"""Page colours of the book's theme, light and dark."""

INK = "#7b7f86"
"""Text, axes and outlines."""

ACCENTS = ("#2f86d1", "#d5690f", "#1f9d6b", "#c65b98", "#8a74d6")
"""Line and marker colours where no expression is meant: blue, orange, green, pink, violet. Those of
the expressions are :data:`fertutor.expressions.COLOURS`."""

FONT_SIZE = 12

DOTS_PER_INCH = 100
"""Of a figure on the page; pictures hold twice as many, for dense screens."""

MATPLOTLIB: MappingProxyType[str, Any] = MappingProxyType(
    {
        "axes.edgecolor": INK,
        "axes.facecolor": "none",
        "axes.labelcolor": INK,
        "axes.labelsize": FONT_SIZE,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": INK,
        "axes.titlesize": FONT_SIZE + 1,
        "figure.dpi": DOTS_PER_INCH,
        "figure.facecolor": "none",
        "font.size": FONT_SIZE,
        "grid.alpha": 0.3,
        "grid.color": INK,
        "image.cmap": "gray",
        "image.interpolation": "nearest",
        "legend.frameon": False,
        "savefig.facecolor": "none",
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)
"""Settings of matplotlib that differ from its own."""


def settings() -> Any:
    """Return all settings of matplotlib for the book's look."""
    from cycler import cycler

    return {**MATPLOTLIB, "axes.prop_cycle": cycler(color=ACCENTS)}


def use_book_style() -> None:
    """Give every figure of this session the book's look; chapters call it once, at their start."""
    import matplotlib

    matplotlib.rcParams.update(settings())


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function that makes a matplotlib figure: it draws in the book's look."""

    @wraps(draw)
    def draw_in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib

        with matplotlib.rc_context(settings()):
            return draw(*args, **kwargs)

    return draw_in_style


def new_axes(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.4, 4.0), **options: Any
) -> tuple[Figure, Any]:
    """Return a figure and its axes; unlike pyplot's, nobody shows it a second time.

    Args:
        rows, columns: of the grid of axes.
        size: width and height of the figure in inches, at 100 dots an inch.
        options: of ``Figure.subplots``, such as ``sharex``, ``width_ratios`` or ``squeeze``.

    Returns:
        The figure, and one Axes or an array of them.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def bare(axes: Axes, title: str = "") -> None:
    """Leave nothing of axes but their picture, title and labels."""
    axes.set(xticks=[], yticks=[], title=title)
    axes.spines[:].set_visible(False)


def describe(figure: Figure, text: str) -> Figure:
    """Attach the words that stand for a figure where it cannot be seen (its alt text); return it.

    Say what the figure shows and what one learns from it, with rounded numbers.
    """
    figure.set_label(text)
    return figure


def show(figure: Figure, alt: str | None = None) -> None:
    """Display a figure in a notebook, with its alt text.

    The alt text is also the output's plain text, so that `make test` compares it; `make chapters`
    copies it into the page.

    Args:
        figure: a matplotlib figure.
        alt: the alt text, where :func:`describe` has not attached one.

    Raises:
        ValueError: when the figure has no alt text.
    """
    from IPython.display import display

    text = alt or figure.get_label()
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a figure needs alt text: show(figure, alt='what it shows')")
    data = _png(figure)
    width, height = (int.from_bytes(data[start : start + 4], "big") // 2 for start in (16, 20))
    display(
        {"image/png": data, "text/plain": text},
        raw=True,
        metadata={"image/png": {"alt": text, "width": width, "height": height}},
    )


def show_plotly(figure: Any, still: Figure, id: str) -> None:
    """Display a plotly figure: alive in a notebook and on the page, with a picture where scripts are off.

    The page hides plotly's own output, so the figure comes with a twin in HTML, which the book's
    ``page.mjs`` brings to life with our own copy of plotly.js, in the colours of the page.

    Args:
        figure: a plotly Figure with rounded numbers, for `make test` compares them.
        still: a matplotlib figure of the same, with its alt text.
        id: of the HTML element, unique on its page.

    Raises:
        ValueError: when `still` has no alt text.
    """
    from IPython.display import display

    text = still.get_label()
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a figure needs alt text: describe(still, 'what it shows')")
    plain = figure.to_plotly_json()
    content = {"data": plain["data"], "layout": {**plain["layout"], "template": {}}}
    data = html.escape(json.dumps(content, sort_keys=True), quote=True)
    source = data_url(_png(still), "image/png")
    twin = (
        f'<div data-fertutor="plotly" id="{id}" data-figure="{data}">'
        f'<img src="{source}" alt="{html.escape(text, quote=True)}"></div>'
    )
    bundle = {"application/vnd.plotly.v1+json": content, "text/html": twin, "text/plain": text}
    display(bundle, raw=True)


def data_url(data: bytes, kind: str = "application/octet-stream") -> str:
    """Return bytes as a data URL."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _png(figure: Figure) -> bytes:
    from PIL import Image

    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=2 * DOTS_PER_INCH, bbox_inches="tight", pad_inches=0.05)
    picture.seek(0)
    with Image.open(picture) as image:
        return with_palette(image)
