"""Which credential it is: one explicitly asked for, or the first of a fixed order that exists.

What the config gives wins over the environment. A way that does not exist here is passed over; one that fails ends the
search, since the next would be somebody else. Nothing interactive ever happens here. The order follows
azure-identity's default credential (1.27, seen 2026-11-21), with keys first.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError
from openai_responses_common import ApiKey, Credential, Token, sendable, setting
from openai_responses_common.auth.jwt import read_claims

from ..endpoint import AzureEndpoint
from ..settings import VARIABLES_BY_SETTING, Settings, describe_setting
from .azure_cli import AzureCli
from .azure_identity import AzureIdentityFlow, build_default_azure_identity_flow
from .credential import EntraCredential, get_shared_identity
from .flow import Flow, FlowUnavailable, Tenant
from .managed_identity import ManagedIdentity
from .msal_application import build_assertion_application, build_certificate_application, build_secret_application

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _AuthMode:
    """A way to a token: the settings that it needs, and how it is made of them."""

    required_settings: tuple[str, ...] = ()
    build_flow: Callable[[Settings, AzureEndpoint], Flow] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticToken:
    """A token that somebody else got, and that nobody can renew."""

    value: str = field(repr=False)
    description: str = "azure_ad_token (AZURE_OPENAI_AD_TOKEN), which cannot renew itself,"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not pickled or copied: it stays in this process")

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.token`; a refused token comes again, so that the service's own reason is told."""
        ends = float(read_claims(self.value).get("exp") or time.time() + 86_400.0)
        if ends <= time.time():
            raise AuthenticationError(f"the token of {self.description} has ended: get another one")
        return Token(value=self.value, expires_at_s=ends)


def _read_application(settings: Settings, endpoint: AzureEndpoint) -> tuple[Tenant, str]:
    return Tenant(authority=endpoint.authority, name=settings.required_text("tenant_id")), settings.required_text(
        "client_id"
    )


def _build_certificate_application(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    return build_certificate_application(
        *_read_application(settings, endpoint),
        settings.required_text("client_certificate_path"),
        password=settings.text("client_certificate_password"),
        send_chain=settings.flag("send_certificate_chain"),
    )


def _build_managed_identity(settings: Settings, *, probe_first: bool) -> Flow:
    """Configured ids win; AZURE_CLIENT_ID names the identity where nothing else does, as in the Azure SDKs."""
    for key in ("client_id", "resource_id", "object_id"):
        if value := settings.config_text(f"managed_identity_{key}"):
            return ManagedIdentity(ids={key: value}, probe_first=probe_first)
    own = settings.is_null("managed_identity_client_id")
    ambient = None if own else settings.text("managed_identity_client_id")
    return ManagedIdentity(ids={"client_id": ambient} if ambient else {}, probe_first=probe_first)


def _build_signed_in_user(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    """Loaded here alone: nobody else needs the store of tokens, nor a browser."""
    from .signed_in_user import SignedInUser

    return SignedInUser.from_settings(settings, endpoint)


def _build_azure_identity_flow(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    given = settings.config_value("credential")
    return AzureIdentityFlow(given) if given is not None else build_default_azure_identity_flow(endpoint.authority)


_AUTH_MODE_BY_NAME: Mapping[str, _AuthMode] = {
    "entra_token": _AuthMode(
        required_settings=("azure_ad_token",),
        build_flow=lambda settings, place: StaticToken(value=settings.header_secret("azure_ad_token")),
    ),
    "entra_client_secret": _AuthMode(
        required_settings=("tenant_id", "client_id", "client_secret"),
        build_flow=lambda settings, place: build_secret_application(
            *_read_application(settings, place), settings.required_text("client_secret")
        ),
    ),
    "entra_client_certificate": _AuthMode(
        required_settings=("tenant_id", "client_id", "client_certificate_path"),
        build_flow=_build_certificate_application,
    ),
    "entra_workload_identity": _AuthMode(
        required_settings=("tenant_id", "client_id", "federated_token_file"),
        build_flow=lambda settings, place: build_assertion_application(
            *_read_application(settings, place), settings.required_text("federated_token_file")
        ),
    ),
    "entra_managed_identity": _AuthMode(
        build_flow=lambda settings, place: _build_managed_identity(settings, probe_first=False)
    ),
    "entra_azure_cli": _AuthMode(
        build_flow=lambda settings, place: AzureCli(
            tenant=settings.config_text("tenant_id"), timeout_s=_read_deadline_s(settings)
        )
    ),
    "entra_browser": _AuthMode(required_settings=("client_id",), build_flow=_build_signed_in_user),
    "entra_device_code": _AuthMode(required_settings=("client_id",), build_flow=_build_signed_in_user),
    "azure_identity": _AuthMode(build_flow=_build_azure_identity_flow),
}


AUTH_MODE_NAMES = ("auto", "api_key", *_AUTH_MODE_BY_NAME)
"""What the setting `auth` takes."""


# What in a config asks for a way without naming it.
_MODE_BY_SETTING = {
    "client_secret": "entra_client_secret",
    "client_certificate_path": "entra_client_certificate",
    "federated_token_file": "entra_workload_identity",
    "azure_ad_token": "entra_token",
    "managed_identity_client_id": "entra_managed_identity",
    "managed_identity_resource_id": "entra_managed_identity",
    "managed_identity_object_id": "entra_managed_identity",
}


# The settings that an identity depends on.
_IDENTITY_SETTINGS = (
    *(key for key in VARIABLES_BY_SETTING if key not in {"azure_endpoint", "api_key"}),
    *("managed_identity_object_id", "managed_identity_resource_id", "token_store", "token_file_path", "account"),
    "token_timeout",
)


# What is looked for in the environment and on the machine, in this order.
_SEARCH_ORDER = (
    *("entra_token", "entra_client_secret", "entra_client_certificate", "entra_workload_identity"),
    *("entra_managed_identity", "entra_device_code", "entra_azure_cli"),
)


# What AZURE_TOKEN_CREDENTIALS leaves of it. Source: azure-identity 1.27, seen 2026-11-21.
_SEARCH_ORDER_BY_VARIABLE: Mapping[str, tuple[str, ...]] = {
    "prod": _SEARCH_ORDER[:5],
    "dev": _SEARCH_ORDER[5:],
    "environmentcredential": _SEARCH_ORDER[:3],
    "workloadidentitycredential": _SEARCH_ORDER[3:4],
    "managedidentitycredential": _SEARCH_ORDER[4:5],
    "azureclicredential": _SEARCH_ORDER[6:],
}


class FlowChain:
    """The ways that the machine offers; the first that gives a token is kept.

    Args:
        ways: name and flow of each, in order; instead of a flow, why there is none.
    """

    def __init__(self, flows: list[tuple[str, Flow | str]]) -> None:
        self._flows = flows
        self._working_flow: Flow | None = None

    @property
    def description(self) -> str:
        return self._working_flow.description if self._working_flow else "whatever identity is found"

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.token`."""
        if self._working_flow:
            return self._working_flow.get_token(scope, refused_token)
        passed_over: list[str] = []
        for name, flow in self._flows:
            try:
                if isinstance(flow, str):
                    raise FlowUnavailable(flow)
                token = flow.get_token(scope, refused_token)
            except FlowUnavailable as reason:
                passed_over.append(f"{name}: {reason}")
                continue
            logger.info("Azure OpenAI is called with %s", flow.description)
            self._working_flow = flow
            return token
        raise AuthenticationError(f"no credential for Azure OpenAI was found. {'; '.join(passed_over)}")


def choose_credential(settings: Settings, endpoint: AzureEndpoint) -> Credential:
    """The credential that the settings ask for.

    Raises:
        ConfigurationError: they ask for something that is not whole, or that may not go to this host.
    """
    mode = (settings.config_text("auth") or "auto").lower()
    if mode not in AUTH_MODE_NAMES:
        raise ConfigurationError(f"setting 'auth' takes {', '.join(AUTH_MODE_NAMES)}, not {mode!r}")
    if mode == "api_key":
        return _build_api_key(settings, endpoint, settings.required_text("api_key"))
    if mode == "auto":
        if key := settings.config_text("api_key"):
            return _build_api_key(settings, endpoint, key)
        mode = _read_mode_from_config(settings) or "auto"
        asked_for = mode != "auto" or settings.config_flag("use_default_credential")
        if not asked_for and (key := settings.text("api_key")):
            return _build_api_key(settings, endpoint, key)
        if mode == "auto" and settings.flag("use_managed_identity"):
            mode = "entra_managed_identity"
    if not endpoint.accepts_entra_tokens:
        raise ConfigurationError(
            f"Entra tokens are not sent to {endpoint.host}, which is no Azure host: list it in allowed_hosts, or use "
            "a key"
        )
    flow = _build_chain(settings, endpoint) if mode == "auto" else _build_flow(mode, settings, endpoint)
    identity = get_shared_identity(
        _hash_identity(settings, mode, endpoint), flow, deadline_s=_read_deadline_s(settings)
    )
    return EntraCredential(identity, endpoint.host, endpoint.scopes)


def _read_deadline_s(settings: Settings) -> float:
    return settings.seconds("token_timeout", 30.0)


def _hash_identity(settings: Settings, mode: str, endpoint: AzureEndpoint) -> str:
    """Of all that makes an identity; where no setting differs it is the same one."""
    named = [f"{key}={settings.text(key)}" for key in _IDENTITY_SETTINGS]
    parts = [mode, endpoint.authority, *named, str(id(settings.config_value("credential")))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _read_mode_from_config(settings: Settings) -> str | None:
    """The way that the config itself asks for."""
    if settings.config_value("credential") is not None:
        return "azure_identity"
    no_machine = settings.config_text("use_managed_identity") and not settings.flag("use_managed_identity")
    for key, mode in _MODE_BY_SETTING.items():
        if settings.config_text(key) and not (no_machine and mode == "entra_managed_identity"):
            return mode
    return "entra_managed_identity" if settings.config_flag("use_managed_identity") else None


def _build_flow(mode: str, settings: Settings, endpoint: AzureEndpoint) -> Flow:
    if missing := _describe_missing_settings(mode, settings):
        raise ConfigurationError(f"auth {mode} needs {missing}")
    return _AUTH_MODE_BY_NAME[mode].build_flow(settings, endpoint)


def _describe_missing_settings(mode: str, settings: Settings) -> str:
    return " and ".join(
        describe_setting(key) for key in _AUTH_MODE_BY_NAME[mode].required_settings if settings.text(key) is None
    )


def _build_chain(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    narrowed = (setting({}, "", "AZURE_TOKEN_CREDENTIALS") or "").lower()
    left = _SEARCH_ORDER_BY_VARIABLE.get(narrowed, _SEARCH_ORDER)
    ways: list[tuple[str, Flow | str]] = [("api_key", f"{describe_setting('api_key')} is not set")]
    for mode in _SEARCH_ORDER:
        if mode not in left:
            ways.append((mode, "left out by AZURE_TOKEN_CREDENTIALS"))
        elif missing := _describe_missing_settings(mode, settings):
            ways.append((mode, f"{missing} is not set"))
        elif mode == "entra_managed_identity":
            ways.append((mode, _build_managed_identity(settings, probe_first=True)))
        else:
            ways.append((mode, _AUTH_MODE_BY_NAME[mode].build_flow(settings, endpoint)))
    return FlowChain(ways)


def _build_api_key(settings: Settings, endpoint: AzureEndpoint, key: str) -> ApiKey:
    origin = "the config" if settings.config_text("api_key") else "the environment"
    # Ciphertext belongs to the resource, whoever calls it: the account is left empty.
    return ApiKey(
        key=sendable(describe_setting("api_key"), key),
        header="api-key",
        description=f"the API key of {origin}, to {endpoint.host}",
    )
