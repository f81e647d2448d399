"""Content parts: text, images and files, and what a tool returned, as the service wants them.

Pixels never travel as base64 inside a text: an image is an `input_image` part wherever it came from, also when a loop
hands over the JSON dump of a whole tool result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

from ..wire.json_values import record, records
from ..wire.types import Item

NO_PICTURE = "[an image without data, URL or file id]"


def text_part(text: str) -> Item:
    return {"type": "input_text", "text": text}


def media_part(block: Mapping[str, Any]) -> Item | None:
    """An image or file block (`source` by base64, URL or file id) as a part; None if it holds none of these."""
    source = cast(Mapping[str, Any], block.get("source") or block)
    media_type = str(source.get("media_type") or source.get("mime_type") or "image/png")
    is_file = not media_type.startswith("image/")
    part: Item = {"type": "input_file" if is_file else "input_image"}
    if source.get("file_id"):
        part["file_id"] = source["file_id"]
    elif source.get("data"):
        part["file_data" if is_file else "image_url"] = f"data:{media_type};base64,{source['data']}"
    elif url := source.get("url") or _url(source.get("image_url")):
        part["file_url" if is_file else "image_url"] = url
    else:
        return None
    if "file_data" in part:
        part["filename"] = source.get("filename") or "file." + media_type.partition("/")[2]
    if detail := block.get("detail") or source.get("detail"):
        part["detail"] = detail
    return part


def _url(value: object) -> object:
    return cast(Mapping[str, object], value).get("url") if isinstance(value, Mapping) else value


def tool_output(content: object) -> str | list[Item]:
    """A tool's result as the output of its call: text where it is text, typed parts where it holds images."""
    if isinstance(content, str):
        return _joined(_embedded(content)) or content
    value = _plain(content)
    if parts := _joined(_pictured(value)):
        return parts
    blocks = records(value)
    if blocks and len(blocks) == len(cast(list[object], value)) and all(_is_text(block) for block in blocks):
        return "\n".join(block.get("text", "") for block in blocks)
    return "" if value is None else _told(value)


def _joined(parts: list[Item] | None) -> str | list[Item] | None:
    """Text alone goes as text."""
    if parts and all(part["type"] == "input_text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, list):
        return [_plain(entry) for entry in cast(list[object], value)]
    return value


def _told(value: object) -> str:
    """JSON as far as it is JSON: a tool may return dates, paths, anything."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _embedded(text: str) -> list[Item] | None:
    """The parts inside a JSON dump that holds images; None for every other text, which is nearly all of them."""
    if text[:1] not in {"{", "["} or '"image"' not in text:
        return None
    try:
        return _pictured(json.loads(text))
    except ValueError:
        return None


def _pictured(value: object) -> list[Item] | None:
    """The parts of a result that holds image blocks: they themselves, and all else as text; None without any.

    Loops and tools wrap results: `{"success", "output", "error", "content": [blocks]}`, the blocks under `content` or
    `output`, one inside the other.
    """
    if isinstance(value, list):
        blocks = cast(list[object], value)
        return [_part(block) for block in blocks] if any(_is_image(block) for block in blocks) else None
    wrapper = record(value)
    for key in ("content", "output"):
        if key in wrapper and (parts := _pictured(wrapper[key])):
            rest = {name: entry for name, entry in wrapper.items() if name != key and entry is not None}
            return [text_part(_told(rest)), *parts] if rest else parts
    return None


def _part(block: object) -> Item:
    if _is_image(block):
        return media_part(record(block)) or text_part(NO_PICTURE)
    return text_part(record(block).get("text", "") if _is_text(block) else _told(block))


def _is_image(block: object) -> bool:
    return record(block).get("type") == "image"


def _is_text(block: object) -> bool:
    return record(block).get("type") == "text" and isinstance(record(block).get("text", ""), str)
