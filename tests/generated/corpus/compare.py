"""A decoded answer against the independent reading of the same recording: one line for everything that is not there.

A line names what differs, what the recording says and what came out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from amplifier_core.content_models import TextContent, ThinkingContent, ToolCallContent
from amplifier_core.message_models import (
    ImageBlock,
    ReasoningBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from openai_responses_common import Aborted, BlockDelta, BlockEnd, BlockStart, DecodedResponse, Delta

from tests.generated.corpus.independent import Reading, part_text, reasoning_text


def lost_in_answer(reading: Reading, answer: DecodedResponse) -> list[str]:
    """What the answer does not say as the recording does."""
    texts = [block for block in answer.content if isinstance(block, TextBlock)]
    calls = [block for block in answer.content if isinstance(block, ToolCallBlock)]
    thoughts = [block for block in answer.content if isinstance(block, ThinkingBlock)]
    ciphertexts = [item.get("encrypted_content") or "" for item in reading.reasoning]
    thought_by_thought = zip(ciphertexts, thoughts, strict=False)
    metadata = answer.metadata or {}
    expected_calls = [(call.id, call.name, call.arguments) for call in reading.calls]
    pairs: dict[str, tuple[object, object]] = {
        "texts": ([part_text(part) for part in reading.parts], [block.text for block in texts]),
        "text": (reading.text, answer.text),
        "content_blocks": (list(_visible(reading)), [_seen(block) for block in answer.content_blocks]),
        "annotations": (
            [part.get("annotations") or [] for part in reading.parts],
            [(block.model_extra or {}).get("citations") or [] for block in texts],
        ),
        "calls": (expected_calls, [(block.id, block.name, block.input) for block in calls]),
        "tool_calls": (expected_calls, [(call.id, call.name, call.arguments) for call in answer.tool_calls or ()]),
        "reasoning": ([reasoning_text(item) for item in reading.reasoning], [block.thinking for block in thoughts]),
        "ciphertexts": (ciphertexts, [text for text, block in thought_by_thought if text in _all(block)]),
        "pictures": (
            [item["result"] for item in reading.images],
            [block.source.get("data") for block in answer.content if isinstance(block, ImageBlock)],
        ),
        "hosted items": (
            reading.hosted,
            [item for block in answer.content if isinstance(block, ReasoningBlock) for item in block.content],
        ),
        "usage": (reading.usage, _counts(answer, reading.usage)),
        "model": (reading.response["model"], metadata.get("openai:model")),
        "response id": (reading.response["id"], metadata.get("openai:response_id")),
        "status": (reading.response["status"], metadata.get("openai:status")),
        "finish reason": (reading.finish_reason, answer.finish_reason),
    }
    return [_line(what, *pair) for what, pair in pairs.items() if pair[0] != pair[1]]


def lost_in_deltas(reading: Reading, deltas: Sequence[Delta]) -> list[str]:
    """What a reader of the stream did not see as the finished items have it, in their order."""
    lines: list[str] = []
    shown: dict[int, list[str]] = {}
    pieces: Counter[int] = Counter()
    for delta in deltas:
        match delta:
            case BlockStart():
                shown[delta.index] = [delta.kind, delta.name or ""]
            case BlockDelta():
                if delta.sequence != pieces[delta.index]:
                    lines.append(_line("sequence of a delta", pieces[delta.index], delta.sequence))
                shown[delta.index].append(delta.text)
                pieces[delta.index] += 1
            case Aborted():
                lines.append(_line("stream", "whole", f"aborted: {delta.message}"))
            case BlockEnd():
                pass
    ended = sorted(delta.index for delta in deltas if isinstance(delta, BlockEnd))
    if ended != list(range(len(shown))):
        lines.append(_line("ended blocks", list(range(len(shown))), ended))
    seen = [(kind, "".join(texts)) for _, (kind, *texts) in sorted(shown.items())]
    if seen != (visible := list(_visible(reading))):
        lines.append(_line("shown blocks", visible, seen))
    return lines


def tally(reading: Reading) -> Counter[str]:
    """How much there was to lose."""
    return Counter(
        {
            "events": reading.events,
            "items": len(reading.items),
            "texts": len(reading.parts),
            "annotations": sum(len(part.get("annotations") or ()) for part in reading.parts),
            "calls": len(reading.calls),
            "reasoning items": len(reading.reasoning),
            "reasoning texts": sum(1 for item in reading.reasoning if reasoning_text(item)),
            "ciphertexts": sum(1 for item in reading.reasoning if item.get("encrypted_content")),
            "hosted items": len(reading.hosted),
            "pictures": len(reading.images),
        }
    )


def _visible(reading: Reading) -> Iterable[tuple[str, str]]:
    calls = {call.id: call.name for call in reading.calls}
    for item in reading.items:
        if item["type"] == "message":
            yield from (("text", part_text(part)) for part in item["content"] if part_text(part))
        elif item["type"] == "reasoning" and reasoning_text(item):
            yield "thinking", reasoning_text(item)
        elif (item.get("call_id") or item.get("id")) in calls:
            yield "tool_use", calls[item.get("call_id") or item["id"]]


def _seen(block: object) -> tuple[str, str]:
    match block:
        case TextContent():
            return "text", block.text
        case ThinkingContent():
            return "thinking", block.text
        case ToolCallContent():
            return "tool_use", block.name
        case _:
            return type(block).__name__, ""


def _all(block: ThinkingBlock) -> str:
    """Everything that a block keeps, wherever in it; ciphertext has no character that JSON would escape."""
    return json.dumps(block.model_dump())


def _counts(answer: DecodedResponse, names: Mapping[str, object]) -> dict[str, object]:
    usage = answer.usage.model_dump() if answer.usage else {}
    return {name: usage.get(name) for name in names}


def _line(what: str, recorded: object, decoded: object) -> str:
    return f"{what}: recorded {_short(recorded)}, decoded {_short(decoded)}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else f"{text[:120]} … {text[-60:]}"
