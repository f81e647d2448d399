"""The names of the hook events that the kernel does not list; a mounted provider declares them to its host.

`docs/events.md` describes each event with its fields.
"""

from __future__ import annotations

STREAM_EVENTS = (
    "llm:stream_block_start",
    "llm:stream_block_delta",
    "llm:stream_block_end",
    "llm:stream_aborted",
)

OWN_EVENTS = (
    *STREAM_EVENTS,
    "llm:progress",
    "llm:request:debug",
    "llm:response:debug",
    "llm:request:raw",
    "llm:response:raw",
    "provider:incomplete_continuation",
    "provider:transport",
    "provider:compaction",
    "provider:context_shortened",
    "provider:auth_required",
)
"""All of them; the contribution `observability.events` carries this list."""
