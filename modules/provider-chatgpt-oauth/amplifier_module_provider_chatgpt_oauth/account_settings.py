"""The addresses and the token store of one account, from the config or the environment.

Tokens are sent only to OpenAI's own hosts, to this machine, or to a host that the settings allow. This file reads no
token and calls nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import is_loopback, is_within, read_url, word_list
from openai_responses_common.auth.store.open import STORE_MODES
from openai_responses_common.auth.terminal import has_browser
from openai_responses_common.auth.urls import require_https

from .auth_mode import AUTO, AuthMode, load_newest_mode, parse_auth_mode
from .settings import (
    DEFAULT_BASE_URL,
    DEFAULT_ISSUER,
    DEFAULT_PLAN_BASE_URL,
    DEFAULT_TOKEN_FILE,
    OLD_TOKEN_FILE,
    SERVICE_HOSTS,
    read_text,
)

_OPENAI_HOST = "openai.com"
"""A workspace of OpenAI's may also name a host below this one for its requests."""


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
        allowed_hosts: further hosts to which tokens may be sent, in lower case; none with `plan`.
        mode_file: the path of the file that says how the newest sign-in was made.
        is_auto: whether the setting `auth_mode` leaves the way to us.
        is_first_choice: whether it does, and nobody has signed in.
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
    mode_file: Path = Path("sign-in")
    is_auto: bool = field(default=False, compare=False)
    is_first_choice: bool = field(default=False, compare=False)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> AccountSettings:
        """Read the account's settings from the config, else from the environment.

        Raises:
            ConfigurationError: a value is not valid, or tokens must not be sent to an address.
        """
        allowed_hosts = [host.lower() for host in word_list(config, "allowed_hosts")]
        wanted_mode = parse_auth_mode(read_text(config, "auth_mode") or AUTO)
        mode = (read_text(config, "token_store") or "auto").lower()
        if mode not in STORE_MODES:
            raise ConfigurationError(f"setting 'token_store' takes {', '.join(STORE_MODES)}, not {mode!r}")
        account = read_text(config, "account") or "default"
        token_file = _expand_home(read_text(config, "token_file_path") or DEFAULT_TOKEN_FILE)
        device_code = cls(
            base_url=_read_address(config, "base_url", DEFAULT_BASE_URL, allowed_hosts),
            issuer=_read_address(config, "issuer", DEFAULT_ISSUER, None if wanted_mode == "plan" else allowed_hosts),
            token_store=mode,
            token_file=token_file,
            old_token_file=None if read_text(config, "token_file_path") else _expand_home(OLD_TOKEN_FILE),
            account=account,
            workspace=read_text(config, "workspace"),
            allowed_hosts=tuple(allowed_hosts),
            mode_file=_add_ending(_add_label(token_file, account), ".mode"),
        )
        plan = replace(
            device_code,
            mode="plan",
            base_url=_read_address(config, "plan_base_url", DEFAULT_PLAN_BASE_URL),
            token_file=token_file.with_name(f"{token_file.stem.removesuffix('-oauth')}-plan{token_file.suffix}"),
            old_token_file=None,
            workspace=None,
            allowed_hosts=(),
        )
        match wanted_mode:
            case "plan":
                chosen = plan
            case "device_code":
                chosen = device_code
            case _:
                chosen = replace(_choose(plan, device_code), is_auto=True)
        if chosen.mode == "plan":
            _read_address(config, "issuer", DEFAULT_ISSUER)
        return chosen

    @property
    def is_in_memory(self) -> bool:
        """Whether nothing of a sign-in is written to a disk."""
        return self.token_store == "memory"

    def has_files(self) -> bool:
        """Return whether a sign-in may be saved; opens no keyring."""
        files = [_add_label(file, self.account) for file in (self.token_file, self.old_token_file) if file]
        endings = ("", ".choice", *((".lock",) if self.token_store == "keyring" else ()))
        return not self.is_in_memory and any(_add_ending(file, ending).exists() for file in files for ending in endings)

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
        return self.token_file.with_name(f"{_add_label(self.token_file, self.account).stem}.json.models")


def _add_label(file: Path, account: str) -> Path:
    """Return the path of a file of this account, beside that of the default one."""
    # A label that is not valid may be a path; the token store refuses it.
    return file if account == "default" else file.parent / f"{file.stem}.{account}{file.suffix}"


def _add_ending(file: Path, ending: str) -> Path:
    return file.parent / f"{file.name}{ending}"


def _choose(plan: AccountSettings, device_code: AccountSettings) -> AccountSettings:
    """Return the settings of the newest sign-in, or if nobody is signed in of the way that works on this machine."""
    match load_newest_mode(plan.mode_file, in_memory=plan.is_in_memory):
        case "plan":
            return plan
        case "device_code":
            return device_code
        case None:
            pass
    # A sign-in of an earlier version, or of a machine whose file was deleted.
    for each in (plan, device_code):
        if each.has_files():
            return each
    return replace(plan if has_browser() else device_code, is_first_choice=True)


def is_service_host(host: str) -> bool:
    """Return whether OpenAI serves ChatGPT plans at a host."""
    return is_within(host, (*SERVICE_HOSTS["base_url"], _OPENAI_HOST))


def _read_address(config: Mapping[str, Any], key: str, default: str, allowed_hosts: list[str] | None = None) -> str:
    """Return the address that a setting names. None as further hosts allows none, as the terms of `plan` want it.

    Raises:
        ConfigurationError: tokens must not be sent there.
    """
    url = (read_text(config, key) or default).rstrip("/")
    parts = read_url(key, url, example=default)
    host = parts.hostname or ""
    if not (is_loopback(host) or is_within(host, SERVICE_HOSTS[key]) or is_within(host, allowed_hosts or ())):
        is_plan = allowed_hosts is None
        remedy = "remove it" if is_plan else "if the host is yours, add it to the setting 'allowed_hosts'"
        raise ConfigurationError(
            f"setting {key!r} names {host}, and tokens of a ChatGPT account are not sent there: {remedy}"
        )
    require_https(key, parts)
    return url


def _expand_home(file: str) -> Path:
    try:
        return Path(file).expanduser().absolute()
    except RuntimeError:
        raise ConfigurationError(f"there is no home directory for {file}: set 'token_file_path'") from None
