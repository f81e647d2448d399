"""The Codex backend of ChatGPT as data, and what the settings say of it.

Sources, where a line names none, as in `refusals.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import Backend, BackendProfile, Endpoint, HttpTransport, Options, setting
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.record import StoreError

from .account import Account, get_shared_account
from .catalogue import DEFAULT_CLIENT_VERSION, DEFAULT_MODEL, FAST_SUFFIX, ChatgptModels
from .credential import ChatgptCredential
from .limits import LIMIT_TABLE
from .place import CLIENT_HEADERS, AccountSettings
from .refusals import ALLOWED_FIELDS, REFUSED_FIELDS, SERVICE_ERRORS
from .tokens import LOGIN_COMMAND
from .wizard import WIZARD_QUESTIONS

SIGN_IN_CAPABILITY = "auth:oauth-device-code"
"""What hosts look for before they offer a sign-in. Source: amplifier-app-cli's provider wizard, seen 2026-11-21."""

LoginOnMount = Literal["auto", "true", "false"]

SETTING_KEYS = (
    "base_url", "issuer", "allowed_hosts", "token_store", "token_file_path", "account", "workspace", "login_on_mount",
    "models_cache_ttl", "client_version",
)  # fmt: skip

PROFILE = BackendProfile(
    name="chatgpt-oauth",
    display_name="OpenAI (ChatGPT plan)",
    allowed_fields=ALLOWED_FIELDS,
    refused_fields=REFUSED_FIELDS,
    leading_system="instructions",
    default_instructions="You are a helpful assistant.",  # empty instructions are refused
    required_fields=frozenset({"store"}),  # "Store must be set to false"
    system_role=False,  # "System messages are not allowed"
    service_tiers={"auto": None, "default": None, "priority": "priority", "fast": "priority"},
    tier_suffixes={FAST_SUFFIX: "priority"},
    effort_names={"ultra": "max"},  # listed for OpenAI's own client, refused in a request
    reasoning_ids=False,  # with store: false "Item with id 'rs_…' not found"
    session_headers=("session-id",),
    limits=LIMIT_TABLE,
    priced=False,
    auth_remedy=f"sign in again: run `{LOGIN_COMMAND}`",
    errors=SERVICE_ERRORS,
)


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


def locate_models_file(settings: AccountSettings) -> Path:
    """Where the catalogue of an account is kept: beside its tokens."""
    label = "" if settings.account == "default" else f".{settings.account}"
    return settings.token_file.with_name(f"{settings.token_file.stem}{label}.models.json")


_LOGIN_ON_MOUNT_VALUES: Mapping[str, LoginOnMount] = {
    "auto": "auto",
    **dict.fromkeys(("true", "yes", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "0"), "false"),
}


def read_login_on_mount(config: Mapping[str, Any]) -> LoginOnMount:
    given = config.get("login_on_mount")
    word = "auto" if given is None else str(given).strip().lower() or "auto"
    if word not in _LOGIN_ON_MOUNT_VALUES:
        raise ConfigurationError(f"setting 'login_on_mount' takes auto, true or false, not {word!r}")
    return _LOGIN_ON_MOUNT_VALUES[word]


def read_client_version(config: Mapping[str, Any]) -> str | None:
    version = setting(config, "client_version")
    if version and not re.fullmatch(r"\d+(\.\d+){0,3}", version):
        raise ConfigurationError(
            f"setting 'client_version' takes a version like {DEFAULT_CLIENT_VERSION}, not {version!r}"
        )
    return version


def read_models_cache_ttl_s(config: Mapping[str, Any]) -> float:
    text = setting(config, "models_cache_ttl") or "3600"
    try:
        ttl_s = float(text)
    except ValueError:
        ttl_s = -1.0
    if not 0 <= ttl_s < float("inf"):
        raise ConfigurationError(f"setting 'models_cache_ttl' takes a number of seconds, 0 or more, not {text!r}")
    return ttl_s
