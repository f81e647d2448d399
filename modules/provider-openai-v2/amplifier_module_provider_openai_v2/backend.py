"""Where OpenAI is, who calls it, and what a setup wizard asks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from amplifier_core.llm_errors import ConfigurationError
from amplifier_core.models import ConfigField
from openai_responses_common import (
    ApiKey,
    Backend,
    BackendProfile,
    Endpoint,
    Options,
    SdkTransport,
    is_within,
    read_url,
    sendable,
    setting,
)
from openai_responses_common.provider.backend import EFFORT_FIELD

DEFAULT_BASE_URL = "https://api.openai.com/v1"
OWN_HOSTS = {"base_url": ("api.openai.com",)}
DEFAULT_MODEL = "gpt-5.6-sol"
REMEDY = "set api_key in the provider's config, or OPENAI_API_KEY in the environment"

# Data residency costs a tenth more. Source: OpenAI's pricing page as read in litellm 1.109.1, seen 2026-11-21.
_RESIDENCY_FACTOR = Decimal("1.1")

_OWN_KEYS = ("api_key", "base_url", "organization", "project")

_FIELDS = [
    ConfigField(
        id="api_key",
        display_name="API key",
        field_type="secret",
        prompt="OpenAI API key",
        env_var="OPENAI_API_KEY",
        required=False,
    ),
    ConfigField(
        id="base_url",
        display_name="Base URL",
        prompt="Base URL (leave it for OpenAI itself)",
        required=False,
        default=DEFAULT_BASE_URL,
    ),
    EFFORT_FIELD,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
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
    paying: Mapping[str, str]
    problem: str | None
    resident: bool


def find(config: Mapping[str, Any]) -> Found:
    """Read credentials and place from the config, else from the SDK's own environment variables; never raises."""
    base_url = setting(config, "base_url", "OPENAI_BASE_URL") or DEFAULT_BASE_URL
    api_key = setting(config, "api_key", "OPENAI_API_KEY")
    problem = None
    host = ""
    try:
        sendable("api_key (OPENAI_API_KEY)", api_key or "none")
        host = _host_of(base_url)
        _check_headers(config)
    except ConfigurationError as error:
        problem, base_url = str(error), DEFAULT_BASE_URL  # nothing is sent, and a bad address may hold a secret
    official = is_within(host, OWN_HOSTS["base_url"])
    paying = {
        "OpenAI-Organization": setting(config, "organization", "OPENAI_ORG_ID"),
        "OpenAI-Project": setting(config, "project", "OPENAI_PROJECT_ID"),
    }
    named = {name: value for name, value in paying.items() if value}
    origin = "api_key" if setting(config, "api_key") else "OPENAI_API_KEY"
    key = ApiKey(
        key=api_key,
        required=official or problem is not None,
        missing=f"no API key is set: {REMEDY}",
        account="\0".join([api_key or "", *(name or "" for name in paying.values())]),
        words=f"the API key of {origin}" if api_key else "no key",
    )
    resident = official and host != "api.openai.com"
    return Found(base_url=base_url, credential=key, paying=named, problem=problem, resident=resident)


def openai_backend(config: Mapping[str, Any]) -> Backend:
    """Everything about one account that the library asks for."""
    found = find(config)
    endpoint = Endpoint(
        base_url=found.base_url, credential=found.credential, headers={**_custom_headers(), **found.paying}
    )
    return Backend(
        profile=BackendProfile(
            name="openai-v2",
            display_name="OpenAI (v2)",
            price_factor=_RESIDENCY_FACTOR if found.resident else Decimal(1),
            auth_remedy=REMEDY,
        ),
        transport=SdkTransport(endpoint),
        defaults=Options(model=DEFAULT_MODEL),
        own_keys=_OWN_KEYS,
        config_fields=_FIELDS,
        credential_env_vars=("OPENAI_API_KEY",),
        problem=found.problem,
    )


def _host_of(base_url: str) -> str:
    """The host of an address; servers of one's own network may do without TLS, OpenAI's do not.

    Raises:
        ConfigurationError: it is no address, or one where a key would be sent in the clear.
    """
    parts = read_url("base_url", base_url, example=DEFAULT_BASE_URL)
    host = parts.hostname or ""
    if parts.scheme == "http" and is_within(host, OWN_HOSTS["base_url"]):
        raise ConfigurationError("setting 'base_url' must begin with https: the key would be sent in the clear")
    return host


def _check_headers(config: Mapping[str, Any]) -> None:
    """See that further headers can be sent: the error of whoever tries would quote them.

    Raises:
        ConfigurationError: one cannot.
    """
    for key, variable in (("organization", "OPENAI_ORG_ID"), ("project", "OPENAI_PROJECT_ID")):
        sendable(f"{key} ({variable})", setting(config, key, variable) or "none")
    for name, value in _custom_headers().items():
        if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII) or not re.fullmatch(r"[ -~\t]*", value):
            raise ConfigurationError("OPENAI_CUSTOM_HEADERS holds what no header can: give one `Name: value` a line")


def _custom_headers() -> dict[str, str]:
    """Headers for a gateway, one `Name: value` a line, as the SDK reads them."""
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}
