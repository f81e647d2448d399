"""Changes to requests that the engine learned from refusals, and how a body loses a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendments:
    """Changes to all later requests to one model of one endpoint.

    Attributes:
        dropped_fields: paths of body fields that are left out, see `DROPPABLE_FIELDS`.
        allowed_efforts: the efforts that the service listed in a refusal; None if it listed none.
        developer_as_system: whether messages have the role `system` instead of `developer`.
        refused_reasoning_keys: reasoning items that the service refused, see `reasoning_key`.
    """

    dropped_fields: frozenset[str] = frozenset()
    allowed_efforts: tuple[str, ...] | None = None
    developer_as_system: bool = False
    refused_reasoning_keys: frozenset[str] = frozenset()


def apply_amendments(dropped_fields: frozenset[str], body: dict[str, Any]) -> None:
    """Remove these paths from a body, and every field that becomes empty by that."""
    for path in dropped_fields:
        top, _, nested = path.partition(".")
        if path == "tools.strict":
            body["tools"] = [
                {key: value for key, value in tool.items() if key != "strict"} for tool in body.get("tools") or ()
            ]
        elif nested and top in body:
            body[top] = {key: value for key, value in body[top].items() if key != nested}
        else:
            body.pop(top, None)
        if not body.get(top, True):
            del body[top]
