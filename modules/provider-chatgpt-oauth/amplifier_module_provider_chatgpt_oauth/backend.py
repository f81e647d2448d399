"""The Codex backend of ChatGPT as data, and what the settings say of it.

Sources, where a line names none, as in `refusals.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import Backend, Endpoint, HttpTransport, Options
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.record import StoreError

from .auth.account import Account, get_shared_account
from .auth.credential import ChatgptCredential
from .models import ChatgptModels
from .quirks import CLIENT_HEADERS, PROFILE
from .settings import (
    DEFAULT_CLIENT_VERSION,
    DEFAULT_MODEL,
    SETTING_KEYS,
    AccountSettings,
    LoginOnMount,
    locate_models_file,
    read_client_version,
    read_login_on_mount,
    read_models_cache_ttl_s,
)
from .wizard import WIZARD_QUESTIONS

SIGN_IN_CAPABILITY = "auth:oauth-device-code"
"""What hosts look for before they offer a sign-in. Source: amplifier-app-cli's provider wizard, seen 2026-11-21."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatgptBackend:
    """The backend, and what a sign-in needs of it; `problem` is a malformed setting."""

    backend: Backend
    account: Account
    models: ChatgptModels
    login_on_mount: LoginOnMount
    problem: str | None


def build_chatgpt_backend(config: Mapping[str, Any]) -> ChatgptBackend:
    """Read the settings; reads and asks nothing else."""
    when, ttl_s, version, problem = "auto", 3600.0, None, None
    try:
        place, when, ttl_s, version = (
            AccountSettings.from_config(config),
            read_login_on_mount(config),
            read_models_cache_ttl_s(config),
            read_client_version(config),
        )
        account = get_shared_account(place)
    except (ConfigurationError, StoreError) as error:
        problem, place = str(error), AccountSettings(token_store="memory")  # which touches nothing
        account = get_shared_account(place)
    models = ChatgptModels(
        None if place.token_store == "memory" else FileStore(locate_models_file(place)),
        ttl_s=ttl_s,
        client_version=version or DEFAULT_CLIENT_VERSION,
        source=place.base_url,
    )
    headers = {**CLIENT_HEADERS, **({"version": version} if version else {})}
    backend = Backend(
        profile=PROFILE,
        transport=HttpTransport(
            Endpoint(base_url=place.base_url, credential=ChatgptCredential(account), headers=headers)
        ),
        models=models,
        defaults=Options(model=DEFAULT_MODEL),
        own_keys=SETTING_KEYS,
        config_fields=WIZARD_QUESTIONS,
        capabilities=(SIGN_IN_CAPABILITY,),
        problem=problem,
    )
    return ChatgptBackend(backend=backend, account=account, models=models, login_on_mount=when, problem=problem)
