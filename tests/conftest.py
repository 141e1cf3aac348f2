"""What several tests need: the built book, a server for it, a browser, and a picture without pixels."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

from book.serve import serving
from web.browser import installed, started

# a first call may import half of scikit-learn: how long an example takes says nothing here
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

for name in ("no_proxy", "NO_PROXY"):  # our own servers are not asked through one
    os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1,localhost")))
# a library's new warning is no other output of a chapter
os.environ.setdefault("PYTHONWARNINGS", "ignore")

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "_build" / "html"


def missing(what: str) -> NoReturn:
    """Skip at a desk; fail where everything has to be tested."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels: whoever decodes it finds it damaged."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


def forbid(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a folder one that may not be listed; permissions do not bind root."""
    scandir = os.scandir

    def refuse(path: Any = ".") -> Any:
        if Path(path) == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


@pytest.fixture(scope="session")
def book_folder() -> Path:
    """The built book."""
    if not (BOOK / "index.html").is_file():
        missing("the book is not built: run `make book-build`")
    return BOOK


@pytest.fixture(scope="session")
def book_address(book_folder: Path) -> Iterator[str]:
    """Address of a server for the built book, ending in a slash."""
    with serving(book_folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium of playwright's; tests open their own contexts in it.

    One a module: playwright's event loop must be gone before the chapters' kernels are started.
    """
    executable = installed()
    if executable is None:
        missing("no Chromium or Chrome: install one, e.g. `apt-get install chromium`")
    with started(executable) as browser:
        yield browser
