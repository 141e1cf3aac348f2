"""Progress bars on long work: tqdm's, or none on a bare machine without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], label: str, total: int | None = None, show: bool = True) -> Iterator[T]:
    """Yield `items` while a bar on stderr tells how far it is and how long it will take.

    Args:
        items: what to go through.
        label: the work's name, left of the bar.
        total: number of items, where `items` has no length.
        show: False turns the bar off; so does a stderr that is no terminal.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        yield from items
        return
    # None: off where stderr is no terminal
    yield from tqdm(items, desc=label, total=total, leave=False, disable=None if show else True)
