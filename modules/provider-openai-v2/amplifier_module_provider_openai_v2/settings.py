"""The settings of this module: one row each, and their values from the config or the environment.

A server of another vendor may need no key. Reading the settings calls nobody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import ApiKey, is_within, read_url, sendable, setting
from openai_responses_common.options.setting import Setting
from openai_responses_common.provider.environment import describe_source, find_unset_variable

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-5.6-sol"

SERVICE_HOSTS = {"base_url": ("api.openai.com",)}

API_KEY_REMEDY = "set api_key in the provider's config, or OPENAI_API_KEY in the environment"

SETTINGS: Mapping[str, Setting] = {
    "api_key": Setting(
        meaning="The API key. A server of another vendor may need none.",
        variables=("OPENAI_API_KEY",),
        default="none",
    ),
    "base_url": Setting(
        meaning="The address of the service, with its `/v1`.", variables=("OPENAI_BASE_URL",), default="OpenAI's own"
    ),
    "organization": Setting(meaning="The organization that pays.", variables=("OPENAI_ORG_ID",)),
    "project": Setting(meaning="The project that pays.", variables=("OPENAI_PROJECT_ID",)),
}
"""The config keys of this module, beside those of every provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSettings:
    """What the settings resolve to.

    Attributes:
        base_url: the address of the service.
        credential: the API key, or no key.
        billing_headers: the headers that name the organization and the project that pay.
        auth_remedy: what to set if the key is missing or refused.
        problem: what is not valid in the settings. None if nothing is.
        is_openai: True if the address is OpenAI's own.
        has_data_residency: True if the address is one of OpenAI's for data that stays in a region.
    """

    base_url: str
    credential: ApiKey
    billing_headers: Mapping[str, str]
    auth_remedy: str
    problem: str | None
    is_openai: bool
    has_data_residency: bool


def resolve_settings(config: Mapping[str, Any]) -> ResolvedSettings:
    """Resolve the address and the key from the config, else from the SDK's own environment variables; never raises."""
    base_url = _read_text(config, "base_url") or DEFAULT_BASE_URL
    api_key = _read_text(config, "api_key")
    problem = None
    host = ""
    source = describe_source(config, "api_key", *SETTINGS["api_key"].variables)
    try:
        sendable(source, api_key or "none")
        host = _read_host(base_url)
        _check_headers(config)
    except ConfigurationError as error:
        problem, base_url = str(error), DEFAULT_BASE_URL  # nothing is sent, and a bad address may hold a secret
    is_openai = is_within(host, SERVICE_HOSTS["base_url"])
    payers = {
        "OpenAI-Organization": _read_text(config, "organization"),
        "OpenAI-Project": _read_text(config, "project"),
    }
    variable = find_unset_variable(config.get("api_key"))
    remedy = f"set {variable} in the environment" if variable else API_KEY_REMEDY
    credential = ApiKey(
        key=api_key,
        required=is_openai or problem is not None,
        missing_message=f"no API key is set: {remedy}",
        account="\0".join([api_key or "", *(payer or "" for payer in payers.values())]),
        description=f"the key in {source}" if api_key else "no key",
    )
    return ResolvedSettings(
        base_url=base_url,
        credential=credential,
        billing_headers={name: payer for name, payer in payers.items() if payer},
        auth_remedy=f"set another key in {source}" if api_key else remedy,
        problem=problem,
        is_openai=is_openai,
        has_data_residency=is_openai and host != "api.openai.com",
    )


def _read_text(config: Mapping[str, Any], key: str) -> str | None:
    return setting(config, key, *SETTINGS[key].variables)


def _read_host(base_url: str) -> str:
    """The host of an address. Servers in a private network may do without TLS, OpenAI's do not.

    Raises:
        ConfigurationError: the address is not valid, or would send a key without encryption.
    """
    parts = read_url("base_url", base_url, example=DEFAULT_BASE_URL)
    host = parts.hostname or ""
    if parts.scheme == "http" and is_within(host, SERVICE_HOSTS["base_url"]):
        raise ConfigurationError(
            "setting 'base_url' must begin with https, because an http address of OpenAI would send the key without "
            "encryption"
        )
    return host


def _check_headers(config: Mapping[str, Any]) -> None:
    """Check that the additional headers can be sent, because the error of a failed send would quote them.

    Raises:
        ConfigurationError: one cannot.
    """
    for key in ("organization", "project"):
        sendable(f"{key} ({', '.join(SETTINGS[key].variables)})", _read_text(config, key) or "none")
    for name, value in read_custom_headers().items():
        if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII) or not re.fullmatch(r"[ -~\t]*", value):
            raise ConfigurationError(
                "OPENAI_CUSTOM_HEADERS holds a header that cannot be sent: write one `Name: value` per line"
            )


def read_custom_headers() -> dict[str, str]:
    """The headers of OPENAI_CUSTOM_HEADERS, one `Name: value` per line, as the SDK reads them."""
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}
