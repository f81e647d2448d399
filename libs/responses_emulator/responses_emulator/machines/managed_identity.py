"""The places where a machine or an app of the platform gets tokens for its identity: IMDS, App Service, Arc.

Invariants: plain HTTP, as in life; a request that the real service would not answer is not answered here; the
reply about an unknown identity is the same whatever name the caller used.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from responses_emulator.contract.refusal import RefusalWithBody
from responses_emulator.entra.directory import Directory
from responses_emulator.entra.records import AccessToken, ManagedIdentity, has_principal
from responses_emulator.entra.requests import anonymous_caller, query_parameters, scripted_reply
from responses_emulator.machines.errors import app_service_refusal, imds_error, imds_refusal
from responses_emulator.microsoft.error_bodies import azure_error_body, reply_refusal
from responses_emulator.rules import machines as rules
from responses_emulator.script.replies import HttpReply
from responses_emulator.service.surface import Exchange, Route, Surface, json_reply
from responses_emulator.transport.server import Reply

TOKEN_PATH = "/metadata/identity/oauth2/token"
# Query name -> what it selects by. App Service writes the resource id differently (vendor's pages, seen 2026-11-21).
_IMDS_SELECTORS = {"client_id": "client_id", "object_id": "object_id", "msi_res_id": "resource_id"}
_APP_SELECTORS = {
    "client_id": "client_id",
    "object_id": "object_id",
    "principal_id": "object_id",
    "mi_res_id": "resource_id",
}


def imds_surface(directory: Directory, *, prefix: str = "/metadata/identity") -> Surface:
    """The instance metadata service of a virtual machine; the server's origin stands for 169.254.169.254."""
    return _surface("imds", prefix, Route("GET", "/oauth2/token", partial(_imds, directory), is_public=True))


def app_service_surface(directory: Directory, header: str, *, prefix: str = "/msi/token") -> Surface:
    """The endpoint of App Service, Functions and Container Apps; `header` is the secret that they hand to the app."""
    return _surface("app_service", prefix, Route("GET", "", partial(_app_service, directory, header), is_public=True))


def arc_surface(
    directory: Directory, key_file: Path, *, knows_users: bool = True, prefix: str = "/metadata/identity"
) -> Surface:
    """The agent of a machine outside the cloud: it names a file, and replies to a caller that can read it.

    With `knows_users` false it is an old agent, which answers for the machine whatever identity was asked for.
    """
    handler = partial(_arc, directory, key_file, knows_users)
    return _surface("arc", prefix, Route("GET", "/oauth2/token", handler, is_public=True))


def _surface(name: str, prefix: str, route: Route) -> Surface:
    return Surface(
        name=name, prefix=prefix, routes=(route,), authenticate=anonymous_caller, error_body=azure_error_body
    )


async def _imds(directory: Directory, exchange: Exchange) -> Reply:
    query = query_parameters(exchange)
    directory.record_request("imds", None, query, exchange.request.headers)
    if (answer := await scripted_reply(directory, exchange, "identity")) is not None:
        return answer
    _check_metadata(exchange, query, version="2018-02-01")
    return json_reply(_issue_token(directory, query, _IMDS_SELECTORS, imds_error()))


def _check_metadata(exchange: Exchange, query: Mapping[str, str], *, version: str) -> None:
    """The header keeps out what was only forwarded here."""
    if exchange.request.headers.get("metadata", "").lower() != "true":
        raise reply_refusal(imds_refusal(rules.NO_METADATA_HEADER))
    if "x-forwarded-for" in exchange.request.headers:
        raise reply_refusal(imds_refusal(rules.FORWARDED))
    if query.get("api-version", "") < version:
        raise reply_refusal(imds_refusal(rules.OLD_VERSION))


async def _app_service(directory: Directory, header: str, exchange: Exchange) -> Reply:
    query = query_parameters(exchange)
    directory.record_request("app_service", None, query, exchange.request.headers)
    if (answer := await scripted_reply(directory, exchange, "identity")) is not None:
        return answer
    if exchange.request.headers.get("x-identity-header") != header:
        raise reply_refusal(app_service_refusal(rules.APP_WRONG_HEADER))
    if query.get("api-version") != "2019-08-01":
        raise reply_refusal(app_service_refusal(rules.APP_OTHER_VERSION))
    token = _issue_token(directory, query, _APP_SELECTORS, app_service_refusal(rules.APP_IDENTITY_NOT_FOUND))
    for name in ("expires_in", "ext_expires_in"):
        del token[name]
    return json_reply(token)


async def _arc(directory: Directory, key_file: Path, knows_users: bool, exchange: Exchange) -> Reply:
    query = query_parameters(exchange)
    directory.record_request("arc", None, query, exchange.request.headers)
    if (answer := await scripted_reply(directory, exchange, "identity")) is not None:
        return answer
    _check_metadata(exchange, query, version="2019-11-01")
    if exchange.request.headers.get("authorization") != _read_key_file(key_file):
        rule = rules.ARC_KEY
        challenge = (("www-authenticate", f"Basic realm={key_file}"),)
        raise RefusalWithBody(rule, {"error": rule.kind}, headers=challenge)
    if knows_users:
        token = _issue_token(directory, query, _IMDS_SELECTORS, imds_error())
        # The agent repeats the selector that it followed.
        token |= {name: query[name] for name in _IMDS_SELECTORS if name in query}
    else:
        token = _issue_token(directory, {"resource": query.get("resource", "")}, {}, imds_error())
        del token["client_id"]
    return json_reply(token)


def _read_key_file(key_file: Path) -> str:
    """Read at every request: the real agent writes a new key each time."""
    return f"Basic {key_file.read_text(encoding='ascii')}"


def _issue_token(
    directory: Directory, query: Mapping[str, str], selectors: Mapping[str, str], unknown: HttpReply
) -> dict[str, Any]:
    named = [name for name in selectors if name in query]
    if len(named) > 1:
        raise reply_refusal(imds_refusal(rules.TWO_IDENTITIES))
    resource = query.get("resource")
    if not resource:
        raise reply_refusal(imds_refusal(rules.NO_RESOURCE))
    identity = (
        directory.find_identity(selectors[named[0]], query[named[0]]) if named else directory.find_identity(None, None)
    )
    if identity is None:
        raise reply_refusal(unknown)
    if not has_principal(resource):
        raise reply_refusal(imds_refusal(rules.UNKNOWN_RESOURCE, resource=resource))
    return _token_document(
        directory,
        identity,
        directory.issue_access_token(resource, object_id=identity.object_id, app_id=identity.client_id),
    )


def _token_document(directory: Directory, identity: ManagedIdentity, issued: AccessToken) -> dict[str, Any]:
    """Numbers are strings here, unlike at the token endpoint."""
    left = str(max(0, round(issued.expires_s - time.time())))
    return {
        "access_token": issued.text,
        "client_id": identity.client_id,
        "expires_in": left,
        "expires_on": str(int(issued.expires_s)),
        "ext_expires_in": left,
        "not_before": str(int(issued.expires_s) - directory.expires_in),
        "resource": issued.audience,
        "token_type": "Bearer",
    }
