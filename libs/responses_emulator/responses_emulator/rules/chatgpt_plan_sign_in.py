"""What the issuer of Sign in with ChatGPT refuses. The code is the name of the error.

Refresh tokens that are unknown, used, expired or revoked have the rules of `sign_in`.
"""

from __future__ import annotations

from responses_emulator.rules.rule import Rule, document, report

_SEEN = "2026-11-30"
_SIGN_IN = document("Registration and sign-in, Sign in with ChatGPT", _SEEN)
_SESSIONS = document("Accounts and sessions, Sign in with ChatGPT", _SEEN)
_TEXT = "the text; the code is that of OAuth"

UNKNOWN_CLIENT = Rule(
    when="a client id that was not issued; `dynamic_agent_client` only asks for one",
    text="The client is unknown.",
    source=_SIGN_IN,
    ours="the status and the text; the code is that of OAuth",
    status=401,
    code="invalid_client",
)
WRONG_REDIRECT = Rule(
    when="another `redirect_uri` than `http://127.0.0.1:PORT/auth/callback`, or than that of the code",
    text="The redirect_uri is not valid for this client.",
    source=_SIGN_IN,
    ours=_TEXT,
    code="invalid_request",
)
MISSING_PARAMETER = Rule(
    when="an authorization request without `state`, `nonce`, `resource` or `ext_agent_host_id`, or a first one without "
    "`agent_name_hint`",
    text="The parameter {name} is missing.",
    source=_SIGN_IN,
    ours=_TEXT,
    code="invalid_request",
)
WRONG_RESPONSE_TYPE = Rule(
    when="another `response_type` than `code`",
    text="The response_type is not supported.",
    source=_SIGN_IN,
    ours=_TEXT,
    code="unsupported_response_type",
)
NO_PKCE = Rule(
    when="an authorization request without a `code_challenge` of the method S256",
    text="PKCE with S256 is required.",
    source=_SIGN_IN,
    ours=_TEXT,
    code="invalid_request",
)
WRONG_HOST_ID = Rule(
    when="an `ext_agent_host_id` that is not a `urn:uuid:`",
    text="The ext_agent_host_id is not a URN of a UUID.",
    source=_SIGN_IN,
    ours=_TEXT,
    code="invalid_request",
)
WRONG_RESOURCE = Rule(
    when="another `resource` than the API",
    text="The resource is not valid.",
    source=_SIGN_IN,
    ours="the text; the code is that of RFC 8707",
    code="invalid_target",
)
UNKNOWN_SCOPE = Rule(
    when="a scope that does not exist, or a list without `openid`",
    text="The scope is not valid.",
    source=_SIGN_IN,
    ours=_TEXT,
    code="invalid_scope",
)
ACCESS_DENIED = Rule(
    when="a sign-in that the user declines",
    text="The user denied the request.",
    source=document("Errors and recovery, Sign in with ChatGPT", _SEEN),
    ours=_TEXT,
    code="access_denied",
)
OTHER_USER = Rule(
    when="a client id that was issued for another person or workspace",
    text="The client belongs to another account.",
    source=document("Overview of token sharing for open source, Sign in with ChatGPT", _SEEN),
    ours="the code and the text",
    code="access_denied",
)
CODE_INVALID = Rule(
    when="an authorization code that is unknown, expired or used, or that was made for another client",
    text="The authorization code is invalid, expired or was used before.",
    source=_SIGN_IN,
    ours=_TEXT,
    code="invalid_grant",
)
WRONG_VERIFIER = Rule(
    when="a `code_verifier` that does not fit",
    text="The code_verifier does not fit the code.",
    source=_SIGN_IN,
    ours=_TEXT,
    code="invalid_grant",
)
WRONG_CLIENT = Rule(
    when="a refresh token that was issued to another client",
    text="The refresh token was issued to another client.",
    source=_SESSIONS,
    ours=_TEXT,
    code="invalid_grant",
)
SCOPE_IN_REFRESH = Rule(
    when="a refresh with a `scope`",
    text="A refresh takes no scope.",
    source=_SESSIONS,
    ours="that it is refused, and the text",
    code="invalid_request",
)
EARLY_REFRESH = Rule(
    when="a refresh before the time `earliest_refresh_at` of the token response",
    text="The access token cannot be refreshed yet.",
    source=report("probes of a client of 2026-09-30; the field is documented", "2026-12-01"),
    ours="the text; that client was also refused later",
    code="invalid_grant",
)
NOT_A_FORM = Rule(
    when="a request for tokens, or a revocation, that is not a form",
    text="Expected a form.",
    source=_SIGN_IN,
    ours="that JSON is refused, and the text",
    code="invalid_request",
)
UNSUPPORTED_GRANT = Rule(
    when="another `grant_type` than `authorization_code` and `refresh_token`; there is no device code",
    text="The grant type is not supported.",
    source=_SIGN_IN,
    ours=_TEXT,
    code="unsupported_grant_type",
)
