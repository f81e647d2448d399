"""Finds the image or file in a block, and encodes it as a part, or as a line that says why it is left out.

What a tool returned is text unless its whole shape is a known one: a page that a tool fetched may look like a block,
and an address in it must not make the service load something. Reads the first bytes of the data and never decodes all
of it, because each request encodes the whole history again.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..facts.media_types import (
    IMAGE_DETAILS,
    IMAGE_TYPES,
    MARK_BYTES,
    find_file_extension,
    find_file_type,
    read_media_type,
)
from ..wire.json_values import as_object
from ..wire.types import Item

_WEB_URL = re.compile(r"https?://[^\s\"<>]+", re.I)
_HTTPS_URL = re.compile(r"https://[^\s\"<>]+", re.I)
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+=-]+)*),", re.I)
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,40}/[\w.+-]{1,80}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_BASE64_FROM_URL = str.maketrans("-_", "+/")
_SYNONYMS = {"image/jpg": "image/jpeg"}
_EDGE_CHARS = 64  # this much of base64 is checked at each end; four characters are three bytes
_MAX_FILENAME_CHARS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """An image or a file, as a block declares it.

    Attributes:
        is_file: the block declares a file, not an image; false by default.
        media_type: the declared media type; empty by default.
        data: the content as base64; empty by default.
        url: the address of the content, which may be a data URL; empty by default.
        file_id: the id of an uploaded file; empty by default.
        filename: its name; empty by default.
        detail: how closely the model looks at an image; empty by default.
    """

    is_file: bool = False
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""
    filename: str = ""
    detail: str = ""


def read_host_media(block: Mapping[str, Any]) -> Media:
    """Return what an image block of the host holds; its fields are empty if it holds nothing.

    A host may write the fields of the API, of other APIs or of MCP, in the block or in its `source`.
    """
    source = as_object(block.get("source")) or block
    return Media(
        media_type=_read_media_type_field(source),
        data=_read_text(source, "data"),
        url=_read_text(source, "url") or _read_url(source.get("image_url")),
        file_id=_read_text(source, "file_id"),
        filename=_read_text(source, "filename"),
        detail=_read_text(block, "detail") or _read_text(source, "detail"),
    )


def read_tool_media(value: object, *, allows_addresses: bool) -> Media | None:
    """Return what a block of a tool result holds; None if its whole shape is not that of an image or a file.

    Args:
        value: what may be a block.
        allows_addresses: whether it may name an address or the id of a file; if not, it must hold the data.
    """
    block = as_object(value)
    match block.get("type"):
        case "image" | "document" | "audio" as block_type:
            media = _read_data_block(block, is_file=block_type != "image")
        case "resource":
            media = _read_resource(as_object(block.get("resource")))
        case "input_image" | "image_url":
            media = _read_image_part(block)
        case "input_file":
            media = _read_file_part(block)
        case "file":
            media = _read_file_part(as_object(block.get("file"))) if block.keys() == {"type", "file"} else None
        case _:
            media = None
    if media is None or media.data or media.url.startswith("data:"):
        return media
    has_address = bool(media.file_id or _HTTPS_URL.fullmatch(media.url))
    return media if allows_addresses and has_address else None


def _read_data_block(block: Mapping[str, Any], *, is_file: bool) -> Media | None:
    """Read Anthropic's block, whose `source` has the type `base64`, or MCP's, which has `data` and `mimeType`."""
    source = as_object(block.get("source"))
    if source.get("type", "base64") != "base64":
        return None
    content = source or block
    media_type, data = _read_media_type_field(content), _read_text(content, "data")
    if not _begins_as_base64(data) or not (media_type or _read_actual_type(data)):
        return None
    filename = next((text for key in ("filename", "title", "name") if (text := _read_text(block, key))), "")
    detail = _read_text(block, "detail")
    return Media(is_file=is_file, media_type=media_type, data=data, filename=filename, detail=detail)


def _read_resource(resource: Mapping[str, Any]) -> Media | None:
    """Read MCP's embedded resource; one with a `text` stays a text."""
    blob = _read_text(resource, "blob")
    if not _begins_as_base64(blob):
        return None
    filename = re.split(r"[?#]", _read_text(resource, "uri"))[0].rstrip("/").rpartition("/")[2]
    return Media(is_file=True, media_type=_read_media_type_field(resource), data=blob, filename=filename)


def _read_image_part(block: Mapping[str, Any]) -> Media | None:
    """Read a part of the Responses API, or of the Chat Completions API."""
    if not block.keys() <= {"type", "image_url", "file_id", "detail"}:
        return None
    detail = _read_text(block, "detail") or _read_text(as_object(block.get("image_url")), "detail")
    return Media(url=_read_url(block.get("image_url")), file_id=_read_text(block, "file_id"), detail=detail)


def _read_file_part(block: Mapping[str, Any]) -> Media | None:
    if not block.keys() <= {"type", "file_data", "file_url", "file_id", "filename", "detail"}:
        return None
    url = _read_text(block, "file_data") or _read_text(block, "file_url")
    return Media(is_file=True, url=url, file_id=_read_text(block, "file_id"), filename=_read_text(block, "filename"))


def _begins_as_base64(data: str) -> bool:
    return bool(_BASE64.fullmatch(data[:_EDGE_CHARS].strip().translate(_BASE64_FROM_URL)))


def _read_media_type_field(fields: Mapping[str, Any]) -> str:
    names = ("media_type", "mime_type", "mimeType")
    declared = next((text for name in names if (text := _read_text(fields, name))), "")
    return declared.partition(";")[0].strip().lower()


def _read_url(value: object) -> str:
    """Return a URL that is a text, or stands in an object as the Chat Completions API writes it."""
    return value if isinstance(value, str) else _read_text(as_object(value), "url")


def _read_text(fields: Mapping[str, Any], key: str) -> str:
    """Return a text; empty for a value of another type, because tools return whatever they like."""
    value: object = fields.get(key)
    return value if isinstance(value, str) else ""


def encode_media(media: Media, *, vision: bool) -> tuple[Item, str]:
    """Return the part for an image or a file, and an empty text.

    If the model or the service cannot read it, the part is a line that says so, and the text says the same to the user.

    Args:
        media: what a block holds.
        vision: whether the model sees images.
    """
    has_data = media.data or media.url.startswith("data:")
    part = _encode_data(media, vision) if has_data else _encode_address(media, vision)
    if isinstance(part, dict):
        return part, ""
    sentence = f"{'a file' if media.is_file else 'an image'} is left out: {part}"
    return {"type": "input_text", "text": f"[{sentence}]"}, sentence


_BLIND = "the model does not see images"


def _encode_address(media: Media, vision: bool) -> Item | str:
    """Return the part for an address or a file id, or why there is none."""
    is_file = media.is_file or not (media.media_type or "image/").startswith("image/")
    if not is_file and not vision:
        return _BLIND
    if media.file_id:
        address = {"file_id": media.file_id}
    elif _WEB_URL.fullmatch(media.url):
        address = {"file_url" if is_file else "image_url": media.url}
    else:
        return "its address is not a web address" if media.url else "it has no data, URL or file id"
    return {"type": "input_file", **address} if is_file else _make_image_part(address, media)


def _encode_data(media: Media, vision: bool) -> Item | str:
    """Return the part for base64, or why there is none. The bytes decide on the type, not what the block declares."""
    declared, raw_data = _split_data_url(media)
    data = _mend_base64(raw_data)
    actual = "" if declared.startswith("text/") else _read_actual_type(data)
    media_type = actual or declared
    if media_type.startswith("image/") or not (media_type or media.is_file):
        return _encode_image(media, media_type, data if actual else "") if vision else _BLIND
    return _encode_file(media, media_type, data)


def _encode_image(media: Media, media_type: str, data: str) -> Item | str:
    if media_type and media_type not in IMAGE_TYPES:
        return f"the service does not read {media_type}, only PNG, JPEG, GIF and WebP"
    if not data:
        return _DAMAGED
    return _make_image_part({"image_url": f"data:{media_type};base64,{data}"}, media)


def _encode_file(media: Media, media_type: str, data: str) -> Item | str:
    extension = find_file_extension(media_type, media.filename)
    if not extension:
        return f"the service does not read {media_type or 'a file of an unknown type'}"
    if not data:
        return _DAMAGED
    filename = media.filename[-_MAX_FILENAME_CHARS:]
    # The service goes by the extension, except for a PDF (recorded, 2026-05-21).
    if not filename or not (media_type == "application/pdf" or filename.lower().endswith(f".{extension}")):
        filename = f"{filename or 'file'}.{extension}"
    file_type = media_type if media_type.startswith("text/") else find_file_type(extension)
    return {"type": "input_file", "file_data": f"data:{file_type};base64,{data}", "filename": filename}


_DAMAGED = "its data is damaged"


def _make_image_part(address: Item, media: Media) -> Item:
    """Return an image part. Some servers refuse one without `detail` (vLLM 0.32 in call outputs, seen 2026-11-30)."""
    return {"type": "input_image", **address, "detail": media.detail if media.detail in IMAGE_DETAILS else "auto"}


def _read_actual_type(data: str) -> str:
    """Return the media type of base64; empty if it is not known, or if the data is damaged."""
    return read_media_type(base64.b64decode(_mend_base64(data[: MARK_BYTES // 3 * 4])))


def _split_data_url(media: Media) -> tuple[str, str]:
    """Return the declared media type and the base64, which may both stand in a data URL."""
    media_type, data = media.media_type, media.data
    url = media.url if not data else data if data.startswith("data:") else ""
    if match := _DATA_URL.match(url):
        media_type = (match[1] or media_type).lower()
        data = url[match.end() :] if match[2].lower().endswith(";base64") else ""
    elif url:
        data = ""
    if not _MEDIA_TYPE.fullmatch(media_type):
        media_type = ""
    return _SYNONYMS.get(media_type, media_type), data


def _mend_base64(data: str) -> str:
    """Return base64 without line breaks, in the standard alphabet and with its padding; empty if it is damaged."""
    if any(space in data for space in "\n\r\t "):
        data = "".join(data.split())
    if "-" in data or "_" in data:
        data = data.translate(_BASE64_FROM_URL)
    if not data.endswith("="):
        data += "=" * (-len(data) % 4)
    edges = data if len(data) <= _EDGE_CHARS else data[:_EDGE_CHARS] + data[-_EDGE_CHARS:]
    has_padding_inside = -1 < data.find("=") < len(data) - 2
    return data if len(data) % 4 == 0 and _BASE64.fullmatch(edges) and not has_padding_inside else ""
