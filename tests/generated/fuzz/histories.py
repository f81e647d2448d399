"""Conversations as hosts hand them over: of every role and block, stored in every way, cut and patched together."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from amplifier_core.message_models import Message
from hypothesis import strategies as st
from openai_responses_common.translate.decode import DecodedResponse, decode_response

from tests.generated.fuzz.outputs import PIXEL, Item, Seal, outputs, plain_seal
from tests.generated.fuzz.strategies import CALL_IDS, JSON, OBJECTS, ODD_NAMES, TEXTS, WORDS, spoiled
from tests.support.round_trip import MODES, stored

Record = dict[str, Any]

_DETAIL = st.sampled_from(({}, {"detail": "high"}, {"detail": "auto"}))
SOURCES = st.sampled_from(
    (
        {"type": "base64", "media_type": "image/png", "data": PIXEL},
        {"type": "base64", "media_type": "image/jpeg", "data": PIXEL},
        {"type": "base64", "data": PIXEL},
        {"type": "url", "url": "https://x.example/a.png"},
        {"type": "file", "file_id": "file_1"},
        {"type": "base64", "media_type": "application/pdf", "data": PIXEL, "filename": "a.pdf"},
        {"type": "url", "image_url": {"url": "https://x.example/a.png"}},
    )
)
PICTURES = st.builds(lambda source, detail: {"type": "image", "source": source, **detail}, SOURCES, _DETAIL)
# Blocks that hold nothing that could be sent.
_EMPTY_PICTURES = st.sampled_from(({"type": "image", "source": {}}, {"type": "image", "source": {"data": ""}}))
_TEXT_BLOCKS = st.builds(lambda text: {"type": "text", "text": text}, TEXTS)
_THINKING = st.sampled_from(
    (
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "thinking", "thinking": "", "content": ["ciphertext", "rs_9"]},
        {"type": "redacted_thinking", "data": "cmVk"},
        {"type": "reasoning", "content": ["x"], "summary": []},
        {"type": "reasoning", "content": [], "summary": [{"text": "x"}]},
    )
)

_WRAPPED = st.sampled_from(("content", "output")).flatmap(
    lambda key: st.builds(
        lambda blocks, ok: {"success": ok, key: blocks, "error": None},
        st.lists(PICTURES | _EMPTY_PICTURES | _TEXT_BLOCKS, max_size=3),
        st.booleans(),
    )
)
_SHELL = {"exit_code": 1, "stdout": "a", "stderr": "b"}
RESULTS: st.SearchStrategy[Any] = st.one_of(
    TEXTS,
    JSON,
    _WRAPPED,
    _WRAPPED.map(json.dumps),
    st.lists(PICTURES | _TEXT_BLOCKS, max_size=3),
    st.sampled_from(
        (_SHELL, {"success": True, "output": _SHELL}, {"tools": []}, {"tools": [1, {"name": "x"}]}, ["a"], "true")
    ),
)
CALL_BLOCKS = st.builds(
    lambda key, name, arguments: {"type": "tool_call", "id": key, "name": name, "input": arguments},
    CALL_IDS,
    ODD_NAMES,
    OBJECTS,
)
RESULT_BLOCKS = st.builds(
    lambda key, output: {"type": "tool_result", "tool_call_id": key, "output": output}, CALL_IDS, RESULTS
)
_USER_BLOCKS = _TEXT_BLOCKS | PICTURES | _EMPTY_PICTURES | RESULT_BLOCKS
_ANY_BLOCKS = _USER_BLOCKS | _THINKING | CALL_BLOCKS


def _loose(key: Any, name: Any, arguments: Any, form: int) -> Record:
    """A call as a loop keeps it beside the content."""
    match form:
        case 0:
            return {"id": key, "tool": name, "arguments": arguments}
        case 1:
            return {"id": key, "name": name, "arguments": arguments}
        case _:
            return {"id": key, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


LOOSE_CALLS = st.builds(_loose, CALL_IDS, ODD_NAMES, OBJECTS, st.integers(0, 2))

_BESIDE = st.sampled_from(({}, {}, {"name": "x"}, {"metadata": {"openai:response_id": "resp_1"}}, {"metadata": {}}))


@st.composite
def foreign_messages(draw: st.DrawFn) -> Record:
    """A message that no answer of ours became."""
    role = draw(st.sampled_from(("user", "user", "assistant", "assistant", "tool", "system", "developer", "function")))
    content: Any = draw(TEXTS)
    if draw(st.integers(0, 2)):
        own = {"user": _USER_BLOCKS, "assistant": _TEXT_BLOCKS | _THINKING | CALL_BLOCKS}.get(role, _ANY_BLOCKS)
        content = draw(st.lists(own if draw(st.integers(0, 3)) else _ANY_BLOCKS, max_size=3))
    message: Record = {"role": role, "content": content, **draw(_BESIDE)}
    if role in {"tool", "function"} and draw(st.integers(0, 4)):
        message["tool_call_id"] = draw(CALL_IDS)
    if role == "assistant" and draw(st.integers(0, 3)) == 0:
        message["tool_calls"] = draw(st.lists(LOOSE_CALLS, max_size=2))
    return message


@dataclass(slots=True)
class Talk:
    """A history, and what the service handed out in it.

    Attributes:
        messages: as the host has them now.
        made: outputs of our own origin, by the number of their turn.
    """

    messages: list[Message] = field(default_factory=list[Message])
    made: dict[int, list[Item]] = field(default_factory=dict[int, list[Item]])


def answer(output: list[Item], *, origin: str = "here") -> DecodedResponse:
    """An output as a host gets it."""
    return decode_response([{"status": "completed", "output": copy.deepcopy(output)}], origin=origin, usage=None)


@st.composite
def talks(draw: st.DrawFn, *, seal: Seal = plain_seal, every_type: bool = True, tampered: bool = True) -> Talk:
    """A history of turns of our own and of others, then what hosts do to a history.

    Args:
        seal: makes the ciphertext of our own reasoning.
        every_type: also turns with items that only a request with hosted tools gets.
        tampered: messages are lost, repeated and moved.
    """
    talk = Talk()
    for turn in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            _own_turn(draw, talk, turn, seal, every_type)
        else:
            talk.messages += map(Message.model_validate, draw(st.lists(foreign_messages(), min_size=1, max_size=3)))
    if tampered:
        tamper(draw, talk.messages)
    return talk


def _own_turn(draw: st.DrawFn, talk: Talk, turn: int, seal: Seal, every_type: bool) -> None:
    output = draw(outputs(turn, seal, every_type=every_type))
    origin = draw(st.sampled_from(("here", "here", "here", "there")))
    if origin == "here":
        talk.made[turn] = output
    said = answer(output, origin=origin)
    calls = [{"id": each.id, "tool": each.name, "arguments": each.arguments} for each in said.tool_calls or []]
    beside: Record = {"metadata": said.metadata, **({"tool_calls": calls} if calls else {})}
    if draw(st.booleans()):
        talk.messages.append(Message(role="user", content=draw(WORDS)))
    talk.messages.append(stored(said.content, draw(MODES), **beside))
    for call in said.tool_calls or []:
        match draw(st.integers(0, 5)):
            case 0:
                continue
            case 1:
                block = {"type": "tool_result", "tool_call_id": call.id, "output": draw(RESULTS)}
                talk.messages.append(Message.model_validate({"role": "user", "content": [block]}))
            case _:
                told = draw(RESULTS)
                text = told if isinstance(told, str) else json.dumps(told)
                talk.messages.append(Message(role="tool", tool_call_id=call.id, name=call.name, content=text))


def tamper(draw: Callable[[Any], Any], messages: list[Message]) -> None:
    """What context managers and resumed sessions do: messages are lost, repeated, moved, cut off at the beginning."""
    for _ in range(draw(st.integers(0, 2))):
        if not messages:
            return
        at = draw(st.integers(0, len(messages) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                del messages[at]
            case 1:
                messages.insert(draw(st.integers(0, len(messages))), messages[at].model_copy(deep=True))
            case 2:
                messages.insert(draw(st.integers(0, len(messages) - 1)), messages.pop(at))
            case _:
                del messages[:at]


# What may stand where a state was: nothing, something else, half of it.
_RUINS = st.sampled_from((None, [], "x", 5, {}, {"origin": "here"}, {"item": None}, {"origin": "here", "item": [1]}))


@st.composite
def broken_talks(draw: st.DrawFn, *, seal: Seal = plain_seal, anywhere: bool = False) -> Talk:
    """The same with something in it that no longer is what it was: edited by hand, or by another version.

    Args:
        seal: see `talks`.
        anywhere: anything inside a message may be anything else; otherwise states are lost as a whole.
    """
    talk = draw(talks(seal=seal))
    for _ in range(draw(st.integers(1, 2))):
        if not talk.messages:
            break
        at = draw(st.integers(0, len(talk.messages) - 1))
        talk.messages[at] = draw(_spoiled_message(talk.messages[at], anywhere))
    return talk


@st.composite
def _spoiled_message(draw: st.DrawFn, message: Message, anywhere: bool) -> Message:
    """Spoilt where the kernel does not look: the state beside a block, the input of a call, `tool_calls`."""
    kept = message.model_dump()
    blocks = (
        [block for block in kept["content"] if isinstance(block, dict)] if isinstance(kept["content"], list) else []
    )
    if not blocks or (anywhere and draw(st.integers(0, 3)) == 0):
        loose = kept.get("tool_calls") or [{"id": "c", "tool": "read", "arguments": {}}]
        kept["tool_calls"] = draw(spoiled(loose) if anywhere else _RUINS)
        return Message.model_validate(kept)
    block = draw(st.sampled_from(blocks))
    places = [key for key in ("openai", "output", "citations", "source", "input") if key in block]
    if not anywhere or not places:
        block["openai"] = draw(_RUINS)
        return Message.model_validate(kept)
    key = draw(st.sampled_from(places))
    spoilt = draw(spoiled(block[key]))
    block[key] = spoilt if isinstance(spoilt, dict) or key not in {"source", "input"} else {}
    return Message.model_validate(kept)
