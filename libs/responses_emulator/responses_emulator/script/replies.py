"""."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole reply: a dict is sent as JSON, a string and bytes as they stand."""

    status: int
    body: Mapping[str, Any] | str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = field(default=0.0, kw_only=True)

    def encode(self) -> tuple[bytes, str]:
        """The body's bytes and its content type."""
        match self.body:
            case None:
                return b"", "text/plain"
            case bytes():
                return self.body, "application/octet-stream"
            case str():
                kind = "text/html" if self.body.lstrip().startswith("<") else "text/plain"
                return self.body.encode(), f"{kind}; charset=utf-8"
            case _:
                return json.dumps(self.body, indent=2).encode(), "application/json"


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection ends in place of a reply.

    Attributes:
        reset: by TCP RST.
        words: bytes to send before that, as they stand: what no server of ours would write.
        open_s: how long it stays open after them, unless the client leaves.
    """

    reset: bool = False
    raw_bytes: bytes = field(default=b"", kw_only=True)
    open_s: float = field(default=0.0, kw_only=True)


def error_body(message: str, *, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    """The error body of api.openai.com."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
