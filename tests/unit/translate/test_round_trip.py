"""There and back: an answer goes into the history and comes out as the items it was; each request extends the last."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from amplifier_core.message_models import ChatRequest, Message, ToolSpec
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_responses_common.facts.amendments import Amendments
from openai_responses_common.facts.profile import BackendProfile
from openai_responses_common.facts.traits import find_traits
from openai_responses_common.options.options import Options
from openai_responses_common.translate.decode import decode_response
from openai_responses_common.translate.encode import encode_request
from openai_responses_common.translate.messages import encode_messages
from openai_responses_common.wire.json_values import dump_body, dumps
from responses_emulator.contract.input_items import check_input
from responses_emulator.conversation.ledger import Ledger
from responses_emulator.conversation.pairing_rules import check_conversation

Item = dict[str, Any]

PIXEL = "iVBORw0KGgo="
MODES = st.sampled_from(["as it is", "dumped", "as JSON", "without nulls"])
WORDS = st.text(st.sampled_from('ab "\\{}\n\u00e9\u2028\U0001f600'), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {key: without_nulls(each) for key, each in value.items() if each is not None}
        case list():
            return [without_nulls(each) for each in value if each is not None]
        case _:
            return value


def stored(content: list[Any], mode: str, **beside: Any) -> Message:
    """An assistant turn as loops, transcripts and context managers keep it."""
    if mode == "as it is":
        return Message(role="assistant", content=content, **beside)
    kept: Any = {"role": "assistant", "content": [block.model_dump() for block in content], **beside}
    if mode != "dumped":
        kept = json.loads(json.dumps(kept))
    return Message.model_validate(without_nulls(kept) if mode == "without nulls" else kept)


def replayed(output: list[Item], mode: str, *, origin: str = "here") -> list[Item]:
    answer = decode_response([{"status": "completed", "output": output}], origin="here", usage=None)
    return encode_messages([stored(answer.content, mode)], origin=origin).items


CITATION = {"type": "url_citation", "url": "https://x.example", "title": "X", "start_index": 0, "end_index": 1}
PARTS = st.one_of(
    st.builds(
        lambda text, annotations: {"type": "output_text", "text": text, "annotations": annotations},
        WORDS,
        st.lists(st.just(CITATION), max_size=2),
    ),
    st.builds(lambda text: {"type": "refusal", "refusal": text}, WORDS),
)
ARGUMENTS = st.dictionaries(WORDS, JSON, max_size=3).flatmap(
    lambda value: st.sampled_from(
        [dumps(value), json.dumps(value), json.dumps(value, indent=1), json.dumps(value, ensure_ascii=False)]
    )
) | st.sampled_from(
    ["{}", '{"a":1.0}', '{"a":1e3}', '{"a":1,"a":2}', '{"a":null}', '{"a":[null]}', "{ }", '{"a":"\\u00e9"}']
)
LABELS = st.integers(0, 10**6)


@st.composite
def messages(draw: st.DrawFn, status: Any = "completed", *, least: int = 0) -> Item:
    parts = draw(st.lists(PARTS, min_size=least, max_size=3))
    if least and not any(part.get("text") or part.get("refusal") for part in parts):
        parts[0] = {"type": "output_text", "text": "x", "annotations": []}
    phase = draw(st.sampled_from([{}, {"phase": None}, {"phase": "commentary"}, {"phase": "final_answer"}]))
    return {
        "type": "message",
        "id": f"msg_{draw(LABELS)}",
        "role": "assistant",
        "status": status,
        **phase,
        "content": parts,
    }


@st.composite
def reasonings(draw: st.DrawFn) -> Item:
    texts = draw(st.lists(WORDS, max_size=3))
    return {
        "type": "reasoning",
        "id": f"rs_{draw(LABELS)}",
        "summary": [{"type": "summary_text", "text": text} for text in texts],
        "encrypted_content": f"sealed-{draw(LABELS)}",
        **draw(st.sampled_from([{}, {"status": None}, {"status": "completed"}, {"content": None}])),
    }


@st.composite
def calls(draw: st.DrawFn) -> Item:
    number = draw(LABELS)
    return {
        "type": "function_call",
        "id": f"fc_{number}",
        "call_id": f"call_{number}",
        "name": draw(st.sampled_from(["read", "bash"])),
        "arguments": draw(ARGUMENTS),
        **draw(st.sampled_from([{}, {"status": "completed"}, {"namespace": "crm"}, {"caller": None}])),
    }


HOSTED = st.builds(
    lambda kind, number, fields: {**fields, "type": kind, "id": f"ws_{number}"},
    st.sampled_from(["web_search_call", "code_interpreter_call", "mcp_call", "compaction_of_tomorrow"]),
    LABELS,
    st.dictionaries(st.sampled_from(["status", "action", "results", "error"]), JSON),
)
OTHERS = st.sampled_from(
    [
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "cu", "name": "sql", "input": "", "status": "completed"},
        {"type": "shell_call", "id": "sh_1", "call_id": "sh", "action": {"commands": ["ls"], "timeout_ms": None}},
        {"type": "tool_search_call", "id": "tsc_1", "call_id": "ts", "execution": "client", "arguments": {"q": "x"}},
        {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "n", "arguments": "{}"},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "AAAA", "size": None},
    ]
)
OUTPUTS = st.lists(messages() | reasonings() | calls() | HOSTED | OTHERS, max_size=6)


def expected(output: list[Item]) -> list[Item]:
    """What goes back: everything but statuses of what is replayed as text, and texts that are empty."""
    items: list[Item] = []
    for item in output:
        kept = dict(item)
        if item["type"] in {"message", "reasoning", "function_call"}:
            kept.pop("status", None)
        if item["type"] == "message":
            kept["content"] = [part for part in item["content"] if part.get("text") or part.get("refusal")]
            if not kept["content"]:
                continue
        items.append(kept)
    while items and items[-1]["type"] == "reasoning":
        items.pop()
    return items


@given(OUTPUTS, MODES)
@settings(max_examples=300)
def test_an_answer_comes_back_as_the_items_it_was(output: list[Item], mode: str) -> None:
    before = json.dumps(output)
    items = replayed(output, mode)
    assert json.dumps(output) == before
    assert without_nulls(items) == without_nulls(expected(output))
    strings = [item["arguments"] for item in output if item["type"] == "function_call"]
    assert [item["arguments"] for item in items if item["type"] == "function_call"] == strings, "byte for byte"


@given(OUTPUTS.map(without_nulls))
def test_the_way_of_storing_does_not_change_a_byte(output: list[Item]) -> None:
    ways = {dumps(replayed(output, mode)) for mode in ("as it is", "dumped", "as JSON", "without nulls")}
    assert len(ways) == 1


@given(OUTPUTS, MODES)
def test_nothing_that_only_its_maker_may_read_goes_elsewhere(output: list[Item], mode: str) -> None:
    items = replayed(output, mode, origin="there")
    assert "sealed-" not in dumps(items)
    known = {"message", "function_call", "custom_tool_call", "shell_call", "tool_search_call", "mcp_approval_request"}
    assert {item["type"] for item in items} <= known
    assert not [item for item in items if "id" in item and item["type"] != "mcp_approval_request"]
    said = [item["content"] for item in expected(output) if item["type"] == "message"]
    assert [item["content"] for item in items if item["type"] == "message"] == said, "the words themselves go"


@pytest.mark.parametrize("mode", ["as it is", "dumped", "as JSON", "without nulls"])
@pytest.mark.parametrize("arguments", ['{"a":null}', '{"a":{"b":null}}', '{"a":[1,null]}', '{"null":1}'])
def test_nulls_in_arguments_survive(mode: str, arguments: str) -> None:
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "n", "arguments": arguments}
    assert replayed([call], mode) == [call]


def test_the_argument_string_is_kept_only_where_dumping_would_differ() -> None:
    """It would double every call in the transcript."""
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "n"}
    for arguments, kept in (('{"a":1}', False), ('{"a": 1}', True), ('{"a":1.50}', True)):
        output = [{**call, "arguments": arguments}]
        answer = decode_response([{"status": "completed", "output": output}], origin="here", usage=None)
        [block] = answer.content
        assert ("arguments" in (block.model_extra or {})["openai"]["item"]) is kept


PROFILE = BackendProfile(name="p", display_name="P")
TOOLS = [ToolSpec(name="read", description="Read.", parameters={"type": "object", "properties": {}})]
USERS: st.SearchStrategy[Any] = st.builds(
    lambda text, picture: [{"type": "text", "text": text}, *([picture] if picture else [])],
    WORDS.filter(bool),
    st.sampled_from([None, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}]),
)
RESULTS: st.SearchStrategy[Any] = st.sampled_from(
    [
        "text",
        '{"success": true, "output": {"a": 1}}',
        [{"type": "text", "text": "a"}],
        [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}],
    ]
)


class Talk:
    """A conversation as a loop keeps it, and the request of every turn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.history = [Message(role="system", content="be kind")]
        self.ledger = Ledger()
        self.turns = 0

    def request(self) -> bytes:
        encoded = encode_request(
            ChatRequest(messages=self.history, tools=TOOLS),
            Options(model="gpt-6-sol", prompt_cache_key="k"),
            profile=PROFILE,
            traits=find_traits("gpt-6-sol"),
            amendments=Amendments(),
            origin="here",
        )
        assert encoded.repairs == []
        assert list(encoded.body)[-1] == "input"
        check_input(encoded.body["input"])
        check_conversation(encoded.body["input"], self.ledger, account="a", endpoint="")
        return dump_body(encoded.body)

    def answer(self) -> list[Item]:
        """Some items, the model's next turn: reasoning leads to something, ids are its own."""
        self.turns += 1
        output: list[Item] = []
        for _ in range(self.draw(st.integers(1, 3))):
            output.extend([self.draw(reasonings())] if self.draw(st.booleans()) else [])
            output.append(self.draw(messages(least=1) | calls()))
        for number, item in enumerate(output):
            item["id"] = f"{item['id'].partition('_')[0]}_{self.turns}_{number}"
            if "call_id" in item:
                item["call_id"] = f"call_{self.turns}_{number}"
        origin = self.draw(st.sampled_from(["here", "here", "there"]))
        if origin == "here":
            self.ledger.record(f"resp_{self.turns}", output, account="a", stored=False)
        answer = decode_response([{"status": "completed", "output": output}], origin=origin, usage=None)
        kept = [{"id": each.id, "tool": each.name, "arguments": each.arguments} for each in answer.tool_calls or []]
        self.history.append(stored(answer.content, self.draw(MODES), **({"tool_calls": kept} if kept else {})))
        return [item for item in output if item["type"] == "function_call"]

    def results(self, asked: list[Item]) -> None:
        for item in self.draw(st.permutations(asked)):
            content = self.draw(RESULTS)
            self.history.append(Message(role="tool", tool_call_id=item["call_id"], name=item["name"], content=content))


@st.composite
def talks(draw: st.DrawFn) -> list[bytes]:
    talk = Talk(draw)
    requests: list[bytes] = []
    for _ in range(draw(st.integers(1, 3))):
        talk.history.append(Message(role="user", content=draw(USERS)))
        requests.append(talk.request())
        while asked := talk.answer():
            talk.results(asked)
            requests.append(talk.request())
            if len(requests) > 6:
                return requests
        if draw(st.booleans()):
            talk.history.append(Message(role=draw(st.sampled_from(["system", "developer"])), content="by the way"))
    return requests


@given(talks())
@settings(max_examples=100, deadline=None)
def test_each_request_begins_with_the_one_before(requests: list[bytes]) -> None:
    """That is what prompt caches live on: the bytes of a request are a prefix of the next one's."""
    for before, after in pairwise(requests):
        assert before.endswith(b"]}")
        assert after.startswith(before.removesuffix(b"]}") + b",")
        head = before.partition(b'"input":[')[0]
        assert after.partition(b'"input":[')[0] == head


def test_a_call_is_answered_in_the_next_request_and_everything_before_stays() -> None:
    output: list[Item] = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed", "status": None},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "phase": "commentary",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Let me look.", "annotations": [], "logprobs": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "read", "arguments": '{"path": "a"}'},
        {"type": "function_call", "id": "fc_2", "call_id": "b", "name": "read", "arguments": '{"path": "b"}'},
    ]
    answer = decode_response([{"status": "completed", "output": output}], origin="here", usage=None)
    history = [
        Message(role="user", content="Compare a and b."),
        stored(answer.content, "without nulls"),
        Message(role="tool", tool_call_id="b", content="B"),
        Message(role="tool", tool_call_id="a", content="A"),
    ]
    assert encode_messages(history, origin="here").items == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Compare a and b."}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "Let me look.", "annotations": []}],
        },
        {"type": "function_call", "call_id": "a", "name": "read", "arguments": '{"path": "a"}', "id": "fc_1"},
        {"type": "function_call", "call_id": "b", "name": "read", "arguments": '{"path": "b"}', "id": "fc_2"},
        {"type": "function_call_output", "call_id": "b", "output": "B"},
        {"type": "function_call_output", "call_id": "a", "output": "A"},
    ]
