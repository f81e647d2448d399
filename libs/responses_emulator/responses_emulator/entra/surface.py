"""Microsoft Entra over HTTP: discovery, the token endpoint, device codes and the authorization page of one tenant."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from responses_emulator.entra.directory import Directory
from responses_emulator.entra.errors import rule_error
from responses_emulator.entra.grants import issue_token, resource_of_scope, token_refusal
from responses_emulator.entra.records import AuthorizationCode
from responses_emulator.entra.requests import anonymous_caller, query_parameters, scripted_reply
from responses_emulator.microsoft.error_bodies import azure_error_body, reply_refusal
from responses_emulator.rules import entra as rules
from responses_emulator.service.surface import Exchange, Handler, Route, Surface, json_reply
from responses_emulator.transport.server import Headers, Reply, StreamReply

PUBLIC_HOST = "login.microsoftonline.com"
_TENANT = "/(?P<tenant>[^/]+)"
# Names that stand for any tenant; a user's own is then document by the user.
_ANY_TENANT = frozenset({"organizations", "common"})


def entra_surface(directory: Directory, *, prefix: str = "") -> Surface:
    """The surface of one tenant. Its authority is the server's origin, then a slash and the tenant."""

    def of(handler: Any) -> Handler:
        async def handle(exchange: Exchange) -> Reply | StreamReply:
            return await handler(directory, exchange)

        return handle

    return Surface(
        name="entra",
        prefix=prefix,
        routes=(
            Route("GET", "/common/discovery/instance", of(_instance_discovery), is_public=True),
            Route(
                "GET", f"{_TENANT}/v2.0/\\.well-known/openid-configuration", of(_openid_configuration), is_public=True
            ),
            Route("POST", f"{_TENANT}/oauth2/v2.0/token", of(_token), is_public=True),
            Route("POST", f"{_TENANT}/oauth2/v2.0/devicecode", of(_device_code), is_public=True),
            Route("GET", f"{_TENANT}/oauth2/v2.0/authorize", of(_authorize), is_public=True),
        ),
        authenticate=anonymous_caller,
        error_body=azure_error_body,
        headers=lambda exchange: [("x-ms-request-id", exchange.request_id.removeprefix("req_"))],
    )


def _parse_form(exchange: Exchange) -> dict[str, str]:
    text = exchange.request.raw_body.decode("latin-1")
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True, encoding="utf-8").items()}


def _authority(exchange: Exchange) -> str:
    """The authority as the client named it."""
    scheme = urlsplit(exchange.state.origin).scheme
    return f"{scheme}://{exchange.request.headers.get('host', '')}{exchange.surface.prefix}/{exchange.params['tenant']}"


def _check_tenant(directory: Directory, exchange: Exchange, *, any_tenant: bool = True) -> None:
    tenant = exchange.params["tenant"]
    if tenant.lower() not in {directory.tenant.lower(), directory.domain} and not (
        any_tenant and tenant in _ANY_TENANT
    ):
        raise token_refusal(rules.UNKNOWN_TENANT, tenant=tenant)


async def _instance_discovery(directory: Directory, exchange: Exchange) -> Reply:
    """Which hosts are one: query by clients that do not know theirs."""
    host = urlsplit(query_parameters(exchange).get("authorization_endpoint", "")).hostname or PUBLIC_HOST
    names = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
    endpoint = f"https://{host}/{directory.tenant}/v2.0/.well-known/openid-configuration"
    document = {"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": [names]}
    return json_reply(document, headers=_no_store())


async def _openid_configuration(directory: Directory, exchange: Exchange) -> Reply:
    if (answer := await scripted_reply(directory, exchange, "discovery")) is not None:
        return answer
    tenant = exchange.params["tenant"]
    if tenant.lower() not in {directory.tenant.lower(), directory.domain, *_ANY_TENANT}:
        raise reply_refusal(rule_error(rules.UNKNOWN_TENANT, {"tenant": tenant}, error_name="invalid_tenant"))
    base = _authority(exchange)
    if tenant.lower() == directory.domain:  # the document names the tenant by its id
        base = f"{base.rpartition('/')[0]}/{directory.tenant}"
    document = {
        "token_endpoint": directory.token_endpoint or f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
    }
    return json_reply(document, headers=[("cache-control", "max-age=86400, private")])


async def _token(directory: Directory, exchange: Exchange) -> Reply:
    form = _parse_form(exchange)
    directory.record_request("token", exchange.params["tenant"], form, exchange.request.headers)
    if (answer := await scripted_reply(directory, exchange, "token")) is not None:
        return answer
    _check_tenant(directory, exchange, any_tenant=form.get("grant_type") != "client_credentials")
    return json_reply(issue_token(directory, form, f"{_authority(exchange)}/oauth2/v2.0/token"), headers=_no_store())


async def _device_code(directory: Directory, exchange: Exchange) -> Reply:
    form = _parse_form(exchange)
    directory.record_request("devicecode", exchange.params["tenant"], form, exchange.request.headers)
    if (answer := await scripted_reply(directory, exchange, "devicecode")) is not None:
        return answer
    _check_tenant(directory, exchange)
    if form.get("client_id") != directory.client_id:
        raise token_refusal(rules.UNKNOWN_APP, client=form.get("client_id", ""), tenant=directory.tenant)
    resource_of_scope(directory, form.get("scope", ""))
    device = directory.new_device_code(directory.client_id, form["scope"])
    page = "https://microsoft.com/devicelogin"
    response = {
        "user_code": device.user_code,
        "device_code": device.code,
        "verification_uri": page,
        "expires_in": directory.device_expires_in,
        "interval": directory.device_interval,
        "message": f"To sign in, use a web browser to open the page {page} and enter the code {device.user_code} "
        "to authenticate.",
    }
    return json_reply(response, headers=_no_store())


async def _authorize(directory: Directory, exchange: Exchange) -> Reply:
    """The page after sign-in: it posts code and state to the client's own address, or says why not."""
    query = query_parameters(exchange)
    directory.record_request("authorize", exchange.params["tenant"], query, exchange.request.headers)
    _check_tenant(directory, exchange)
    target = query.get("redirect_uri", "")
    if query.get("client_id") != directory.client_id:
        raise token_refusal(rules.UNKNOWN_APP, client=query.get("client_id", ""), tenant=directory.tenant)
    if urlsplit(target).scheme != "http" or urlsplit(target).hostname not in {"localhost", "127.0.0.1"}:
        raise token_refusal(rules.WRONG_REDIRECT, resource=target, client=directory.client_id)
    fields = _refusal_fields() if directory.user_declines else _code_fields(directory, query)
    if "state" in query:
        fields["state"] = query["state"]
    if query.get("response_mode") != "form_post":
        return Reply(status=302, headers=[("location", f"{target}?{urlencode(fields)}")])
    return Reply(status=200, body=_form_page(target, fields), headers=[("content-type", "text/html; charset=utf-8")])


def _code_fields(directory: Directory, query: Mapping[str, str]) -> dict[str, str]:
    resource_of_scope(directory, query.get("scope", ""))
    challenge = query.get("code_challenge") if query.get("code_challenge_method") == "S256" else None
    code = AuthorizationCode(
        client_id=query["client_id"],
        redirect_uri=query["redirect_uri"],
        challenge=challenge,
        scope=query["scope"],
        nonce=query.get("nonce"),
    )
    return {"code": directory.new_authorization_code(code), "client_info": directory.client_info()}


def _refusal_fields() -> dict[str, str]:
    body = token_refusal(rules.CONSENT_DECLINED).body
    return {"error": body["error"], "error_description": body["error_description"]}


def _form_page(target: str, fields: Mapping[str, str]) -> bytes:
    inputs = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}" />'
        for name, value in fields.items()
    )
    return (
        "<html><head><title>Working...</title></head><body>"
        f'<form method="POST" name="hiddenform" action="{html.escape(target)}">{inputs}'
        '<noscript><input type="submit" value="Submit" /></noscript></form>'
        "<script>document.forms[0].submit();</script></body></html>"
    ).encode()


def _no_store() -> Headers:
    return [("cache-control", "no-store, no-cache"), ("pragma", "no-cache")]
