"""What Azure says when it refuses, and what a person does then: one row per refusal.

Sources: Microsoft's pages on troubleshooting, network rules and roles, and issue threads of its SDKs; seen 2026-11-21.
"""

from __future__ import annotations

import re

from amplifier_core.llm_errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    LLMError,
    NotFoundError,
)
from openai_responses_common import KnownError, Meaning

from .credential import ROLE_MISSING

ROLE = "Cognitive Services OpenAI User"

ASSIGN_ROLE = f"assign the role '{ROLE}' on the resource to the identity that calls; it counts after about 5 minutes"

_NETWORK = "the network rules of the resource keep this machine out: allow its address, or use the private endpoint"
_DEPLOYMENT = "default_model takes a deployment's name, not a model's; one younger than 5 minutes may not be there yet"
_AUDIENCE = "the setting 'scope' says whom the token is for, and 'tenant_id' whose it is"
_KEY = "the key belongs to another resource than azure_endpoint, or was regenerated"
_NO_KEYS = "this resource takes no keys: remove api_key and sign in with Entra"
_NO_ROUTE = "azure_endpoint leads to no Responses API: check address, region, and api_version if you set it"
_VERSION = "remove the setting 'api_version' (AZURE_OPENAI_API_VERSION, OPENAI_API_VERSION)"


def _known(error: type[LLMError], remedy: str, where: int | str, text: str | None = None) -> KnownError:
    """A refusal that is known by its code, or by its status and its text."""
    return KnownError(
        code=where if isinstance(where, str) else None,
        status=where if isinstance(where, int) else None,
        text=re.compile(text, re.I) if text else None,
        meaning=Meaning(error=error, remedy=remedy),
    )


KNOWN_ERRORS = (
    _known(AccessDeniedError, ASSIGN_ROLE, 401, ROLE_MISSING.pattern),
    _known(AuthenticationError, _AUDIENCE, 401, r"audience is incorrect"),
    _known(AuthenticationError, _KEY, 401, r"invalid subscription key"),
    _known(AccessDeniedError, ASSIGN_ROLE, "permissiondenied"),
    _known(AuthenticationError, _NO_KEYS, "authenticationtypedisabled"),
    _known(AccessDeniedError, _NETWORK, 403, r"virtual network|firewall|public access is disabled"),
    _known(NotFoundError, _DEPLOYMENT, "deploymentnotfound"),
    _known(NotFoundError, _DEPLOYMENT, 404, r"deployment\b.*does not exist"),
    _known(NotFoundError, _NO_ROUTE, 404, r"resource not found"),
    _known(ConfigurationError, _VERSION, 400, r"api[- ]version.* not (supported|allowed)|unsupported api[- ]version"),
)
