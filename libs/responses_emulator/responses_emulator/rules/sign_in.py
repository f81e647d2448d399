"""What OpenAI's sign-in service refuses. The code is the name of the error."""

from __future__ import annotations

from responses_emulator.rules.rule import UNSOURCED, Rule, capture, report

_SEEN = "2026-12-01"
_CODES = "openai/codex, login/src/auth/manager.rs: the codes that its client knows"

DEVICE_CODES_DISABLED = Rule(
    when="a device code for an account that does not allow it",
    text="Device code login is not enabled.",
    source=capture("OpenAI's own client names the cause at 404", "2026-11-30"),
    ours="the text",
    status=404,
    code="not_found",
)
DEVICE_UNKNOWN = Rule(
    when="a poll with a code that does not exist",
    text="Device authorization is unknown.",
    source=report("openai/codex, login/src/device_code_auth.rs: 404 is pending; others know the code", _SEEN),
    ours="the text",
    status=404,
    code="deviceauth_authorization_unknown",
)
SLOW_DOWN = Rule(
    when="a poll before the interval is over, if a test says so",
    text="You are polling too frequently.",
    source=UNSOURCED,
    ours="the text; at 429 OpenAI's own client gives up",
    status=429,
    code="slow_down",
)
DEVICE_PENDING = Rule(
    when="a poll before the user has approved",
    text="Device authorization is pending. Please try again.",
    source=report("a sign-in of 2026-06-22 that a user wrote down", _SEEN),
    status=403,
    code="deviceauth_authorization_pending",
)
DECLINED = Rule(
    when="a poll after the user has declined",
    text="The sign-in was declined.",
    source=UNSOURCED,
    ours="the code and the text",
    code="authorization_declined",
)
DEVICE_EXPIRED = Rule(
    when="a poll after the code has expired",
    text="The device code has expired.",
    source=UNSOURCED,
    ours="the code and the text",
    code="expired_token",
)
CODE_USED = Rule(
    when="an authorization code that is unknown or used",
    text="The authorization code is invalid or was used before.",
    source=UNSOURCED,
    ours="the text; the code is that of OAuth",
    code="invalid_grant",
)
WRONG_REDIRECT = Rule(
    when="another `redirect_uri` than that of the issuer",
    text="The redirect_uri is not the one that the code was made for.",
    source=UNSOURCED,
    ours="the text; the code is that of OAuth",
    code="invalid_grant",
)
WRONG_VERIFIER = Rule(
    when="a `code_verifier` that does not fit",
    text="The code_verifier does not fit the code.",
    source=UNSOURCED,
    ours="the text; the code is that of OAuth",
    code="invalid_grant",
)
REFRESH_UNKNOWN = Rule(
    when="a refresh token that does not exist",
    text="The refresh token is unknown.",
    source=UNSOURCED,
    ours="the text; the code is that of OAuth",
    code="invalid_grant",
)
REFRESH_REUSED = Rule(
    when="a refresh token that was used before; the sign-in ends",
    text=("Your refresh token has already been used to generate a new access token. Please try signing in again."),
    source=report("openai/codex, login/src/auth/util.rs: a reply that its tests hold", _SEEN),
    status=401,
    code="refresh_token_reused",
)
REFRESH_EXPIRED = Rule(
    when="a refresh token that has expired",
    text="Your refresh token has expired. Please try signing in again.",
    source=report(_CODES, _SEEN),
    ours="the text",
    status=401,
    code="refresh_token_expired",
)
REFRESH_INVALIDATED = Rule(
    when="a refresh token whose sign-in has ended",
    text="Your refresh token has been invalidated. Please try signing in again.",
    source=report(_CODES, _SEEN),
    ours="the text",
    status=401,
    code="refresh_token_invalidated",
)
UNKNOWN_CLIENT = Rule(
    when="another `client_id` than that of OpenAI's own client",
    text="The client is unknown.",
    source=UNSOURCED,
    ours="the text; the code is that of OAuth",
    status=401,
    code="invalid_client",
)
NOT_A_FORM = Rule(
    when="a code that is exchanged in JSON; the real client sends a form",
    text="Expected a form.",
    source=capture("OpenAI's own client", "2026-11-30"),
    ours="that the other form is refused, and the text",
    code="invalid_request",
)
NOT_JSON = Rule(
    when="a device code that is asked for in a form; the real client sends JSON",
    text="Expected a JSON body.",
    source=capture("OpenAI's own client", "2026-11-30"),
    ours="that the other form is refused, and the text",
    code="invalid_request",
)
UNSUPPORTED_GRANT = Rule(
    when="another `grant_type` than `authorization_code` and `refresh_token`",
    text="The grant type is not supported.",
    source=UNSOURCED,
    ours="the text; the code is that of OAuth",
    code="unsupported_grant_type",
)
