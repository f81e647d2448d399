"""Encodes text, images, files and tool results as content parts.

An image becomes an `input_image` part and never base64 in a text, even if a host passes on the JSON text of a whole
tool result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel

from ..wire.json_values import as_object, as_objects, is_too_deep, loads_or_none
from ..wire.types import Item

IMAGE_PLACEHOLDER = "[an image without data, URL or file id]"
RESULT_PLACEHOLDER = "[a tool result that cannot be written as JSON]"


def make_text_part(text: str) -> Item:
    """Return a text as a part of an input item."""
    return {"type": "input_text", "text": text}


def encode_media_part(block: Mapping[str, Any]) -> Item | None:
    """Return an image block or a file block as a part; None if it has no data, no URL and no file id."""
    source = as_object(block.get("source")) or block
    media_type = _read_text(source, "media_type") or _read_text(source, "mime_type") or "image/png"
    is_file = not media_type.startswith("image/")
    part: Item = {"type": "input_file" if is_file else "input_image"}
    if file_id := _read_text(source, "file_id"):
        part["file_id"] = file_id
    elif data := _read_text(source, "data"):
        part["file_data" if is_file else "image_url"] = f"data:{media_type};base64,{data}"
    elif url := _read_text(source, "url") or _read_url(source):
        part["file_url" if is_file else "image_url"] = url
    else:
        return None
    if "file_data" in part:
        part["filename"] = _read_text(source, "filename") or "file." + media_type.partition("/")[2]
    if detail := _read_text(block, "detail") or _read_text(source, "detail"):
        part["detail"] = detail
    return part


def _read_url(source: Mapping[str, Any]) -> str:
    """Return the URL under `image_url`, as a text or in an object, as other APIs write it."""
    return _read_text(source, "image_url") or _read_text(as_object(source.get("image_url")), "url")


def _read_text(fields: Mapping[str, Any], key: str) -> str:
    """Return a text; empty for a value of another type, because tools return whatever they like."""
    value: object = fields.get(key)
    return value if isinstance(value, str) else ""


def encode_tool_result(result: object) -> str | list[Item]:
    """Return a tool result as the content of a call output: typed parts if it holds images, else text."""
    if isinstance(result, str):
        return _join_text_parts(_parse_image_dump(result)) or result
    if is_too_deep(result):
        return _dump_json(result)
    value = _dump_models(result)
    if value is RESULT_PLACEHOLDER:  # not `==`, which an array answers with an array
        return RESULT_PLACEHOLDER
    if parts := _join_text_parts(_encode_image_result(value)):
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


def _parse_image_dump(text: str) -> list[Item] | None:
    """Return the parts of a JSON text that holds image blocks; None for any other text."""
    if text[:1] not in {"{", "["} or '"image"' not in text:
        return None
    return _encode_image_result(loads_or_none(text))


def _encode_image_result(value: object) -> list[Item] | None:
    """Return the parts of a tool result that holds image blocks, with all else as text; None if it holds no image.

    Hosts and tools wrap a result in an object such as `{"success", "output", "error", "content": [blocks]}`. The blocks
    stand under `content` or `output`, and wrappers may be nested.
    """
    if isinstance(value, list):
        blocks = cast(list[object], value)
        return (
            [_encode_result_part(block) for block in blocks]
            if any(_is_image_block(block) for block in blocks)
            else None
        )
    wrapper = as_object(value)
    for key in ("content", "output"):
        if key in wrapper and (parts := _encode_image_result(wrapper[key])):
            rest = {name: entry for name, entry in wrapper.items() if name != key and entry is not None}
            return [make_text_part(_dump_json(rest)), *parts] if rest else parts
    return None


def _encode_result_part(block: object) -> Item:
    if _is_image_block(block):
        return encode_media_part(as_object(block)) or make_text_part(IMAGE_PLACEHOLDER)
    return make_text_part(as_object(block).get("text", "") if _is_text_block(block) else _dump_json(block))


def _is_image_block(block: object) -> bool:
    return as_object(block).get("type") == "image"


def _is_text_block(block: object) -> bool:
    return as_object(block).get("type") == "text" and isinstance(as_object(block).get("text", ""), str)
