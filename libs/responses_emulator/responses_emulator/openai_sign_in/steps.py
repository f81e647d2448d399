"""One step of a sign-in over HTTP: its body, the fault that a test queued for it, its reply or its error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from responses_emulator.contract.refusal import refuse
from responses_emulator.openai_sign_in.records import LoseReply, SignInError, SignInStep
from responses_emulator.openai_sign_in.token_books import TokenBooks
from responses_emulator.rules import http
from responses_emulator.script.replies import Disconnect, HttpReply
from responses_emulator.service.refusal_notes import note_rule
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.surface import Caller, Exchange, Route, Surface, json_reply
from responses_emulator.transport.hang_up import CloseConnection
from responses_emulator.transport.server import Headers, Reply

_FORM = "application/x-www-form-urlencoded"
Body = dict[str, Any]
Books = TypeVar("Books", bound=TokenBooks)
StepFunction = Callable[[Books, Exchange, Body], Any]


async def run_step(step: SignInStep, books: Books, work: StepFunction[Books], exchange: Exchange, body: Body) -> Reply:
    """Carry a step out and return its reply: the value of `work` as JSON, a `Reply` of it as it is, or the error."""
    fault = books.record_request(step, body, exchange.request.headers)
    match fault:
        case HttpReply():
            await asyncio.sleep(fault.delay_s)
            content, kind = fault.encode()
            headers = [("content-type", kind), *issuer_headers(exchange), *fault.headers.items()]
            return Reply(status=fault.status, body=content, headers=headers)
        case Disconnect():
            raise CloseConnection(reset=fault.reset)
        case _:
            pass
    try:
        value = work(books, exchange, body)
        reply = value if isinstance(value, Reply) else json_reply(value, headers=issuer_headers(exchange))
    except SignInError as no:
        headers = [*issuer_headers(exchange), *note_rule(exchange.request, no.rule, no.message, no.status)]
        reply = json_reply(_error_body(no, books), status=no.status, headers=headers)
    await asyncio.sleep(books.delay_s.get(step, 0.0))
    await books.held_replies.wait(step)
    if isinstance(fault, LoseReply):
        raise CloseConnection(reset=fault.reset)
    return reply


def _error_body(no: SignInError, books: TokenBooks) -> Body:
    if books.errors == "string":
        return {"error": no.code, "error_description": no.message}
    return {"error": {"message": no.message, "type": "invalid_request_error", "param": None, "code": no.code}}


def parse_body(exchange: Exchange) -> Body:
    """Return a JSON object or a form, by its content type; what is neither is empty."""
    raw = exchange.request.raw_body
    if is_form(exchange):
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_form(exchange: Exchange) -> bool:
    """Return whether the body is a form."""
    return exchange.request.headers.get("content-type", "").startswith(_FORM)


def build_surface(name: str, prefix: str, routes: tuple[Route, ...]) -> Surface:
    """Return a part of an issuer; all its routes are public."""
    return Surface(name=name, prefix=prefix, routes=routes, authenticate=_anonymous_caller, headers=issuer_headers)


def _anonymous_caller(request: RecordedRequest) -> Caller:
    raise refuse(http.NO_SUCH_PATH, method=request.method, path=request.path)


def issuer_headers(exchange: Exchange) -> Headers:
    """Return the headers of every reply of an issuer."""
    return [("x-request-id", exchange.request_id), ("server", "cloudflare"), ("cache-control", "no-store")]
