"""Choose the credential: the one that the settings name, or the first of a fixed order that is available.

The config wins over the environment. A flow that this machine does not offer is skipped; a flow that fails ends the
search, because the next one would be another identity. Nothing interactive happens here. The order follows the default
credential of azure-identity (1.27, seen 2026-11-21), with keys first.
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
from openai_responses_common.provider.environment import describe_source

from ..endpoint import AzureEndpoint
from ..settings import IDENTITY_KEYS, SETTINGS, Settings, describe_setting
from .credential import EntraCredential, get_shared_identity
from .flow import Flow, FlowUnavailable, Tenant

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _AuthMode:
    """A value of the setting `auth`: the settings that it needs, and how to build its flow from them."""

    required_settings: tuple[str, ...] = ()
    build_flow: Callable[[Settings, AzureEndpoint], Flow] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticToken:
    """A token that another program obtained, and that this module cannot refresh."""

    value: str = field(repr=False)
    description: str = "azure_ad_token (AZURE_OPENAI_AD_TOKEN), which this module cannot refresh,"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not pickled or copied: it stays in this process")

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.get_token`. A refused token is returned again, so that the user sees the service's own reason."""
        expires_at_s = float(read_claims(self.value).get("exp") or time.time() + 86_400.0)
        if expires_at_s <= time.time():
            raise AuthenticationError(f"the token of {self.description} has expired: set a new one")
        return Token(value=self.value, expires_at_s=expires_at_s)


# The functions below import their flow, because a provider needs one of them at most, and with a key none.


def _read_application(settings: Settings, endpoint: AzureEndpoint) -> tuple[Tenant, str]:
    tenant = Tenant(authority=endpoint.authority, name=settings.require("tenant_id"))
    return tenant, settings.require("client_id")


def _build_static_token(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    return StaticToken(value=settings.require_secret("azure_ad_token"))


def _build_secret_application(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    from .msal_application import build_secret_application

    return build_secret_application(*_read_application(settings, endpoint), settings.require("client_secret"))


def _build_certificate_application(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    from .msal_application import build_certificate_application

    return build_certificate_application(
        *_read_application(settings, endpoint),
        settings.require("client_certificate_path"),
        password=settings.client_certificate_password,
        send_chain=settings.read_flag("send_certificate_chain"),
    )


def _build_assertion_application(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    from .msal_application import build_assertion_application

    return build_assertion_application(*_read_application(settings, endpoint), settings.require("federated_token_file"))


def _build_managed_identity(settings: Settings, endpoint: AzureEndpoint, *, in_chain: bool = False) -> Flow:
    """Ids of the config win; AZURE_CLIENT_ID selects the identity if nothing else does, as in the Azure SDKs."""
    from .managed_identity import ManagedIdentity

    for key in ("client_id", "resource_id", "object_id"):
        if value := settings.config_texts.get(f"managed_identity_{key}"):
            return ManagedIdentity(ids={key: value}, in_chain=in_chain)
    is_system_assigned = "managed_identity_client_id" in settings.null_keys
    client_id = None if is_system_assigned else settings.managed_identity_client_id
    return ManagedIdentity(ids={"client_id": client_id} if client_id else {}, in_chain=in_chain)


def _build_azure_cli(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    from .azure_cli import AzureCli

    # Shorter than the deadline of every flow, so that the error names the CLI.
    timeout_s = 0.9 * settings.read_token_timeout_s()
    return AzureCli(tenant=settings.config_texts.get("tenant_id"), timeout_s=timeout_s)


def _build_signed_in_user(settings: Settings, endpoint: AzureEndpoint, *, in_chain: bool = False) -> Flow:
    from .signed_in_user import SignedInUser

    return SignedInUser.from_settings(settings, endpoint, in_chain=in_chain)


def _build_signed_in_user_of_chain(settings: Settings, endpoint: AzureEndpoint) -> Flow | str:
    """Return the flow, or why there cannot be one: a store that nobody asked for must not end the search."""
    try:
        return _build_signed_in_user(settings, endpoint, in_chain=True)
    except ConfigurationError as error:
        return str(error)


def _build_azure_identity_flow(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    from .azure_identity import build_credential_flow, build_default_azure_identity_flow

    if settings.credential is None:
        return build_default_azure_identity_flow(endpoint.authority)
    return build_credential_flow(settings.credential)


_AUTH_MODE_BY_NAME: Mapping[str, _AuthMode] = {
    "entra_token": _AuthMode(required_settings=("azure_ad_token",), build_flow=_build_static_token),
    "entra_client_secret": _AuthMode(
        required_settings=("tenant_id", "client_id", "client_secret"), build_flow=_build_secret_application
    ),
    "entra_client_certificate": _AuthMode(
        required_settings=("tenant_id", "client_id", "client_certificate_path"),
        build_flow=_build_certificate_application,
    ),
    "entra_workload_identity": _AuthMode(
        required_settings=("tenant_id", "client_id", "federated_token_file"), build_flow=_build_assertion_application
    ),
    "entra_managed_identity": _AuthMode(build_flow=_build_managed_identity),
    "entra_azure_cli": _AuthMode(build_flow=_build_azure_cli),
    "entra_browser": _AuthMode(required_settings=("client_id",), build_flow=_build_signed_in_user),
    "entra_device_code": _AuthMode(required_settings=("client_id",), build_flow=_build_signed_in_user),
    "azure_identity": _AuthMode(build_flow=_build_azure_identity_flow),
}

AUTH_MODE_NAMES = ("auto", "api_key", *_AUTH_MODE_BY_NAME)
"""The values of the setting `auth`."""

# The mode that a setting of the config selects, if `auth` is not set. The first row that applies wins.
_MODE_BY_SETTING = {
    "client_secret": "entra_client_secret",
    "client_certificate_path": "entra_client_certificate",
    "federated_token_file": "entra_workload_identity",
    "azure_ad_token": "entra_token",
    "managed_identity_client_id": "entra_managed_identity",
    "managed_identity_resource_id": "entra_managed_identity",
    "managed_identity_object_id": "entra_managed_identity",
}

# The modes that `auto` tries on the environment and the machine, in this order.
_SEARCH_ORDER = (
    *("entra_token", "entra_client_secret", "entra_client_certificate", "entra_workload_identity"),
    *("entra_managed_identity", "entra_device_code", "entra_azure_cli"),
)

# The modes that each value of AZURE_TOKEN_CREDENTIALS leaves. Source: azure-identity 1.27, seen 2026-11-21.
_SEARCH_ORDER_BY_VARIABLE: Mapping[str, tuple[str, ...]] = {
    "prod": _SEARCH_ORDER[:5],
    "dev": _SEARCH_ORDER[5:],
    "environmentcredential": _SEARCH_ORDER[:3],
    "workloadidentitycredential": _SEARCH_ORDER[3:4],
    "managedidentitycredential": _SEARCH_ORDER[4:5],
    "azureclicredential": _SEARCH_ORDER[6:],
}


def choose_credential(settings: Settings, endpoint: AzureEndpoint) -> Credential:
    """Build the credential that the settings ask for.

    Raises:
        ConfigurationError: a setting that it needs is absent or not valid, or tokens may not be sent to this host.
    """
    mode = (settings.config_texts.get("auth") or "auto").lower()
    if mode not in AUTH_MODE_NAMES:
        raise ConfigurationError(f"setting 'auth' takes {', '.join(AUTH_MODE_NAMES)}, not {mode!r}")
    if mode == "api_key":
        return _build_api_key(settings, endpoint, settings.require("api_key"))
    if mode == "auto":
        if key := settings.config_texts.get("api_key"):
            return _build_api_key(settings, endpoint, key)
        mode = _read_mode_from_config(settings) or "auto"
        wants_identity = mode != "auto" or _read_config_flag(settings, "use_default_credential")
        if settings.api_key and not wants_identity:
            return _build_api_key(settings, endpoint, settings.api_key)
        if mode == "auto" and settings.read_flag("use_managed_identity"):
            mode = "entra_managed_identity"
    if not endpoint.accepts_entra_tokens:
        raise ConfigurationError(
            f"Entra tokens are not sent to {endpoint.host}, because it is not a host of Azure: add it to the setting "
            "'allowed_hosts', or use an API key"
        )
    flow = _build_chain(settings, endpoint) if mode == "auto" else _build_flow(mode, settings, endpoint)
    digest = _hash_identity(settings, mode, endpoint)
    identity = get_shared_identity(digest, flow, deadline_s=settings.read_token_timeout_s())
    return EntraCredential(identity, endpoint.host, endpoint.scopes)


def _build_api_key(settings: Settings, endpoint: AzureEndpoint, key: str) -> ApiKey:
    source = describe_source(settings.config_texts, "api_key", *SETTINGS["api_key"].variables)
    # Ciphertext belongs to the resource, not to the caller: the account stays empty.
    return ApiKey(
        key=sendable(source, key),
        header="api-key",
        description=f"the key in {source}, to {endpoint.host}",
    )


def _read_mode_from_config(settings: Settings) -> str | None:
    """The mode that the config selects without naming it. None if it selects none."""
    if settings.credential is not None:
        return "azure_identity"
    forbids_managed_identity = "use_managed_identity" in settings.config_texts and not settings.read_flag(
        "use_managed_identity"
    )
    for key, mode in _MODE_BY_SETTING.items():
        if key in settings.config_texts and not (forbids_managed_identity and mode == "entra_managed_identity"):
            return mode
    return "entra_managed_identity" if _read_config_flag(settings, "use_managed_identity") else None


def _read_config_flag(settings: Settings, key: str) -> bool:
    return key in settings.config_texts and settings.read_flag(key)


def _build_flow(mode: str, settings: Settings, endpoint: AzureEndpoint) -> Flow:
    if missing := _list_missing_settings(mode, settings):
        raise ConfigurationError(f"auth {mode} needs {_join_words([describe_setting(key) for key in missing])}")
    return _AUTH_MODE_BY_NAME[mode].build_flow(settings, endpoint)


def _list_missing_settings(mode: str, settings: Settings) -> list[str]:
    """The settings that a mode still needs, by their names."""
    return [key for key in _AUTH_MODE_BY_NAME[mode].required_settings if key not in settings.texts]


def _join_words(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _hash_identity(settings: Settings, mode: str, endpoint: AzureEndpoint) -> str:
    """A digest of all that selects an identity: providers with the same digest share one."""
    values = [f"{key}={settings.texts.get(key)}{' null' * (key in settings.null_keys)}" for key in IDENTITY_KEYS]
    parts = [mode, endpoint.authority, *values, str(id(settings.credential)), str(settings.is_read_only)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _build_chain(settings: Settings, endpoint: AzureEndpoint) -> Flow:
    allowed_modes = _read_allowed_modes()
    flows: list[tuple[str, Flow | str]] = []
    for mode in _SEARCH_ORDER:
        if mode not in allowed_modes:
            flows.append((mode, "excluded by AZURE_TOKEN_CREDENTIALS"))
        elif missing := _list_missing_settings(mode, settings):
            flows.append((mode, f"set {_join_words(missing)}"))
        elif mode == "entra_managed_identity":
            flows.append((mode, _build_managed_identity(settings, endpoint, in_chain=True)))
        elif mode == "entra_device_code":
            flows.append((mode, _build_signed_in_user_of_chain(settings, endpoint)))
        else:
            flows.append((mode, _AUTH_MODE_BY_NAME[mode].build_flow(settings, endpoint)))
    return FlowChain(flows)


def _read_allowed_modes() -> tuple[str, ...]:
    """Return the modes that AZURE_TOKEN_CREDENTIALS allows.

    Raises:
        ConfigurationError: it names another credential of azure-identity, or none.
    """
    name = setting({}, "", "AZURE_TOKEN_CREDENTIALS")
    if name is None:
        return _SEARCH_ORDER
    if name.lower() not in _SEARCH_ORDER_BY_VARIABLE:
        raise ConfigurationError(
            f"AZURE_TOKEN_CREDENTIALS is {name!r}, but `auth: auto` knows only dev, prod, EnvironmentCredential, "
            "WorkloadIdentityCredential, ManagedIdentityCredential and AzureCliCredential: for another credential of "
            "azure-identity set auth to azure_identity"
        )
    return _SEARCH_ORDER_BY_VARIABLE[name.lower()]


_NOTHING_FOUND = "no credential for Azure OpenAI found: set api_key (AZURE_OPENAI_API_KEY), or set up one of these"


class FlowChain:
    """The flows that the machine may offer. The first one that returns a token is used from then on.

    Args:
        flows: mode and flow of each, in order. A text instead of a flow says why the mode is not available.
    """

    def __init__(self, flows: list[tuple[str, Flow | str]]) -> None:
        self._flows = flows
        self._working_flow: Flow | None = None

    @property
    def description(self) -> str:
        """See `Flow.description`."""
        return self._working_flow.description if self._working_flow else "the first identity that is available"

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.get_token`."""
        if self._working_flow:
            return self._working_flow.get_token(scope, refused_token)
        skipped: list[str] = []
        for mode, flow in self._flows:
            try:
                if isinstance(flow, str):
                    raise FlowUnavailable(flow)
                token = flow.get_token(scope, refused_token)
            except FlowUnavailable as reason:
                skipped.append(f"{mode}: {reason}")
                continue
            logger.info("Azure OpenAI is called with %s", flow.description)
            self._working_flow = flow
            return token
        raise AuthenticationError("\n  ".join([_NOTHING_FOUND, *skipped]))
