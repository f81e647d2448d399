"""What a service surface is: routes as a table, who may call, how errors are worded, what requests must look like.

Invariant: the HTTP server and the recorded requests know nothing of a particular service; a new one is a new `Surface`.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.emulator.behaviours import Part
from tests.emulator.refusal import Refusal, openai_error_body
from tests.emulator.server import Headers, Reply, StreamReply
from tests.emulator.validate import RequestRules

if TYPE_CHECKING:
    from tests.emulator.emulator import Emulator, RecordedRequest


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


def refusal_reply(surface: Surface, refusal: Refusal, headers: Headers) -> Reply:
    """A refusal in the surface's own words."""
    return json_reply(surface.error_body(refusal), status=refusal.status, headers=[*headers, *refusal.headers])


async def dispatch(surfaces: tuple[Surface, ...], emulator: Emulator, request: RecordedRequest) -> Reply | StreamReply:
    """Find the surface and the route, check the caller, and answer."""
    surface = _surface_for(surfaces, request.path)
    request_id = f"req_{secrets.token_hex(16)}"
    if surface is None:
        message = f"Invalid URL ({request.method} {request.path})"
        return json_reply(
            openai_error_body(Refusal(message, status=404)), status=404, headers=[("x-request-id", request_id)]
        )
    request.surface = surface.name
    exchange = Exchange(
        state=emulator,
        surface=surface,
        request=request,
        started_s=time.monotonic(),
        request_id=request_id,
    )
    try:
        return await _routed(surface, exchange, request)
    except Refusal as refusal:
        return refusal_reply(surface, refusal, surface.headers(exchange))


async def _routed(surface: Surface, exchange: Exchange, request: RecordedRequest) -> Reply | StreamReply:
    below = request.path[len(surface.prefix) :]
    matches = [(route, m) for route in surface.routes if (m := re.fullmatch(route.path, below))]
    if not matches:
        raise Refusal(f"Invalid URL ({request.method} {request.path})", status=404)
    allowed = sorted({route.method for route, _ in matches} | {"OPTIONS"})
    if request.method == "OPTIONS":
        return Reply(status=200, headers=[("allow", ", ".join(allowed)), ("x-request-id", exchange.request_id)])
    method = "GET" if request.method == "HEAD" else request.method
    for route, match in matches:
        if route.method == method:
            exchange.caller = None if route.is_public else surface.authenticate(request)
            exchange.params = match.groupdict()
            return await route.handler(exchange)
    hint = "(HINT: Perhaps you meant to use a different HTTP method?)"
    raise Refusal(
        f"Not allowed to {request.method} on {request.path}.  {hint}",
        status=405,
        headers=(("allow", ", ".join(allowed)),),
    )


def _surface_for(surfaces: tuple[Surface, ...], path: str) -> Surface | None:
    fitting = [each for each in surfaces if path == each.prefix or path.startswith(each.prefix.rstrip("/") + "/")]
    return max(fitting, key=lambda each: len(each.prefix), default=None)
