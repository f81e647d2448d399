"""Whole replies that a script sends in place of a response: an HTTP reply, or the end of the connection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
                return json.dumps(self.body, indent=2).encode() + b"\n", "application/json"


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection ends in place of a reply.

    Attributes:
        reset: end it with a TCP RST. The default is a normal end.
        raw_bytes: bytes to send before the end, as they are, such as a broken reply.
        open_s: seconds that the connection stays open after these bytes, unless the client leaves.
        close_code: the code of the close frame, on a WebSocket. The default None sends no close frame.
        reason: the text of the close frame.
    """

    reset: bool = False
    raw_bytes: bytes = field(default=b"", kw_only=True)
    open_s: float = field(default=0.0, kw_only=True)
    close_code: int | None = field(default=None, kw_only=True)
    reason: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class Frames:
    """What a WebSocket sends in place of a reply, as it is: a text and a mapping as text frames, bytes as binary ones.

    Over HTTP it is the end of the connection.

    Attributes:
        then_close: how the connection ends after the frames. The default None keeps it open.
    """

    frames: Sequence[Mapping[str, Any] | str | bytes] = ()
    then_close: Disconnect | None = None


@dataclass(frozen=True, slots=True)
class AcceptUpgrade:
    """Accepts an upgrade, with reply headers that replace those of the surface, with or without compression."""

    headers: Mapping[str, str] = field(default_factory=dict)
    compression: bool = True


@dataclass(frozen=True, slots=True)
class OnUpgrade:
    """What the next upgrades to a WebSocket get in place of an accepted one; requests do not use it up.

    A `Disconnect` with `open_s` and without bytes is a service that never answers.

    Attributes:
        times: how many upgrades get it. The default is 1; None is every one until `reset()`.
    """

    reply: HttpReply | Disconnect | AcceptUpgrade
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class OnPath:
    """What the next requests to another path than that of responses get; requests for responses do not use it up.

    Attributes:
        path: the end of the path, such as `/responses/compact`; `*` stands for anything, as in `/responses/resp_*`.
        times: how many requests get it. The default is 1; None is every one until `reset()`.
    """

    path: str
    reply: HttpReply | Disconnect
    times: int | None = 1


def refusal_reply(rule: Rule, **values: object) -> HttpReply:
    """Return the refusal of a rule with an error body of api.openai.com; the values fill in its names."""
    param = None if rule.param is None else rule.param.format(**values)
    body = error_body(rule.fill(**values), kind=rule.kind, code=rule.code, param=param)
    return HttpReply(rule.status, body, rule=rule)


def error_body(message: str, *, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    """Return an error body of api.openai.com."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
