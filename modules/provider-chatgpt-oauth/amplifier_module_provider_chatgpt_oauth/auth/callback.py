"""Waits for the browser's callback at the end of a sign-in: a server on this machine, for one sign-in.

It answers one address and takes nothing without the state of the sign-in. A page that it does not know gets nothing.
"""

from __future__ import annotations

import hmac
import http.server
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

CALLBACK_PATH = "/auth/callback"
_HEAD = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    '<meta name="referrer" content="no-referrer"></head>'
    '<body style="font-family: sans-serif; margin: 4em auto; max-width: 32em">'
    "<h1>{title}</h1><p>{text}</p></body></html>"
)
_RECEIVED = _HEAD.format(
    title="Thank you", text="Your answer has arrived. You can close this page and go back to Amplifier."
)
_UNKNOWN = _HEAD.format(
    title="This page has ended", text="It does not belong to a sign-in that is under way. Go back to Amplifier."
)


class CallbackServer:
    """A server on 127.0.0.1, at a free port, within a `with` block.

    Args:
        state: what the callback has to repeat.

    Attributes:
        parameters: those of the callback; None until it came.
    """

    def __init__(self, state: str) -> None:
        self.parameters: dict[str, str] | None = None
        self._state = state
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._build_handler())
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """Return the address of the callback."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{CALLBACK_PATH}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def accept(self, address: str) -> bool:
        """Take the parameters of a callback; return False if it is not that of this sign-in, or not the first one."""
        parts = urlsplit(address)
        values = parse_qs(parts.query)
        is_ours = (
            self.parameters is None
            and parts.path == CALLBACK_PATH
            and all(len(each) == 1 for each in values.values())
            and hmac.compare_digest(values.get("state", [""])[0].encode(), self._state.encode())
        )
        if is_ours:
            self.parameters = {name: each[0] for name, each in values.items()}
        return is_ours

    def _build_handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        accept = self.accept

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                status, page = (200, _RECEIVED) if accept(self.path) else (400, _UNKNOWN)
                body = page.encode()
                self.send_response(status)
                headers: Mapping[str, Any] = {
                    "Content-Type": "text/html; charset=utf-8",
                    "Content-Length": len(body),
                    "Cache-Control": "no-store",
                    "Connection": "close",
                }
                for name, value in headers.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name in the base class
                """Write nothing, because the address holds a code."""

        return Handler
