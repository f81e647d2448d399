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
from openai_responses_common.auth.jwt import claims_of

from .credential import EntraCredential, shared_identity
from .endpoint import Place
from .entra import Flow, Tenant, Unavailable, with_assertion, with_certificate, with_secret
from .injected import Injected, default_azure_credential
from .machine import AzureCli, ManagedIdentity
from .settings import VARIABLES, Settings, source

logger = logging.getLogger(__name__)

STATUS = "`python -m amplifier_module_provider_azure_openai_v2 status` shows what is found"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A way to a token: the settings that it needs, and how it is made of them."""

    needs: tuple[str, ...] = ()
    build: Callable[[Settings, Place], Flow] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticToken:
    """A token that somebody else got, and that nobody can renew."""

    value: str = field(repr=False)
    words: str = "azure_ad_token (AZURE_OPENAI_AD_TOKEN), which cannot renew itself,"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not pickled or copied: it stays in this process")

    def token(self, scope: str, refused: str | None) -> Token:
        """See `Flow.token`; a refused token comes again, so that the service's own reason is told."""
        ends = float(claims_of(self.value).get("exp") or time.time() + 86_400.0)
        if ends <= time.time():
            raise AuthenticationError(f"the token of {self.words} has ended: get another one")
        return Token(value=self.value, expires_at_s=ends)


def _application(settings: Settings, place: Place) -> tuple[Tenant, str]:
    return Tenant(authority=place.authority, name=settings.needed("tenant_id")), settings.needed("client_id")


def _certificate(settings: Settings, place: Place) -> Flow:
    return with_certificate(
        *_application(settings, place),
        settings.needed("client_certificate_path"),
        password=settings.text("client_certificate_password"),
        chain=settings.flag("send_certificate_chain"),
    )


def _machine(settings: Settings, *, probed: bool) -> Flow:
    """Configured ids win; AZURE_CLIENT_ID names the identity where nothing else does, as in the Azure SDKs."""
    for key in ("client_id", "resource_id", "object_id"):
        if value := settings.configured(f"managed_identity_{key}"):
            return ManagedIdentity(ids={key: value}, probed=probed)
    own = settings.is_null("managed_identity_client_id")
    ambient = None if own else settings.text("managed_identity_client_id")
    return ManagedIdentity(ids={"client_id": ambient} if ambient else {}, probed=probed)


def _person(settings: Settings, place: Place) -> Flow:
    """Loaded here alone: nobody else needs the store of tokens, nor a browser."""
    from .person import Person

    return Person.of(settings, place)


def _injected(settings: Settings, place: Place) -> Flow:
    given = settings.value("credential")
    return Injected(given) if given is not None else default_azure_credential(place.authority)


_WAYS: Mapping[str, _Way] = {
    "entra_token": _Way(
        needs=("azure_ad_token",),
        build=lambda settings, place: StaticToken(value=settings.secret("azure_ad_token")),
    ),
    "entra_client_secret": _Way(
        needs=("tenant_id", "client_id", "client_secret"),
        build=lambda settings, place: with_secret(*_application(settings, place), settings.needed("client_secret")),
    ),
    "entra_client_certificate": _Way(needs=("tenant_id", "client_id", "client_certificate_path"), build=_certificate),
    "entra_workload_identity": _Way(
        needs=("tenant_id", "client_id", "federated_token_file"),
        build=lambda settings, place: with_assertion(
            *_application(settings, place), settings.needed("federated_token_file")
        ),
    ),
    "entra_managed_identity": _Way(build=lambda settings, place: _machine(settings, probed=False)),
    "entra_azure_cli": _Way(
        build=lambda settings, place: AzureCli(tenant=settings.configured("tenant_id"), timeout_s=_deadline_s(settings))
    ),
    "entra_browser": _Way(needs=("client_id",), build=_person),
    "entra_device_code": _Way(needs=("client_id",), build=_person),
    "azure_identity": _Way(build=_injected),
}
MODES = ("auto", "api_key", *_WAYS)
"""What the setting `auth` takes."""

# What in a config asks for a way without naming it.
_SAID_BY = {
    "client_secret": "entra_client_secret",
    "client_certificate_path": "entra_client_certificate",
    "federated_token_file": "entra_workload_identity",
    "azure_ad_token": "entra_token",
    "managed_identity_client_id": "entra_managed_identity",
    "managed_identity_resource_id": "entra_managed_identity",
    "managed_identity_object_id": "entra_managed_identity",
}
# The settings that an identity depends on.
_IDENTITY = (
    *(key for key in VARIABLES if key not in {"azure_endpoint", "api_key"}),
    *("managed_identity_object_id", "managed_identity_resource_id", "token_store", "token_file_path", "account"),
    "token_timeout",
)
# What is looked for in the environment and on the machine, in this order.
_FOUND = (
    *("entra_token", "entra_client_secret", "entra_client_certificate", "entra_workload_identity"),
    *("entra_managed_identity", "entra_device_code", "entra_azure_cli"),
)
# What AZURE_TOKEN_CREDENTIALS leaves of it. Source: azure-identity 1.27, seen 2026-11-21.
_NARROWED: Mapping[str, tuple[str, ...]] = {
    "prod": _FOUND[:5],
    "dev": _FOUND[5:],
    "environmentcredential": _FOUND[:3],
    "workloadidentitycredential": _FOUND[3:4],
    "managedidentitycredential": _FOUND[4:5],
    "azureclicredential": _FOUND[6:],
}


class Chain:
    """The ways that the machine offers; the first that gives a token is kept.

    Args:
        ways: name and flow of each, in order; instead of a flow, why there is none.
    """

    def __init__(self, ways: list[tuple[str, Flow | str]]) -> None:
        self._ways = ways
        self._kept: Flow | None = None

    @property
    def words(self) -> str:
        return self._kept.words if self._kept else "whatever identity is found"

    def token(self, scope: str, refused: str | None) -> Token:
        """See `Flow.token`."""
        if self._kept:
            return self._kept.token(scope, refused)
        passed_over: list[str] = []
        for name, flow in self._ways:
            try:
                if isinstance(flow, str):
                    raise Unavailable(flow)
                token = flow.token(scope, refused)
            except Unavailable as reason:
                passed_over.append(f"{name}: {reason}")
                continue
            logger.info("Azure OpenAI is called with %s", flow.words)
            self._kept = flow
            return token
        raise AuthenticationError(f"no credential for Azure OpenAI was found. {'; '.join(passed_over)}")


def choose(settings: Settings, place: Place) -> Credential:
    """The credential that the settings ask for.

    Raises:
        ConfigurationError: they ask for something that is not whole, or that may not go to this host.
    """
    mode = (settings.configured("auth") or "auto").lower()
    if mode not in MODES:
        raise ConfigurationError(f"setting 'auth' takes {', '.join(MODES)}, not {mode!r}")
    if mode == "api_key":
        return _key(settings, place, settings.needed("api_key"))
    if mode == "auto":
        if key := settings.configured("api_key"):
            return _key(settings, place, key)
        mode = _said(settings) or "auto"
        asked_for = mode != "auto" or settings.configured_flag("use_default_credential")
        if not asked_for and (key := settings.text("api_key")):
            return _key(settings, place, key)
        if mode == "auto" and settings.flag("use_managed_identity"):
            mode = "entra_managed_identity"
    if not place.takes_tokens:
        raise ConfigurationError(
            f"Entra tokens are not sent to {place.host}, which is no Azure host: list it in allowed_hosts, or use a key"
        )
    flow = _chain(settings, place) if mode == "auto" else _flow(mode, settings, place)
    identity = shared_identity(_digest(settings, mode, place), flow, deadline_s=_deadline_s(settings))
    return EntraCredential(identity, place.host, place.scopes)


def _deadline_s(settings: Settings) -> float:
    return settings.seconds("token_timeout", 30.0)


def _digest(settings: Settings, mode: str, place: Place) -> str:
    """Of all that makes an identity; where no setting differs it is the same one."""
    named = [f"{key}={settings.text(key)}" for key in _IDENTITY]
    parts = [mode, place.authority, *named, str(id(settings.value("credential")))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _said(settings: Settings) -> str | None:
    """The way that the config itself asks for."""
    if settings.value("credential") is not None:
        return "azure_identity"
    no_machine = settings.configured("use_managed_identity") and not settings.flag("use_managed_identity")
    for key, mode in _SAID_BY.items():
        if settings.configured(key) and not (no_machine and mode == "entra_managed_identity"):
            return mode
    return "entra_managed_identity" if settings.configured_flag("use_managed_identity") else None


def _flow(mode: str, settings: Settings, place: Place) -> Flow:
    if missing := _missing(mode, settings):
        raise ConfigurationError(f"auth {mode} needs {missing}")
    return _WAYS[mode].build(settings, place)


def _missing(mode: str, settings: Settings) -> str:
    return " and ".join(source(key) for key in _WAYS[mode].needs if settings.text(key) is None)


def _chain(settings: Settings, place: Place) -> Flow:
    narrowed = (setting({}, "", "AZURE_TOKEN_CREDENTIALS") or "").lower()
    left = _NARROWED.get(narrowed, _FOUND)
    ways: list[tuple[str, Flow | str]] = [("api_key", f"{source('api_key')} is not set")]
    for mode in _FOUND:
        if mode not in left:
            ways.append((mode, "left out by AZURE_TOKEN_CREDENTIALS"))
        elif missing := _missing(mode, settings):
            ways.append((mode, f"{missing} is not set"))
        elif mode == "entra_managed_identity":
            ways.append((mode, _machine(settings, probed=True)))
        else:
            ways.append((mode, _WAYS[mode].build(settings, place)))
    return Chain(ways)


def _key(settings: Settings, place: Place, key: str) -> ApiKey:
    origin = "the config" if settings.configured("api_key") else "the environment"
    # Ciphertext belongs to the resource, whoever calls it: the account is left empty.
    return ApiKey(
        key=sendable(source("api_key"), key), header="api-key", words=f"the API key of {origin}, to {place.host}"
    )
