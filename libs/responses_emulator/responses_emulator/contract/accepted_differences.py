"""Where the service is known to take more, or to ask for less, than the SDK's parameter types say.

Each row has its source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import typing_extensions
from openai.types.responses import (
    FunctionToolParam,
    ResponseCodeInterpreterToolCallParam,
    ResponseCustomToolCallParam,
    ResponseInputImageParam,
    ResponseOutputTextParam,
    ResponseReasoningItemParam,
    ToolChoiceTypesParam,
    WebSearchToolParam,
)
from openai.types.responses.response_create_params import PromptCacheOptions, ResponseCreateParamsNonStreaming
from openai.types.responses.response_input_item_param import ImageGenerationCall, LocalShellCallOutput

from responses_emulator.rules.rule import Source, capture, document, recording, report


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedDifference:
    """The difference between the published shape of one object and what is accepted.

    Attributes:
        what: the difference, as a sentence.
        source: who says that the service takes it.
        optional: keys that may be left out.
        required: keys that must be there.
        extra: further keys, or other types of keys.
    """

    what: str
    source: Source
    optional: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


class BackgroundOptions(typing_extensions.TypedDict, total=False):
    """What the types of openai 3.57 say; those of older releases do not know it."""

    completion_window: Literal["soonest", "2h", "8h"]
    continuation_id: str


# On every item that OpenAI's own client sends to OpenAI's own addresses, and to no others (captured 2026-11-30).
ITEM_METADATA = "internal_chat_message_metadata_passthrough"
_RECORDED, _SEEN = "cassettes of pydantic-ai and langchain-openai", "2026-11-21"
_CODEX = capture("OpenAI's own client", "2026-11-30")
_choices = typing_extensions.get_type_hints(ToolChoiceTypesParam)["type"]
_reasoning_content = typing_extensions.get_type_hints(ResponseReasoningItemParam)["content"]
ACCEPTED_DIFFERENCES: dict[Any, AcceptedDifference] = {
    FunctionToolParam: AcceptedDifference(
        what="A function needs neither `strict` nor `parameters`.",
        source=recording(f"{_RECORDED}: it is echoed as strict; and the API reference", _SEEN),
        optional=frozenset({"strict", "parameters"}),
    ),
    PromptCacheOptions: AcceptedDifference(
        what="The cache lives for 30 minutes or 12 hours.",
        source=Source("types", "release 3.45 of the openai package; older ones are tested against too", _SEEN),
        extra={"ttl": Literal["30m", "12h"]},
    ),
    ResponseInputImageParam: AcceptedDifference(
        what="An image needs no `detail`.", source=recording(_RECORDED, _SEEN), optional=frozenset({"detail"})
    ),
    ResponseOutputTextParam: AcceptedDifference(
        what="Text that is sent back needs no `annotations`.",
        source=document("API reference", _SEEN),
        optional=frozenset({"annotations"}),
    ),
    ResponseReasoningItemParam: AcceptedDifference(
        what="Reasoning with ciphertext needs no id, and its `content` may be null.",
        source=_CODEX,
        optional=frozenset({"id"}),
        extra={"content": _reasoning_content | None},
    ),
    ResponseCreateParamsNonStreaming: AcceptedDifference(
        what="A request may have `client_metadata`, an object of texts, and the `background_options` of newer types.",
        source=capture("OpenAI's own client, which sends it to Azure and to other servers too", "2026-11-30"),
        extra={"client_metadata": dict[str, str], "background_options": BackgroundOptions},
    ),
    WebSearchToolParam: AcceptedDifference(
        what="Web search takes `external_web_access` and `search_content_types`.",
        source=_CODEX,
        extra={"external_web_access": bool, "search_content_types": list[Literal["text", "image"]]},
    ),
    ImageGenerationCall: AcceptedDifference(
        what="A made image may be sent back with its id alone.",
        source=recording(_RECORDED, _SEEN),
        optional=frozenset({"result", "status"}),
    ),
    LocalShellCallOutput: AcceptedDifference(
        what="The output of a local shell call has a `call_id` and needs no id.",
        source=document("local shell guide; openai/openai-python#3923 declares it", "2026-12-01"),
        optional=frozenset({"id"}),
        required=frozenset({"call_id"}),
        extra={"call_id": str},
    ),
    ResponseCodeInterpreterToolCallParam: AcceptedDifference(
        what="A call of the code interpreter may be sent back without `outputs`.",
        source=recording(_RECORDED, _SEEN),
        optional=frozenset({"outputs"}),
    ),
    ToolChoiceTypesParam: AcceptedDifference(
        what="`web_search` is a `tool_choice`.",
        source=report("the service's error for a missing tool names it", _SEEN),
        extra={"type": _choices | Literal["web_search", "web_search_2025_08_26"]},
    ),
    ResponseCustomToolCallParam: AcceptedDifference(
        what="A call of a custom tool may be sent back with its `status`.",
        source=recording(_RECORDED, _SEEN),
        extra={"status": Literal["in_progress", "completed", "incomplete"]},
    ),
}
