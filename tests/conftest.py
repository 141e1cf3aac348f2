"""What several tests need: the built book, a server for it, and a browser."""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest
from hypothesis import settings

# a first call may import half of scikit-learn: how long an example takes says nothing here
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "_build" / "html"

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def missing(what: str) -> NoReturn:
    """Skip at a desk; fail where everything has to be tested."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def load_script(path: Path) -> ModuleType:
    """Import a file that is no part of a package, such as ``book/serve.py``."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def book_folder() -> Path:
    """The built book."""
    if not (BOOK / "index.html").is_file():
        missing("the book is not built: run `make book-build`")
    return BOOK


@pytest.fixture(scope="session")
def book_address(book_folder: Path) -> Iterator[str]:
    """Address of a server for the built book, ending in a slash."""
    server = load_script(ROOT / "book" / "serve.py").open_server(str(book_folder), 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium of playwright's; tests open their own contexts in it.

    One a module: playwright's event loop must be gone before the chapters' kernels are started.
    """
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        missing("no Chromium or Chrome: install one, e.g. `apt-get install chromium`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(BROWSER_OPTIONS))
        yield browser
        browser.close()
