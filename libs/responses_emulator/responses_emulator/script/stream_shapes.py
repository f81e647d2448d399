"""How servers build the events of output items, as data.

`StreamShape` is a part of a turn. Its defaults are those of OpenAI, and `STREAM_SHAPES` has those of servers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamShape:
    """How the events of the items of one response are built.

    Attributes:
        indices: each item has its own `output_index`; all share the first one; or no event has any.
        item_ids: events of texts name their item by `item_id`.
        starts: `response.output_item.added` is sent.
        ends: `response.output_item.done` is sent after each item, for all items at the end, or never.
        unfinished_types: types of items that no `response.output_item.done` is sent for.
        deltas: texts and arguments are sent in deltas.
        text_ends: the events that end a text or a part, with the whole text, are sent.
        item_texts: the copies of items in `done` and in the terminal event hold texts and arguments.
        terminal_output: the terminal event lists the items.
        closing_message: the last item is an empty message with the `output_index` of the item before it, which the
            terminal event lists first.
    """

    indices: Literal["own", "shared", "missing"] = "own"
    item_ids: bool = True
    starts: bool = True
    ends: Literal["each", "last", "never"] = "each"
    unfinished_types: Sequence[str] = ()
    deltas: bool = True
    text_ends: bool = True
    item_texts: bool = True
    terminal_output: bool = True
    closing_message: bool = False


STREAM_SHAPES: Mapping[str, StreamShape] = {
    # Recorded from llama.cpp's server 0.6.0-dev, 2026-11-30.
    "llama.cpp": StreamShape(indices="missing", ends="last", text_ends=False),
    # Recorded from transformers serve 5.24.0, 2026-11-30; it sends arguments whole.
    "transformers": StreamShape(closing_message=True, deltas=False),
    # Ollama's source of 2026-08-21: one index for text and call, and a text that is never finished.
    "ollama": StreamShape(indices="shared", unfinished_types=("message",)),
    # litellm#36375, freellmapi#846 and openai-agents-python#3176, seen 2026-11-30.
    "one index": StreamShape(indices="shared"),
    # sub2api#6629 and opencodex#4652, seen 2026-11-30.
    "arguments in events": StreamShape(item_texts=False),
    # pi#9897, seen 2026-11-30.
    "deltas only": StreamShape(ends="never", text_ends=False, terminal_output=False),
    # Recorded from OpenAI: the tools of an MCP server are listed by the terminal event alone.
    "mcp tools": StreamShape(unfinished_types=("mcp_list_tools",)),
}
