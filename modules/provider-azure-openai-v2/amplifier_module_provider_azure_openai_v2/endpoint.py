"""Resolve the address of a resource, in any form, to a base URL, a cloud and the scopes of tokens.

This file is pure: it reads an address, calls nobody, and knows no settings and no environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import is_within, read_url
from openai_responses_common.auth.urls import require_https

ENDPOINT_EXAMPLE = "https://NAME.openai.azure.com"

# The v1 route is served below this path. Source: Azure OpenAI v1 reference, seen 2026-11-21.
_API_SEGMENT = "openai"
_DEPLOYMENTS_SEGMENT = "deployments"
# What follows that segment in an address of the API; nothing, if the address ends there.
_API_ROUTES: tuple[list[str], ...] = ([], ["v1"], ["responses"], [_DEPLOYMENTS_SEGMENT])
# The values of api-version on the v1 route; it needs none. Source: api-version-lifecycle page, seen 2026-11-21.
_V1_API_VERSIONS = frozenset({"v1", "preview", "latest"})
# The first dated version with the Responses API. Source: the same, and issue threads of litellm.
_FIRST_RESPONSES_VERSION = "2025-03-01"
_VERSION_QUERY = re.compile(r"(?i:api-version)=([\w.-]+)")
_DATED_VERSION = re.compile(r"(\d{4}-\d{2}-\d{2})(-preview)?")
_FOUNDRY_SCOPE = "https://ai.azure.com/.default"


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Microsoft's clouds: the host that signs in, the host of Azure Resource Manager, and its domain."""

    name: str
    authority_host: str
    arm_host: str
    domain: str

    @property
    def scope(self) -> str:
        """The scope of its tokens."""
        return f"https://cognitiveservices.{self.domain}/.default"

    @property
    def host_suffixes(self) -> tuple[str, ...]:
        """The domains below which its resources have their hosts."""
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
"""Microsoft's own hosts, by setting. Microsoft receives what is sent there, whatever the resource or tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureEndpoint:
    """A resource that requests are sent to.

    Attributes:
        base_url: the address before `/responses`.
        query: `api-version`, if the user set one; else empty.
        cloud: the cloud of the resource.
        authority: scheme and host that sign in.
        scopes: the scopes to request tokens for, in the order in which they are tried.
        accepts_entra_tokens: True if Entra tokens may be sent to this host.
        deployment: the deployment that the address names; empty if it names none.
    """

    base_url: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    cloud: Cloud = CLOUDS[0]
    authority: str
    scopes: tuple[str, ...]
    accepts_entra_tokens: bool
    deployment: str = ""

    @property
    def websocket_base_url(self) -> str:
        """The address before `/responses` for a WebSocket, which only the v1 route opens, without `api-version`.

        Source: Microsoft's page on WebSocket mode, seen 2026-11-30.
        """
        return self.base_url if self.base_url.lower().endswith("/v1") else f"{self.base_url}/v1"

    @property
    def host(self) -> str:
        """The host, with its port if there is one."""
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
    """Resolve an address.

    Args:
        address: of a resource, a project or a gateway, with or without the path of the API. Azure's portals show it as
            an endpoint, or as a target URI that ends with `?api-version=…`.
        api_version: as in the setting. None means the version of the address if it has the Responses API, else the v1
            route.
        cloud: the name of the cloud. None leaves it to the address and to `authority_host`.
        authority_host: the host that signs in. None means that of the cloud.
        scope: the scope of tokens. None means those of the cloud.
        allowed_hosts: hosts outside Azure to which Entra tokens may be sent; none by default.

    Raises:
        ConfigurationError: a value is not valid; the error names the setting and its valid values.
    """
    plain_address, version_of_address = _split_target_uri(address)
    parts = read_url("azure_endpoint", plain_address, example=ENDPOINT_EXAMPLE)
    host = parts.hostname or ""
    require_https("azure_endpoint", parts)
    segments = [segment for segment in parts.path.split("/") if segment]
    path, query = _build_route(_find_root_segments(segments, host), api_version or version_of_address)
    resolved_cloud = _resolve_cloud(host, cloud, authority_host)
    return AzureEndpoint(
        base_url=f"{parts.scheme}://{parts.netloc}{path}",
        query=query,
        cloud=resolved_cloud,
        authority=_read_authority(authority_host) if authority_host else f"https://{resolved_cloud.authority_host}",
        scopes=(scope,) if scope else _list_scopes(resolved_cloud, is_project=_is_project_path(path)),
        accepts_entra_tokens=_find_cloud_by_host(host) is not None
        or is_within(host, [each.lower() for each in allowed_hosts]),
        deployment=_find_deployment(segments),
    )


def _split_target_uri(address: str) -> tuple[str, str | None]:
    """Return an address without its `?api-version=…`, and that version; None if it has no Responses API.

    A host of Azure without a scheme gets https.
    """
    plain_address, _, query = address.partition("?")
    version = _VERSION_QUERY.fullmatch(query)
    address = plain_address if version else address
    if _find_cloud_by_host(address.partition("/")[0]) is not None:
        address = f"https://{address}"
    return address, version[1] if version and has_responses_api(version[1]) else None


def _find_deployment(segments: list[str]) -> str:
    lower = [segment.lower() for segment in segments]
    if _API_SEGMENT not in lower:
        return ""
    before, *after = segments[lower.index(_API_SEGMENT) + 1 :][:2] or [""]
    return after[0] if before.lower() == _DEPLOYMENTS_SEGMENT and after else ""


def _find_root_segments(segments: list[str], host: str) -> list[str]:
    """The segments of the path before the API's own; for a gateway with a v1 route, up to and including `v1`.

    A gateway or a project may itself have a segment `openai`. The API's own is the last one that a segment of the API
    follows.
    """
    lower = [segment.lower() for segment in segments]
    if lower[:2] == ["api", "projects"]:
        return segments[:3]
    if _find_cloud_by_host(host) is not None:
        return []  # no other path of an Azure host serves this API
    for index in reversed(range(len(lower))):
        names_deployment = index > 0 and lower[index - 1] == _DEPLOYMENTS_SEGMENT
        if lower[index] == _API_SEGMENT and not names_deployment and lower[index + 1 : index + 2] in _API_ROUTES:
            return segments[:index]
    if "v1" in lower:
        return segments[: lower.index("v1") + 1]
    return segments


def _build_route(root_segments: list[str], api_version: str | None) -> tuple[str, dict[str, str]]:
    """The path before `/responses`, and the query. Without a version, or with one of v1, the route is v1."""
    query = {"api-version": api_version} if api_version else {}
    if root_segments and root_segments[-1].lower() == "v1":
        return _join_segments(root_segments), query
    if api_version is None or api_version in _V1_API_VERSIONS:
        return _join_segments([*root_segments, _API_SEGMENT, "v1"]), query
    if not has_responses_api(api_version):
        raise ConfigurationError(
            f"setting 'api_version' is {api_version!r}, which has no Responses API: leave it out for the v1 route, or "
            f"set preview, {_FIRST_RESPONSES_VERSION}-preview or a later preview"
        )
    return _join_segments([*root_segments, _API_SEGMENT]), query


def has_responses_api(api_version: str) -> bool:
    """Whether a version has the Responses API; of the dated versions only previews have it."""
    dated = _DATED_VERSION.fullmatch(api_version)
    return api_version in _V1_API_VERSIONS or (
        dated is not None and bool(dated[2]) and dated[1] >= _FIRST_RESPONSES_VERSION
    )


def _join_segments(segments: list[str]) -> str:
    return "".join(f"/{segment}" for segment in segments)


def _is_project_path(path: str) -> bool:
    return path.lower().startswith("/api/projects/")


def _find_cloud_by_host(host: str) -> Cloud | None:
    return next((each for each in CLOUDS if is_within(host, each.host_suffixes)), None)


def _resolve_cloud(host: str, name: str | None, authority_host: str | None) -> Cloud:
    """The cloud that the address, the setting and the authority agree on; the public one if none of them names one."""
    by_name = {each.name: each for each in CLOUDS}
    if name and name.lower() not in by_name:
        raise ConfigurationError(f"setting 'cloud' takes {', '.join(by_name)}, not {name!r}")
    authority = urlsplit(_read_authority(authority_host)).hostname or "" if authority_host else ""
    by_authority = {**{each.authority_host: each.name for each in CLOUDS}, **_OTHER_AUTHORITY_HOSTS}
    cloud_of_host = _find_cloud_by_host(host)
    cloud_by_setting = {
        "azure_endpoint": cloud_of_host.name if cloud_of_host else None,
        "cloud": name.lower() if name else None,
        "authority_host": by_authority.get(authority),
    }
    names = {each for each in cloud_by_setting.values() if each}
    if len(names) > 1:
        conflict = ", ".join(f"{key} means {value}" for key, value in cloud_by_setting.items() if value)
        raise ConfigurationError(f"the settings disagree about the cloud: {conflict}")
    return by_name[names.pop()] if names else CLOUDS[0]


def _read_authority(text: str) -> str:
    url = text if "://" in text else f"https://{text}"
    parts = read_url("authority_host", url, example=f"https://{CLOUDS[0].authority_host}")
    if parts.scheme != "https":
        raise ConfigurationError(f"setting 'authority_host' must begin with https: {text!r}")
    return f"https://{parts.netloc}"


def _list_scopes(cloud: Cloud, *, is_project: bool) -> tuple[str, ...]:
    """The scopes of a cloud, the likely one first.

    Microsoft's pages name both for the public cloud (March 2026 and later); projects accept the newer one.
    """
    if cloud.name != "public":
        return (cloud.scope,)
    return (_FOUNDRY_SCOPE, cloud.scope) if is_project else (cloud.scope, _FOUNDRY_SCOPE)
