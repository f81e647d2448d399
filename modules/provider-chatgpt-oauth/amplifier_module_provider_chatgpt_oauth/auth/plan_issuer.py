"""The issuer of Sign in with ChatGPT: the address of its page, tokens, their refresh and their revocation. Blocks.

This file knows no token store and no terminal. Source: developers.openai.com/siwc/token-sharing-open-source (sign-in,
profiles-and-sessions, token-reference), seen 2026-11-30. The documented paths are used and no discovery document is
read: one at this host describes other sign-ins of OpenAI, too, and could only lead tokens elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.transport.http_client import BlockingHttp, JsonReply

from .id_token import verify_id_token
from .issuer import read_error_code, read_refresh_reply, require_success
from .tokens import Tokens, read_plan_tokens

DYNAMIC_CLIENT = "dynamic_agent_client"
"""Asks for a client id. It is never saved and gets no token."""
AGENT_NAME = "Amplifier"
PLAN_SCOPE = "chatgpt.tokens.use.direct"
SCOPE = f"openid profile email offline_access resource.invoke {PLAN_SCOPE}"
CLIENT_CODES = frozenset({"invalid_client", "unauthorized_client"})
_REFRESH_TIMEOUT_S = 60.0


class ClientRefused(AuthenticationError):
    """The service does not accept the client id, or nobody came back from its page, which may have shown just that."""


def _random() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sign-in: what its request and its callback have in common.

    Attributes:
        client_id: the client id that the request sends.
        redirect: the address of the callback.
    """

    client_id: str
    redirect: str
    state: str = field(default_factory=_random, repr=False)
    nonce: str = field(default_factory=_random, repr=False)
    verifier: str = field(default_factory=_random, repr=False)


class PlanIssuer:
    """The issuer at an address, for one API."""

    def __init__(self, url: str, resource: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self._resource = resource
        self._http = BlockingHttp(headers)
        self._refresh_http = BlockingHttp(headers, timeout_s=_REFRESH_TIMEOUT_S)

    def build_page_url(self, attempt: Attempt, *, host_id: str, asks_consent: bool) -> str:
        """Return the address of the page for the user; it holds no token."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": attempt.client_id,
            "redirect_uri": attempt.redirect,
            "scope": SCOPE,
            "resource": self._resource,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "ext_agent_host_id": host_id,
            **({"agent_name_hint": AGENT_NAME} if attempt.client_id == DYNAMIC_CLIENT else {}),
            **({"prompt": "consent"} if asks_consent else {}),
        }
        return f"{self.url}/api/accounts/authorize?{urlencode(query)}"

    def exchange_code(self, attempt: Attempt, *, client_id: str, code: str) -> Tokens:
        """Exchange the code of a callback for tokens, and verify who signed in.

        Raises:
            ClientRefused: the service does not accept the client id.
            AuthenticationError: the code or the identity is not valid.
            LLMError: the service cannot be reached.
        """
        form = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": code,
            "code_verifier": attempt.verifier,
            "redirect_uri": attempt.redirect,
            "resource": self._resource,
        }
        reply = self._post("token", form)
        if (code := read_error_code(reply)) in CLIENT_CODES:
            raise ClientRefused(f"completing the sign-in: the service does not accept this client ({code})")
        fields = require_success(reply, "completing the sign-in")
        identity = verify_id_token(
            fields.get("id_token"),
            keys=require_success(self._http.send("GET", f"{self.url}/.well-known/jwks.json"), "reading the keys"),
            issuer=self.url,
            client_id=client_id,
            nonce=attempt.nonce,
        )
        return read_plan_tokens(fields, client_id=client_id, identity=identity)

    def refresh_tokens(self, tokens: Tokens) -> Tokens:
        """Exchange the refresh token for new tokens, which must be saved before they are used.

        Raises:
            SignInEnded: the refresh token is not valid any more.
            UnexplainedRefusal: a 401 does not say why.
            LLMError: the refresh failed; it may succeed later.
        """
        form = {
            "grant_type": "refresh_token",
            "client_id": tokens.client_id,
            "refresh_token": tokens.refresh_token,
            "resource": self._resource,
        }
        reply = self._refresh_http.send("POST", f"{self.url}/api/accounts/oauth/token", form=form)
        fresh = read_plan_tokens(read_refresh_reply(reply), client_id=tokens.client_id, previous=tokens)
        check_scope(fresh)
        return fresh

    def revoke_tokens(self, tokens: Tokens) -> None:
        """Revoke the tokens at the service.

        Raises:
            LLMError: the service did not revoke them.
        """
        kind = "refresh_token" if tokens.refresh_token else "access_token"
        form = {
            "token": tokens.refresh_token or tokens.access_token,
            "token_type_hint": kind,
            "client_id": tokens.client_id,
        }
        require_success(self._post("revoke", form), "ending the sign-in")

    def _post(self, action: str, form: Mapping[str, str]) -> JsonReply:
        return self._http.send("POST", f"{self.url}/api/accounts/oauth/{action}", form=form)


def may_use_plan(tokens: Tokens) -> bool:
    """Return whether the user let us use the plan."""
    return PLAN_SCOPE in tokens.scope.split()


def check_scope(tokens: Tokens) -> None:
    """Check that the tokens may be used for calls.

    Raises:
        AuthenticationError: the user does not let us use the plan.
    """
    if not may_use_plan(tokens):
        raise AuthenticationError("this app may not use the ChatGPT plan: sign in again, and allow it on the page")
