"""From a request to the reply of the surface and route that it belongs to."""

from __future__ import annotations

import logging
import re
import secrets
import time

from responses_emulator.contract.refusal import Refusal, openai_error_body, refuse
from responses_emulator.rules import http, websocket
from responses_emulator.script.replies import Disconnect, Frames, HttpReply
from responses_emulator.script.turn import Framing
from responses_emulator.service.create_response import end_of, http_reply
from responses_emulator.service.refusal_notes import note_refusal
from responses_emulator.service.state import RecordedRequest, ServiceState
from responses_emulator.service.surface import (
    WEBSOCKET,
    AnyReply,
    EventReply,
    Exchange,
    Handler,
    Surface,
    json_reply,
)
from responses_emulator.transport.hang_up import CloseConnection
from responses_emulator.transport.server import Reply, StreamReply
from responses_emulator.transport.sse import sse_stream
from responses_emulator.transport.websocket import UpgradeReply

_LOG = logging.getLogger("responses_emulator")


async def dispatch(
    surfaces: tuple[Surface, ...], state: ServiceState, request: RecordedRequest
) -> Reply | StreamReply | UpgradeReply:
    """Find the surface and the route, check the caller, and return the reply."""
    surface = _surface_for(surfaces, request.path)
    request_id = f"req_{secrets.token_hex(16)}"
    if surface is None:
        refusal = refuse(http.NO_SUCH_PATH, method=request.method, path=request.path)
        headers = [("x-request-id", request_id), *note_refusal(request, refusal)]
        return json_reply(openai_error_body(refusal), status=refusal.status, headers=headers)
    request.surface = surface.name
    exchange = Exchange(
        state=state,
        surface=surface,
        request=request,
        started_s=time.monotonic(),
        request_id=request_id,
    )
    reply = await guard(exchange, _route_request)
    match reply:
        case EventReply():
            return _event_stream(reply)
        case Frames():
            raise CloseConnection
        case _:
            return reply


async def guard(exchange: Exchange, handler: Handler) -> AnyReply:
    """Return the reply of a handler; a refusal and a script that fails become the replies of the service."""
    surface, request = exchange.surface, exchange.request
    try:
        return await handler(exchange)
    except Refusal as refusal:
        headers = [*surface.headers(exchange), *refusal.headers, *note_refusal(request, refusal)]
        return json_reply(surface.error_body(refusal), status=refusal.status, headers=headers)
    except CloseConnection:
        raise
    except Exception:  # noqa: BLE001  (logged with its trace)
        # A script or a responder can raise anything. Its author reads the reason in the log; the client gets a reply.
        _LOG.exception("%s %s: the script or the responder failed", request.method, request.path)
        error = refuse(http.SERVER_ERROR)
        headers = [*surface.headers(exchange), *note_refusal(request, error)]
        return json_reply(surface.error_body(error), status=500, headers=headers)


def _event_stream(reply: EventReply) -> StreamReply:
    headers = reply.headers
    kind = next(iter(reply.turn.parts_of_type(Framing)), Framing()).content_type
    if kind is not None:
        headers = [("content-type", kind), ("cache-control", "no-cache"), *headers]
    pieces = sse_stream(reply.turn, reply.events, word_delay_s=reply.word_delay_s)
    return StreamReply(status=reply.status, pieces=pieces, headers=headers)


async def _route_request(exchange: Exchange) -> AnyReply:
    surface, request = exchange.surface, exchange.request
    below = request.path[len(surface.prefix) :]
    matches = [(route, m) for route in surface.routes if (m := re.fullmatch(route.path, below))]
    if not matches:
        raise refuse(http.NO_SUCH_PATH, method=request.method, path=request.path)
    allowed = sorted({route.method for route, _ in matches} - {WEBSOCKET} | {"OPTIONS"})
    if request.method == "OPTIONS":
        return Reply(status=200, headers=[("allow", ", ".join(allowed)), ("x-request-id", exchange.request_id)])
    method = "GET" if request.method == "HEAD" else request.method
    if request.method == "GET" and request.is_upgrade and "POST" in allowed:
        method = WEBSOCKET
    for route, found in matches:
        if route.method == method:
            exchange.caller = None if route.is_public else surface.authenticate(request)
            exchange.params = found.groupdict()
            scripted = exchange.state.next_path_reply(request.path)
            match scripted:
                case HttpReply():
                    return await http_reply(scripted, exchange)
                case Disconnect():
                    raise end_of(scripted)
                case None:
                    return await route.handler(exchange)
    if method == WEBSOCKET:
        raise refuse(websocket.NO_WEBSOCKET)
    headers = (("allow", ", ".join(allowed)),)
    raise refuse(http.WRONG_METHOD, headers=headers, method=request.method, path=request.path)


def _surface_for(surfaces: tuple[Surface, ...], path: str) -> Surface | None:
    fitting = [each for each in surfaces if path == each.prefix or path.startswith(each.prefix.rstrip("/") + "/")]
    return max(fitting, key=lambda each: len(each.prefix), default=None)
