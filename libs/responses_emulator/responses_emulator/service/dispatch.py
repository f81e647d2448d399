"""From a request to the reply of the surface and route that it belongs to."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time

from responses_emulator.contract.refusal import Refusal, openai_error_body
from responses_emulator.service.state import RecordedRequest, ServiceState
from responses_emulator.service.surface import Exchange, Surface, json_reply
from responses_emulator.transport.server import CloseConnection, Reply, StreamReply

_LOG = logging.getLogger("responses_emulator")
_SERVER_ERROR = (
    "The server had an error while processing your request. Sorry about that! You can retry your request, or "
    "contact us through our help center at help.openai.com if the error persists."
)


async def dispatch(surfaces: tuple[Surface, ...], state: ServiceState, request: RecordedRequest) -> Reply | StreamReply:
    """Find the surface and the route, check the caller, and return the reply."""
    surface = _surface_for(surfaces, request.path)
    request_id = f"req_{secrets.token_hex(16)}"
    if surface is None:
        message = f"Invalid URL ({request.method} {request.path})"
        return json_reply(
            openai_error_body(Refusal(message, status=404)), status=404, headers=[("x-request-id", request_id)]
        )
    request.surface = surface.name
    exchange = Exchange(
        state=state,
        surface=surface,
        request=request,
        started_s=time.monotonic(),
        request_id=request_id,
    )
    try:
        return await _route_request(surface, exchange, request)
    except Refusal as refusal:
        headers = [*surface.headers(exchange), *refusal.headers]
        return json_reply(surface.error_body(refusal), status=refusal.status, headers=headers)
    except (CloseConnection, asyncio.CancelledError):
        raise
    except Exception:  # noqa: BLE001  (logged with its trace)
        # A script or a responder can raise anything. Its author reads the reason in the log; the client gets a reply.
        _LOG.exception("%s %s: the script or the responder failed", request.method, request.path)
        error = Refusal(_SERVER_ERROR, status=500, kind="server_error")
        return json_reply(surface.error_body(error), status=500, headers=surface.headers(exchange))


async def _route_request(surface: Surface, exchange: Exchange, request: RecordedRequest) -> Reply | StreamReply:
    below = request.path[len(surface.prefix) :]
    matches = [(route, m) for route in surface.routes if (m := re.fullmatch(route.path, below))]
    if not matches:
        raise Refusal(f"Invalid URL ({request.method} {request.path})", status=404)
    allowed = sorted({route.method for route, _ in matches} | {"OPTIONS"})
    if request.method == "OPTIONS":
        return Reply(status=200, headers=[("allow", ", ".join(allowed)), ("x-request-id", exchange.request_id)])
    method = "GET" if request.method == "HEAD" else request.method
    if request.method == "GET" and request.headers.get("upgrade", "").lower() == "websocket":
        _refuse_websocket(request, allowed)
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


def _refuse_websocket(request: RecordedRequest, allowed: list[str]) -> None:
    """Refuse a WebSocket; the text is ours. OpenAI's own client then goes on over HTTP (captured 2026-11-30)."""
    if "POST" in allowed:
        raise Refusal("This service does not speak WebSocket. Send the request over HTTP.", status=426)


def _surface_for(surfaces: tuple[Surface, ...], path: str) -> Surface | None:
    fitting = [each for each in surfaces if path == each.prefix or path.startswith(each.prefix.rstrip("/") + "/")]
    return max(fitting, key=lambda each: len(each.prefix), default=None)
