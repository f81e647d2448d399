"""Preserved reasoning of gpt-6.2 and later: what no longer fits is left out, and the reply says which and why.

Documented by the service (preserved-reasoning guide, seen 2026-11-21); no recording exists. Older models know no such
thing: for them foreign ciphertext is an error.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from responses_emulator.accounting.tokens import item_text
from responses_emulator.conversation import ciphertext
from responses_emulator.facts.models import Model


def drops_stale_reasoning(model: Model) -> bool:
    """Whether the model leaves reasoning out instead of refusing it."""
    return model.snapshot.startswith("gpt-6.2")


def conversation_digest(body: dict[str, Any], items: list[dict[str, Any]]) -> str:
    """What stood before a response: its tools and items. `instructions` belong to the turn and do not count."""
    text = "\n".join([json.dumps(body.get("tools") or []), *(item_text(item) for item in items)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def drop_stale_reasoning(
    body: dict[str, Any], items: list[dict[str, Any]], model: Model, account: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The items that are left, and the `input_transformations` that tell of the others."""
    kept: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        blob = item.get("encrypted_content") if item.get("type") == "reasoning" else None
        ticket = ciphertext.unseal(blob) if blob else None
        reason = None
        if ticket is not None:
            before = items[: max(0, index - ticket.position)]
            reason = _mismatch_reason(ticket, body, before, model, account)
        if ticket is None or reason is None:
            kept.append(item)
        else:
            told.append({"id": ticket.item_id, "action": "removed", "reason": reason, "type": "reasoning"})
    return kept, told


def _mismatch_reason(
    ticket: ciphertext.CiphertextClaims, body: dict[str, Any], before: list[dict[str, Any]], model: Model, account: str
) -> str | None:
    if ticket.account != account:
        return "organization_mismatch"
    if ticket.end_user != (body.get("safety_identifier") or ""):
        return "end_user_mismatch"
    if ticket.model != model.snapshot:
        return "model_mismatch"
    return None if ticket.prefix == conversation_digest(body, before) else "prefix_mismatch"
