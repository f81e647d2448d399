"""What requests to one model of one endpoint leave out, learned from its refusals, and how a body loses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendments:
    """What is left out of requests to one model of one endpoint, learned from its refusals.

    `drop` holds paths of `DROPPABLE`; `efforts` the values the service listed; `refused_reasoning` the ids of
    reasoning items that it would not take back.
    """

    dropped_fields: frozenset[str] = frozenset()
    allowed_efforts: tuple[str, ...] | None = None
    developer_as_system: bool = False
    refused_reasoning_keys: frozenset[str] = field(default=frozenset())


def apply_amendments(dropped_fields: frozenset[str], body: dict[str, Any]) -> None:
    """Take the dropped paths out of a body; what becomes empty goes too."""
    for path in dropped_fields:
        top, _, nested = path.partition(".")
        if path == "tools.strict":
            body["tools"] = [{k: v for k, v in tool.items() if k != "strict"} for tool in body.get("tools") or ()]
        elif nested and top in body:
            body[top] = {key: value for key, value in body[top].items() if key != nested}
        else:
            body.pop(top, None)
        if not body.get(top, True):
            del body[top]
