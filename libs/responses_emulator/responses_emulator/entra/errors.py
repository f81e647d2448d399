"""The error replies of Microsoft Entra's token endpoint, by AADSTS number."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from responses_emulator.script.replies import HttpReply

# Entra: number -> status, `error`, text. Texts of 7000215, 7000222, 700211, 700213, 70016 and 700024 as
# quoted by users between 2023 and 2026; the others from general knowledge of the service, their wording not checked.
_AADSTS_ERRORS: dict[int, tuple[int, str, str]] = {
    7000215: (
        401,
        "invalid_client",
        (
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
            "value, not the client secret ID, for a secret added to app '{client}'."
        ),
    ),
    7000222: (
        401,
        "invalid_client",
        (
            "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new"
            " keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for "
            "added security: https://aka.ms/certCreds."
        ),
    ),
    7000218: (
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    65001: (
        400,
        "invalid_grant",
        (
            "The user or administrator has not consented to use the application with ID '{client}'. Send an interactive"
            " authorization request for this user and resource."
        ),
    ),
    90033: (400, "temporarily_unavailable", "A transient error has occurred. Please try again."),
    700016: (
        400,
        "unauthorized_client",
        (
            "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if"
            " the application has not been installed by the administrator of the tenant or consented to by any "
            "user in the tenant. You may have sent your authentication request to the wrong tenant."
        ),
    ),
    90002: (
        400,
        "invalid_request",
        (
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into "
            "the correct cloud. Check with your subscription administrator, this may happen if there are no "
            "active subscriptions for the tenant."
        ),
    ),
    700027: (
        401,
        "invalid_client",
        (
            "Client assertion failed signature validation. [Reason - {reason}, Thumbprint of key used by client: "
            "'{thumbprint}']."
        ),
    ),
    700024: (
        401,
        "invalid_client",
        (
            "Client assertion is not within its valid time range. Review the documentation at "
            "https://learn.microsoft.com/entra/identity-platform/certificate-credentials"
        ),
    ),
    700023: (401, "invalid_client", "Client assertion audience claim does not match Realm issuer."),
    50027: (400, "invalid_request", "JWT token is invalid or malformed."),
    700211: (
        401,
        "invalid_client",
        (
            "No matching federated identity record found for presented assertion issuer '{issuer}'. Please check "
            "your federated identity credential Subject, Audience and Issuer against the presented assertion."
        ),
    ),
    700212: (
        401,
        "invalid_client",
        (
            "No matching federated identity record found for presented assertion audience '{audience}'. Please "
            "check your federated identity credential Subject, Audience and Issuer against the presented "
            "assertion."
        ),
    ),
    700213: (
        401,
        "invalid_client",
        (
            "No matching federated identity record found for presented assertion subject '{subject}'. Check your "
            "federated identity credential Subject, Audience and Issuer against the presented assertion."
        ),
    ),
    70011: (
        400,
        "invalid_scope",
        (
            "The provided request must include a 'scope' input parameter. The provided value for the input "
            "parameter 'scope' is not valid. The scope {scope} is not valid."
        ),
    ),
    500011: (
        400,
        "invalid_resource",
        (
            "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen "
            "if the application has not been installed by the administrator of the tenant or consented to by any "
            "user in the tenant."
        ),
    ),
    70003: (400, "unsupported_grant_type", "The app requested an unsupported grant type '{grant}'."),
    9002313: (400, "invalid_grant", "Invalid request. Request is malformed or invalid."),
    50076: (
        400,
        "invalid_grant",
        (
            "Due to a configuration change made by your administrator, or because you moved to a new location, "
            "you must use multi-factor authentication to access '{resource}'."
        ),
    ),
    53003: (
        400,
        "invalid_grant",
        ("Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."),
    ),
    700082: (
        400,
        "invalid_grant",
        (
            "The refresh token has expired due to inactivity. The token was issued on "
            "2026-01-01T00:00:00.0000000Z and was inactive for 90.00:00:00."
        ),
    ),
    70043: (
        400,
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
    ),
    50011: (
        400,
        "invalid_request",
        (
            "The redirect URI '{resource}' specified in the request does not match the redirect URIs configured "
            "for the application '{client}'."
        ),
    ),
    54005: (
        400,
        "invalid_grant",
        (
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an "
            "existing refresh token."
        ),
    ),
    501481: (
        400,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    65004: (400, "access_denied", "User declined to consent to access the app."),
    70016: (400, "authorization_pending", "OAuth 2.0 device flow error. Authorization is pending. Continue polling."),
    70017: (400, "authorization_declined", "The end user denied the authorization request."),
    70018: (400, "bad_verification_code", "Invalid verification code due to User typing in wrong user code."),
    70020: (
        400,
        "expired_token",
        "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
    ),
}
_SUBERRORS = {50076: "basic_action", 53003: "message_only", 700082: "token_expired", 70043: "bad_token"}
_PLACEHOLDERS = (
    "client",
    "tenant",
    "reason",
    "thumbprint",
    "issuer",
    "audience",
    "subject",
    "scope",
    "resource",
    "grant",
)
# Without a number; RFC 8628 §3.5 names the error.
_SLOW_DOWN_MESSAGE = "The device polls too often. Wait longer between two requests."


def entra_error(
    number: int,
    names: Mapping[str, str] | None = None,
    *,
    status: int | None = None,
    error_name: str | None = None,
) -> HttpReply:
    """An error of the token endpoint by its AADSTS number; `names` fill in what the text names."""
    usual, kind, text = _AADSTS_ERRORS[number]
    found = {key: f"({key})" for key in _PLACEHOLDERS} | dict(names or {})
    body = _entra_body(error_name or kind, f"AADSTS{number}: {text.format(**found)}")
    body["error_codes"] = [number]
    body["error_uri"] = f"https://login.microsoftonline.com/error?code={number}"
    if number in _SUBERRORS:
        body["suberror"] = _SUBERRORS[number]
    return HttpReply(status or usual, body, {"cache-control": "no-store, no-cache", "pragma": "no-cache"})


def slow_down() -> HttpReply:
    """400 slow_down of a device sign-in."""
    return HttpReply(400, _entra_body("slow_down", _SLOW_DOWN_MESSAGE))


def entra_unavailable(*, after_s: int | None = None, status: int = 503) -> HttpReply:
    """503, or another status, as HTML from the edge."""
    headers = {} if after_s is None else {"retry-after": str(after_s)}
    return HttpReply(status, "<html><body><h2>Our services aren't available right now</h2></body></html>", headers)


def _entra_body(kind: str, text: str) -> dict[str, Any]:
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    return {
        "error": kind,
        "error_description": f"{text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}",
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": correlation,
    }
