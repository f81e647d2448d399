"""Decodes responses into a `ChatResponse`: nothing that was paid for is lost.

What a host cannot show stays in the content for replay. Knows the whole response; `blocks` decodes each item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amplifier_core.llm_errors import InvalidToolCallError
from amplifier_core.message_models import ChatResponse, ImageBlock, TextBlock, ToolCall, ToolCallBlock, Usage
from pydantic import Field

from ..wire.additional_tools import list_tools
from ..wire.json_values import as_object, as_objects
from ..wire.plain_text import find_word
from ..wire.types import Body, Item, Response
from .blocks import CONTENT_BLOCKS, Block, find_item_translation
from .cut_calls import find_cut_calls
from .decoding import Decoding
from .output_items import is_visible, read_incomplete_reason, read_message_texts
from .replay_state import ReplayState, as_extra_field, make_maker_state, read_replay_state
from .tool_names import ToolNames


class DecodedResponse(ChatResponse):
    """A `ChatResponse` with two more views of its content, which hosts read.

    `content_blocks` holds the visible blocks as hooks receive them. `text` is the text of the answer; there is no break
    in it where a response was cut off and continued.
    """

    content_blocks: list[Any] = Field(default_factory=list, exclude=True)
    text: str = Field(default="", exclude=True)


def decode_response(
    responses: Sequence[Response],
    *,
    origin: str,
    usage: Usage | None,
    model: str = "",
    tool_names: ToolNames | None = None,
    body: Body | None = None,
    effort: str = "",
    scrub: Callable[[str], str] = str,
) -> DecodedResponse:
    """Return the chat response for the responses of one call: the first one and its continuations.

    Args:
        responses: each with its usable items in `output`; the last one decides the finish reason.
        origin: the account and endpoint that made them.
        usage: the sum over all attempts that were paid for. None if the service reported none.
        model: the model that the requests asked for; empty by default.
        tool_names: the names of the tools of the request. None, the default, if no tool has an alias.
        body: the body that the last response belongs to; None, by default, if its tools and its limit do not matter.
        effort: the effort that the requests asked for; empty, the default, if no later request needs it.
        scrub: removes the credential from a text. The default changes nothing.

    Raises:
        InvalidToolCallError: the arguments of a call are not a JSON object, or a call has none of those that its tool
            requires.
    """
    last = responses[-1]
    items = [item for response in responses for item in response["output"]]
    decoding = Decoding(maker={"origin": origin}, tool_names=tool_names or ToolNames())
    _check_arguments(items, body, decoding.tool_names)
    blocks: list[Block] = []
    for response in responses:
        decoding.maker = make_maker_state(origin, response.get("model"), model, effort)
        blocks += [block for item in response["output"] for block in find_item_translation(item).decode(item, decoding)]
    _attach_sources(items, blocks)
    calls = [
        ToolCall(id=block.id, name=block.name, arguments=block.input)
        for block in blocks
        if isinstance(block, ToolCallBlock)
    ]
    finish_reason = _choose_finish_reason(last, blocks, bool(calls))
    if finish_reason == "stop" and body and reached_output_limit(last, body):
        finish_reason = "length"
    if not calls and not any(isinstance(block, TextBlock | ImageBlock) for block in blocks):
        cut_calls = [decoding.tool_names.read_tool_name(item["call"]) for item in find_cut_calls(items)]
        blocks.append(_make_notice(finish_reason, last, cut_calls, scrub))
    event_blocks = (CONTENT_BLOCKS[block.type].make_event_block(block) for block in blocks)
    return DecodedResponse(
        content=list(blocks),
        tool_calls=calls or None,
        usage=usage,
        finish_reason=finish_reason,
        metadata=_collect_metadata(responses),
        content_blocks=[block for block in event_blocks if block],
        text=_join_message_texts(items) or "".join(block.text for block in blocks if isinstance(block, TextBlock)),
    )


def _check_arguments(items: Sequence[Item], body: Body | None, tool_names: ToolNames) -> None:
    """Refuse a function call without any arguments if its tool requires some: they were lost on the way.

    Source: sub2api#6629, seen 2026-11-30.
    """
    tools = list_tools(body or {})
    required = {tool.get("name"): as_object(tool.get("parameters")).get("required") for tool in tools}
    for item in items:
        if item.get("type") == "function_call" and not item.get("arguments") and required.get(item.get("name")):
            name = tool_names.read_tool_name(item)
            raise InvalidToolCallError(
                f"the model called {name}, and the service sent no arguments; the tool requires some and was not run",
                tool_name=name,
                raw_arguments="",
            )


def reached_output_limit(response: Response, body: Body) -> bool:
    """Return whether a complete response has as many output tokens as its request allowed, so that it was cut off.

    Source: transformers serve 5.24, llama.cpp and Ollama end at the limit with `completed`, seen 2026-11-30.
    """
    limit, tokens = body.get("max_output_tokens"), as_object(response.get("usage")).get("output_tokens")
    return (
        isinstance(limit, int) and isinstance(tokens, int) and response.get("status") == "completed" and tokens >= limit
    )


def _attach_sources(items: Sequence[Item], blocks: Sequence[Block]) -> None:
    """Put the pages that a web search read on the last text."""
    actions = [as_object(item.get("action")) for item in items if item.get("type") == "web_search_call"]
    sources = [source for action in actions for source in as_objects(action.get("sources"))]
    texts = [block for block in blocks if isinstance(block, TextBlock)]
    if sources and texts and texts[-1].model_extra is not None:
        texts[-1].model_extra["sources"] = sources


def _choose_finish_reason(response: Response, blocks: Sequence[Block], has_calls: bool) -> str:
    if has_calls:
        return "tool_calls"
    if response.get("status") == "incomplete":
        return "content_filter" if read_incomplete_reason(response) == "content_filter" else "length"
    is_refusal = any(read_replay_state(block).get("refusal") for block in blocks)
    return "content_filter" if is_refusal else "stop"


def _make_notice(
    finish_reason: str, response: Response, cut_tool_names: Sequence[str], scrub: Callable[[str], str]
) -> TextBlock:
    """Return the text for an answer without any text. We write it, so it is never sent to the service."""
    reason = read_incomplete_reason(response)
    match finish_reason:
        case "content_filter":
            text = "The service's content filter withheld the answer."
        case "length" if cut_tool_names:
            text = (
                f"The answer was cut off in a call of {', '.join(dict.fromkeys(cut_tool_names))}, which was not run. "
                "Ask for smaller steps, or raise max_output_tokens."
            )
        case "length" if reason not in {"max_output_tokens", ""}:
            text = f"The service ended the answer before any text: {find_word(reason, scrub) or 'for another reason'}."
        case "length" if _is_reasoning_only(response):
            text = (
                "The answer was cut off before any text: all output tokens went into reasoning. "
                "Raise max_output_tokens or lower reasoning_effort."
            )
        case "length":
            text = "The answer was cut off before any text. Raise max_output_tokens."
        case _:
            status = find_word(response.get("status"), scrub) or "unknown"
            text = f"The model ended its turn without an answer; status {status}."
    return TextBlock(text=f"({text})", **as_extra_field(ReplayState(local=True)))


def find_notice(response: DecodedResponse) -> str | None:
    """Return the text that we wrote because the model wrote none; None if there is none."""
    last = response.content[-1] if response.content else None
    return last.text if isinstance(last, TextBlock) and read_replay_state(last).get("local") else None


def _is_reasoning_only(response: Response) -> bool:
    """Return whether all output tokens of a response went into reasoning; its items decide if it counts none."""
    usage = as_object(response.get("usage"))
    reasoning_tokens = as_object(usage.get("output_tokens_details")).get("reasoning_tokens")
    if isinstance(reasoning_tokens, int) and isinstance(usage.get("output_tokens"), int):
        return reasoning_tokens >= usage["output_tokens"] > 0
    types = {item.get("type") for item in response["output"]}
    return types == {"reasoning"}


def _join_message_texts(items: Sequence[Item]) -> str:
    """Return the text of the answer: of its final messages, if the service tells them from its commentary.

    There is no break where a message was cut off; what follows it belongs to the same phase.
    """
    messages: list[tuple[str, str]] = []
    was_cut = False
    for item in items:
        if texts := [text for text in read_message_texts(item) if is_visible(text)]:
            phase = str(item.get("phase") or "")
            if was_cut:
                phase, start = messages.pop()
                texts = [start, *texts]
            messages.append((phase, "".join(texts)))
            was_cut = item.get("status") == "incomplete"
    for wanted in ({"final_answer"}, {"final_answer", ""}):
        if chosen := [text for phase, text in messages if phase in wanted]:
            return "\n\n".join(chosen)
    return "\n\n".join(text for _, text in messages)


def _collect_metadata(responses: Sequence[Response]) -> dict[str, Any]:
    last = responses[-1]
    facts = {
        "response_id": last.get("id"),
        "model": last.get("model"),
        "status": last.get("status"),
        "service_tier": last.get("service_tier"),
        "incomplete_reason": read_incomplete_reason(last),
        "continuations": len(responses) - 1,
        "reasoning_removed": last.get("input_transformations"),
        "prompt_cache": last.get("prompt_cache_diagnostics"),
    }
    return {f"openai:{key}": value for key, value in facts.items() if value}
