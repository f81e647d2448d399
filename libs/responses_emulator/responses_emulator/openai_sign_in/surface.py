"""OpenAI's sign-in service over HTTP: device codes, tokens, refresh, revocation, and the page for the user.

Its addresses lie under three prefixes, so it is three surfaces over one `SignInService`. The issuer's URL is the origin
of the emulator.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from responses_emulator.contract.refusal import refuse
from responses_emulator.openai_sign_in.records import LoseReply, SignInError, SignInStep
from responses_emulator.openai_sign_in.service import REDIRECT, SignInService
from responses_emulator.rules import http
from responses_emulator.rules import sign_in as rules
from responses_emulator.script.replies import Disconnect, HttpReply
from responses_emulator.service.refusal_notes import note_rule
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.surface import Caller, Exchange, Handler, Route, Surface, json_reply
from responses_emulator.transport.hang_up import CloseConnection
from responses_emulator.transport.server import Headers, Reply, StreamReply

_FORM = "application/x-www-form-urlencoded"
_PAGE = (
    "<!DOCTYPE html><html><head><title>Sign in to Codex with ChatGPT</title></head><body>"
    "<h1>Enter the code from your device</h1><form><input name=user_code></form></body></html>"
)
Body = dict[str, Any]
StepFunction = Callable[[SignInService, Exchange, Body], Any]


def issuer_surface(sign_in: SignInService, *, prefix: str = "") -> tuple[Surface, ...]:
    """The surfaces; `prefix` stands before all their addresses."""
    accounts = (
        Route("POST", "/deviceauth/usercode", _step_handler("usercode", sign_in, _usercode), is_public=True),
        Route("POST", "/deviceauth/token", _step_handler("poll", sign_in, _poll), is_public=True),
    )
    oauth = (
        Route("POST", "/token", _token(sign_in), is_public=True),
        Route("POST", "/revoke", _step_handler("revoke", sign_in, _revoke), is_public=True),
    )
    pages = (Route("GET", "/device", _page, is_public=True),)
    return (
        _surface("issuer", f"{prefix}/api/accounts", accounts),
        _surface("issuer-oauth", f"{prefix}/oauth", oauth),
        _surface("issuer-pages", f"{prefix}/codex", pages),
    )


def _surface(name: str, prefix: str, routes: tuple[Route, ...]) -> Surface:
    return Surface(name=name, prefix=prefix, routes=routes, authenticate=_anonymous_caller, headers=_headers)


def _anonymous_caller(request: RecordedRequest) -> Caller:
    raise refuse(http.NO_SUCH_PATH, method=request.method, path=request.path)


def _headers(exchange: Exchange) -> Headers:
    return [("x-request-id", exchange.request_id), ("server", "cloudflare"), ("cache-control", "no-store")]


async def _page(exchange: Exchange) -> Reply:
    return Reply(status=200, body=_PAGE.encode(), headers=[("content-type", "text/html; charset=utf-8")])


def _step_handler(step: SignInStep, sign_in: SignInService, work: StepFunction) -> Handler:
    async def handle(exchange: Exchange) -> Reply | StreamReply:
        return await _run_step(step, sign_in, work, exchange, _parse_body(exchange))

    return handle


def _token(sign_in: SignInService) -> Handler:
    """One address for two steps; the grant says which."""

    async def handle(exchange: Exchange) -> Reply | StreamReply:
        body = _parse_body(exchange)
        if body.get("grant_type") == "refresh_token":
            return await _run_step("refresh", sign_in, _refresh, exchange, body)
        return await _run_step("exchange", sign_in, _exchange, exchange, body)

    return handle


async def _run_step(
    step: SignInStep, sign_in: SignInService, work: StepFunction, exchange: Exchange, body: Body
) -> Reply:
    fault = sign_in.record_request(step, body, exchange.request.headers)
    match fault:
        case HttpReply():
            await asyncio.sleep(fault.delay_s)
            content, kind = fault.encode()
            headers = [("content-type", kind), *_headers(exchange), *fault.headers.items()]
            return Reply(status=fault.status, body=content, headers=headers)
        case Disconnect():
            raise CloseConnection(reset=fault.reset)
        case _:
            pass
    try:
        reply = json_reply(work(sign_in, exchange, body), headers=_headers(exchange))
    except SignInError as no:
        headers = [*_headers(exchange), *note_rule(exchange.request, no.rule, no.message, no.status)]
        reply = json_reply(_error_body(no, sign_in), status=no.status, headers=headers)
    await asyncio.sleep(sign_in.delay_s.get(step, 0.0))
    await sign_in.held_replies.wait(step)
    if isinstance(fault, LoseReply):
        raise CloseConnection(reset=fault.reset)
    return reply


def _error_body(no: SignInError, sign_in: SignInService) -> Body:
    if sign_in.errors == "string":
        return {"error": no.code, "error_description": no.message}
    return {"error": {"message": no.message, "type": "invalid_request_error", "param": None, "code": no.code}}


def _parse_body(exchange: Exchange) -> Body:
    """A JSON object or a form, by its content type; what is neither is empty."""
    raw = exchange.request.raw_body
    if exchange.request.headers.get("content-type", "").startswith(_FORM):
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_form(exchange: Exchange) -> bool:
    return exchange.request.headers.get("content-type", "").startswith(_FORM)


def _json_only(exchange: Exchange) -> None:
    if _is_form(exchange):
        raise SignInError(rules.NOT_JSON)


def _usercode(sign_in: SignInService, exchange: Exchange, body: Body) -> Body:
    _json_only(exchange)
    device = sign_in.start_device_sign_in(body.get("client_id"))
    expires = datetime.fromtimestamp(device.expires_at_s, UTC)
    return {
        "device_auth_id": device.device_auth_id,
        "user_code": device.user_code,
        "interval": sign_in.interval,
        "expires_at": expires.isoformat(),
    }


def _poll(sign_in: SignInService, exchange: Exchange, body: Body) -> Body:
    _json_only(exchange)
    device = sign_in.poll(body.get("device_auth_id"), body.get("user_code"))
    return {
        "status": "success",
        "user_code": device.user_code,
        "authorization_code": device.code,
        "code_challenge": device.challenge,
        "code_verifier": device.verifier,
    }


def _exchange(sign_in: SignInService, exchange: Exchange, body: Body) -> Body:
    if body.get("grant_type") != "authorization_code":
        raise SignInError(rules.UNSUPPORTED_GRANT)
    if not _is_form(exchange):
        raise SignInError(rules.NOT_A_FORM)
    # The issuer that the client was configured with, or the real one: the request must match it.
    redirects = frozenset({REDIRECT, f"{exchange.state.origin}/deviceauth/callback"})
    return sign_in.token_response(sign_in.exchange(body, redirects=redirects))


def _refresh(sign_in: SignInService, exchange: Exchange, body: Body) -> Body:
    tokens = sign_in.refresh(body.get("client_id"), body.get("refresh_token"))
    return sign_in.token_response(tokens, only=sign_in.refresh_response_fields)


def _revoke(sign_in: SignInService, exchange: Exchange, body: Body) -> Body:
    sign_in.revoke(body.get("token"))
    return {}
