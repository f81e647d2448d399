"""Preserved reasoning of gpt-6.2 and later: the service removes what no longer fits, and reports what and why.

Documented by the service (preserved-reasoning guide, seen 2026-11-21); no recording exists. Older models
refuse ciphertext that does not fit.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from responses_emulator.accounting.tokens import item_text
from responses_emulator.conversation import ciphertext
from responses_emulator.facts.models import Model


def drops_stale_reasoning(model: Model) -> bool:
    """Return whether the model removes reasoning instead of refusing it."""
    return model.snapshot.startswith("gpt-6.2")


def conversation_digest(body: dict[str, Any], items: list[dict[str, Any]]) -> str:
    """Return a digest of the tools and items before a response. `instructions` belong to the turn and do not count."""
    text = "\n".join([json.dumps(body.get("tools") or []), *(item_text(item) for item in items)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def drop_stale_reasoning(
    body: dict[str, Any], items: list[dict[str, Any]], model: Model, account: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the items that remain, and the `input_transformations` that report the others."""
    remaining: list[dict[str, Any]] = []
    removed: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        blob = item.get("encrypted_content") if item.get("type") == "reasoning" else None
        claims = ciphertext.unseal(blob) if blob else None
        reason = None
        if claims is not None:
            before = items[: max(0, index - claims.position)]
            reason = _mismatch_reason(claims, body, before, model, account)
        if claims is None or reason is None:
            remaining.append(item)
        else:
            removed.append({"id": claims.item_id, "action": "removed", "reason": reason, "type": "reasoning"})
    return remaining, removed


def _mismatch_reason(
    claims: ciphertext.CiphertextClaims, body: dict[str, Any], before: list[dict[str, Any]], model: Model, account: str
) -> str | None:
    if claims.account != account:
        return "organization_mismatch"
    if claims.end_user != (body.get("safety_identifier") or ""):
        return "end_user_mismatch"
    if claims.model != model.snapshot:
        return "model_mismatch"
    return None if claims.prefix == conversation_digest(body, before) else "prefix_mismatch"
