"""The claims of a JSON web token.

The service checks the signature. Nothing here is granted because of a claim.
"""

from __future__ import annotations

import base64
from typing import Any

from ..wire.json_values import loads_object_or_none


def read_claims(token: str) -> dict[str, Any]:
    """Return the claims of a token; no claims if it is not a JSON web token or cannot be parsed."""
    try:
        _, payload, _ = token.split(".")
        return loads_object_or_none(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))) or {}
    except ValueError:
        return {}
