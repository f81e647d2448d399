"""Build the backend of one ChatGPT account from its settings.

Building reads the settings and calls nobody. A setting that is not valid becomes the `problem` that the first call
raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import Backend, Endpoint, HttpTransport, Options, Transport
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.record import StoreError
from openai_responses_common.transport.switching_transport import SwitchingTransport
from openai_responses_common.transport.websocket_transport import WebSocketTransport

from .account_settings import AccountSettings
from .auth.account import Account, get_shared_account
from .auth.credential import ChatgptCredential
from .auth_mode import AUTH_MODES, AuthMode
from .models import ChatgptModels
from .plan_quirks import PLAN_HEADERS, PLAN_PROFILE
from .quirks import CLIENT_HEADERS, PROFILE
from .routing import get_shared_routing
from .settings import (
    DEFAULT_CLIENT_VERSION,
    DEFAULT_MODEL,
    DEFAULT_MODELS_CACHE_TTL_S,
    SETTINGS,
    read_client_version,
    read_flag,
    read_models_cache_ttl_s,
)
from .transport import ChatgptTransport
from .wizard import WIZARD_QUESTIONS

SIGN_IN_CAPABILITY = "auth:oauth-device-code"
"""The capability that a host looks for before it offers a sign-in. Source: amplifier-app-cli's provider wizard, seen
2026-11-21."""
_PLAN_CAPABILITY = "auth:oauth_pkce"
"""What Microsoft's module adds for a sign-in in a browser (seen 2026-12-01)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatgptBackend:
    """The backend, and what a sign-in needs.

    Attributes:
        backend: the backend for the library.
        account: the account whose tokens calls use.
        models: the models of the account.
        credential: the credential of calls.
        login_on_mount: whether a session signs in when it starts.
        login_on_use: whether the first call offers the sign-in to a user at a terminal.
        is_auto: whether the setting `auth_mode` leaves the way to us.
        is_first_choice: whether it does, and nobody has signed in.
        problem: what is not valid in the settings. None if nothing is.
    """

    backend: Backend
    account: Account
    models: ChatgptModels
    credential: ChatgptCredential
    login_on_mount: bool
    login_on_use: bool
    is_auto: bool
    is_first_choice: bool
    problem: str | None


def build_chatgpt_backend(config: Mapping[str, Any]) -> ChatgptBackend:
    """Build the backend of the account that the settings name."""
    login_on_mount, login_on_use, ttl_s, version, problem = False, True, DEFAULT_MODELS_CACHE_TTL_S, None, None
    asks_routing, compresses = True, True
    try:
        account_settings, login_on_mount, login_on_use, ttl_s, version = (
            AccountSettings.from_config(config),
            read_flag(config, "login_on_mount"),
            read_flag(config, "login_on_use"),
            read_models_cache_ttl_s(config),
            read_client_version(config),
        )
        asks_routing, compresses = read_flag(config, "workspace_routing"), read_flag(config, "compress_requests")
        account = get_shared_account(account_settings)
    except (ConfigurationError, StoreError) as error:
        # The store in memory touches no file and no keyring.
        problem, account_settings = str(error), AccountSettings(token_store="memory")
        account = get_shared_account(account_settings)
    models = ChatgptModels(
        None if account_settings.token_store == "memory" else FileStore(account_settings.models_file),
        ttl_s=ttl_s,
        client_version=version or DEFAULT_CLIENT_VERSION,
        source=account_settings.base_url,
    )
    credential = ChatgptCredential(account)
    is_plan = account_settings.mode == "plan"
    backend = Backend(
        profile=PLAN_PROFILE if is_plan else PROFILE,
        transport=_build_transport(credential, account, version, asks_routing=asks_routing, compresses=compresses),
        models=models,
        defaults=Options(model=DEFAULT_MODEL),
        own_keys=tuple(SETTINGS),
        config_fields=WIZARD_QUESTIONS,
        capabilities=(SIGN_IN_CAPABILITY, _PLAN_CAPABILITY) if is_plan else (SIGN_IN_CAPABILITY,),
        problem=problem,
    )
    return ChatgptBackend(
        backend=backend,
        account=account,
        models=models,
        credential=credential,
        login_on_mount=login_on_mount,
        login_on_use=login_on_use,
        is_auto=account_settings.is_auto,
        is_first_choice=account_settings.is_first_choice,
        problem=problem,
    )


def _build_transport(
    credential: ChatgptCredential, account: Account, version: str | None, *, asks_routing: bool, compresses: bool
) -> Transport:
    settings = account.settings
    if settings.mode == "plan":
        endpoint = Endpoint(base_url=settings.base_url, credential=credential, headers=PLAN_HEADERS)
        return SwitchingTransport(HttpTransport(endpoint), WebSocketTransport(endpoint))
    # OpenAI's own client sends this version with every call too, and the service offers some models to newer clients
    # only. Sources: a capture of Codex 0.169, clodex#271, agent-zero#1765, seen 2026-11-30.
    headers = {**CLIENT_HEADERS, "version": version or DEFAULT_CLIENT_VERSION}
    routing = get_shared_routing(account) if asks_routing else None
    return ChatgptTransport(settings, credential, headers, routing=routing, compresses=compresses)


def build_each_backend(config: Mapping[str, Any]) -> dict[AuthMode, ChatgptBackend]:
    """Build the backend of each way to sign in: each has a separate sign-in."""
    return {mode: build_chatgpt_backend({**config, "auth_mode": mode}) for mode in AUTH_MODES}
