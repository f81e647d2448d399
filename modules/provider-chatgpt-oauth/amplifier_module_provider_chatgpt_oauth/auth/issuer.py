"""The sign-in service of OpenAI: device codes, tokens, their refresh and their revocation. Blocks.

This file knows no token store and no provider. Source of every address, field, status and code: OpenAI's own client
(login/src) and live traces of its users, as of October 2026, seen 2026-11-21; the service has no contract. Of its error
responses only the code reaches an error, because the rest may repeat a token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import AuthenticationError, LLMError, ProviderUnavailableError
from openai_responses_common.auth.device_code import AuthorizationPending, CodeExpired, DeviceCode, Poll
from openai_responses_common.failures.durations import parse_seconds, read_retry_after_s
from openai_responses_common.transport.http_client import BlockingHttp, JsonReply
from openai_responses_common.wire.json_values import as_object

from ..settings import LOGIN_COMMAND
from .tokens import Tokens, read_tokens

CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
"""The client id of OpenAI's own client. Others cannot register, and all of them use it."""

_CODE_LIFETIME_S = 900.0

_REFRESH_TIMEOUT_S = 60.0
"""How long, in seconds, the response to a refresh is awaited. That is longer than other processes wait for the lock,
because the service may have spent the refresh token: without the response the sign-in would be lost, while the others
can use the old token or try again."""
_POLL_INTERVAL_S = 5.0

_END_REASONS: Mapping[str, str] = {
    "refresh_token_expired": "the sign-in has expired",
    "refresh_token_reused": "its refresh token was used before, by a process that was killed before it saved the new "
    "one, or by another program",
    "refresh_token_invalidated": "the sign-in was ended, by a sign-out or a changed password",
    **dict.fromkeys(
        (
            *("invalid_grant", "invalid_refresh_token", "app_session_terminated", "access_denied"),
            "token_expired",
        ),
        "the service does not know the sign-in any more",
    ),
    **dict.fromkeys(("invalid_client", "unauthorized_client"), "the service does not accept this client"),
}

_DECLINE_CODES = frozenset({"access_denied", "authorization_declined"})

_DEVICE_CODE_DISABLED = (
    "signing in with a code is switched off for this account: allow device code login in ChatGPT under Settings, "
    "Security; in a workspace, ask its administrator to allow it"
)


class SignInEnded(AuthenticationError):
    """The refresh token is not valid any more; `code` is the service's code for the reason."""

    code: str = ""

    @classmethod
    def from_code(cls, code: str) -> SignInEnded:
        """Build the error for a code.

        The class has no constructor, because an error that several tasks wait for is copied.
        """
        reason = _END_REASONS.get(code, "the sign-in was ended")
        error = cls(f"{reason} ({code}). Sign in again: run `{LOGIN_COMMAND}`", status_code=401)
        error.code = code
        return error


class UnexplainedRefusal(ProviderUnavailableError):
    """A 401 without a code of the sign-in service. It does not end the sign-in, and a retry at once would not help."""


class Issuer:
    """The sign-in service at an address."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self._http = BlockingHttp(headers)
        self._refresh_http = BlockingHttp(headers, timeout_s=_REFRESH_TIMEOUT_S)

    def request_device_code(self) -> tuple[DeviceCode, Poll[Tokens]]:
        """Request a device code; return it with the function that polls for the approval.

        Raises:
            LLMError: the service did not issue a code.
        """
        reply = self._post("/api/accounts/deviceauth/usercode", json_body={"client_id": CLIENT_ID})
        if reply.status == 404:
            raise AuthenticationError(_DEVICE_CODE_DISABLED, status_code=404)
        fields = require_success(reply, "requesting a code")
        device_id, user_code = fields.get("device_auth_id"), fields.get("user_code") or fields.get("usercode")
        if not isinstance(device_id, str) or not isinstance(user_code, str):
            raise ProviderUnavailableError("the sign-in service did not return a code", retryable=False)
        code = DeviceCode(
            url=f"{self.url}/codex/device",
            user_code=user_code,
            expires_in_s=_CODE_LIFETIME_S,
            interval_s=_read_interval_s(fields.get("interval")),
            browser_hosts=(urlsplit(self.url).hostname or "",),
            hint="If the page says that device code login is switched off, allow it in ChatGPT under Settings, "
            "Security.",
        )
        grant: dict[str, Any] = {}

        def poll() -> Tokens | AuthorizationPending:
            if not grant:
                body = {"device_auth_id": device_id, "user_code": user_code}
                reply = self._post("/api/accounts/deviceauth/token", json_body=body)
                if pending := _read_pending(reply):
                    return pending
                grant.update(require_success(reply, "waiting for the approval"))
            return self._exchange_code(grant)

        return code, poll

    def _exchange_code(self, grant: Mapping[str, Any]) -> Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": str(grant.get("authorization_code") or ""),
            "redirect_uri": f"{self.url}/deviceauth/callback",
            "client_id": CLIENT_ID,
            "code_verifier": str(grant.get("code_verifier") or ""),
        }
        return read_tokens(require_success(self._post("/oauth/token", form=form), "completing the sign-in"))

    def refresh_tokens(self, tokens: Tokens) -> Tokens:
        """Exchange the refresh token for new tokens, which must be saved before they are used.

        Raises:
            SignInEnded: the refresh token is not valid any more.
            UnexplainedRefusal: a 401 does not say why.
            LLMError: the refresh failed; it may succeed later.
        """
        body = {"client_id": CLIENT_ID, "grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        reply = self._refresh_http.send("POST", f"{self.url}/oauth/token", json_body=body)
        return read_tokens(read_refresh_reply(reply), previous=tokens)

    def revoke_tokens(self, tokens: Tokens) -> None:
        """Revoke the tokens at the service.

        Raises:
            LLMError: the service did not revoke them.
        """
        body = {"token": tokens.access_token, "token_type_hint": "access_token"}
        if tokens.refresh_token:
            body = {"token": tokens.refresh_token, "token_type_hint": "refresh_token", "client_id": CLIENT_ID}
        require_success(self._post("/oauth/revoke", json_body=body), "ending the sign-in")

    def _post(self, path: str, **content: Mapping[str, Any]) -> JsonReply:
        return self._http.send("POST", f"{self.url}{path}", **content)


def read_refresh_reply(reply: JsonReply) -> dict[str, Any]:
    """Return the fields of the response to a refresh.

    Raises:
        SignInEnded: the refresh token is not valid any more.
        UnexplainedRefusal: a 401 does not say why.
        LLMError: the refresh failed; it may succeed later.
    """
    code = read_error_code(reply)
    if reply.status >= 400 and code in _END_REASONS:
        raise SignInEnded.from_code(code)
    if reply.status == 401:
        reason = f"without a known reason{f' ({code})' if code else ''}"
        raise UnexplainedRefusal(
            f"refreshing the sign-in: the response was HTTP 401 {reason}; "
            "a proxy may have sent it. The refresh is tried again after a minute. If this lasts, run "
            f"`{LOGIN_COMMAND}`",
            status_code=401,
            retryable=False,
        )
    if 400 <= reply.status < 500 and reply.status != 429:
        # Only a listed code says that the refresh token is spent; anything else may pass by itself.
        raise ProviderUnavailableError(
            f"refreshing the sign-in: the service responded with HTTP {reply.status}", status_code=reply.status
        )
    return require_success(reply, "refreshing the sign-in")


def require_success(reply: JsonReply, action: str) -> dict[str, Any]:
    """Return the fields of a response, or raise the error of a step."""
    if 200 <= reply.status < 300:
        return reply.body_fields
    raise build_refusal_error(reply, action)


def _read_pending(reply: JsonReply) -> AuthorizationPending | None:
    """Whether the user has not decided yet. None if the user approved.

    Raises:
        LLMError: the user declined, or the code expired.
    """
    code = read_error_code(reply)
    if code in _DECLINE_CODES:
        raise AuthenticationError("the sign-in was declined in the browser")
    if code == "expired_token":
        raise CodeExpired("the code has expired")
    if reply.status == 429 or code == "slow_down":
        return AuthorizationPending(slow_down=True)
    if reply.status in {403, 404} and isinstance(reply.body, str) and reply.body.strip():
        raise build_refusal_error(reply, "waiting for the approval")
    # By status, because the code has changed before.
    return AuthorizationPending() if reply.status in {202, 204, 403, 404} else None


def build_refusal_error(reply: JsonReply, action: str) -> LLMError:
    """Return the error of a step that the service refused."""
    status, code = reply.status, read_error_code(reply)
    problem = f"{action}: the sign-in service responded with HTTP {status}{f' ({code})' if code else ''}"
    if status in {403, 404} and isinstance(reply.body, str):
        reason = "it may take this machine for a bot"
        problem = f"{action}: a page in front of the sign-in service refused the request (HTTP {status}); {reason}"
        return ProviderUnavailableError(problem, status_code=status)
    if status == 429 or status >= 500:
        return ProviderUnavailableError(problem, status_code=status, retry_after=read_retry_after_s(reply.headers))
    if status < 400:
        return AuthenticationError(f"{problem}: redirects are not followed; check the setting 'issuer'")
    return AuthenticationError(f"{problem}. Sign in again: run `{LOGIN_COMMAND}`", status_code=status)


def read_error_code(reply: JsonReply) -> str:
    """The code of an error, from any of the three places in which the service puts it.

    Empty if the error has no code, or if the text is not a code: then it may be a token.
    """
    error = reply.body_fields.get("error")
    code = as_object(error).get("code") or (error if isinstance(error, str) else None) or reply.body_fields.get("code")
    return code if isinstance(code, str) and re.fullmatch(r"[a-z_]{2,48}", code) else ""


def _read_interval_s(value: object) -> float:
    """The interval between polls, which the service sends as a string or as a number."""
    interval_s = parse_seconds(value)
    return _POLL_INTERVAL_S if interval_s is None else min(interval_s, 60.0)
