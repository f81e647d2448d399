"""Tokens of a user who signed in with a browser or a device code.

The command `login` signs in and saves the tokens in the token store; a session only reads and refreshes them there.
Blocks. Sources: MSAL 1.39 and its behaviour against a local server, Microsoft's page on device code policies; seen
2026-11-21.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import AbortError, AuthenticationError, ConfigurationError, LLMError, LLMTimeoutError
from openai_responses_common import Token
from openai_responses_common.auth.device_code import (
    AuthorizationPending,
    CodeExpired,
    DeviceCode,
    Poll,
    RequestDeviceCode,
)
from openai_responses_common.auth.store.base import TokenStore
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import StoreBusy, StoreError, TokenRecord

from ..endpoint import AzureEndpoint
from ..installation import importing
from ..settings import DEFAULT_TOKEN_FILE, LOGIN_HINT, OLD_TOKEN_FILE, Settings
from .flow import FlowUnavailable, Tenant, run_flow
from .msal_application import build_refusal_error, call_msal, read_token
from .token_endpoint import TokenHttpClient

logger = logging.getLogger(__name__)

_BROWSER_TIMEOUT_S = 300.0
_REFRESH_MARGIN_S = 300.0
"""The remaining lifetime, in seconds, at which a stored token is refreshed, as in MSAL."""
_MIN_LIFETIME_S = 120.0
"""The remaining lifetime, in seconds, down to which a stored token is used if it cannot be refreshed."""

# Where a user enters a code. Source: Entra's page on device codes, azure-identity's clouds; seen 2026-11-21.
_DEVICE_CODE_HOSTS = (
    *("microsoft.com", "www.microsoft.com", "aka.ms", "login.microsoft.com", "login.microsoftonline.com"),
    *("login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
)

_USER_CHECKS = "client_id and tenant_id"
_DEVICE_CODE_POLICY_HINT = "if a policy forbids device codes, use `login --browser` or `az login`"


def open_token_store(settings: Settings) -> TokenStore:
    """Return the store of the tokens of a sign-in.

    Raises:
        ConfigurationError: its settings are not valid.
    """
    try:
        return open_store(
            (settings.token_store or "auto").lower(),
            service="azure-openai",
            path=Path(settings.token_file_path or DEFAULT_TOKEN_FILE),
            old_path=None if settings.token_file_path else Path(OLD_TOKEN_FILE),
            account=settings.account or "default",
        )
    except StoreError as error:
        problem = str(error)
    raise ConfigurationError(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInUser:
    """The user who signed in to one application of one tenant.

    Attributes:
        tenant: the tenant of the application.
        client_id: the client id of the application.
        store: where the tokens of the sign-in are.
        in_chain: True in a chain of flows, where it is not a failure that nobody has signed in. The store is then
            opened only if there is a trace of a sign-in, because a keyring may ask for a password. False by default.
        is_read_only: whether refreshed tokens are not saved. Entra's refresh tokens can be used more than once. False
            by default.
    """

    tenant: Tenant
    client_id: str
    store: TokenStore = field(repr=False)
    in_chain: bool = False
    is_read_only: bool = False

    @classmethod
    def from_settings(cls, settings: Settings, endpoint: AzureEndpoint, *, in_chain: bool = False) -> SignedInUser:
        """The user of the application and the token store that the settings name.

        Raises:
            ConfigurationError: no application is set, or the token store is not valid.
        """
        if settings.client_id is None:
            raise ConfigurationError(
                "client_id or AZURE_CLIENT_ID is not set: a user signs in to an application that is registered in Entra"
            )
        return cls(
            tenant=Tenant(authority=endpoint.authority, name=settings.tenant_id or "organizations"),
            client_id=settings.client_id,
            store=open_token_store(settings),
            in_chain=in_chain,
            is_read_only=settings.is_read_only,
        )

    @property
    def description(self) -> str:
        """See `Flow.description`."""
        return f"the user signed in to application {self.client_id} of tenant {self.tenant.name}"

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.get_token`."""
        if self.in_chain and not self.store.has_files():
            raise FlowUnavailable(f"nobody has signed in: {LOGIN_HINT}")
        try:
            with self.store.lock():
                record = self.store.load()
                if record is None:
                    raise FlowUnavailable(f"nobody has signed in: {LOGIN_HINT}")
                session = _MsalSession(self, record)
                token = session.get_token_silently(scope, force_refresh=refused_token is not None)
                if not self.is_read_only:
                    session.save_changed_cache()
                return token
        except StoreBusy as error:
            raise LLMTimeoutError(str(error), retryable=True) from error
        except StoreError as error:
            problem = f"the tokens of {self.description} cannot be read: {error}"
        if self.in_chain:
            raise FlowUnavailable(problem)
        raise AuthenticationError(problem)

    def prepare_device_code_sign_in(self, scope: str) -> RequestDeviceCode[TokenRecord]:
        """The sign-in with a device code, for the library's `sign_in`."""

        def begin() -> tuple[DeviceCode, Poll[TokenRecord]]:
            code, poll = run_flow(self.description, lambda: _MsalSession(self, None).request_device_code(scope))
            return code, lambda: run_flow(self.description, poll)

        return begin

    def sign_in_with_browser(self, scope: str, print_text: Callable[[str], None]) -> TokenRecord:
        """Sign in with the browser on this machine; blocks until the user has approved or declined.

        Args:
            scope: the scope of the token.
            print_text: prints the address of the page if no browser can be opened.

        Raises:
            LLMError: the user did not finish in time, or Entra refused.
        """
        return run_flow(self.description, lambda: _MsalSession(self, None).sign_in_with_browser(scope, print_text))


def _stop_after_one_poll(flow: Mapping[str, Any]) -> bool:
    """Stop MSAL, which otherwise polls until the code expires."""
    return True


class _MsalSession:
    """MSAL's application with the tokens of a record."""

    def __init__(self, user: SignedInUser, record: TokenRecord | None) -> None:
        with importing():
            import msal

        self._user = user
        self._http_client = TokenHttpClient(user.tenant.authority)
        self._token_cache: Any = msal.SerializableTokenCache()
        self._realms: dict[str, str] = {}
        if record is not None:
            self._token_cache.deserialize(record.tokens.get("msal"))
            self._realms = {**record.tokens.get("realms", {})}

    @cached_property
    def _msal_application(self) -> Any:
        """MSAL's application, which asks Entra for the tenant when it is built."""
        import msal

        return call_msal(
            self._http_client,
            self._user.description,
            lambda: msal.PublicClientApplication(
                self._user.client_id,
                authority=self._user.tenant.url,
                token_cache=self._token_cache,
                instance_discovery=False,
                http_client=self._http_client,
            ),
        )

    def get_token_silently(self, scope: str, *, force_refresh: bool) -> Token:
        """Return a stored token or refresh it. An outage of Entra stops nobody while the stored token is valid."""
        stored = None if force_refresh else self._find_stored_token(scope)
        if stored is not None and stored.remaining_s() > _REFRESH_MARGIN_S:
            return stored
        try:
            return self._refresh_token(scope, force_refresh=force_refresh)
        except LLMError as error:
            if stored is None or not error.retryable or stored.remaining_s() < _MIN_LIFETIME_S:
                raise
            logger.warning("the token of %s cannot be refreshed, and is used on: %s", self._user.description, error)
            return stored

    def _find_stored_token(self, scope: str) -> Token | None:
        """Return the token that lives longest, without asking Entra. None if there is none.

        MSAL stores tokens under the id of a tenant. It is known for a tenant that is set by its domain once the record
        was saved, and else the name itself.
        """
        tenant = self._user.tenant
        query = {
            "client_id": self._user.client_id,
            "environment": urlsplit(tenant.authority).hostname,
            "realm": self._realms.get(tenant.url, tenant.name.lower()),
        }
        tokens = [
            Token(value=str(entry["secret"]), expires_at_s=float(entry["expires_on"]))
            for entry in self._token_cache.search("AccessToken", target=[scope], query=query)
        ]
        return max(tokens, key=Token.remaining_s, default=None)

    def _refresh_token(self, scope: str, *, force_refresh: bool) -> Token:
        accounts = self._list_accounts()
        if not accounts:
            raise FlowUnavailable(f"nobody has signed in to this application: {LOGIN_HINT}")
        result = self._msal_application.acquire_token_silent_with_error(
            [scope], account=accounts[0], force_refresh=force_refresh
        )
        return read_token(result, self._user.description, checks=_USER_CHECKS)

    def _list_accounts(self) -> list[dict[str, Any]]:
        """Return the accounts with tokens of this application; MSAL lists those of other applications, too."""
        query = {"client_id": self._user.client_id}
        ids = {
            credential["home_account_id"]
            for kind in ("RefreshToken", "AccessToken")
            for credential in self._token_cache.search(kind, query=query)
        }
        return [account for account in self._msal_application.get_accounts() if account["home_account_id"] in ids]

    def save_changed_cache(self) -> None:
        """Save the refreshed tokens. A failure is only logged: Entra's refresh tokens can be used more than once."""
        if not self._token_cache.has_state_changed:
            return
        try:
            self._user.store.save(self.build_record())
        except StoreError as error:
            logger.warning("the refreshed tokens of %s cannot be saved: %s", self._user.description, error)

    def build_record(self) -> TokenRecord:
        accounts = self._msal_application.get_accounts()
        name = str(accounts[0].get("username") or "unknown") if accounts else "unknown"
        realms = {**self._realms, self._user.tenant.url: self._msal_application.authority.tenant}
        tokens = {"msal": self._token_cache.serialize(), "realms": realms}
        return TokenRecord(account=name, saved_at=time.time(), tokens=tokens)

    def request_device_code(self, scope: str) -> tuple[DeviceCode, Poll[TokenRecord]]:
        flow: dict[str, Any] = self._msal_application.initiate_device_flow([scope])
        if "user_code" not in flow:
            raise build_refusal_error(flow, self._user.description, _DEVICE_CODE_POLICY_HINT, checks=_USER_CHECKS)
        flow["interval"] = max(1, int(flow["interval"]))  # MSAL polls for ever at an interval of 0
        code = DeviceCode(
            url=str(flow["verification_uri"]),
            user_code=str(flow["user_code"]),
            expires_in_s=float(flow["expires_in"]),
            interval_s=float(flow["interval"]),
            browser_hosts=_DEVICE_CODE_HOSTS,
            hint=f"{_DEVICE_CODE_POLICY_HINT.capitalize()}.",
        )

        def poll() -> TokenRecord | AuthorizationPending:
            result = self._msal_application.acquire_token_by_device_flow(flow, exit_condition=_stop_after_one_poll)
            return self._read_poll_result(result)

        return code, poll

    def _read_poll_result(self, result: Mapping[str, Any]) -> TokenRecord | AuthorizationPending:
        match result.get("error"):
            case None:
                read_token(result, self._user.description, checks=_USER_CHECKS)
                return self.build_record()
            case "authorization_pending":
                return AuthorizationPending()
            case "slow_down":
                return AuthorizationPending(slow_down=True)
            case "authorization_declined":
                raise AbortError("the sign-in was declined")
            case "expired_token" | "code_expired":
                raise CodeExpired("the code expired before it was entered")
            case _:
                raise build_refusal_error(result, self._user.description, _DEVICE_CODE_POLICY_HINT, checks=_USER_CHECKS)

    def sign_in_with_browser(self, scope: str, print_text: Callable[[str], None]) -> TokenRecord:
        import msal

        def show_address(url: str) -> None:
            print_text(f"Cannot open a browser. Open this page in a browser on this machine:\n\n    {url}\n")

        try:
            result = self._msal_application.acquire_token_interactive(
                [scope], timeout=_BROWSER_TIMEOUT_S, auth_uri_callback=show_address
            )
        except msal.BrowserInteractionTimeoutError:
            result = None
        if result is None:
            raise LLMTimeoutError(
                f"the sign-in in the browser was not completed within {_BROWSER_TIMEOUT_S / 60:.0f} minutes"
            )
        if result.get("error") in {"access_denied", "authentication_canceled"}:
            raise AbortError("the sign-in was declined")
        read_token(result, self._user.description, checks=_USER_CHECKS)
        return self.build_record()
