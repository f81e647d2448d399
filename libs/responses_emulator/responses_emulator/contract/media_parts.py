"""Checks of images and files in messages and call outputs: their addresses, their media types and their first bytes.

Sources, seen 2026-11-30 unless a rule says otherwise: the vision and file-inputs guides, codex#6774 for the text about
an invalid image, mkht/PSOpenAI#43 for that about a media type, clients' sources for that about a file's extension. A
PDF needs none (recorded, 2026-05-21).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from responses_emulator.contract.refusal import Refusal, missing_parameter

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
        raise Refusal(
            "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
            "['png', 'jpeg', 'gif', 'webp'].",
            param="input",
            code="invalid_image_format",
        )
    if not _is_image(url[match.end() :]):
        # The text is the service's; `param` and `code` are ours.
        raise Refusal(
            "The image data you provided does not represent a valid image. Please check your input and try again with "
            "one of the following image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'].",
            param="input",
            code="invalid_value",
        )


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
        raise missing_parameter(f"{path}.filename")  # documented as needed; the text is ours
    dot, extension = re.search(r"(\.?)([^.]*)$", part["filename"].lower()).groups()  # type: ignore[union-attr]
    if match[1] != "application/pdf" and dot + extension not in _FILE_EXTENSIONS:
        raise Refusal(
            "Invalid input: Expected context stuffing file type to be a supported format: "
            f"{', '.join(_FILE_EXTENSIONS)} but got {f'.{extension}' if dot else 'none'}.",
            param="input",
        )


def _invalid_url(path: str, reason: str) -> Refusal:
    return Refusal(f"Invalid '{path}'. {reason}", param=path, code="invalid_value")


def _is_image(data: str) -> bool:
    try:
        image = base64.b64decode(data, validate=True)
    except binascii.Error:
        return False
    return image.startswith(_IMAGE_MARKS) or (image[:4] == b"RIFF" and image[8:12] == b"WEBP")
