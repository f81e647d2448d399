"""What a service answers with: items of every type that a client can send back, as they are handed out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from responses_emulator.conversation import ciphertext as vault

from tests.generated.fuzz.strategies import LABELS, PROPER_TEXTS, TOOL_NAMES, WORDS
from tests.support.round_trip import ARGUMENTS

Item = dict[str, Any]

PIXEL = "iVBORw0KGgo="
_CITATION = {"type": "url_citation", "url": "https://x.example", "title": "X", "start_index": 0, "end_index": 1}
_PARTS = st.one_of(
    st.builds(
        lambda text, annotations: {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []},
        PROPER_TEXTS,
        st.sampled_from(([], [], [_CITATION])),
    ),
    st.builds(lambda text: {"type": "refusal", "refusal": text}, PROPER_TEXTS),
)
_PHASES = st.sampled_from(({}, {"phase": None}, {"phase": "commentary"}, {"phase": "final_answer"}))

_FUNCTION_CALLS = st.builds(
    lambda name, arguments, more: {"type": "function_call", "name": name, "arguments": arguments, **more},
    TOOL_NAMES,
    ARGUMENTS,
    st.sampled_from(({}, {"namespace": "crm"}, {"caller": None}, {"status": "completed"})),
)
_DONE = {"status": "completed"}
_CLIENT_CALLS: tuple[Item, ...] = (
    {"type": "custom_tool_call", "name": "sql", "input": "select 1", **_DONE},
    {"type": "shell_call", "action": {"commands": ["ls"], "timeout_ms": None, "max_output_length": 9}, **_DONE},
    {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}}, **_DONE},
    {"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}, **_DONE},
    {"type": "computer_call", "action": {"type": "screenshot"}, "pending_safety_checks": [], **_DONE},
    {"type": "tool_search_call", "execution": "client", "arguments": {"query": "x"}, **_DONE},
)
_APPROVAL: Item = {"type": "mcp_approval_request", "server_label": "s", "name": "n", "arguments": "{}"}
_HOSTED: tuple[Item, ...] = (
    {"type": "web_search_call", "action": {"type": "search", "query": "x"}, **_DONE},
    {"type": "file_search_call", "queries": ["x"], "results": None, **_DONE},
    {"type": "code_interpreter_call", "code": "1", "container_id": "c", "outputs": None, **_DONE},
    {"type": "mcp_call", "server_label": "s", "name": "n", "arguments": "{}", "output": "1", "error": None},
    {"type": "mcp_list_tools", "server_label": "s", "tools": []},
    {"type": "image_generation_call", "result": PIXEL, "output_format": "png", **_DONE},
    {"type": "tool_search_call", "execution": "server", "call_id": None, "arguments": {}, **_DONE},
    {"type": "compaction"},
)
_ID_STARTS: Mapping[str, str] = {
    "message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc", "shell_call": "sh",
    "local_shell_call": "lsh", "apply_patch_call": "apc", "computer_call": "cu", "tool_search_call": "tsc",
    "mcp_approval_request": "mcpr", "web_search_call": "ws", "file_search_call": "fs", "code_interpreter_call": "ci",
    "mcp_call": "mcp", "mcp_list_tools": "mcpl", "image_generation_call": "ig", "compaction": "cmp",
}  # fmt: skip
_CALLS = frozenset(item["type"] for item in _CLIENT_CALLS) | {"function_call"}

Seal = Callable[[Item, int, int], str]
"""Ciphertext for an item, from the numbers of its response and of its place there."""


def sealed_by(account: str, endpoint: str) -> Seal:
    """Ciphertext as the emulated service seals it."""

    def seal(item: Item, turn: int, position: int) -> str:
        ticket = vault.CiphertextClaims(
            account=account,
            endpoint=endpoint,
            response_id=f"resp_{turn}",
            item_id=item["id"],
            position=position,
            digest=vault.summary_digest(item),
            model="gpt-5.6-sol",
        )
        return vault.seal(ticket, bulk=0)

    return seal


def plain_seal(item: Item, turn: int, position: int) -> str:
    """Ciphertext that nobody has to read."""
    return f"sealed-{turn}-{position}"


@st.composite
def _messages(draw: st.DrawFn) -> Item:
    parts = draw(st.lists(_PARTS, min_size=1, max_size=3))
    if not any(part.get("text") or part.get("refusal") for part in parts):
        parts.append({"type": "output_text", "text": draw(WORDS), "annotations": [], "logprobs": []})
    return {"type": "message", "role": "assistant", "status": "completed", **draw(_PHASES), "content": parts}


@st.composite
def _reasonings(draw: st.DrawFn) -> Item:
    summary = [{"type": "summary_text", "text": text} for text in draw(st.lists(PROPER_TEXTS, max_size=2))]
    return {"type": "reasoning", "summary": summary, **draw(st.sampled_from(({}, {"status": None}, {"content": None})))}


@st.composite
def outputs(draw: st.DrawFn, turn: int, seal: Seal = plain_seal, *, every_type: bool = True) -> list[Item]:
    """The items of one response; reasoning leads to something, ids and call ids are its own."""
    kinds = [_messages(), _messages(), _FUNCTION_CALLS, _FUNCTION_CALLS]
    if every_type:
        kinds += [st.sampled_from(_CLIENT_CALLS), st.sampled_from(_HOSTED), st.just(_APPROVAL)]
    items: list[Item] = []
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            items.append(draw(_reasonings()))
        items.append(draw(st.one_of(kinds)))
    return [_handed_out(dict(item), turn, position, seal) for position, item in enumerate(items)]


def _handed_out(item: Item, turn: int, position: int, seal: Seal) -> Item:
    kind = item["type"]
    item["id"] = f"{_ID_STARTS[kind]}_{turn}_{position}"
    if kind in _CALLS and item.get("execution") != "server":
        item["call_id"] = f"call_{turn}_{position}"
    if kind in {"reasoning", "compaction"}:
        item["encrypted_content"] = seal(item, turn, position)
    return item


RESPONSES = st.builds(
    lambda number, output, fields: {"id": f"resp_{number}", "output": output, **fields},
    LABELS,
    outputs(0),
    st.sampled_from(
        (
            {"status": "completed"},
            {"status": "completed", "model": "gpt-5.6-sol", "service_tier": "default", "incomplete_details": None},
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
        )
    ),
)
USAGE: Item = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 15,
}
