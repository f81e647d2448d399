"""A person who signed in, in a browser or with a device code: their token, without asking them again.

The sign-in is a command of its own (`login`); a session only reads what it left in the token store. Blocking.
Sources: MSAL 1.39 and its behaviour against a local server, Microsoft's page on device code policies; seen 2026-11-21.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amplifier_core.llm_errors import AbortError, AuthenticationError, ConfigurationError, LLMTimeoutError
from openai_responses_common import Token
from openai_responses_common.auth.device_code import Begin, CodeExpired, DeviceCode, Pending, Poll
from openai_responses_common.auth.store.base import TokenStore
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import Record, StoreError

from .endpoint import Place
from .entra import SIGN_IN_AGAIN, Tenant, Unavailable, attempted, guarded, read_token, refused_error
from .settings import Settings
from .token_http import TokenClient

DEFAULT_PATH = "~/.amplifier/azure-openai-sign-in.json"
_BROWSER_S = 300.0
# Where a person enters a code. Source: Entra's page on device codes, azure-identity's clouds; seen 2026-11-21.
_PAGES = (
    *("microsoft.com", "www.microsoft.com", "aka.ms", "login.microsoft.com", "login.microsoftonline.com"),
    *("login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
)
_POLICY = "where a policy forbids device codes, use `login --browser` or `az login`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whoever signed in to one application of one tenant."""

    tenant: Tenant
    client_id: str
    store: TokenStore = field(repr=False)

    @classmethod
    def of(cls, settings: Settings, place: Place) -> Person:
        """As the settings say.

        Raises:
            ConfigurationError: there is no application to sign in to, or no such store.
        """
        client_id = settings.text("client_id")
        if client_id is None:
            raise ConfigurationError(
                "client_id or AZURE_CLIENT_ID is not set: a person signs in to a registered application"
            )
        path = Path(settings.text("token_file_path") or DEFAULT_PATH)
        mode = (settings.text("token_store") or "auto").lower()
        try:
            store = open_store(mode, service="azure-openai", path=path, account=settings.text("account") or "default")
        except StoreError as error:
            problem = str(error)
        else:
            name = settings.text("tenant_id") or "organizations"
            return cls(tenant=Tenant(authority=place.authority, name=name), client_id=client_id, store=store)
        raise ConfigurationError(problem)

    @property
    def words(self) -> str:
        return f"the person signed in to application {self.client_id} of tenant {self.tenant.name}"

    def token(self, scope: str, refused: str | None) -> Token:
        """See `Flow.token`."""
        try:
            with self.store.lock():
                record = self.store.load()
                if record is None:
                    raise Unavailable(f"nobody has signed in: {SIGN_IN_AGAIN}")
                session = _Session(self, record)
                token = session.silent(scope, again=refused is not None)
                session.keep()
                return token
        except StoreError as error:
            problem = str(error)
        raise AuthenticationError(f"the tokens of {self.words} cannot be read: {problem}")

    def device_code(self, scope: str) -> Begin[Record]:
        """The sign-in with a code, for the library's `sign_in`."""

        def begin() -> tuple[DeviceCode, Poll[Record]]:
            code, poll = guarded(self.words, lambda: _Session(self, None).begin(scope))
            return code, lambda: guarded(self.words, poll)

        return begin

    def browser(self, scope: str, say: Callable[[str], None]) -> Record:
        """The sign-in in this machine's browser; waits for the person.

        Args:
            scope: whom the token is for.
            say: tells where to go, if no browser can be opened.

        Raises:
            LLMError: they did not come back, or Entra refused.
        """
        return guarded(self.words, lambda: _Session(self, None).browse(scope, say))


def _once(flow: Mapping[str, Any]) -> bool:
    """MSAL asks on and on otherwise."""
    return True


class _Session:
    """MSAL's application with the tokens of a record."""

    def __init__(self, person: Person, record: Record | None) -> None:
        import msal

        self._person = person
        self._client = TokenClient(person.tenant.authority)
        self._cache: Any = msal.SerializableTokenCache()
        if record is not None:
            self._cache.deserialize(record.tokens.get("msal"))
        self._msal: Any = attempted(
            self._client,
            person.words,
            lambda: msal.PublicClientApplication(
                person.client_id,
                authority=person.tenant.url,
                token_cache=self._cache,
                instance_discovery=False,
                http_client=self._client,
            ),
        )

    def silent(self, scope: str, *, again: bool) -> Token:
        accounts = self._msal.get_accounts()
        if not accounts:
            raise Unavailable(f"nobody has signed in to this application: {SIGN_IN_AGAIN}")
        result = self._msal.acquire_token_silent_with_error([scope], account=accounts[0], force_refresh=again)
        return read_token(result, self._person.words)

    def keep(self) -> None:
        if self._cache.has_state_changed:
            self._person.store.save(self.record())

    def record(self) -> Record:
        accounts = self._msal.get_accounts()
        name = str(accounts[0].get("username") or "somebody") if accounts else "somebody"
        return Record(account=name, saved_at=time.time(), tokens={"msal": self._cache.serialize()})

    def begin(self, scope: str) -> tuple[DeviceCode, Poll[Record]]:
        flow: dict[str, Any] = self._msal.initiate_device_flow([scope])
        if "user_code" not in flow:
            raise refused_error(flow, self._person.words, _POLICY)
        flow["interval"] = max(1, int(flow["interval"]))  # MSAL polls for ever at an interval of 0
        code = DeviceCode(
            url=str(flow["verification_uri"]),
            user_code=str(flow["user_code"]),
            expires_in_s=float(flow["expires_in"]),
            interval_s=float(flow["interval"]),
            hosts=_PAGES,
            hint=f"{_POLICY.capitalize()}.",
        )

        def poll() -> Record | Pending:
            result = self._msal.acquire_token_by_device_flow(flow, exit_condition=_once)
            return self._approved(result)

        return code, poll

    def _approved(self, result: Mapping[str, Any]) -> Record | Pending:
        match result.get("error"):
            case None:
                read_token(result, self._person.words)
                return self.record()
            case "authorization_pending":
                return Pending()
            case "slow_down":
                return Pending(slow_down=True)
            case "authorization_declined":
                raise AbortError("the sign-in was declined")
            case "expired_token" | "code_expired":
                raise CodeExpired("the code expired before it was entered")
            case _:
                raise refused_error(result, self._person.words, _POLICY)

    def browse(self, scope: str, say: Callable[[str], None]) -> Record:
        import msal

        def told(url: str) -> None:
            say(f"No browser can be opened from here. Open this page in one on this machine:\n\n    {url}\n")

        try:
            result = self._msal.acquire_token_interactive([scope], timeout=_BROWSER_S, auth_uri_callback=told)
        except msal.BrowserInteractionTimeoutError:
            result = None
        if result is None:
            raise LLMTimeoutError(f"nobody came back from the browser within {_BROWSER_S / 60:.0f} minutes")
        if result.get("error") in {"access_denied", "authentication_canceled"}:
            raise AbortError("the sign-in was declined")
        read_token(result, self._person.words)
        return self.record()
