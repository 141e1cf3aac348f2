"""The built pages as a reader meets them: offline, in light and dark, and without pictures."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
import yaml
from browser_pages import open_page
from conftest import ROOT

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(entry["file"] for part in TOC["parts"] for entry in part["chapters"])]

pytestmark = pytest.mark.browser


class Page(HTMLParser):
    """Collects what a page links to, loads and shows."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.names |= {name for name in (values.get("id"), values.get("name")) if name}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")
        if tag == "img":
            self.pictures.append(values)
        if tag in ("script", "img", "iframe", "video", "audio", "source"):
            self.loads.append(values.get("src") or "")
        if tag == "link" and values.get("rel") in ("stylesheet", "preload", "icon", "shortcut icon"):
            self.loads.append(values.get("href") or "")


@pytest.fixture(scope="module")
def pages(book_folder: Path) -> dict[Path, Page]:
    paths = [path for path in book_folder.rglob("*.html") if "_static" not in path.parts]
    return {path: Page(path) for path in paths}


def test_every_page_of_the_contents_is_built(book_folder: Path) -> None:
    for page in PAGES:
        assert (book_folder / f"{page}.html").is_file()


def test_pages_load_their_own_files_only(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for address in page.loads:
            assert not urlsplit(address).netloc, f"{path.name} loads {address}"


def test_every_link_and_anchor_leads_somewhere(pages: dict[Path, Page], book_folder: Path) -> None:
    for path, page in pages.items():
        for link in page.links:
            address, anchor = urldefrag(link)
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            assert target.is_relative_to(book_folder), f"{path.name} links to {link}"
            assert target.exists(), f"{path.name} links to {link}"
            if anchor and target.suffix == ".html":
                known = pages[target].names if target in pages else Page(target).names
                assert unquote(anchor) in known, f"{path.name} links to {link}"


def test_every_picture_has_alt_text(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for picture in page.pictures:
            alt, source = picture.get("alt"), picture.get("src") or ""
            assert alt, f"{path.name}: {source} has no alt text"
            assert Path(alt).name != Path(unquote(source)).name, f"{path.name}: {alt} is a file's name"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_stands_alone(page: str, scheme: str, browser: Any, book_address: str) -> None:
    """No outside request, no script error, no card under a figure in dark mode, formulas typeset."""
    with open_page(browser, book_address, f"{page}.html", color_scheme=scheme) as (tab, traffic):
        tab.wait_for_load_state("networkidle")
        assert tab.evaluate("document.documentElement.dataset.theme") == scheme
        if tab.locator(".math").count():
            tab.wait_for_selector("mjx-container", state="attached")
        grounds = tab.eval_on_selector_all(
            ".bd-content .cell_output img",
            "pictures => pictures.map(p => getComputedStyle(p).backgroundColor)",
        )
        assert set(grounds) <= {"rgba(0, 0, 0, 0)"}
        assert traffic.outside == []
        assert traffic.errors == []
