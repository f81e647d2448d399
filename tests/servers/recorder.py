"""A proxy on loopback that writes each exchange with a server to a file, for tests/generated/exchanges."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# The headers of a reply that a client may read.
_HEADERS = (
    *("content-type", "retry-after", "server", "x-request-id", "x-litellm-call-id", "x-litellm-version"),
    *("x-ratelimit", "llm_provider-retry-after", "llm_provider-x-request-id"),
)
_NOT_FORWARDED = {"host", "connection", "accept-encoding"}


@contextmanager
def record(base_url: str, folder: Path, **about: str) -> Iterator[str]:
    """Record what goes to a server while the context lasts, and yield the base URL of the proxy.

    Args:
        base_url: the base URL of the server.
        folder: where the files go.
        about: what each file says of itself beside the exchange.
    """
    numbers = itertools.count(1)
    target = urlsplit(base_url)

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name of the base class)
            """Write nothing."""

        def do_GET(self) -> None:
            self._forward()

        def do_POST(self) -> None:
            self._forward()

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            connection = http.client.HTTPConnection(target.hostname or "", target.port)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_FORWARDED}
            connection.request(self.command, self.path, body or None, headers)
            reply = connection.getresponse()
            data = reply.read()
            connection.close()
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            if self.command == "POST":
                _write(folder / f"{about['server']}-{next(numbers):03}.json", about, body, reply, data)

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, name="recorder", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}{target.path}"
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


def _write(path: Path, about: dict[str, str], body: bytes, reply: http.client.HTTPResponse, data: bytes) -> None:
    headers = {name.lower(): value for name, value in reply.getheaders() if name.lower().startswith(_HEADERS)}
    document: dict[str, Any] = {
        **about,
        "request": json.loads(body),
        "status": reply.status,
        "headers": headers,
        "body": data.decode("utf-8").split("\n"),
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
