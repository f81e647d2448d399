"""Checks of images and files in messages and call outputs: their addresses, their media types and their first bytes.

A PDF needs no extension (recorded, 2026-05-21).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from responses_emulator.contract.refusal import Refusal, missing_parameter, refuse
from responses_emulator.rules import requests as rules

# The extensions that the guide names, and some of those that the refusal lists. The full list is longer.
_FILE_EXTENSIONS = (
    ".bat", ".c", ".cpp", ".cs", ".css", ".csv", ".diff", ".doc", ".docx", ".eml", ".h", ".htm", ".html", ".ics",
    ".java", ".js", ".json", ".md", ".odt", ".patch", ".pdf", ".php", ".pl", ".ppt", ".pptx", ".py", ".rb", ".rst",
    ".rtf", ".sh", ".sql", ".srt", ".tex", ".ts", ".tsv", ".txt", ".vcf", ".xls", ".xlsx", ".xml", ".yaml", ".yml",
)  # fmt: skip
_IMAGE_MARKS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_DATA_URL = re.compile(r"data:([a-z]+/[a-z0-9.+-]+);base64,", re.I)


def check_image(part: dict[str, Any], path: str) -> None:
    """Raise the service's error for an `input_image` part that it cannot load or read."""
    url = part.get("image_url")
    if url is None and part.get("file_id") is None:
        raise missing_parameter(f"{path}.image_url")
    if url is None or url.startswith(("http://", "https://")):
        return
    match = _DATA_URL.match(url)
    if match is None:
        raise _invalid_url(f"{path}.image_url", "Expected a valid URL, but got a value with an invalid format.")
    media_type = match[1].lower()
    if not media_type.startswith("image/"):
        raise _invalid_url(
            f"{path}.image_url",
            "Expected a base64-encoded data URL with an image MIME type (e.g. "
            f"'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got unsupported MIME type '{media_type}'.",
        )
    if media_type not in {"image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"}:
        raise refuse(rules.UNSUPPORTED_IMAGE)
    if not _is_image(url[match.end() :]):
        raise refuse(rules.DAMAGED_IMAGE)


def check_file(part: dict[str, Any], path: str) -> None:
    """Raise the service's error for an `input_file` part without a file, or with one of a type that it cannot read."""
    data = part.get("file_data")
    if not any((data, part.get("file_id"), part.get("file_url"))):
        raise missing_parameter(f"{path}.file_id")
    if data is None:
        return
    match = _DATA_URL.match(data)
    if match is None:
        raise _invalid_url(
            f"{path}.file_data",
            "Expected a base64-encoded data URL with an application/pdf MIME type (e.g. "
            "'data:application/pdf;base64,aW1nIGJ5dGVzIGhlcmU='), but got a value without the 'data:' prefix.",
        )
    if not part.get("filename"):
        raise refuse(rules.FILE_WITHOUT_NAME, path=f"{path}.filename")
    dot, extension = re.search(r"(\.?)([^.]*)$", part["filename"].lower()).groups()  # type: ignore[union-attr]
    if match[1] != "application/pdf" and dot + extension not in _FILE_EXTENSIONS:
        found = f".{extension}" if dot else "none"
        raise refuse(rules.UNSUPPORTED_FILE, choices=", ".join(_FILE_EXTENSIONS), extension=found)


def _invalid_url(path: str, reason: str) -> Refusal:
    return refuse(rules.INVALID_URL_OF_FILE, path=path, reason=reason)


def _is_image(data: str) -> bool:
    try:
        image = base64.b64decode(data, validate=True)
    except binascii.Error:
        return False
    return image.startswith(_IMAGE_MARKS) or (image[:4] == b"RIFF" and image[8:12] == b"WEBP")
