"""Where the service is known to take more, or to ask for less, than the SDK's parameter types say.

Each row needs a reason: a recording that the service accepted, or its documentation.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedDifference:
    """The difference between the published shape of one object and what is accepted."""

    optional: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    extra: dict[str, Any] = field(default_factory=dict)


# On every item that OpenAI's own client sends to OpenAI's own addresses, and to no others (captured 2026-11-30).
ITEM_METADATA = "internal_chat_message_metadata_passthrough"
_choices = typing_extensions.get_type_hints(ToolChoiceTypesParam)["type"]
ACCEPTED_DIFFERENCES: dict[Any, AcceptedDifference] = {
    # Recorded: tools without `strict` are echoed as strict; a function without parameters is documented.
    FunctionToolParam: AcceptedDifference(optional=frozenset({"strict", "parameters"})),
    # Twelve hours came with SDK 3.45; older releases are tested against too.
    PromptCacheOptions: AcceptedDifference(extra={"ttl": Literal["30m", "12h"]}),
    # Recorded: {"type": "input_image", "image_url": ...}.
    ResponseInputImageParam: AcceptedDifference(optional=frozenset({"detail"})),
    # Documented for replayed text: annotations may be left out.
    ResponseOutputTextParam: AcceptedDifference(optional=frozenset({"annotations"})),
    # Reported by several clients: reasoning with ciphertext and no id. OpenAI's own client sends `"content": null` if
    # the service sent no content (captured 2026-11-30).
    ResponseReasoningItemParam: AcceptedDifference(
        optional=frozenset({"id"}),
        extra={"content": typing_extensions.get_type_hints(ResponseReasoningItemParam)["content"] | None},
    ),
    # OpenAI's own client sends these with every request and every search tool (captured 2026-11-30).
    ResponseCreateParamsNonStreaming: AcceptedDifference(extra={"client_metadata": dict[str, str]}),
    WebSearchToolParam: AcceptedDifference(
        extra={"external_web_access": bool, "search_content_types": list[Literal["text", "image"]]}
    ),
    # Recorded: {"type": "image_generation_call", "id": ...} alone.
    ImageGenerationCall: AcceptedDifference(optional=frozenset({"result", "status"})),
    # Documented: the guide sends `call_id`, and "If you send malformed data (e.g. missing `call_id`) the API returns a
    # standard `400`"; openai-python#3923 declares it, openai-agents sends no `id` (seen 2026-12-01).
    LocalShellCallOutput: AcceptedDifference(
        optional=frozenset({"id"}), required=frozenset({"call_id"}), extra={"call_id": str}
    ),
    # Recorded: replayed without `outputs`.
    ResponseCodeInterpreterToolCallParam: AcceptedDifference(optional=frozenset({"outputs"})),
    # Reported: the service's error for a missing tool names `web_search`, so it is a choice.
    ToolChoiceTypesParam: AcceptedDifference(extra={"type": _choices | Literal["web_search", "web_search_2025_08_26"]}),
    # Recorded: replayed with the `status` that the service itself had sent.
    ResponseCustomToolCallParam: AcceptedDifference(
        extra={"status": Literal["in_progress", "completed", "incomplete"]}
    ),
}
