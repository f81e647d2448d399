"""What can be said about an image without looking at it: its kind and its size in pixels."""

from __future__ import annotations

import base64
import binascii
import struct


def describe_image(image_url: str | None, file_id: str | None = None) -> str:
    """A few words on one image part."""
    if image_url is None:
        return f"the uploaded file {file_id}"
    if not image_url.startswith("data:"):
        return f"an image at {image_url.split('?')[0]}"
    head, _, data = image_url.partition(",")
    kind = head.removeprefix("data:image/").split(";")[0].upper()
    try:
        raw = base64.b64decode(data)
    except (binascii.Error, ValueError):
        return f"a {kind} image that cannot be decoded"
    size = image_size(raw)
    return f"a {kind} image of {size[0]}x{size[1]} pixels" if size else f"a {kind} image of {len(raw)} bytes"


def image_size(raw: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, JPEG or WebP; None for anything else."""
    if raw[:8] == b"\x89PNG\r\n\x1a\n" and len(raw) >= 24:
        return struct.unpack(">II", raw[16:24])
    if raw[:3] == b"GIF" and len(raw) >= 10:
        return struct.unpack("<HH", raw[6:10])
    if raw[:4] == b"RIFF" and raw[8:16] == b"WEBPVP8X" and len(raw) >= 30:
        return 1 + int.from_bytes(raw[24:27], "little"), 1 + int.from_bytes(raw[27:30], "little")
    if raw[:4] == b"RIFF" and raw[8:16] == b"WEBPVP8 " and len(raw) >= 30:
        width, height = struct.unpack("<HH", raw[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return _jpeg_size(raw) if raw[:2] == b"\xff\xd8" else None


def _jpeg_size(raw: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(raw) and raw[at] == 0xFF:
        marker = raw[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", raw[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
    return None
