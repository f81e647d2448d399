"""How the bodies of requests may be encoded at the ChatGPT Codex backend.

OpenAI's own client compresses every body with zstd (captured 2026-11-30, version 0.169).
"""

from __future__ import annotations

import sys
from types import ModuleType

from responses_emulator.chatgpt.errors import detail_refusal
from responses_emulator.rules import chatgpt as rules

_MAX_BYTES = 64 << 20


def decode_request_body(raw: bytes, encoding: str) -> bytes:
    """Return the body of a request with a header `content-encoding`; empty means without one.

    The body has to be one whole frame.
    """
    if encoding in {"", "identity"}:
        return raw
    library = _import_zstd()
    if encoding != "zstd" or library is None:
        raise detail_refusal(rules.UNSUPPORTED_ENCODING, encoding=encoding)
    decoder = library.ZstdDecompressor()
    try:
        body = decoder.decompress(raw, _MAX_BYTES)
    except library.ZstdError:
        body = b""
    if not body or not decoder.eof or decoder.unused_data:
        raise detail_refusal(rules.DAMAGED_BODY)
    return body


def _import_zstd() -> ModuleType | None:
    """The library, which Python has from 3.14 on. None without it."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError:
        return None
    return zstd
