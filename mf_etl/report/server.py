"""The pages on 127.0.0.1, for the one person who sits there."""

from __future__ import annotations

import io
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO

from mf_etl.errors import MfEtlError
from mf_etl.report.site import Answer, Site

ADDRESS = "127.0.0.1"
SECONDS_TO_SEND = 30.0
"""For a whole request, and for each piece of an answer to be taken."""

PIECE_BYTES = 2**16

HEADERS = {
    # No page loads anything from elsewhere, and none is shown within another.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Data files are scripts: no other page may load them.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class PageServer(ThreadingHTTPServer):
    """Serves a `Site` on 127.0.0.1; port 0 takes any that is free.

    Raises `MfEtlError` if the port is taken.
    """

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, site: Site, port: int) -> None:
        self.site = site
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            raise MfEtlError(
                f"port {port} of {ADDRESS} cannot be listened on: {error.strerror}; "
                "take another with --port, or --port 0 for any that is free"
            ) from error

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser here calls this server."""
        names = (ADDRESS, "localhost")
        ports = (f":{self.server_port}", *([""] if self.server_port == 80 else []))
        return frozenset(f"{name}{port}" for name in names for port in ports)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = SECONDS_TO_SEND

    def do_GET(self) -> None:
        self._send(with_body=True)

    def do_HEAD(self) -> None:
        self._send(with_body=False)

    def version_string(self) -> str:
        return "mf-etl"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told of a request."""

    def _send(self, *, with_body: bool) -> None:
        answer = self._answer()
        try:
            file: BinaryIO = answer.file.open("rb") if answer.file else io.BytesIO(answer.body)
        except OSError:
            answer = Answer(404, body=b"It was there a moment ago; load the page again.\n")
            file = io.BytesIO(answer.body)
        with file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            self._head(answer, size)
            if with_body:
                # No more: what a file gains meanwhile would be taken for the next answer.
                while size and (piece := file.read(min(size, PIECE_BYTES))):
                    self.wfile.write(piece)
                    size -= len(piece)

    def _answer(self) -> Answer:
        """A page of another name that leads here, or another site's, is refused."""
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            return Answer(421, body=b"This is not the host that was asked for.\n")
        is_own = self.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
        if not is_own and self.headers.get("Sec-Fetch-Mode") != "navigate":
            return Answer(403, body=b"Pages of other sites may not read this.\n")
        try:
            return self.server.site.answer(self.path)
        except UnicodeDecodeError:
            return Answer(400, body=b"The address cannot be read.\n")
        except (MfEtlError, OSError, ValueError) as error:
            return Answer(500, body=f"This page cannot be made: {error}\n".encode())

    def _head(self, answer: Answer, size: int) -> None:
        self.send_response(answer.status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if answer.location:
            self.send_header("Location", answer.location)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(size))
        self.end_headers()
