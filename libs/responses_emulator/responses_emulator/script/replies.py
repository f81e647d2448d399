"""Whole replies that a script sends in place of a response: an HTTP reply, or the end of the connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from responses_emulator.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole reply. A mapping is sent as JSON; a string and bytes are sent as they are.

    Attributes:
        headers: they replace headers of the surface that have the same name.
        delay_s: seconds to wait before the reply. The default is 0.
        rule: the rule that it is the refusal of. None, the default, is another reply.
    """

    status: int
    body: Mapping[str, Any] | str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = field(default=0.0, kw_only=True)
    rule: Rule | None = field(default=None, kw_only=True, repr=False)

    def encode(self) -> tuple[bytes, str]:
        """Return the bytes of the body and its content type."""
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
        reset: end it with a TCP RST. The default is a normal end.
        raw_bytes: bytes to send before the end, as they are, such as a broken reply.
        open_s: seconds that the connection stays open after these bytes, unless the client leaves.
    """

    reset: bool = False
    raw_bytes: bytes = field(default=b"", kw_only=True)
    open_s: float = field(default=0.0, kw_only=True)


def refusal_reply(rule: Rule, **values: object) -> HttpReply:
    """Return the refusal of a rule with an error body of api.openai.com; the values fill in its names."""
    param = None if rule.param is None else rule.param.format(**values)
    body = error_body(rule.fill(**values), kind=rule.kind, code=rule.code, param=param)
    return HttpReply(rule.status, body, rule=rule)


def error_body(message: str, *, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    """Return an error body of api.openai.com."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
