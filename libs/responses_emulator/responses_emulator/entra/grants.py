"""The grants of Entra's token endpoint: who may have a token for what, and what comes with it.

Invariants: every credential is really checked (secrets compared, signatures verified, PKCE recomputed); a refusal names
its AADSTS number; only a user's token comes with a refresh token, an id token and the account.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from responses_emulator.entra.directory import Directory
from responses_emulator.entra.errors import entra_error
from responses_emulator.entra.records import FEDERATED_AUDIENCE, OIDC_SCOPES, audience_of, base64url, has_principal
from responses_emulator.microsoft.error_bodies import RefusalWithBody

Form = Mapping[str, str]
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def token_refusal(number: int, **names: str) -> RefusalWithBody:
    """An error of the token endpoint, to raise."""
    return RefusalWithBody(entra_error(number, names))


def issue_token(directory: Directory, form: Form, endpoint: str) -> dict[str, Any]:
    """The token that a form asks for; `endpoint` is the URL that assertions have to be made for.

    Raises:
        RefusalWithBody: the form asks for what it may not have.
    """
    if form.get("client_id") != directory.client_id:
        raise token_refusal(700016, client=form.get("client_id", ""), tenant=directory.tenant)
    grant = form.get("grant_type", "")
    if grant not in _GRANTS:
        raise token_refusal(70003, grant=grant)
    return _GRANTS[grant](directory, form, endpoint)


def resource_of_scope(directory: Directory, scope: str, *, app: bool = False) -> str:
    """The resource of a scope; an app can only ask for all that it was given, by `/.default`."""
    audience = audience_of(scope)
    if not audience or (app and not scope.endswith("/.default")):
        raise token_refusal(70011, scope=scope)
    if not has_principal(audience):
        raise token_refusal(500011, resource=audience, tenant=directory.tenant)
    return audience


def _lifetimes(directory: Directory) -> dict[str, Any]:
    response: dict[str, Any] = {"expires_in": directory.expires_in, "ext_expires_in": directory.expires_in}
    if directory.refresh_in is not None:
        response["refresh_in"] = directory.refresh_in
    return response


def _app_token(directory: Directory, form: Form, endpoint: str) -> dict[str, Any]:
    _check_app(directory, form, endpoint)
    audience = resource_of_scope(directory, form.get("scope", ""), app=True)
    return {
        "token_type": "Bearer",
        **_lifetimes(directory),
        "access_token": directory.issue_access_token(audience).text,
    }


def _user_token(directory: Directory, form: Form, scope: str, nonce: str | None = None) -> dict[str, Any]:
    audience = resource_of_scope(directory, scope)
    client_id = form["client_id"]
    response = {
        "token_type": "Bearer",
        # Without it clients would not find the token again in their cache.
        "scope": f"{audience}/user_impersonation {audience}/.default",
        **_lifetimes(directory),
        "access_token": directory.issue_access_token(audience, user=directory.user).text,
    }
    requested = OIDC_SCOPES & set(scope.split())
    if "offline_access" in requested:
        response["refresh_token"] = directory.new_refresh_token(directory.user, client_id)
    if "openid" in requested:
        response["id_token"] = directory.id_token(client_id, nonce)
    if form.get("client_info") == "1":
        response["client_info"] = directory.client_info()
    return response


def _token_for_refresh_token(directory: Directory, form: Form, endpoint: str) -> dict[str, Any]:
    token = directory.find_refresh_token(form.get("refresh_token", ""))
    if token is None or token.client_id != form["client_id"]:
        raise token_refusal(9002313)
    if token.error_number is not None:
        raise token_refusal(token.error_number, resource=audience_of(form.get("scope", "")))
    return _user_token(directory, form, form.get("scope", ""))


def _token_for_device_code(directory: Directory, form: Form, endpoint: str) -> dict[str, Any]:
    device = directory.poll_device_code(form.get("device_code", "") or form.get("code", ""))
    if device is None:
        raise token_refusal(70018)
    match device.state:
        case "pending":
            raise token_refusal(70016)
        case "declined":
            raise token_refusal(70017)
        case "expired":
            raise token_refusal(70020)
        case "used":
            raise token_refusal(54005)
        case "approved":
            device.state = "used"
    return _user_token(directory, form, device.scope)


def _token_for_authorization_code(directory: Directory, form: Form, endpoint: str) -> dict[str, Any]:
    code = directory.find_authorization_code(form.get("code", ""))
    if code is None:
        raise token_refusal(9002313)
    if code.used:
        raise token_refusal(54005)
    if form.get("redirect_uri") != code.redirect_uri:
        raise token_refusal(50011, resource=form.get("redirect_uri", ""), client=form["client_id"])
    proof = base64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
    if code.challenge is not None and proof != code.challenge:
        raise token_refusal(501481)
    code.used = True
    return _user_token(directory, form, code.scope, code.nonce)


_GRANTS: dict[str, Callable[[Directory, Form, str], dict[str, Any]]] = {
    "client_credentials": _app_token,
    "refresh_token": _token_for_refresh_token,
    "urn:ietf:params:oauth:grant-type:device_code": _token_for_device_code,
    "device_code": _token_for_device_code,
    "authorization_code": _token_for_authorization_code,
}


# Authentication of an app.


def _check_app(directory: Directory, form: Form, endpoint: str) -> None:
    secret, assertion = form.get("client_secret"), form.get("client_assertion")
    if secret is not None:
        if secret in directory.expired_secrets:
            raise token_refusal(7000222, client=directory.client_id)
        if secret != directory.client_secret:
            raise token_refusal(7000215, client=directory.client_id)
    elif assertion is not None and form.get("client_assertion_type") == _JWT_BEARER:
        _check_assertion(directory, assertion, endpoint)
    else:
        raise token_refusal(7000218)


def _check_assertion(directory: Directory, assertion: str, endpoint: str) -> None:
    import jwt

    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise token_refusal(50027) from None
    # A line feed at the end of a token file is still there if the client did not strip it.
    if assertion != assertion.strip():
        raise token_refusal(50027)
    thumbprint = header.get("x5t#S256") or header.get("x5t")
    if thumbprint:
        _check_certificate(directory, assertion, str(thumbprint), endpoint)
    else:
        _check_federated(directory, claims)


def _check_certificate(directory: Directory, assertion: str, thumbprint: str, endpoint: str) -> None:
    import jwt

    key = directory.public_key(thumbprint)
    shown = base64.urlsafe_b64decode(thumbprint + "=" * (-len(thumbprint) % 4)).hex().upper()
    if key is None:
        raise token_refusal(700027, reason="The key was not found.", thumbprint=shown)
    try:
        jwt.decode(
            assertion,
            key,
            algorithms=["PS256", "RS256"],
            audience=endpoint,
            issuer=directory.client_id,
            subject=directory.client_id,
            options={"require": ["exp", "aud", "iss", "sub", "jti"]},
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        raise token_refusal(700024) from None
    except jwt.InvalidAudienceError:
        raise token_refusal(700023) from None
    except jwt.InvalidTokenError:
        reason = "The provided signature value did not match the expected signature value."
        raise token_refusal(700027, reason=reason, thumbprint=shown) from None


def _check_federated(directory: Directory, claims: Mapping[str, Any]) -> None:
    """The issuer's signature is not checked: its keys would be on a server that is not there."""
    subjects = directory.federated_subjects(str(claims.get("iss")))
    if not subjects:
        raise token_refusal(700211, issuer=str(claims.get("iss")))
    if claims.get("sub") not in subjects:
        raise token_refusal(700213, subject=str(claims.get("sub")))
    audiences = claims.get("aud")
    if FEDERATED_AUDIENCE not in (audiences if isinstance(audiences, list) else [audiences]):
        raise token_refusal(700212, audience=str(audiences))
    if not isinstance(expires := claims.get("exp"), int) or expires <= time.time():
        raise token_refusal(700024)
