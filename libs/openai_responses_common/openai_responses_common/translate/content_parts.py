"""Encodes texts and tool results as content parts.

An image or a file becomes a separate part and never base64 in a text, even if a host passes on the JSON text of a
whole tool result. Everything else that a tool returned stays the text that it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Literal, TypeAlias, cast

from amplifier_core.message_models import ImageBlock
from pydantic import BaseModel

from ..wire.json_values import as_object, as_objects, is_too_deep, loads_or_none
from ..wire.types import Item
from .media import Media, read_host_media, read_tool_media

RESULT_PLACEHOLDER = "[a tool result that cannot be written as JSON]"

MediaEncoder: TypeAlias = Callable[[Media], Item]

# What a JSON text holds if it holds the data of an image or a file. Few texts do, and only these are parsed.
_DATA_PATTERN = re.compile(r'"(?:data|blob)\\*"\s*:\s*\\*"[\w+/-]{6}|"data:\w+/')
_TYPE_PATTERN = re.compile(r'"(?:image|document|audio|resource|input_image|image_url|input_file|file)\\*"')


def make_text_part(text: str) -> Item:
    """Return a text as a part of an input item."""
    return {"type": "input_text", "text": text}


def encode_tool_result(result: object, encode_media: MediaEncoder) -> str | list[Item]:
    """Return a tool result as the content of a call output: typed parts if it holds images or files, else text.

    Args:
        result: a text, blocks, or whatever else a tool returned.
        encode_media: returns the part for an image or a file.
    """
    if isinstance(result, str):
        return _join_text_parts(_encode_dump(result, encode_media)) or result
    if is_too_deep(result):
        return _dump_json(result)
    value = _dump_models(result)
    if value is RESULT_PLACEHOLDER:  # not `==`, which an array answers with an array
        return RESULT_PLACEHOLDER
    if parts := _join_text_parts(_encode_media_result(value, encode_media, allows_addresses=True)):
        return parts
    blocks = as_objects(value)
    if blocks and len(blocks) == len(cast(list[object], value)) and all(_is_text_block(block) for block in blocks):
        return "\n".join(block.get("text", "") for block in blocks)
    return "" if value is None else _dump_json(value)


def _join_text_parts(parts: list[Item] | None) -> str | list[Item] | None:
    """Return the parts, or one text if each of them is a text."""
    if parts and all(part["type"] == "input_text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def dump_model(model: BaseModel, mode: Literal["json", "python"] = "python") -> object:
    """Return a block as plain data without its null fields; a placeholder if pydantic cannot write it."""
    try:
        return model.model_dump(mode=mode, exclude_none=True)
    except (ValueError, RecursionError):  # pydantic writes 254 levels, and no bytes that are not UTF-8
        return RESULT_PLACEHOLDER


def _dump_models(value: object) -> object:
    """Return models as plain data; an image block, which only a host makes, as the image that it holds."""
    if isinstance(value, ImageBlock):
        return read_host_media(as_object(dump_model(value, "json")))
    if isinstance(value, BaseModel):
        return dump_model(value, "json")
    if isinstance(value, list):
        return [_dump_models(entry) for entry in cast(list[object], value)]
    return value


def _dump_json(value: object) -> str:
    """Return JSON, with dates, paths and other objects as text; a placeholder if JSON cannot hold the value."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except Exception:  # noqa: BLE001 - odd keys, a value that contains itself, a thousand levels, an object that has no text
        return RESULT_PLACEHOLDER


def _encode_dump(text: str, encode_media: MediaEncoder) -> list[Item] | None:
    """Return the parts of a JSON text that holds the data of images or files; None for any other text.

    It may be a page that a tool fetched, so no address in it is sent as one.
    """
    if text[:100].lstrip()[:1] not in {"{", "["} or not (_DATA_PATTERN.search(text) and _TYPE_PATTERN.search(text)):
        return None
    return _encode_media_result(loads_or_none(text), encode_media, allows_addresses=False)


def _encode_media_result(value: object, encode_media: MediaEncoder, *, allows_addresses: bool) -> list[Item] | None:
    """Return the parts of a tool result that holds images or files, with all else as text; None if it holds none.

    Hosts and tools wrap a result in an object such as `{"success", "output", "error", "content": [blocks]}`. The blocks
    stand under `content` or `output`, and wrappers may be nested.
    """
    if isinstance(value, str):
        return _encode_dump(value, encode_media)
    if isinstance(value, list):
        return _encode_blocks(cast(list[object], value), encode_media, allows_addresses)
    if media := _read_media(value, allows_addresses):
        return [encode_media(media)]
    wrapper = as_object(value)
    parts: list[Item] = []
    for key in ("content", "output"):
        if key in wrapper and (
            inner := _encode_media_result(wrapper[key], encode_media, allows_addresses=allows_addresses)
        ):
            parts += inner
            wrapper = {name: entry for name, entry in wrapper.items() if name != key}
    rest = {name: entry for name, entry in wrapper.items() if entry is not None}
    return [make_text_part(_dump_json(rest)), *parts] if parts and rest else parts or None


def _encode_blocks(blocks: list[object], encode_media: MediaEncoder, allows_addresses: bool) -> list[Item] | None:
    media = [_read_media(block, allows_addresses) for block in blocks]
    if not any(media):
        return None
    pairs = zip(blocks, media, strict=True)
    return [encode_media(each) if each else _encode_other_block(block) for block, each in pairs]


def _read_media(block: object, allows_addresses: bool) -> Media | None:
    return block if isinstance(block, Media) else read_tool_media(block, allows_addresses=allows_addresses)


def _encode_other_block(block: object) -> Item:
    return make_text_part(as_object(block).get("text", "") if _is_text_block(block) else _dump_json(block))


def _is_text_block(block: object) -> bool:
    return as_object(block).get("type") in {"text", "input_text"} and isinstance(as_object(block).get("text", ""), str)
