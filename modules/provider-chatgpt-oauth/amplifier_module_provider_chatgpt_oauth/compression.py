"""Compresses the bodies of requests with zstd, as OpenAI's own client does with a ChatGPT sign-in.

Source: a capture of Codex 0.169 of 2026-11-30, in which 64 kB became 22 kB. Python has zstd from 3.14 on. For older
versions it is the package `backports.zstd`, which the extra `zstd` of our package installs.
"""

from __future__ import annotations

import asyncio
import functools
import re
import sys
from collections.abc import Callable

from openai_responses_common.failures.failure import Failure

COMPRESSION_HEADERS = {"Content-Encoding": "zstd"}

_MIN_BYTES = 8_192
"""Shorter bodies need few packets anyhow."""
_MAX_INLINE_BYTES = 65_536
"""Longer bodies are compressed in a thread. So many bytes take half a millisecond, and become 22 kB (measured)."""

_UNSUPPORTED_MEDIA_TYPE = 415
_BAD_REQUEST = 400
_UNREADABLE_BODY = re.compile(r"encoding|zstd|compress|parse the (json )?body|(not|n.t) valid json|decod", re.I)


@functools.cache
def find_compressor() -> Callable[[bytes], bytes] | None:
    """Return the function that compresses. None if this Python has no zstd."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except (Exception, SystemExit):  # noqa: BLE001  (a package that is broken counts as absent)
        return None
    return zstd.compress


async def compress(content: bytes) -> bytes | None:
    """Return the compressed body. None if that gains nothing, or if this Python has no zstd."""
    if len(content) < _MIN_BYTES or (compressor := find_compressor()) is None:
        return None
    is_short = len(content) <= _MAX_INLINE_BYTES
    compressed = compressor(content) if is_short else await asyncio.to_thread(compressor, content)
    return compressed if len(compressed) < len(content) else None


def may_refuse_compression(failure: Failure) -> bool:
    """Return whether a service may have refused a body because it was compressed."""
    if failure.status == _BAD_REQUEST:
        return _UNREADABLE_BODY.search(failure.message) is not None
    return failure.status == _UNSUPPORTED_MEDIA_TYPE
