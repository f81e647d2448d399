"""Events that the kernel does not list itself; declared through `observability.events` when a provider is mounted."""

from __future__ import annotations

OWN_EVENTS = (
    "llm:stream_block_start",
    "llm:stream_block_delta",
    "llm:stream_block_end",
    "llm:stream_aborted",
    "llm:request:debug",
    "llm:response:debug",
    "llm:request:raw",
    "llm:response:raw",
    "provider:incomplete_continuation",
    "provider:auth_required",
)
