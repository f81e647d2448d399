"""The settings of this module: one row each, and their values from the config or the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import setting
from openai_responses_common.cli.command_line import command_line
from openai_responses_common.options.readers import flag, lower_text, seconds_or_zero
from openai_responses_common.options.setting import Setting

from .auth_mode import AUTO

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

SCRIPT = "amplifier-chatgpt"
LOGIN_COMMAND = command_line(__name__, SCRIPT, "login")
STATUS_COMMAND = command_line(__name__, SCRIPT, "status")


def _login_on_mount(value: object) -> bool:
    # Version 0.1.0 also took `auto`, for sessions in a terminal. Their first call offers the sign-in now.
    return lower_text(value) != "auto" and flag(value)


SETTINGS: Mapping[str, Setting] = {
    "auth_mode": Setting(
        meaning="How you sign in: `plan` with Sign in with ChatGPT, in a browser; `device_code` with a code, as in "
        "OpenAI's own client; `auto` uses your newest sign-in, or without one `plan` if a browser can be opened here, "
        "else `device_code`.",
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
        meaning="The path of that file, which only you can read. The file of `plan` lies beside it, and has `-plan` in "
        "its name: `openai-chatgpt-plan.json`.",
        default=f"`{DEFAULT_TOKEN_FILE}`",
        variables=("CHATGPT_OAUTH_TOKEN_FILE",),
    ),
    "models_cache_ttl": Setting(
        read=seconds_or_zero,
        meaning="The time, in seconds, for which the saved model list is used without asking the service.",
        default=f"{DEFAULT_MODELS_CACHE_TTL_S:g}",
    ),
    "client_version": Setting(
        meaning="The client version that is sent with calls and with the request for the model list (`device_code` "
        "only).",
        default=DEFAULT_CLIENT_VERSION,
    ),
    "workspace_routing": Setting(
        read=flag,
        meaning="Whether the service is asked, once in a process and after each refresh of the token, where your "
        "workspace wants its requests, as OpenAI's own client does (`device_code` only). Workspaces with data "
        "residency need it.",
        default="true",
    ),
    "compress_requests": Setting(
        read=flag,
        meaning="Whether long requests are compressed with zstd. That needs Python 3.14, or the extra `zstd` of this "
        "package. Requests to other hosts than OpenAI's are never compressed, nor those with `plan`.",
        default="true",
    ),
    "base_url": Setting(
        meaning="The address of the service for `device_code`, for tests and gateways.",
        default="ChatGPT's own",
        variables=("CHATGPT_OAUTH_BASE_URL",),
    ),
    "plan_base_url": Setting(
        meaning="The address of the service for `plan`, for tests on this machine.",
        default="OpenAI's own",
        variables=("CHATGPT_OAUTH_PLAN_BASE_URL",),
    ),
    "issuer": Setting(
        meaning="The address of the sign-in service, for tests and, with `device_code`, gateways. The paths below it "
        "are always the documented ones.",
        default="OpenAI's own",
        variables=("CHATGPT_OAUTH_ISSUER",),
    ),
    "allowed_hosts": Setting(
        meaning="Further hosts to which tokens of `device_code` may be sent. ChatGPT, OpenAI's sign-in and this "
        "machine are always allowed. Tokens of `plan` go nowhere else."
    ),
}
"""The config keys of this module, beside those of every provider."""


def read_text(config: Mapping[str, Any], key: str) -> str | None:
    """Return a setting, or the environment variable that sets the same. None if neither is there."""
    return setting(config, key, *SETTINGS[key].variables)


def read_flag(config: Mapping[str, Any], key: str) -> bool:
    """Return a setting that is true or false.

    Raises:
        ConfigurationError: the value is not valid.
    """
    return SETTINGS[key].parse(key, read_text(config, key) or SETTINGS[key].default)


def read_client_version(config: Mapping[str, Any]) -> str | None:
    """The client version that the user set. None if none is set.

    Raises:
        ConfigurationError: the value is not a version.
    """
    version = read_text(config, "client_version")
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
    text = read_text(config, "models_cache_ttl")
    if text is None:
        return DEFAULT_MODELS_CACHE_TTL_S
    return SETTINGS["models_cache_ttl"].parse("models_cache_ttl", text)
