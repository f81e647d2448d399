"""What a JSON web token says of itself.

The signature is the service's to check: nothing is granted here by what a token says.
"""

from __future__ import annotations

import base64
from typing import Any

from ..wire.json_values import loads_object_or_none


def read_claims(token: str) -> dict[str, Any]:
    """The claims of a token; none where it is no such token, or cannot be read."""
    try:
        _, payload, _ = token.split(".")
        return loads_object_or_none(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))) or {}
    except ValueError:
        return {}
