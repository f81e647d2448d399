"""Where the resource is: one base URL from every form of address that people have, its cloud, and the token's scope.

Pure: it reads an address and calls nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import is_loopback, is_within, read_url

ENDPOINT_EXAMPLE = "https://NAME.openai.azure.com"

# The v1 route is served below this path. Source: Azure OpenAI v1 reference, seen 2026-11-21.
_API_SEGMENT = "openai"
# What v1 takes as api-version: none, or one of these. Source: api-version-lifecycle page, seen 2026-11-21.
_V1_API_VERSIONS = frozenset({"v1", "preview", "latest"})
# The first dated version with the Responses API. Source: the same, and issue threads of litellm.
_FIRST_RESPONSES_VERSION = "2025-03-01"
_DATED_VERSION = re.compile(r"(\d{4}-\d{2}-\d{2})(-preview)?")
_FOUNDRY_SCOPE = "https://ai.azure.com/.default"


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Microsoft's clouds: where it signs people in, who manages resources, and how its names end."""

    name: str
    authority_host: str
    arm_host: str
    domain: str

    @property
    def scope(self) -> str:
        """Whom its tokens are for."""
        return f"https://cognitiveservices.{self.domain}/.default"

    @property
    def host_suffixes(self) -> tuple[str, ...]:
        """How the hosts of its resources end."""
        return tuple(f"{service}.{self.domain}" for service in ("openai", "cognitiveservices", "services.ai"))


# Sources: azure-identity 1.27 and MSAL 1.39 (authorities), Azure.AI.OpenAI's audiences (public, US government),
# Form Recognizer's SDK (China, unverified for this service); seen 2026-11-21.
CLOUDS = (
    Cloud("public", "login.microsoftonline.com", "management.azure.com", "azure.com"),
    Cloud("usgov", "login.microsoftonline.us", "management.usgovcloudapi.net", "azure.us"),
    Cloud("china", "login.partner.microsoftonline.cn", "management.chinacloudapi.cn", "azure.cn"),
)
_OTHER_AUTHORITY_HOSTS: Mapping[str, str] = {"login.chinacloudapi.cn": "china", "login.windows.net": "public"}

SERVICE_HOSTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("azure_endpoint", "endpoint", "base_url"), tuple(suffix for each in CLOUDS for suffix in each.host_suffixes)
    ),
    "authority_host": (*(each.authority_host for each in CLOUDS), *_OTHER_AUTHORITY_HOSTS),
}
"""Microsoft's own: whatever a resource or a tenant there is called, Microsoft reads what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureEndpoint:
    """Where calls go.

    Attributes:
        base_url: what `/responses` is put behind.
        query: `api-version`, where the user set one.
        authority: scheme and host that sign in.
        scopes: whom a token is for: what is asked for first, and what else is tried if the service says it is wrong.
        takes_tokens: Entra tokens may go there.
    """

    base_url: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    cloud: Cloud = CLOUDS[0]
    authority: str
    scopes: tuple[str, ...]
    accepts_entra_tokens: bool

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc


def resolve_endpoint(
    address: str,
    *,
    api_version: str | None = None,
    cloud: str | None = None,
    authority_host: str | None = None,
    scope: str | None = None,
    allowed_hosts: tuple[str, ...] = (),
) -> AzureEndpoint:
    """Read an address.

    Args:
        address: of a resource, a project or a gateway, with or without the path of the API.
        api_version: as in the setting.
        cloud: its name, where the address does not say it.
        authority_host: who signs in, instead of the cloud's own.
        scope: whom tokens are for, instead of the cloud's own.
        allowed_hosts: hosts outside Azure that may get Entra tokens.

    Raises:
        ConfigurationError: with the setting's name, and what it takes.
    """
    parts = read_url("azure_endpoint", address, example=ENDPOINT_EXAMPLE)
    host = parts.hostname or ""
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(f"setting 'azure_endpoint' takes https (http on this machine only), not {address!r}")
    path, query = _build_route(_find_root_segments(parts, host), api_version)
    found = _resolve_cloud(host, cloud, authority_host)
    return AzureEndpoint(
        base_url=f"{parts.scheme}://{parts.netloc}{path}",
        query=query,
        cloud=found,
        authority=_read_authority(authority_host) if authority_host else f"https://{found.authority_host}",
        scopes=(scope,) if scope else _list_scopes(found, is_project=_is_project_path(path)),
        accepts_entra_tokens=_find_cloud_by_host(host) is not None
        or is_within(host, [each.lower() for each in allowed_hosts]),
    )


def _find_root_segments(parts: SplitResult, host: str) -> list[str]:
    """The steps of the path up to and without `openai`; for a gateway that serves v1 by itself, up to its `v1`."""
    steps = [step for step in parts.path.split("/") if step]
    lower = [step.lower() for step in steps]
    if _API_SEGMENT in lower:
        return steps[: lower.index(_API_SEGMENT)]
    if lower[:2] == ["api", "projects"]:
        return steps[:3]
    if _find_cloud_by_host(host) is not None:
        return []  # nothing else below an Azure host serves this API
    if "v1" in lower:
        return steps[: lower.index("v1") + 1]
    return steps


def _build_route(root_segments: list[str], api_version: str | None) -> tuple[str, dict[str, str]]:
    """The path before `/responses`, and the query. Without a version, or with one of v1, it is the v1 route."""
    query = {"api-version": api_version} if api_version else {}
    if root_segments and root_segments[-1].lower() == "v1":
        return _join_segments(root_segments), query
    if api_version is None or api_version in _V1_API_VERSIONS:
        return _join_segments([*root_segments, _API_SEGMENT, "v1"]), query
    if not has_responses_api(api_version):
        raise ConfigurationError(
            f"setting 'api_version' is {api_version!r}, which has no Responses API: leave it out for the v1 route, or "
            f"give preview, or {_FIRST_RESPONSES_VERSION}-preview or a later preview"
        )
    return _join_segments([*root_segments, _API_SEGMENT]), query


def has_responses_api(api_version: str) -> bool:
    """Whether a version has the Responses API: dated ones have it only as previews."""
    dated = _DATED_VERSION.fullmatch(api_version)
    return api_version in _V1_API_VERSIONS or (
        dated is not None and bool(dated[2]) and dated[1] >= _FIRST_RESPONSES_VERSION
    )


def _join_segments(segments: list[str]) -> str:
    return "".join(f"/{step}" for step in segments)


def _is_project_path(path: str) -> bool:
    return path.lower().startswith("/api/projects/")


def _find_cloud_by_host(host: str) -> Cloud | None:
    return next((each for each in CLOUDS if is_within(host, each.host_suffixes)), None)


def _resolve_cloud(host: str, name: str | None, authority_host: str | None) -> Cloud:
    """The cloud that the address, the setting and the authority agree on; what none of them says is public."""
    by_name = {each.name: each for each in CLOUDS}
    if name and name.lower() not in by_name:
        raise ConfigurationError(f"setting 'cloud' takes {', '.join(by_name)}, not {name!r}")
    signing = urlsplit(_read_authority(authority_host)).hostname or "" if authority_host else ""
    by_authority = {**{each.authority_host: each.name for each in CLOUDS}, **_OTHER_AUTHORITY_HOSTS}
    of_host = _find_cloud_by_host(host)
    said = {
        "azure_endpoint": of_host.name if of_host else None,
        "cloud": name.lower() if name else None,
        "authority_host": by_authority.get(signing),
    }
    names = {each for each in said.values() if each}
    if len(names) > 1:
        told = ", ".join(f"{key} says {value}" for key, value in said.items() if value)
        raise ConfigurationError(f"the settings disagree about the cloud: {told}")
    return by_name[names.pop()] if names else CLOUDS[0]


def _read_authority(text: str) -> str:
    url = text if "://" in text else f"https://{text}"
    parts = read_url("authority_host", url, example=f"https://{CLOUDS[0].authority_host}")
    if parts.scheme != "https":
        raise ConfigurationError(f"setting 'authority_host' takes https, not {text!r}")
    return f"https://{parts.netloc}"


def _list_scopes(cloud: Cloud, *, is_project: bool) -> tuple[str, ...]:
    """Microsoft's pages name both scopes for the public cloud (March 2026 and later); projects take the newer one."""
    if cloud.name != "public":
        return (cloud.scope,)
    return (_FOUNDRY_SCOPE, cloud.scope) if is_project else (cloud.scope, _FOUNDRY_SCOPE)
