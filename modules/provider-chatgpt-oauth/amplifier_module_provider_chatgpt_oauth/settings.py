"""Where the service and its sign-in are, and where the tokens lie.

Tokens are only sent to OpenAI's own hosts, to this machine, or to a host that the settings name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from amplifier_core.llm_errors import (
    ConfigurationError,
)
from openai_responses_common import (
    is_loopback,
    is_within,
    read_url,
    setting,
    word_list,
)
from openai_responses_common.auth.store.open import STORE_MODES

DEFAULT_BASE_URL = "https://chatgpt.com/backend-api/codex"


DEFAULT_ISSUER = "https://auth.openai.com"


DEFAULT_TOKEN_FILE = "~/.amplifier/openai-chatgpt-oauth.json"
"""Where Microsoft's module keeps its tokens, too; what it left there is taken over."""


SERVICE_HOSTS = {"base_url": ("chatgpt.com",), "issuer": ("auth.openai.com",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """Addresses and places of one account.

    Attributes:
        base_url: of the service.
        issuer: of the sign-in.
        token_store: `auto`, `keyring`, `file` or `memory`.
        token_file: where the file is, and the lock of every mode.
        account: a label, for those who have several.
        workspace: the only account id that may sign in; None for any.
    """

    base_url: str = DEFAULT_BASE_URL
    issuer: str = DEFAULT_ISSUER
    token_store: str = "auto"
    token_file: Path = Path(DEFAULT_TOKEN_FILE)
    account: str = "default"
    workspace: str | None = None

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> AccountSettings:
        """The place that the settings name, else the environment.

        Raises:
            ConfigurationError: an address is none, or tokens must not be sent there; or a word is unknown.
        """
        allowed = [host.lower() for host in word_list(config, "allowed_hosts")]
        mode = (setting(config, "token_store", "CHATGPT_OAUTH_TOKEN_STORE") or "auto").lower()
        if mode not in STORE_MODES:
            raise ConfigurationError(f"setting 'token_store' takes {', '.join(STORE_MODES)}, not {mode!r}")
        file = setting(config, "token_file_path", "CHATGPT_OAUTH_TOKEN_FILE") or DEFAULT_TOKEN_FILE
        try:
            path = Path(file).expanduser().absolute()
        except RuntimeError:
            raise ConfigurationError(f"setting 'token_file_path' names a home that nobody has: {file!r}") from None
        return cls(
            base_url=_read_address(config, "base_url", "CHATGPT_OAUTH_BASE_URL", DEFAULT_BASE_URL, allowed),
            issuer=_read_address(config, "issuer", "CHATGPT_OAUTH_ISSUER", DEFAULT_ISSUER, allowed),
            token_store=mode,
            token_file=path,
            account=setting(config, "account", "CHATGPT_OAUTH_ACCOUNT") or "default",
            workspace=setting(config, "workspace"),
        )

    @property
    def usage_url(self) -> str:
        """Where the use of the plan is told: beside the service. Source: OpenAI's own client, seen 2026-11-21."""
        return f"{self.base_url.rpartition('/')[0]}/wham/usage"


def _read_address(config: Mapping[str, Any], key: str, variable: str, default: str, allowed_hosts: list[str]) -> str:
    url = (setting(config, key, variable) or default).rstrip("/")
    parts = read_url(key, url, example=default)
    host = parts.hostname or ""
    if not (is_loopback(host) or is_within(host, SERVICE_HOSTS[key]) or is_within(host, allowed_hosts)):
        raise ConfigurationError(
            f"setting {key!r} names {host}, and tokens of a ChatGPT account are not sent there: "
            f"add it to allowed_hosts if it is yours"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(f"setting {key!r} must begin with https: {url!r} would send tokens in the clear")
    return url


LoginOnMount = Literal["auto", "true", "false"]


SETTING_KEYS = (
    "base_url", "issuer", "allowed_hosts", "token_store", "token_file_path", "account", "workspace", "login_on_mount",
    "models_cache_ttl", "client_version",
)  # fmt: skip


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


DEFAULT_MODEL = "gpt-6.1-sol"
"""The service's own default since 2026-09-29 (third-party notes, seen 2026-11-21); the catalogue knows better."""


DEFAULT_CLIENT_VERSION = "1.0.0"
"""The catalogue leaves out what an older client could not use; any version from 0.156 on is shown everything. Source:
third-party clients, which send this one or 99.99.99, seen 2026-11-21."""


LOGIN_COMMAND = "python -m amplifier_module_provider_chatgpt_oauth login"


STATUS_COMMAND = "python -m amplifier_module_provider_chatgpt_oauth status"
