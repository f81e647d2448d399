"""OpenAI's sign-in service over HTTP: device codes, tokens, refresh, revocation, and the page for the user.

Its addresses lie under three prefixes, so it is three surfaces over one `SignInService`. The issuer's URL is the origin
of the emulator.
"""

from __future__ import annotations

from datetime import UTC, datetime

from responses_emulator.openai_sign_in.records import SignInError, SignInStep
from responses_emulator.openai_sign_in.service import REDIRECT, SignInService
from responses_emulator.openai_sign_in.steps import (
    Body,
    StepFunction,
    build_surface,
    is_form,
    parse_body,
    run_step,
)
from responses_emulator.rules import sign_in as rules
from responses_emulator.service.surface import AnyReply, Exchange, Handler, Route, Surface
from responses_emulator.transport.server import Reply

_PAGE = (
    "<!DOCTYPE html><html><head><title>Sign in to Codex with ChatGPT</title></head><body>"
    "<h1>Enter the code from your device</h1><form><input name=user_code></form></body></html>"
)


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
        build_surface("issuer", f"{prefix}/api/accounts", accounts),
        build_surface("issuer-oauth", f"{prefix}/oauth", oauth),
        build_surface("issuer-pages", f"{prefix}/codex", pages),
    )


async def _page(exchange: Exchange) -> Reply:
    return Reply(status=200, body=_PAGE.encode(), headers=[("content-type", "text/html; charset=utf-8")])


def _step_handler(step: SignInStep, sign_in: SignInService, work: StepFunction[SignInService]) -> Handler:
    async def handle(exchange: Exchange) -> AnyReply:
        return await run_step(step, sign_in, work, exchange, parse_body(exchange))

    return handle


def _token(sign_in: SignInService) -> Handler:
    """One address for two steps; the grant says which."""

    async def handle(exchange: Exchange) -> AnyReply:
        body = parse_body(exchange)
        if body.get("grant_type") == "refresh_token":
            return await run_step("refresh", sign_in, _refresh, exchange, body)
        return await run_step("exchange", sign_in, _exchange, exchange, body)

    return handle


def _json_only(exchange: Exchange) -> None:
    if is_form(exchange):
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
    if not is_form(exchange):
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
