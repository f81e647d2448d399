"""Estimates of token counts, and the text of a prompt as the cache compares it."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

CHARS_PER_TOKEN = 4
# What an image or a ciphertext counts, whatever its bytes: the service bills pixels and reasoning, not base64.
_IMAGE_TOKENS = 765
_BLOB_TOKENS = 64


def count_tokens(text: str) -> int:
    """Return the estimated number of tokens of a text."""
    return (len(text) + CHARS_PER_TOKEN - 1) // CHARS_PER_TOKEN


def prompt_text(body: dict[str, Any], items: list[dict[str, Any]], model: str) -> str:
    """Return the prompt as the cache compares it: everything but ids and states, in order."""
    parts = [
        model,
        str((body.get("reasoning") or {}).get("effort") or ""),
        _dump(body.get("tools") or []),
        body.get("instructions") or "",
        _dump(body.get("text") or {}),
    ]
    parts += [item_text(item) for item in items]
    return "\n".join(parts)


def item_text(item: dict[str, Any]) -> str:
    """Return one input item as the cache compares it."""
    return _dump({key: value for key, value in item.items() if key not in {"id", "status"}})


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = re.sub(r'data:[a-z]+/[^"]{200,}', lambda m: _placeholder(m[0], _IMAGE_TOKENS), text)
    return re.sub(r'(?<="encrypted_content":")[^"]+', lambda m: _placeholder(m[0], _BLOB_TOKENS), text)


def _placeholder(data: str, tokens: int) -> str:
    return hashlib.sha256(data.encode()).hexdigest().ljust(tokens * CHARS_PER_TOKEN, "#")[: tokens * CHARS_PER_TOKEN]
