"""Helpers of the browser tests: pages that may ask nobody but their own server, and what they loaded."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conftest import ROOT

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
PLAYGROUND = "book/playground.html"


@dataclass
class Traffic:
    """What a page asked for."""

    outside: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    bodies: dict[str, int] = field(default_factory=dict)

    def kilobytes(self) -> float:
        """Transfer of everything with gzip, in units of 1000 bytes."""
        return sum(self.bodies.values()) / 1000


@contextmanager
def open_page(browser: Any, address: str, path: str, **options: Any) -> Iterator[tuple[Any, Traffic]]:
    """Open a page of the book with every request to another host blocked and written down."""
    context = browser.new_context(**options)
    page = context.new_page()
    traffic = Traffic()

    def judge(route: Any) -> None:
        url = route.request.url
        if url.startswith((address, "blob:", "data:")):
            route.continue_()
        else:
            traffic.outside.append(url)
            route.abort()

    def weigh(response: Any) -> None:
        if response.status >= 400 and not response.url.endswith("favicon.ico"):
            traffic.failed.append(f"{response.status} {response.url}")
        elif response.url.startswith(address) and response.status == 200:
            file = local_file(response.url, address)
            if file is not None:
                traffic.bodies[response.url] = compressed_size(file)

    context.route("**/*", judge)
    context.on("response", weigh)
    page.on("pageerror", lambda error: traffic.errors.append(str(error)))
    page.on("console", lambda text: traffic.errors.append(text.text) if text.type == "error" else None)
    page.goto(address + path, wait_until="load")
    try:
        yield page, traffic
    finally:
        context.close()


def local_file(url: str, address: str) -> Path | None:
    """The file of the built book that a URL names."""
    path = url.removeprefix(address).partition("?")[0].partition("#")[0]
    path = path.removeprefix("a/sub/path/")
    file = ROOT / "_build" / "html" / (path or "index.html")
    return file if file.is_file() else None


_sizes: dict[Path, int] = {}


def compressed_size(file: Path) -> int:
    """Bytes that a server sends that compresses what is not compressed yet, as GitHub Pages does."""
    if file not in _sizes:
        data = file.read_bytes()
        packed = file.suffix in {".woff", ".woff2", ".png", ".jpg", ".webp"}
        _sizes[file] = len(data) if packed else len(gzip.compress(data, 6))
    return _sizes[file]


def revive(page: Any, name: str) -> Any:
    """Scroll to a widget, wait until it is alive, and return its place."""
    place = page.locator(f'[data-fertutor="{name}"]').first
    place.scroll_into_view_if_needed()
    place.locator("xpath=self::*[@data-alive]").wait_for(timeout=30_000)
    assert place.get_attribute("data-alive") == "yes"
    return place


def probabilities(place: Any) -> list[float]:
    """The numbers that a widget's bars show, to six places."""
    bars = place.locator("[data-probabilities]").first
    bars.wait_for(timeout=30_000)
    return [float(text) for text in bars.get_attribute("data-probabilities").split()]


def set_slider(place: Any, label: str, value: float) -> None:
    """Move a slider as a hand would: the input event fires."""
    place.get_by_label(label, exact=True).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', {bubbles: true})); }",
        value,
    )
