"""The issuer of Sign in with ChatGPT over HTTP: the page of the user, tokens, revocation, keys and discovery.

The issuer's URL is the origin of the emulator. The page is a form with two buttons, for a browser and for a client
without one.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from responses_emulator.chatgpt_plan.sign_in import RESOURCE, SCOPE, Authorization, AuthorizationError, PlanSignIn
from responses_emulator.contract.refusal import refuse
from responses_emulator.openai_sign_in.records import SignInError, SignInStep
from responses_emulator.openai_sign_in.steps import (
    Body,
    StepFunction,
    build_surface,
    is_form,
    issuer_headers,
    parse_body,
    run_step,
)
from responses_emulator.rules import chatgpt_plan_sign_in as rules
from responses_emulator.rules import http
from responses_emulator.service.refusal_notes import note_rule
from responses_emulator.service.surface import AnyReply, Exchange, Handler, Route, Surface
from responses_emulator.transport.server import Headers, Reply

APPROVE, DECLINE = "approve", "decline"
_HTML: Headers = [("content-type", "text/html; charset=utf-8")]
_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in with ChatGPT</title></head>
<body><h1>Sign in with ChatGPT</h1>
<p>{app} asks to sign in as {email}.</p>
<form method="post" action="{action}">
<input type="hidden" name="ticket" value="{ticket}">
<p><label>Name of the app <input name="agent_name" value="{app}"></label></p>
<p><label><input type="checkbox" name="plan" value="yes"{plan}> Let it use my ChatGPT plan</label></p>
<button id="approve" name="decision" value="approve">Continue</button>
<button id="decline" name="decision" value="decline">Cancel</button>
</form></body></html>
"""


def plan_issuer_surfaces(sign_in: PlanSignIn, *, prefix: str = "", api: str = "/v1") -> tuple[Surface, ...]:
    """The surfaces; `prefix` stands before all their addresses, and `api` is the path of the API on this origin."""
    issuer = _Issuer(sign_in, prefix, api)
    accounts = f"{prefix}/api/accounts"
    pages = (
        Route("GET", "", issuer.handle("authorize", issuer.show_page), is_public=True),
        Route("POST", "", issuer.handle("consent", issuer.take_decision), is_public=True),
    )
    oauth = (
        Route("POST", "/token", issuer.give_tokens, is_public=True),
        Route("POST", "/revoke", issuer.handle("revoke", issuer.revoke), is_public=True),
    )
    well_known = (
        Route("GET", "/jwks.json", issuer.handle("keys", issuer.list_keys), is_public=True),
        Route("GET", "/openid-configuration", issuer.handle("discovery", issuer.describe), is_public=True),
    )
    return (
        build_surface("plan-issuer", f"{accounts}/authorize", pages),
        build_surface("plan-issuer-oauth", f"{accounts}/oauth", oauth),
        build_surface("plan-issuer-keys", f"{prefix}/.well-known", well_known),
    )


class _Issuer:
    def __init__(self, sign_in: PlanSignIn, prefix: str, api: str) -> None:
        self._sign_in = sign_in
        self._prefix = prefix
        self._api = api

    def handle(self, step: SignInStep, work: StepFunction[PlanSignIn]) -> Handler:
        """Return the handler of one step."""

        async def handle(exchange: Exchange) -> AnyReply:
            self._sign_in.issuer = self._url(exchange)
            body = parse_body(exchange) or dict(parse_qsl(exchange.request.query, keep_blank_values=True))
            return await run_step(step, self._sign_in, work, exchange, body)

        return handle

    async def give_tokens(self, exchange: Exchange) -> AnyReply:
        """One address for two steps; the grant says which."""
        if parse_body(exchange).get("grant_type") == "refresh_token":
            return await self.handle("refresh", self._refresh)(exchange)
        return await self.handle("exchange", self._exchange)(exchange)

    def _url(self, exchange: Exchange) -> str:
        return f"{exchange.state.origin}{self._prefix}"

    def resources(self, exchange: Exchange) -> frozenset[str]:
        """What a client may name as the API: the real one, or that of the emulator."""
        return frozenset({RESOURCE, f"{exchange.state.origin}{self._api}"})

    def show_page(self, sign_in: PlanSignIn, exchange: Exchange, query: Body) -> Reply:
        """The page that asks the user, or the redirect where nobody is asked."""
        try:
            authorization = sign_in.start(query, resources=self.resources(exchange))
            match sign_in.consent:
                case "approve":
                    return _redirect(exchange, query, sign_in.approve(authorization, plan=sign_in.grants_plan))
                case "deny":
                    raise AuthorizationError(rules.ACCESS_DENIED, query)
                case _:
                    page = _page(authorization, sign_in, f"{self._url(exchange)}/api/accounts/authorize")
        except AuthorizationError as no:
            return _refusal_redirect(exchange, no)
        return Reply(status=200, body=page.encode(), headers=[*_HTML, *issuer_headers(exchange)])

    def take_decision(self, sign_in: PlanSignIn, exchange: Exchange, form: Body) -> Reply:
        """The buttons of the page."""
        authorization = sign_in.find_authorization(str(form.get("ticket")))
        if authorization is None:
            raise SignInError(rules.CODE_INVALID)
        try:
            if form.get("decision") != APPROVE:
                raise AuthorizationError(rules.ACCESS_DENIED, authorization.query)
            plan, name = form.get("plan") == "yes", str(form.get("agent_name", ""))
            parameters = sign_in.approve(authorization, plan=plan, agent_name=name)
        except AuthorizationError as no:
            return _refusal_redirect(exchange, no)
        return _redirect(exchange, authorization.query, parameters)

    def _exchange(self, sign_in: PlanSignIn, exchange: Exchange, form: Body) -> Body:
        _form_only(exchange)
        if form.get("grant_type") != "authorization_code":
            raise SignInError(rules.UNSUPPORTED_GRANT)
        return sign_in.token_response(sign_in.exchange(form, resources=self.resources(exchange)))

    def _refresh(self, sign_in: PlanSignIn, exchange: Exchange, form: Body) -> Body:
        _form_only(exchange)
        tokens = sign_in.refresh(form, resources=self.resources(exchange))
        return sign_in.token_response(tokens, only=sign_in.refresh_response_fields)

    def revoke(self, sign_in: PlanSignIn, exchange: Exchange, form: Body) -> Body:
        """End the sign-in of a token."""
        _form_only(exchange)
        sign_in.revoke(form.get("token"))
        return {}

    def list_keys(self, sign_in: PlanSignIn, exchange: Exchange, query: Body) -> Body:
        """The public keys."""
        return {"keys": [key.public for key in sign_in.keys]}

    def describe(self, sign_in: PlanSignIn, exchange: Exchange, query: Body) -> Body:
        """The discovery document."""
        if not sign_in.serves_discovery:
            raise refuse(http.NO_SUCH_PATH, method="GET", path=exchange.request.path)
        url = self._url(exchange)
        accounts = f"{url}/api/accounts"
        return {
            "issuer": url,
            "authorization_endpoint": f"{accounts}/authorize",
            "token_endpoint": f"{accounts}/oauth/token",
            "revocation_endpoint": f"{accounts}/oauth/revoke",
            "jwks_uri": f"{url}/.well-known/jwks.json",
            "scopes_supported": SCOPE.split(),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }


def _form_only(exchange: Exchange) -> None:
    if not is_form(exchange):
        raise SignInError(rules.NOT_A_FORM)


def _page(authorization: Authorization, sign_in: PlanSignIn, action: str) -> str:
    name = authorization.query.get("agent_name_hint") or sign_in.clients[authorization.query["client_id"]].agent_name
    return _PAGE.format(
        app=html.escape(name),
        email=html.escape(sign_in.account.email),
        action=html.escape(action),
        ticket=html.escape(authorization.ticket),
        plan=" checked" if sign_in.grants_plan else "",
    )


def _redirect(exchange: Exchange, query: Mapping[str, str], parameters: dict[str, str]) -> Reply:
    location = f"{query['redirect_uri']}?{urlencode(parameters)}"
    return Reply(status=303, headers=[("location", location), *issuer_headers(exchange)])


def _refusal_redirect(exchange: Exchange, no: AuthorizationError) -> Reply:
    """OAuth: the callback gets the error, because its address is known to be right."""
    state = {"state": no.query["state"]} if no.query.get("state") else {}
    reply = _redirect(exchange, no.query, {"error": no.code, "error_description": no.message, **state})
    reply.headers.extend(note_rule(exchange.request, no.rule, no.message, reply.status))
    return reply
