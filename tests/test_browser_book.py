"""Every page of the built book: no outside request, light, readable by machines and on a phone."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from browser_pages import AXE, PLAYGROUND, open_page, probabilities, revive
from conftest import BOOK

from book.serve import serving

pytestmark = pytest.mark.browser

PAGES = sorted(str(path.relative_to(BOOK)) for path in [*BOOK.glob("*.html"), *BOOK.glob("book/*.html")])
WITHOUT_WIDGET = 1_000
WITH_WIDGET = 4_500

SERIOUS = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.filter((each) => ['serious', 'critical'].includes(each.impact))
    .map((each) => `${each.id}: ` +
      each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | '));
}"""

SHRUNK = """() => [...document.querySelectorAll('.cell_output img:not([data-fertutor] img)')]
  .filter((figure) => figure.offsetWidth < Math.min(570, parseFloat(figure.style.width) || figure.naturalWidth))
  .map((figure) => `${figure.offsetWidth} px: ${figure.alt.slice(0, 60)}`)"""

STRETCHED = """() => [...document.querySelectorAll('.bd-content .cell_output img')]
  .filter((picture) => {
    const {width, height} = picture.getBoundingClientRect();
    return Math.abs(width / height - picture.naturalWidth / picture.naturalHeight) > 0.02;
  })
  .map((picture) => picture.alt)"""


def scroll_through(page: Any) -> None:
    """Bring every widget of the page to life."""
    for place in page.locator("[data-fertutor]").all():
        place.scroll_into_view_if_needed()
        place.locator("xpath=self::*[@data-alive]").wait_for(timeout=60_000)
        if place.locator(".ft-bars:visible").count():
            place.locator("[data-probabilities]").first.wait_for(state="attached", timeout=60_000)


@pytest.mark.parametrize("path", PAGES or ["index.html"])
def test_a_page(path: str, browser: Any, book_address: str) -> None:
    """One load tells all: hosts, errors, weight, accessibility (light and dark), and phone width."""
    assert AXE.is_file(), "axe-core is missing: run `make book-build`"
    with open_page(browser, book_address, path, viewport={"width": 375, "height": 800}) as (page, traffic):
        page.wait_for_load_state("networkidle")
        scroll_through(page)
        page.wait_for_load_state("networkidle")
        assert traffic.outside == [], "the page asks another host"
        assert traffic.failed == [], "the page asks for what is not there"
        assert traffic.errors == [], "the page reports errors"
        limit = WITH_WIDGET if page.locator("[data-fertutor]").count() else WITHOUT_WIDGET
        assert traffic.kilobytes() <= limit, f"{traffic.kilobytes():.0f} kB"
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 376, f"a phone has to scroll sideways: {width} px"
        assert page.evaluate(SHRUNK) == [], "the text of a figure is too small to be read on a phone"
        assert page.evaluate(STRETCHED) == [], "a figure does not keep its proportions"
        page.add_script_tag(path=AXE)
        for theme in ("light", "dark"):
            page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            page.wait_for_timeout(300)
            assert page.evaluate(SERIOUS) == [], f"in {theme} mode"


def test_the_book_works_under_a_sub_path(browser: Any, book_folder: Path, tmp_path: Path) -> None:
    """GitHub Pages serves a book from /<repository>/."""
    (tmp_path / "a" / "sub").mkdir(parents=True)
    (tmp_path / "a" / "sub" / "path").symlink_to(book_folder, target_is_directory=True)
    with (
        serving(tmp_path) as address,
        open_page(browser, address, f"a/sub/path/{PLAYGROUND}") as (page, traffic),
    ):
        assert sum(probabilities(revive(page, "occlusion"))) == pytest.approx(1, abs=1e-4)
        assert traffic.failed == []
        assert traffic.outside == []


def test_only_a_widget_that_stays_a_picture_says_so(
    browser: Any, book_address: str, book_folder: Path
) -> None:
    notice = "place => getComputedStyle(place, '::after').content"
    with open_page(browser, book_address, PLAYGROUND) as (page, _):
        assert page.locator("[data-fertutor]").last.evaluate(notice) == "none", "it waits to be seen"
    with closing(browser.new_page()) as page:
        page.goto((book_folder / PLAYGROUND).as_uri())
        assert "not opened as a file" in page.locator("[data-fertutor]").last.evaluate(notice)


def test_a_plotly_figure_is_drawn_by_our_own_copy_and_follows_the_theme(
    browser: Any, book_address: str
) -> None:
    with open_page(browser, book_address, "book/the-record.html") as (page, traffic):
        place = page.locator("#curves")
        place.scroll_into_view_if_needed()
        place.locator("xpath=self::*[@data-alive]").wait_for(timeout=30_000)
        runs = place.evaluate("figure => JSON.parse(figure.dataset.figure).data.length")
        assert place.locator(".scatterlayer .trace").count() == runs > 2
        colours = []
        for theme in ("light", "dark"):
            page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            page.wait_for_timeout(500)
            colours.append(place.locator(".xtitle").evaluate("text => getComputedStyle(text).fill"))
        assert colours[0] != colours[1]
        assert traffic.outside == []
        assert any(url.endswith("plotly/plotly.min.js") for url in traffic.bodies)
