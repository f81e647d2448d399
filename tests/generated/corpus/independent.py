"""A second reading of a recording, straight from its bytes: what a decoder must get out of it.

Written from the recordings and shares no line with the code under test, so that the two can disagree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.generated.corpus.recordings import Exchange, Json
from tests.generated.fuzz.plain_sse import read_events

_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})

# Calls that the client has to answer, and the name under which a tool is asked for. Only what occurs in the recordings.
_CALL_NAMES = {
    "apply_patch_call": "apply_patch",
    "custom_tool_call": None,
    "function_call": None,
    "mcp_approval_request": "mcp_approval",
    "tool_search_call": "tool_search",
}
_SHOWN = frozenset({"message", "reasoning", "image_generation_call"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as a tool gets it; the text that the model wrote is checked where items are sent back."""

    id: str
    name: str
    arguments: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one recording says.

    Attributes:
        items: finished output items in `output_index` order.
        response: the terminal event's response, or the JSON document.
        events: how many events the stream has; 0 where there is none.
    """

    items: list[Json]
    response: Json
    events: int = 0

    @property
    def parts(self) -> list[Json]:
        """The parts of all messages that have a text."""
        parts = [part for item in self._of("message") for part in item["content"]]
        return [part for part in parts if part_text(part)]

    @property
    def text(self) -> str:
        messages = ["".join(part_text(part) for part in item["content"]) for item in self._of("message")]
        return "\n\n".join(text for text in messages if text)

    @property
    def reasoning(self) -> list[Json]:
        return self._of("reasoning")

    @property
    def images(self) -> list[Json]:
        return [item for item in self._of("image_generation_call") if item.get("result")]

    @property
    def hosted(self) -> list[Json]:
        """Items that the service made for itself and that have no face: kept whole, or lost."""
        shown = [id(item) for item in self.items if item["type"] in _SHOWN or _is_call(item)]
        return [item for item in self.items if id(item) not in shown]

    @property
    def calls(self) -> list[Call]:
        return [_call(item) for item in self.items if _is_call(item)]

    @property
    def finish_reason(self) -> str:
        if self.calls:
            return "tool_calls"
        if self.response["status"] == "incomplete":
            reason = self.response["incomplete_details"]["reason"]
            return "length" if reason == "max_output_tokens" else reason
        return "content_filter" if any("refusal" in part for part in self.parts) else "stop"

    @property
    def usage(self) -> dict[str, int | None]:
        """The counts under the kernel's names; a host adds what was written to the cache to input and total."""
        usage = self.response["usage"]
        inputs, outputs = usage["input_tokens_details"], usage["output_tokens_details"]
        written = inputs.get("cache_write_tokens", 0)
        return {
            "input_tokens": usage["input_tokens"] - written,
            "output_tokens": usage["output_tokens"],
            "total_tokens": usage["total_tokens"] - written,
            "reasoning_tokens": outputs["reasoning_tokens"],
            "cache_read_tokens": inputs["cached_tokens"],
            "cache_write_tokens": written,
        }

    def _of(self, kind: str) -> list[Json]:
        return [item for item in self.items if item["type"] == kind]


def read(exchange: Exchange) -> Reading:
    """Read a recorded answer.

    Raises:
        ValueError: the recording does not end the way answers end.
    """
    if not exchange.streamed:
        response = json.loads(exchange.body)
        return Reading(items=response["output"], response=response)
    events = read_events(exchange.body, skipped_types=frozenset())
    done = [event for event in events if event["type"] == "response.output_item.done"]
    finished = {event["output_index"]: event["item"] for event in done}
    ends = [event["response"] for event in events if event["type"] in _TERMINAL]
    if len(ends) != 1:
        raise ValueError(f"{exchange.label} has {len(ends)} terminal events")
    return Reading(items=[finished[index] for index in sorted(finished)], response=ends[0], events=len(events))


def part_text(part: Json) -> str:
    """The text of a message's part, refusals included."""
    return part.get("text") or part.get("refusal") or ""


def reasoning_text(item: Json) -> str:
    """What a reasoning item lets a reader see: its summary, else the raw reasoning."""
    return "\n\n".join(part["text"] for part in item["summary"] or item.get("content") or [] if part["text"])


def _is_call(item: Json) -> bool:
    return item["type"] in _CALL_NAMES and not (item["type"] == "tool_search_call" and item["execution"] == "server")


def _call(item: Json) -> Call:
    key = item["id"] if item["type"] == "mcp_approval_request" else item["call_id"]
    name = _CALL_NAMES[item["type"]] or item["name"]
    match item["type"]:
        case "function_call":
            arguments = json.loads(item["arguments"])
        case "custom_tool_call":
            arguments = {"input": item["input"]}
        case "apply_patch_call":
            arguments = item["operation"]
        case "tool_search_call":
            arguments = item["arguments"]
        case _:
            arguments = {field: item[field] for field in ("server_label", "name", "arguments")}
    return Call(id=key, name=name, arguments=arguments)
