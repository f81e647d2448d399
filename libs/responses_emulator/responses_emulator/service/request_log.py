"""What is written down of a request: a line of JSON with everything that a client sent, without its credential."""

from __future__ import annotations

import json
from typing import Any

from responses_emulator.service.state import RecordedRequest

_SECRET_HEADERS = frozenset({"authorization", "api-key", "x-identity-header", "cookie"})
_SHOWN = 12


def request_line(request: RecordedRequest) -> str:
    """Return a request and the status of its reply as JSON, in one line."""
    try:
        body: Any = json.loads(request.raw_body) if request.raw_body else None
    except (ValueError, RecursionError):
        body = request.raw_body.decode("utf-8", "replace")
    document = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "transport": request.transport,
        "connection": request.connection,
        "wire_bytes": request.wire_bytes,
        "surface": request.surface,
        "status": request.status,
        "rule": request.rule,
        "headers": {name: _mask(name, value) for name, value in request.headers.items()},
        "body": body,
    }
    return json.dumps(document, ensure_ascii=False)


def _mask(name: str, value: str) -> str:
    return f"{value[:_SHOWN]}…" if name in _SECRET_HEADERS and len(value) > _SHOWN else value
