"""Serve the built book on this machine and print its address.

Pages with ES modules do not work from ``file://``.
"""

from __future__ import annotations

import argparse
import errno
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and keeps the terminal free for the address."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing for each request."""


class QuietServer(ThreadingHTTPServer):
    """Says nothing of a browser that goes to another page during a download."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of an error that is the server's own."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def open_server(folder: str, port: int) -> ThreadingHTTPServer:
    """Return a server for `folder` on `port`, or on a free one if it is taken."""
    handler = partial(QuietHandler, directory=folder)
    try:
        return QuietServer(("127.0.0.1", port), handler)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return QuietServer(("127.0.0.1", 0), handler)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve `folder` on a free port for the while; the address ends in a slash."""
    with open_server(str(folder), 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()


def main() -> None:
    """Serve until Ctrl+C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=8000)
    args = parser.parse_args()
    with open_server(args.folder, args.port) as server:
        print(
            f"The book is at http://localhost:{server.server_port}/ (Ctrl+C ends it)",
            flush=True,
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
