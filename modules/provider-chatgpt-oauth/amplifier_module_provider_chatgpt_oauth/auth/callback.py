"""Waits for the browser's callback at the end of a sign-in: a server on this machine, for one sign-in.

It answers one address and takes nothing without the state of the sign-in, and only the first callback. The page loads
nothing, and takes the code out of the browser's address bar and history.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import re
import socketserver
import threading
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

CALLBACK_PATH = "/auth/callback"
_CLEAR_ADDRESS = 'history.replaceState(null, "", "/")'
_STYLE = "body { font-family: sans-serif; margin: 4em auto; max-width: 32em }"
_HEAD = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    '<meta name="referrer" content="no-referrer">'
    f"<style>{_STYLE.replace('{', '{{').replace('}', '}}')}</style></head>"
    f"<body><h1>{{title}}</h1><p>{{text}}</p><script>{_CLEAR_ADDRESS}</script></body></html>"
)
_APPROVED = _HEAD.format(
    title="Thank you", text="Your answer has arrived. You can close this page and go back to the terminal."
)
_DECLINED = _HEAD.format(
    title="Not signed in", text="The sign-in has ended. You can close this page and go back to the terminal."
)
_UNKNOWN = _HEAD.format(
    title="This page has ended",
    text="It does not belong to a sign-in that is under way. You can close it and go back to the terminal.",
)
_ADDRESS = re.compile(r"https?://[^\s'\"<>`\x00-\x1f]+")


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = (
    f"default-src 'none'; script-src {_hash_source(_CLEAR_ADDRESS)}; style-src {_hash_source(_STYLE)}; "
    "frame-ancestors 'none'"
)


def read_pasted_address(text: str) -> str:
    """Return the address in a text that a user pasted: also one in quotes, or one that line breaks cut into pieces."""
    joined = "".join(text.split()).replace("\\", "")
    match = _ADDRESS.search(joined)
    return match[0] if match else ""


class CallbackServer:
    """A server on 127.0.0.1, at a free port, within a `with` block.

    Args:
        state: what the callback has to repeat.
        issuer: whom the callback may name as its sender.

    Attributes:
        parameters: those of the callback; None until it came, and its page was sent.
    """

    def __init__(self, state: str, issuer: str) -> None:
        self.parameters: dict[str, str] | None = None
        self._state = state
        self._issuer = issuer
        self._lock = threading.Lock()
        self._has_callback = False
        self._server = _Server(("127.0.0.1", 0), self._build_handler())

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
        self.parameters = self._claim(address) or self.parameters
        return self.parameters is not None

    def _claim(self, address: str) -> dict[str, str] | None:
        """Return the parameters of the first callback of this sign-in; None for everything else."""
        try:
            parts = urlsplit(address)
        except ValueError:
            return None
        values = parse_qs(parts.query, keep_blank_values=True)
        is_ours = (
            parts.path == CALLBACK_PATH
            and all(len(each) == 1 for each in values.values())
            and hmac.compare_digest(values.get("state", [""])[0].encode(errors="replace"), self._state.encode())
            and values.get("iss", [self._issuer])[0] == self._issuer
        )
        with self._lock:
            if not is_ours or self._has_callback:
                return None
            self._has_callback = True
        return {name: each[0] for name, each in values.items()}

    def _build_handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                if urlsplit(self.path).path != CALLBACK_PATH:
                    self.send_page(404, _UNKNOWN)
                    return
                parameters = server._claim(self.path)
                if parameters is None:
                    self.send_page(400, _UNKNOWN)
                    return
                try:
                    self.send_page(200, _DECLINED if "error" in parameters else _APPROVED)
                finally:
                    server.parameters = parameters

            def send_page(self, status: int, page: str) -> None:
                body = page.encode()
                self.send_response(status)
                headers = {
                    "Content-Type": "text/html; charset=utf-8",
                    "Content-Length": str(len(body)),
                    "Content-Security-Policy": _POLICY,
                    "Cache-Control": "no-store",
                    "Connection": "close",
                }
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def version_string(self) -> str:
                return "Amplifier"

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name in the base class
                """Write nothing, because the address holds a code."""

        return Handler


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking the name service for the name of this machine, as the base class does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write nothing: a browser may close a connection at any time."""
