"""Records of what an emulated Entra tenant knows and gives out, and the texts that tokens are made of.

Invariant: no record changes another; what they mean to a client is decided where the grants are.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

# The scopes of OpenID Connect stand beside that of a resource and name none.
OIDC_SCOPES = frozenset({"openid", "profile", "offline_access", "email"})
# What a token can be asked for; anything else is AADSTS500011. The hosts of the clouds are those of the vendor's SDKs
# (seen 2026-11-21).
RESOURCES = frozenset(
    {
        "https://cognitiveservices.azure.com",
        "https://cognitiveservices.azure.us",
        "https://cognitiveservices.azure.cn",
        "https://ai.azure.com",
        "https://management.azure.com",
        "https://management.core.windows.net",
        "https://graph.microsoft.com",
        "https://vault.azure.net",
    }
)
OPENAI_USER = "Cognitive Services OpenAI User"
READER = "Reader"
FEDERATED_AUDIENCE = "api://AzureADTokenExchange"

Endpoint = Literal["token", "devicecode", "discovery", "identity", "arm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """One access token."""

    number: int
    text: str
    audience: str
    expires_s: float
    object_id: str
    app_id: str
    user: str | None

    @property
    def expired(self) -> bool:
        return time.time() >= self.expires_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedIdentity:
    """An identity that a machine or an app of the platform has."""

    client_id: str
    object_id: str
    resource_id: str
    system: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """One request for a token, of whatever kind: `form` is its form, or its query where it has no form."""

    endpoint: str
    tenant: str | None
    form: dict[str, str]
    headers: dict[str, str]
    at_s: float


@dataclass(slots=True, kw_only=True)
class RefreshToken:
    """A refresh token; `ended` is the AADSTS number that it is refused with."""

    user: str
    client_id: str
    issued_s: float
    error_number: int | None = None


@dataclass(slots=True, kw_only=True)
class DeviceCode:
    """A device sign-in under way."""

    code: str
    user_code: str
    client_id: str
    scope: str
    expires_s: float
    state: Literal["pending", "approved", "declined", "expired", "used"] = "pending"
    poll_count: int = 0


@dataclass(slots=True, kw_only=True)
class AuthorizationCode:
    """An authorization code, and what it was asked with."""

    client_id: str
    redirect_uri: str
    challenge: str | None
    scope: str
    nonce: str | None
    used: bool = False


def audience_of(scope: str) -> str:
    """The resource of a scope or of a list of them."""
    named = [each for each in scope.split() if each not in OIDC_SCOPES]
    return named[0].removesuffix("/.default") if named else ""


def has_principal(audience: str) -> bool:
    """Whether the tenant has a principal for the resource."""
    return audience.rstrip("/") in RESOURCES


def base64url(data: bytes) -> str:
    """Base64 as tokens use it."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def encode_jwt_part(value: Mapping[str, Any]) -> str:
    """One part of a token: an object as text."""
    return base64url(json.dumps(value, separators=(",", ":")).encode())
