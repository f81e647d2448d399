"""."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from responses_emulator.contract.create_request import RequestRules
from responses_emulator.contract.refusal import Refusal, openai_error_body
from responses_emulator.script.turn import Part
from responses_emulator.transport.server import Headers, Reply, StreamReply

if TYPE_CHECKING:
    from responses_emulator.emulator import Emulator
    from responses_emulator.service.state import RecordedRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request: the secret's own key for limits, and the account that owns data."""

    key: str
    account: str
    organization: str | None = None
    project: str | None = None


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request on its way through a surface; caller and route parameters are known once it is routed."""

    state: Emulator
    surface: Surface
    request: RecordedRequest
    started_s: float
    request_id: str
    caller: Caller | None = None
    params: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Exchange], Awaitable[Reply | StreamReply]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path below the surface's prefix (a regular expression), and what answers."""

    method: str
    path: str
    handler: Handler
    is_public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One service: `prefix` is where its routes begin."""

    name: str
    prefix: str
    routes: tuple[Route, ...]
    authenticate: Callable[[RecordedRequest], Caller]
    error_body: Callable[[Refusal], dict[str, Any]] = openai_error_body
    rules: RequestRules = field(default_factory=RequestRules)
    headers: Callable[[Exchange], Headers] = lambda exchange: []
    # Parts that every turn of this service has: fields it adds to a Response, a terminal event without output, …
    turn_parts: tuple[Part, ...] = ()
    # What an account's ciphertext is bound to besides the account.
    endpoint: str = ""


def json_reply(value: Any, *, status: int = 200, headers: Headers | None = None) -> Reply:
    """A JSON reply, indented as the service does."""
    body = json.dumps(value, indent=2, ensure_ascii=False).encode()
    return Reply(status=status, body=body, headers=[("content-type", "application/json"), *(headers or [])])
