"""Which images and files the API reads, and what the first bytes of a file say of its media type.

Sources: the API's guides on vision and on file inputs, seen 2026-11-30.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The media types of images that the API reads."""

IMAGE_DETAILS = frozenset({"auto", "low", "high", "original"})
"""The values of an image's `detail`."""

MARK_BYTES = 24
"""How many bytes at the start of a file `read_media_type` needs."""

_MARKS: tuple[tuple[bytes, str], ...] = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"BM", "image/bmp"),
    (rb"II\*\x00|MM\x00\*", "image/tiff"),
    (rb"\x00\x00\x01\x00", "image/x-icon"),
    (rb"....ftypavi[fs]", "image/avif"),
    (rb"....ftyp(hei[cx]|mif1|msf1)", "image/heic"),
    (rb"\s*<svg", "image/svg+xml"),
    (rb"%PDF", "application/pdf"),
)
_PATTERNS = tuple((re.compile(pattern, re.S), media_type) for pattern, media_type in _MARKS)

_OFFICE = "application/vnd.openxmlformats-officedocument"
FILE_EXTENSIONS: Mapping[str, str] = {
    "application/pdf": "pdf",
    "application/json": "json",
    "application/xml": "xml",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "application/javascript": "js",
    "application/rtf": "rtf",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.oasis.opendocument.text": "odt",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}.presentationml.presentation": "pptx",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/html": "html",
    "text/xml": "xml",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
}
"""The media types of files that the API reads, and the extension by which it knows each. Every other text is `txt`."""

_CODE_EXTENSIONS = frozenset(
    {
        "bat", "c", "cpp", "cs", "css", "diff", "eml", "h", "htm", "ics", "java", "patch", "php", "pl", "py", "rb",
        "rst", "sh", "sql", "srt", "tex", "ts", "vcf", "yml",
    }
)  # fmt: skip


def read_media_type(head: bytes) -> str:
    """Return the media type that the first `MARK_BYTES` of a file mean; empty if they are of no type that we know."""
    return next((media_type for pattern, media_type in _PATTERNS if pattern.match(head)), "")


def find_file_extension(media_type: str, filename: str) -> str:
    """Return the extension under which the API reads a file; empty if it does not read such files.

    Args:
        media_type: the media type, or an empty text.
        filename: the name of the file, whose extension counts first; it may be empty.
    """
    extension = filename.lower().rpartition(".")[2]
    if "." in filename and (extension in _CODE_EXTENSIONS or extension in FILE_EXTENSIONS.values()):
        return extension
    return FILE_EXTENSIONS.get(media_type) or ("txt" if media_type.startswith("text/") else "")


def find_file_type(extension: str) -> str:
    """Return the media type of a file with an extension of `find_file_extension`; plain text for code."""
    return next((media_type for media_type, name in FILE_EXTENSIONS.items() if name == extension), "text/plain")
