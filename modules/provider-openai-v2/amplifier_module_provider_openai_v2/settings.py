"""The settings of this module: the address, the key and further headers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import (
    ApiKey,
    is_within,
    read_url,
    sendable,
    setting,
)

DEFAULT_BASE_URL = "https://api.openai.com/v1"


SERVICE_HOSTS = {"base_url": ("api.openai.com",)}


DEFAULT_MODEL = "gpt-5.6-sol"


API_KEY_REMEDY = "set api_key in the provider's config, or OPENAI_API_KEY in the environment"


SETTING_KEYS = ("api_key", "base_url", "organization", "project")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSettings:
    """What the settings come to.

    Attributes:
        base_url: where the service is.
        credential: who calls.
        paying: whom OpenAI bills, by name of the header.
        problem: what is wrong with the settings, told by the first call.
        resident: the address is one of OpenAI's for data that stays in a region.
    """

    base_url: str
    credential: ApiKey
    billing_headers: Mapping[str, str]
    problem: str | None
    has_data_residency: bool


def resolve_settings(config: Mapping[str, Any]) -> ResolvedSettings:
    """Read credentials and place from the config, else from the SDK's own environment variables; never raises."""
    base_url = setting(config, "base_url", "OPENAI_BASE_URL") or DEFAULT_BASE_URL
    api_key = setting(config, "api_key", "OPENAI_API_KEY")
    problem = None
    host = ""
    try:
        sendable("api_key (OPENAI_API_KEY)", api_key or "none")
        host = _read_host(base_url)
        _check_headers(config)
    except ConfigurationError as error:
        problem, base_url = str(error), DEFAULT_BASE_URL  # nothing is sent, and a bad address may hold a secret
    official = is_within(host, SERVICE_HOSTS["base_url"])
    paying = {
        "OpenAI-Organization": setting(config, "organization", "OPENAI_ORG_ID"),
        "OpenAI-Project": setting(config, "project", "OPENAI_PROJECT_ID"),
    }
    named = {name: value for name, value in paying.items() if value}
    origin = "api_key" if setting(config, "api_key") else "OPENAI_API_KEY"
    key = ApiKey(
        key=api_key,
        required=official or problem is not None,
        missing_message=f"no API key is set: {API_KEY_REMEDY}",
        account="\0".join([api_key or "", *(name or "" for name in paying.values())]),
        description=f"the API key of {origin}" if api_key else "no key",
    )
    resident = official and host != "api.openai.com"
    return ResolvedSettings(
        base_url=base_url, credential=key, billing_headers=named, problem=problem, has_data_residency=resident
    )


def _read_host(base_url: str) -> str:
    """The host of an address; servers of one's own network may do without TLS, OpenAI's do not.

    Raises:
        ConfigurationError: it is no address, or one where a key would be sent in the clear.
    """
    parts = read_url("base_url", base_url, example=DEFAULT_BASE_URL)
    host = parts.hostname or ""
    if parts.scheme == "http" and is_within(host, SERVICE_HOSTS["base_url"]):
        raise ConfigurationError("setting 'base_url' must begin with https: the key would be sent in the clear")
    return host


def _check_headers(config: Mapping[str, Any]) -> None:
    """See that further headers can be sent: the error of whoever tries would quote them.

    Raises:
        ConfigurationError: one cannot.
    """
    for key, variable in (("organization", "OPENAI_ORG_ID"), ("project", "OPENAI_PROJECT_ID")):
        sendable(f"{key} ({variable})", setting(config, key, variable) or "none")
    for name, value in read_custom_headers().items():
        if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII) or not re.fullmatch(r"[ -~\t]*", value):
            raise ConfigurationError("OPENAI_CUSTOM_HEADERS holds what no header can: give one `Name: value` a line")


def read_custom_headers() -> dict[str, str]:
    """Headers for a gateway, one `Name: value` a line, as the SDK reads them."""
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}
