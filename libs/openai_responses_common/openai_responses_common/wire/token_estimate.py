"""Estimates how many tokens the model reads for a request, rather too many than too few; it counts nothing.

A token is taken for three bytes of JSON: prose has about four, code and identifiers about three. What is not read as
text counts by its kind: ciphertext by its length, an image as the most that a service takes for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from .json_values import dump_body
from .types import Item

_BYTES_PER_TOKEN = 3
# Of an image in high detail: 36 tiles of 512 pixels at 70 tokens, and the base. Source: OpenAI's vision guide, seen
# 2026-11-21.
_IMAGE_TOKENS = 2_600
# Base64 of a PDF, of which a page has some 100 kB and 1,500 tokens, text and picture together (the same guide).
_PDF_BYTES_PER_TOKEN = 60
_PDF_START = "JVBERi"
# Base64 of any other file, which may be plain text.
_FILE_BYTES_PER_TOKEN = 4
# Base64 of encrypted text.
_CIPHERTEXT_BYTES_PER_TOKEN = 5
_PARAMETERS = frozenset({"instructions", "tools", "text"})
"""The fields besides `input` that the model reads."""


def estimate_input_tokens(fields: Mapping[str, Any], items: Sequence[Item]) -> int:
    """Return an estimate of the input tokens of a request.

    Args:
        fields: the fields of the body except `input`.
        items: the items of `input`.
    """
    read_fields = {key: value for key, value in fields.items() if key in _PARAMETERS}
    return _estimate(read_fields) + sum(map(_estimate, items))


def _estimate(value: object) -> int:
    """Return the tokens of a JSON value: those of its text, and those of what counts by its kind."""
    token_counts: list[int] = []
    text = dump_body(cast(Any, _extract_text(value, token_counts)))
    return sum(token_counts) + -(-len(text) // _BYTES_PER_TOKEN)


def _extract_text(value: object, token_counts: list[int]) -> object:
    """Return the value without pictures, files and ciphertext, and add the tokens of each to the list."""
    if isinstance(value, list):
        return [_extract_text(entry, token_counts) for entry in cast(list[object], value)]
    if not isinstance(value, dict):
        return value
    text_fields: dict[str, object] = {}
    for key, entry in cast(dict[str, object], value).items():
        tokens = _count_by_kind(key, entry)
        if tokens is None:
            text_fields[key] = _extract_text(entry, token_counts)
        else:
            token_counts.append(tokens)
    return text_fields


def _count_by_kind(key: str, entry: object) -> int | None:
    """Return the tokens of a field that does not count by its text; None if it does."""
    if not isinstance(entry, str):
        return None
    if key == "encrypted_content":
        return len(entry) // _CIPHERTEXT_BYTES_PER_TOKEN
    if key in ("image_url", "file_url") or (key == "file_id" and entry):
        return _IMAGE_TOKENS
    if key == "file_data":
        is_pdf = entry.rpartition(",")[2].startswith(_PDF_START)
        return len(entry) // (_PDF_BYTES_PER_TOKEN if is_pdf else _FILE_BYTES_PER_TOKEN)
    return 0 if key in ("id", "call_id") else None
