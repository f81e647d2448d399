"""The settings of this module: one row each, and their values from the config or the environment.

Tokens are sent only to OpenAI's own hosts, to this machine, or to a host that the settings allow. This file reads no
token and calls nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import is_loopback, is_within, read_url, setting, word_list
from openai_responses_common.auth.store.open import STORE_MODES
from openai_responses_common.auth.urls import require_https
from openai_responses_common.cli.command_line import command_line
from openai_responses_common.options.readers import flag, lower_text, seconds_or_zero
from openai_responses_common.options.setting import Setting

from .auth_mode import AUTO, AuthMode, may_have_browser, parse_auth_mode

DEFAULT_BASE_URL = "https://chatgpt.com/backend-api/codex"
DEFAULT_ISSUER = "https://auth.openai.com"
DEFAULT_PLAN_BASE_URL = "https://api.openai.com/v1"
DEFAULT_TOKEN_FILE = "~/.amplifier/credentials/openai-chatgpt-oauth.json"
"""In a folder that only this family of modules uses, because others may be able to write in the host's folder."""
OLD_TOKEN_FILE = "~/.amplifier/openai-chatgpt-oauth.json"
"""The file of version 0.1.0 and of Microsoft's module. Tokens are imported from there."""
DEFAULT_MODEL = "gpt-6.1-sol"
"""The service's own default since 2026-09-29 (third-party notes, seen 2026-11-21). The catalogue wins over it."""
DEFAULT_CLIENT_VERSION = "1.0.0"
"""The catalogue leaves out the models that an older client cannot use. Any version from 0.156 on gets all of them.
Source: third-party clients, which send this one or 99.99.99, seen 2026-11-21."""
DEFAULT_MODELS_CACHE_TTL_S = 3600.0

SERVICE_HOSTS = {
    "base_url": ("chatgpt.com",),
    "issuer": ("auth.openai.com",),
    "plan_base_url": ("api.openai.com",),
}

_OPENAI_HOST = "openai.com"
"""A workspace of OpenAI's may also name a host below this one for its requests."""

SCRIPT = "amplifier-chatgpt"
LOGIN_COMMAND = command_line(__name__, SCRIPT, "login")
STATUS_COMMAND = command_line(__name__, SCRIPT, "status")


def _login_on_mount(value: object) -> bool:
    # Version 0.1.0 also took `auto`, for sessions in a terminal. Their first call offers the sign-in now.
    return lower_text(value) != "auto" and flag(value)


SETTINGS: Mapping[str, Setting] = {
    "auth_mode": Setting(
        meaning="How you sign in: `plan` with Sign in with ChatGPT, in a browser; `device_code` with a code, as in "
        "OpenAI's own client; `auto` uses the sign-in that exists.",
        default=AUTO,
        variables=("CHATGPT_OAUTH_AUTH_MODE",),
    ),
    "login_on_mount": Setting(
        read=_login_on_mount,
        meaning="Whether a session signs in when it starts and nobody is signed in. It waits for the user, also if it "
        "never uses the plan.",
        default="false",
    ),
    "login_on_use": Setting(
        read=flag,
        meaning="Whether the first call offers the sign-in if nobody is signed in. It does so only in a terminal, and "
        "once in a process.",
        default="true",
    ),
    "account": Setting(
        meaning="A label that you choose. Each label has a separate sign-in.",
        default="default",
        variables=("CHATGPT_OAUTH_ACCOUNT",),
    ),
    "workspace": Setting(meaning="The only workspace (account id) that may sign in.", default="any"),
    "token_store": Setting(
        meaning="Where tokens are saved: `keyring`, `file`, `memory`, or `auto`. `auto` uses the system's keyring or, "
        "without a keyring, a file, with a warning.",
        default="auto",
        variables=("CHATGPT_OAUTH_TOKEN_STORE",),
    ),
    "token_file_path": Setting(
        meaning="The path of that file. Only you can read the file.",
        default=f"`{DEFAULT_TOKEN_FILE}`",
        variables=("CHATGPT_OAUTH_TOKEN_FILE",),
    ),
    "models_cache_ttl": Setting(
        read=seconds_or_zero,
        meaning="The time, in seconds, for which the saved model list is used without asking the service.",
        default=f"{DEFAULT_MODELS_CACHE_TTL_S:g}",
    ),
    "client_version": Setting(
        meaning="The client version that is sent with calls and with the request for the model list.",
        default=DEFAULT_CLIENT_VERSION,
    ),
    "workspace_routing": Setting(
        read=flag,
        meaning="Whether the service is asked, once in a process and after each refresh of the token, where your "
        "workspace wants its requests, as OpenAI's own client does. Workspaces with data residency need it.",
        default="true",
    ),
    "compress_requests": Setting(
        read=flag,
        meaning="Whether long requests are compressed with zstd. That needs Python 3.14, or the extra `zstd` of this "
        "package. Requests to other hosts than OpenAI's are never compressed.",
        default="true",
    ),
    "base_url": Setting(
        meaning="The address of the service, for tests and gateways.",
        default="ChatGPT's own",
        variables=("CHATGPT_OAUTH_BASE_URL",),
    ),
    "plan_base_url": Setting(
        meaning="The address of the service for `plan`, for tests and gateways. `base_url` is for `device_code` only.",
        default="OpenAI's own",
        variables=("CHATGPT_OAUTH_PLAN_BASE_URL",),
    ),
    "issuer": Setting(
        meaning="The address of the sign-in service, for tests and gateways.",
        default="OpenAI's own",
        variables=("CHATGPT_OAUTH_ISSUER",),
    ),
    "allowed_hosts": Setting(
        meaning="Further hosts to which tokens may be sent. ChatGPT, OpenAI's sign-in and this machine are always "
        "allowed."
    ),
}
"""The config keys of this module, beside those of every provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """The addresses and the token store of one account.

    Attributes:
        mode: how the user signs in.
        base_url: the address of the service.
        issuer: the address of the sign-in service.
        token_store: `auto`, `keyring`, `file` or `memory`.
        token_file: the path of the token file; the lock of every store lies beside it.
        old_token_file: the path from which tokens are imported. None if the user chose the path of the token file.
        account: the label of the account.
        workspace: the only account id that may sign in. None allows any.
        allowed_hosts: further hosts to which tokens may be sent, in lower case.
    """

    mode: AuthMode = "device_code"
    base_url: str = DEFAULT_BASE_URL
    issuer: str = DEFAULT_ISSUER
    token_store: str = "auto"
    token_file: Path = Path(DEFAULT_TOKEN_FILE)
    old_token_file: Path | None = None
    account: str = "default"
    workspace: str | None = None
    # Two providers with the same tokens share one account, whatever hosts each of them allows.
    allowed_hosts: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> AccountSettings:
        """Read the account's settings from the config, else from the environment.

        Raises:
            ConfigurationError: a value is not valid, or tokens must not be sent to an address.
        """
        allowed_hosts = [host.lower() for host in word_list(config, "allowed_hosts")]
        mode = (_read_text(config, "token_store") or "auto").lower()
        if mode not in STORE_MODES:
            raise ConfigurationError(f"setting 'token_store' takes {', '.join(STORE_MODES)}, not {mode!r}")
        device_code = cls(
            base_url=_read_address(config, "base_url", DEFAULT_BASE_URL, allowed_hosts),
            issuer=_read_address(config, "issuer", DEFAULT_ISSUER, allowed_hosts),
            token_store=mode,
            token_file=_expand_home(_read_text(config, "token_file_path") or DEFAULT_TOKEN_FILE),
            old_token_file=None if _read_text(config, "token_file_path") else _expand_home(OLD_TOKEN_FILE),
            account=_read_text(config, "account") or "default",
            workspace=_read_text(config, "workspace"),
            allowed_hosts=tuple(allowed_hosts),
        )
        file = device_code.token_file
        plan = replace(
            device_code,
            mode="plan",
            base_url=_read_address(config, "plan_base_url", DEFAULT_PLAN_BASE_URL, allowed_hosts),
            token_file=file.with_name(f"{file.stem.removesuffix('-oauth')}-plan{file.suffix}"),
            old_token_file=None,
            workspace=None,
        )
        match parse_auth_mode(_read_text(config, "auth_mode") or AUTO):
            case "plan":
                return plan
            case "device_code":
                return device_code
            case _:
                is_plan = plan.has_files() or (not device_code.has_files() and may_have_browser())
                return plan if is_plan else device_code

    def has_files(self) -> bool:
        """Return whether a sign-in may be saved; reads no token."""
        label = "" if self.account == "default" else f".{self.account}"
        names = [f"{file.stem}{label}{file.suffix}*" for file in (self.token_file, self.old_token_file) if file]
        folders = [file.parent for file in (self.token_file, self.old_token_file) if file]
        return any(any(folder.glob(name)) for folder, name in zip(folders, names, strict=True))

    @property
    def usage_url(self) -> str:
        """The address of the plan's usage, beside the service. Source: OpenAI's own client, seen 2026-11-21."""
        return self._join_beside("wham/usage")

    @property
    def accounts_url(self) -> str:
        """The address that names the workspaces of a sign-in. Source: a capture of OpenAI's own client, 2026-11-30."""
        return self._join_beside("wham/accounts/check")

    def _join_beside(self, path: str) -> str:
        """Return an address beside the service: in the folder that holds the last part of its path, if it has one."""
        parts = urlsplit(self.base_url)
        return parts._replace(path=f"{parts.path.rpartition('/')[0]}/{path}").geturl()

    def move_base_url(self, origin: str) -> str:
        """Return the address of the service at another origin, which a workspace names.

        The origin has to be at OpenAI if the configured address is, and on this machine if that is. So a service on the
        network never leads a token to this machine, and no workspace leads past a gateway.

        Raises:
            ConfigurationError: the token must not be sent there.
        """
        parts = read_url("workspace_backend_origin", origin.rstrip("/"), example=DEFAULT_BASE_URL)
        require_https("workspace_backend_origin", parts)
        host, own = parts.hostname or "", urlsplit(self.base_url)
        own_host = own.hostname or ""
        is_allowed = (
            is_within(host, self.allowed_hosts)
            or (is_service_host(host) and is_service_host(own_host))
            or (is_loopback(host) and is_loopback(own_host))
        )
        if parts.path or not is_allowed:
            raise ConfigurationError(
                f"{host} is not a host to which tokens of a ChatGPT account are sent: if it is yours, add it to the "
                "setting 'allowed_hosts'"
            )
        return f"{origin.rstrip('/')}{own.path}"

    @property
    def registration_file(self) -> Path:
        """The path of what a sign-out keeps: the client id that the issuer gave to this machine."""
        return self.token_file.with_name(f"registration.{self.account}.{self.token_file.name}")

    @property
    def host_file(self) -> Path:
        """The path of the id of this machine, which all accounts share."""
        return self.token_file.with_name("openai-chatgpt-host.json")

    @property
    def models_file(self) -> Path:
        """The path of the saved model list, beside the tokens of the account.

        Its ending differs from that of a token file, so that no label of an account leads to it.
        """
        label = "" if self.account == "default" else f".{self.account}"
        return self.token_file.with_name(f"{self.token_file.stem}{label}.json.models")


def is_service_host(host: str) -> bool:
    """Return whether OpenAI serves ChatGPT plans at a host."""
    return is_within(host, (*SERVICE_HOSTS["base_url"], _OPENAI_HOST))


def _read_text(config: Mapping[str, Any], key: str) -> str | None:
    return setting(config, key, *SETTINGS[key].variables)


def _read_address(config: Mapping[str, Any], key: str, default: str, allowed_hosts: list[str]) -> str:
    url = (_read_text(config, key) or default).rstrip("/")
    parts = read_url(key, url, example=default)
    host = parts.hostname or ""
    if not (is_loopback(host) or is_within(host, SERVICE_HOSTS[key]) or is_within(host, allowed_hosts)):
        raise ConfigurationError(
            f"setting {key!r} names {host}, and tokens of a ChatGPT account are not sent there: if the host is yours, "
            "add it to the setting 'allowed_hosts'"
        )
    require_https(key, parts)
    return url


def _expand_home(file: str) -> Path:
    try:
        return Path(file).expanduser().absolute()
    except RuntimeError:
        raise ConfigurationError(f"there is no home directory for {file}: set 'token_file_path'") from None


def read_flag(config: Mapping[str, Any], key: str) -> bool:
    """Return a setting that is true or false.

    Raises:
        ConfigurationError: the value is not valid.
    """
    return SETTINGS[key].parse(key, _read_text(config, key) or SETTINGS[key].default)


def read_client_version(config: Mapping[str, Any]) -> str | None:
    """The client version that the user set. None if none is set.

    Raises:
        ConfigurationError: the value is not a version.
    """
    version = _read_text(config, "client_version")
    if version and not re.fullmatch(r"\d+(\.\d+){0,3}", version):
        raise ConfigurationError(
            f"setting 'client_version' takes a version like {DEFAULT_CLIENT_VERSION}, not {version!r}"
        )
    return version


def read_models_cache_ttl_s(config: Mapping[str, Any]) -> float:
    """The time, in seconds, for which a saved model list is used; an hour by default.

    Raises:
        ConfigurationError: the value is not a number of seconds.
    """
    text = _read_text(config, "models_cache_ttl")
    if text is None:
        return DEFAULT_MODELS_CACHE_TTL_S
    return SETTINGS["models_cache_ttl"].parse("models_cache_ttl", text)
