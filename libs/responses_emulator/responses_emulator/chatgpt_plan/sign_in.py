"""The issuer of Sign in with ChatGPT: clients that register by a sign-in, consent, codes with PKCE, signed tokens.

As documented on developers.openai.com/siwc and in Microsoft's module (seen 2026-11-30). Invariants: any thread may use
it; an issued client belongs to one account; nothing here speaks HTTP.
"""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from responses_emulator.chatgpt_plan.keys import SigningKey, first_key, new_key
from responses_emulator.openai_sign_in.records import InvalidAccessToken, SignInError, TokenFamily
from responses_emulator.openai_sign_in.token_books import TokenBooks
from responses_emulator.openai_sign_in.tokens import (
    AUTH_CLAIM,
    Account,
    TokenSet,
    decode_claims,
    make_unsigned_token,
    pkce_challenge,
)
from responses_emulator.rules import chatgpt_plan_sign_in as rules
from responses_emulator.rules.rule import Rule

DYNAMIC_CLIENT = "dynamic_agent_client"
ISSUER = "https://auth.openai.com"
RESOURCE = "https://api.openai.com/v1"
PLAN_SCOPE = "chatgpt.tokens.use.direct"
SCOPE = f"openid profile email offline_access resource.invoke {PLAN_SCOPE}"
# Documented.
ACCESS_LIFETIME_S = 3600
REFRESH_LIFETIME_S = 30 * 86_400
# Probes of a client (2026-09-30).
REFRESH_MARGIN_S = 360
# No page says how long a code is good for.
CODE_LIFETIME_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanClient:
    """A client id that was issued to one account."""

    client_id: str
    account: Account
    agent_name: str
    host_id: str


@dataclass(slots=True, kw_only=True)
class Authorization:
    """One authorization request, from the page to the exchange of its code."""

    ticket: str
    query: Mapping[str, str]
    code: str = ""
    client_id: str = ""
    account: Account | None = None
    scope: str = ""
    expires_at_s: float = 0.0

    @property
    def registers(self) -> bool:
        """Whether the request asks for a client id."""
        return self.query.get("client_id") == DYNAMIC_CLIENT


class AuthorizationError(SignInError):
    """An authorization request is refused. With a state, the browser takes the error to the client's callback."""

    def __init__(self, rule: Rule, query: Mapping[str, str], *, name: str = "") -> None:
        super().__init__(rule, name=name)
        self.query = query


class PlanSignIn(TokenBooks):
    """The accounts, clients and tokens of the issuer. A test may set the public attributes at any time.

    Attributes:
        consent: who answers the page: the user (`ask`, the default), or nobody, because the issuer redirects at once as
            for somebody who agreed before (`approve`) or as for somebody who cannot (`deny`).
        grants_plan: whether the box on the page that allows the use of the plan is ticked.
        registers_clients: whether the callback brings the client id that was issued.
        refuses_early_refresh: whether a refresh more than six minutes before the end of the token is refused.
        serves_discovery: whether there is a discovery document.
        issuer: the issuer in the tokens. The surface sets it to its own address.
        id_lifetime_s: the lifetime of ID tokens, in seconds.
        code_lifetime_s: the lifetime of codes, in seconds.
        id_claims: claims that replace those of ID tokens; None leaves a claim out.
        sign_id_token: makes the ID token from its claims, as a forger would. The default None signs with `keys`.
        keys: the keys; the first one signs.
        clients: the clients that were issued, by id.
        rejects_unknown_tokens: False accepts every well-formed access token of `make_plan_token` that is not expired.
    """

    _token_type = "Bearer"

    def __init__(
        self,
        account: Account | None = None,
        *,
        canary: str | None = None,
        consent: Literal["ask", "approve", "deny"] = "ask",
        lifetime_s: float = ACCESS_LIFETIME_S,
        known_only: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(account, canary=canary, clock=clock)
        self.consent: Literal["ask", "approve", "deny"] = consent
        self.lifetime_s = lifetime_s
        self.refresh_lifetime_s = REFRESH_LIFETIME_S
        self.errors = "string"
        self.grants_plan = True
        self.registers_clients = True
        self.refuses_early_refresh = True
        self.serves_discovery = True
        self.issuer = ISSUER
        self.id_lifetime_s = 3600.0
        self.code_lifetime_s: float = CODE_LIFETIME_S
        self.id_claims: dict[str, Any] = {}
        self.sign_id_token: Callable[[dict[str, Any]], str] | None = None
        self.clients: dict[str, PlanClient] = {}
        self.rejects_unknown_tokens = known_only
        self._keys: list[SigningKey] = []
        self._authorizations: list[Authorization] = []

    @property
    def keys(self) -> list[SigningKey]:
        """The keys; the first one signs."""
        with self._lock:
            if not self._keys:
                self._keys.append(first_key())
            return list(self._keys)

    # For tests.

    def rotate_keys(self, *, keep: bool = True) -> None:
        """Sign with a new key from now on; the key set has the old ones too, unless `keep` is False."""
        with self._lock:
            self._keys = [new_key(), *(self.keys if keep else ())]

    def register(self, account: Account | None = None, *, agent_name: str = "tester") -> PlanClient:
        """Issue a client id without a sign-in."""
        client = PlanClient(
            client_id=f"oaiapp_{secrets.token_hex(12)}",
            account=account or self.account,
            agent_name=agent_name,
            host_id=f"urn:uuid:{uuid.uuid4()}",
        )
        with self._lock:
            self.clients[client.client_id] = client
        return client

    def token_set(
        self,
        account: Account | None = None,
        *,
        lifetime_s: float | None = None,
        scope: str = SCOPE,
        client_id: str = "",
    ) -> TokenSet:
        """Return new tokens without a sign-in; a negative lifetime gives an access token that has expired."""
        with self._lock:
            client = self.clients[client_id] if client_id else self.register(account)
            number = self._open_family(client.account, client_id=client.client_id, scope=scope)
            return self._issue(number, lifetime_s)

    def client_of(self, tokens: TokenSet) -> PlanClient:
        """Return the client that tokens were issued to."""
        with self._lock:
            return self.clients[self._families[tokens.family].client_id]

    def _codes(self) -> list[str]:
        return [each.code for each in self._authorizations if each.code]

    # For the surfaces.

    def start(self, query: Mapping[str, str], *, resources: frozenset[str]) -> Authorization:
        """Check an authorization request and return it with its ticket.

        Raises:
            AuthorizationError: the request is not valid.
        """
        with self._lock:
            client = query.get("client_id", "")
            if client != DYNAMIC_CLIENT and client not in self.clients:
                raise SignInError(rules.UNKNOWN_CLIENT)
            if not _is_callback(query.get("redirect_uri", "")):
                raise SignInError(rules.WRONG_REDIRECT)
            self._check_query(query, resources)
            authorization = Authorization(ticket=secrets.token_urlsafe(24), query=dict(query))
            self._authorizations.append(authorization)
            return authorization

    def _check_query(self, query: Mapping[str, str], resources: frozenset[str]) -> None:
        needed = ["state", "nonce", "resource", "ext_agent_host_id"]
        if query["client_id"] == DYNAMIC_CLIENT:
            needed.append("agent_name_hint")
        for name in needed:
            if not query.get(name):
                raise AuthorizationError(rules.MISSING_PARAMETER, query, name=name)
        if query.get("response_type") != "code":
            raise AuthorizationError(rules.WRONG_RESPONSE_TYPE, query)
        challenge = query.get("code_challenge", "")
        if query.get("code_challenge_method") != "S256" or not re.fullmatch(r"[\w-]{43}", challenge):
            raise AuthorizationError(rules.NO_PKCE, query)
        if not _is_uuid_urn(query["ext_agent_host_id"]):
            raise AuthorizationError(rules.WRONG_HOST_ID, query)
        if query["resource"] not in resources:
            raise AuthorizationError(rules.WRONG_RESOURCE, query)
        scopes = query.get("scope", "").split()
        if "openid" not in scopes or set(scopes) - set(SCOPE.split()):
            raise AuthorizationError(rules.UNKNOWN_SCOPE, query)

    def find_authorization(self, ticket: str) -> Authorization | None:
        """Return the request that a page was shown for. None if there is none, or if it was answered."""
        with self._lock:
            waiting = (each for each in self._authorizations if each.ticket == ticket and not each.code)
            return next(waiting, None)

    def approve(self, authorization: Authorization, *, plan: bool, agent_name: str = "") -> dict[str, str]:
        """Let the user agree; return the parameters of the callback.

        Raises:
            AuthorizationError: the client belongs to somebody else.
        """
        query = authorization.query
        with self._lock:
            if authorization.registers:
                client = PlanClient(
                    client_id=f"oaiapp_{secrets.token_hex(12)}",
                    account=self.account,
                    agent_name=agent_name or query["agent_name_hint"],
                    host_id=query["ext_agent_host_id"],
                )
                self.clients[client.client_id] = client
            else:
                client = self.clients[query["client_id"]]
                if client.account != self.account:
                    raise AuthorizationError(rules.OTHER_USER, query)
            scopes = [each for each in query["scope"].split() if plan or each != PLAN_SCOPE]
            authorization.code = f"ac_{self.canary}{secrets.token_urlsafe(24)}"
            authorization.client_id = client.client_id
            authorization.account = client.account
            authorization.scope = " ".join(scopes)
            authorization.expires_at_s = self.clock() + self.code_lifetime_s
        issued = {"client_id": client.client_id} if authorization.registers and self.registers_clients else {}
        return {"code": authorization.code, "state": query["state"], **issued}

    def exchange(self, form: Mapping[str, Any], *, resources: frozenset[str]) -> TokenSet:
        """Return tokens for a code.

        Raises:
            SignInError: the code or anything around it is not valid.
        """
        with self._lock:
            self._check_client(form)
            self._check_resource(form, resources)
            found = next((each for each in self._authorizations if each.code and each.code == form.get("code")), None)
            if found is None or found.client_id != form["client_id"] or self.clock() >= found.expires_at_s:
                raise SignInError(rules.CODE_INVALID)
            found.expires_at_s = 0.0
            if form.get("redirect_uri") != found.query["redirect_uri"]:
                raise SignInError(rules.WRONG_REDIRECT)
            if pkce_challenge(str(form.get("code_verifier"))) != found.query["code_challenge"]:
                raise SignInError(rules.WRONG_VERIFIER)
            assert found.account is not None
            number = self._open_family(found.account, client_id=found.client_id, scope=found.scope)
            return self._issue(number, None, nonce=found.query["nonce"])

    def refresh(self, form: Mapping[str, Any], *, resources: frozenset[str]) -> TokenSet:
        """Return new tokens for a refresh token, which then is used up.

        Raises:
            SignInError: the token or anything around it is not valid.
        """
        with self._lock:
            self._check_client(form)
            self._check_resource(form, resources)
            if "scope" in form:
                raise SignInError(rules.SCOPE_IN_REFRESH)
            token = str(form.get("refresh_token"))
            if token in self._refresh and self._families[self._refresh[token]].client_id != form["client_id"]:
                raise SignInError(rules.WRONG_CLIENT)
            number = self._find_family(token)
            if self.refuses_early_refresh and self.clock() < self._families[number].earliest_refresh_s:
                raise SignInError(rules.EARLY_REFRESH)
            return self._issue(number, None, rotate="refresh_token" in self.refresh_response_fields)

    def grant_of(self, access_token: str, *, resources: frozenset[str]) -> TokenFamily:
        """Return whose access token it is, and what it may be used for.

        Raises:
            InvalidAccessToken: it is unknown, expired, revoked, or for another resource.
        """
        with self._lock:
            account = self.account_of(access_token)
            issued = self._access.get(access_token)
            if issued is not None:
                return self._families[issued.family]
            claims = decode_claims(access_token) or {}
            if not resources & set(claims.get("aud") or ()):
                raise InvalidAccessToken("chatpass_v2_invalid_authorization_context")
            return TokenFamily(account, client_id=str(claims.get("client_id")), scope=" ".join(claims.get("scp") or ()))

    def _account_in_unknown_token(self, access_token: str) -> Account:
        claims = decode_claims(access_token)
        if self.rejects_unknown_tokens or claims is None or AUTH_CLAIM not in claims:
            raise InvalidAccessToken("subscription_sharing_invalid_user")
        if claims.get("exp", 0) <= self.clock():
            raise InvalidAccessToken("token_expired")
        return Account(subject=str(claims.get("sub")))

    def _check_client(self, form: Mapping[str, Any]) -> None:
        if form.get("client_id") not in self.clients:
            raise SignInError(rules.UNKNOWN_CLIENT)

    def _check_resource(self, form: Mapping[str, Any], resources: frozenset[str]) -> None:
        if form.get("resource") not in resources:
            raise SignInError(rules.WRONG_RESOURCE)

    def _gives_refresh_token(self, family: TokenFamily) -> bool:
        return "offline_access" in family.scope.split()

    def _earliest_refresh(self, expires_at: int, lifetime_s: int) -> int:
        return expires_at - REFRESH_MARGIN_S

    def _make_access_token(self, family: TokenFamily, expires_at: int) -> str:
        family.earliest_refresh_s = self._earliest_refresh(expires_at, 0)
        claims = access_claims(
            family.account,
            client_id=family.client_id,
            scope=family.scope,
            expires_at=expires_at,
            issuer=self.issuer,
            now=self.clock(),
        )
        return self.keys[0].sign(claims)

    def _make_id_token(self, family: TokenFamily, nonce: str | None) -> str:
        now = int(self.clock())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": family.account.subject,
            "aud": family.client_id,
            "iat": now,
            "exp": now + int(self.id_lifetime_s),
            "email": family.account.email,
            "email_verified": True,
        }
        claims |= {"nonce": nonce} if nonce else {}
        claims = {name: value for name, value in {**claims, **self.id_claims}.items() if value is not None}
        return self.sign_id_token(claims) if self.sign_id_token else self.keys[0].sign(claims)


def access_claims(
    account: Account, *, client_id: str, scope: str, expires_at: int, issuer: str = ISSUER, now: float | None = None
) -> dict[str, Any]:
    """The claims of an access token: ten at the top, and two below that only OpenAI can read (live run, 2026-09-30)."""
    issued_at = min(int(time.time() if now is None else now), expires_at - 1)
    return {
        "iss": issuer,
        "sub": account.subject,
        "aud": [RESOURCE],
        "client_id": client_id,
        "scp": scope.split(),
        "iat": issued_at,
        "nbf": issued_at,
        "exp": expires_at,
        "jti": str(uuid.uuid4()),
        AUTH_CLAIM: {"per_user_salt": secrets.token_hex(16), "encrypted_auth_metadata": secrets.token_urlsafe(64)},
    }


def make_plan_token(
    account: Account, *, expires_at: int, canary: str = "CANARY", scope: str = SCOPE, client_id: str = "oaiapp_tester"
) -> str:
    """Return an access token with the right claims; its signature says the canary and proves nothing."""
    claims = access_claims(account, client_id=client_id, scope=scope, expires_at=expires_at)
    return make_unsigned_token(claims, canary=canary)


def _is_callback(address: str) -> bool:
    return re.fullmatch(r"http://127\.0\.0\.1:\d{1,5}/auth/callback", address) is not None


def _is_uuid_urn(text: str) -> bool:
    try:
        return text.startswith("urn:uuid:") and str(uuid.UUID(text)) == text.removeprefix("urn:uuid:")
    except ValueError:
        return False
