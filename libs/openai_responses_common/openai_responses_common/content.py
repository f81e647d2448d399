"""Content parts: text, images and files, and what a tool returned, as the service wants them.

Pixels never travel as base64 inside a text: an image is an `input_image` part wherever it came from, also when a loop
hands over the JSON dump of a whole tool result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

from .wire import Item, dump


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
        return _embedded(content) or content
    if isinstance(content, list):
        blocks = cast(list[object], content)
        if blocks and all(_is_block(block) for block in blocks):
            return _parts(cast(list[Mapping[str, Any]], blocks))
    if isinstance(content, Mapping):
        record = cast(Mapping[str, Any], content)
        return _result_parts(record) or _told(record)
    if isinstance(content, BaseModel):
        return tool_output(content.model_dump(mode="json", exclude_none=True))
    return "" if content is None else _told(cast(object, content))


def _told(value: object) -> str:
    """JSON as far as it is JSON: a tool may return dates, paths, anything."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _is_block(value: object) -> bool:
    return isinstance(value, Mapping) and cast(Mapping[str, object], value).get("type") in {"text", "image"}


def _parts(blocks: list[Mapping[str, Any]]) -> str | list[Item]:
    parts: list[Item] = []
    for block in blocks:
        part = text_part(str(block.get("text", ""))) if block["type"] == "text" else media_part(block)
        parts.append(part or text_part("[an image without data, URL or file id]"))
    if all(part["type"] == "input_text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _result_parts(record: Mapping[str, Any]) -> list[Item] | None:
    """`{"success", "output", "error", "content": [blocks]}`: the content as parts, the rest as text before it."""
    content: object = record.get("content")
    if not isinstance(content, list) or not any(_is_block(block) for block in cast(list[object], content)):
        return None
    parts = _parts([block for block in cast(list[Mapping[str, Any]], content) if _is_block(block)])
    if isinstance(parts, str):
        return None
    rest = {key: value for key, value in record.items() if key != "content" and value is not None}
    return [text_part(dump(rest)), *parts] if rest else parts


def _embedded(text: str) -> str | list[Item] | None:
    """The parts inside a JSON dump that holds images; None for every other text, which is nearly all of them."""
    if text[:1] not in {"{", "["} or '"image"' not in text:
        return None
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    if isinstance(value, Mapping):
        return _result_parts(cast(Mapping[str, Any], value))
    parts = tool_output(value)
    return parts if isinstance(parts, list) else None
