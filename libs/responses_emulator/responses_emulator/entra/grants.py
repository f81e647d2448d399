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

from responses_emulator.contract.refusal import RefusalWithBody
from responses_emulator.entra.directory import Directory
from responses_emulator.entra.errors import entra_error, rule_error
from responses_emulator.entra.records import FEDERATED_AUDIENCE, OIDC_SCOPES, audience_of, base64url, has_principal
from responses_emulator.microsoft.error_bodies import reply_refusal
from responses_emulator.rules import entra as rules
from responses_emulator.rules.rule import Rule

Form = Mapping[str, str]
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def token_refusal(rule: Rule, **names: str) -> RefusalWithBody:
    """The refusal of a rule of the token endpoint, to raise."""
    return reply_refusal(rule_error(rule, names))


def issue_token(directory: Directory, form: Form, endpoint: str) -> dict[str, Any]:
    """The token that a form asks for; `endpoint` is the URL that assertions have to be made for.

    Raises:
        RefusalWithBody: the form asks for what it may not have.
    """
    if form.get("client_id") != directory.client_id:
        raise token_refusal(rules.UNKNOWN_APP, client=form.get("client_id", ""), tenant=directory.tenant)
    grant = form.get("grant_type", "")
    if grant not in _GRANTS:
        raise token_refusal(rules.UNSUPPORTED_GRANT, grant=grant)
    return _GRANTS[grant](directory, form, endpoint)


def resource_of_scope(directory: Directory, scope: str, *, app: bool = False) -> str:
    """The resource of a scope; an app can only ask for all that it was given, by `/.default`."""
    audience = audience_of(scope)
    if not audience or (app and not scope.endswith("/.default")):
        raise token_refusal(rules.INVALID_SCOPE, scope=scope)
    if not has_principal(audience):
        raise token_refusal(rules.UNKNOWN_RESOURCE, resource=audience, tenant=directory.tenant)
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
        raise token_refusal(rules.MALFORMED_GRANT)
    if token.error_number is not None:
        raise reply_refusal(entra_error(token.error_number, {"resource": audience_of(form.get("scope", ""))}))
    return _user_token(directory, form, form.get("scope", ""))


def _token_for_device_code(directory: Directory, form: Form, endpoint: str) -> dict[str, Any]:
    device = directory.poll_device_code(form.get("device_code", "") or form.get("code", ""))
    if device is None:
        raise token_refusal(rules.DEVICE_UNKNOWN)
    match device.state:
        case "pending":
            raise token_refusal(rules.DEVICE_PENDING)
        case "declined":
            raise token_refusal(rules.DEVICE_DECLINED)
        case "expired":
            raise token_refusal(rules.DEVICE_EXPIRED)
        case "used":
            raise token_refusal(rules.USED_CODE)
        case "approved":
            device.state = "used"
    return _user_token(directory, form, device.scope)


def _token_for_authorization_code(directory: Directory, form: Form, endpoint: str) -> dict[str, Any]:
    code = directory.find_authorization_code(form.get("code", ""))
    if code is None:
        raise token_refusal(rules.MALFORMED_GRANT)
    if code.used:
        raise token_refusal(rules.USED_CODE)
    if form.get("redirect_uri") != code.redirect_uri:
        raise token_refusal(rules.WRONG_REDIRECT, resource=form.get("redirect_uri", ""), client=form["client_id"])
    proof = base64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
    if code.challenge is not None and proof != code.challenge:
        raise token_refusal(rules.WRONG_VERIFIER)
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
            raise token_refusal(rules.EXPIRED_SECRET, client=directory.client_id)
        if secret != directory.client_secret:
            raise token_refusal(rules.WRONG_SECRET, client=directory.client_id)
    elif assertion is not None and form.get("client_assertion_type") == _JWT_BEARER:
        _check_assertion(directory, assertion, endpoint)
    else:
        raise token_refusal(rules.NO_CREDENTIAL)


def _check_assertion(directory: Directory, assertion: str, endpoint: str) -> None:
    import jwt

    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise token_refusal(rules.MALFORMED_ASSERTION) from None
    # A line feed at the end of a token file is still there if the client did not strip it.
    if assertion != assertion.strip():
        raise token_refusal(rules.MALFORMED_ASSERTION)
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
        raise token_refusal(rules.UNKNOWN_CERTIFICATE, thumbprint=shown)
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
        raise token_refusal(rules.EXPIRED_ASSERTION) from None
    except jwt.InvalidAudienceError:
        raise token_refusal(rules.WRONG_AUDIENCE) from None
    except jwt.InvalidTokenError:
        raise token_refusal(rules.WRONG_SIGNATURE, thumbprint=shown) from None


def _check_federated(directory: Directory, claims: Mapping[str, Any]) -> None:
    """The issuer's signature is not checked: its keys would be on a server that is not there."""
    subjects = directory.federated_subjects(str(claims.get("iss")))
    if not subjects:
        raise token_refusal(rules.UNKNOWN_ISSUER, issuer=str(claims.get("iss")))
    if claims.get("sub") not in subjects:
        raise token_refusal(rules.UNKNOWN_SUBJECT, subject=str(claims.get("sub")))
    audiences = claims.get("aud")
    if FEDERATED_AUDIENCE not in (audiences if isinstance(audiences, list) else [audiences]):
        raise token_refusal(rules.OTHER_AUDIENCE, audience=str(audiences))
    if not isinstance(expires := claims.get("exp"), int) or expires <= time.time():
        raise token_refusal(rules.EXPIRED_ASSERTION)
