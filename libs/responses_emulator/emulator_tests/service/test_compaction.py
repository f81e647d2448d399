"""Counting and compacting a conversation: which fields, what is kept, and what the two requests in a stream do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from emulator_clients.responses import parse_events
from openai import OpenAI
from responses_emulator import Call, Disconnect, Emulator, HttpReply, OnPath, Say, azure_surface

KEY = {"authorization": "Bearer sk-1"}
MODEL = "gpt-5.6-sol"
HISTORY: list[dict[str, Any]] = [
    {"type": "message", "role": "developer", "content": "Be kind."},
    {"type": "message", "role": "user", "content": "hello"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi", "annotations": []}]},
    {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "seen"},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "and now?"}]},
]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def post(emulator: Emulator, path: str = "", *, headers: dict[str, str] = KEY, **body: Any) -> httpx.Response:
    sent = {"model": MODEL, "input": HISTORY, **body}
    return httpx.post(f"{emulator.base_url}/responses{path}", json=sent, headers=headers)


def respond(emulator: Emulator, items: list[dict[str, Any]], **body: Any) -> dict[str, Any]:
    events = parse_events(post(emulator, input=items, stream=True, store=False, **body).text)
    return events[-1]["response"]


def test_the_sdk_reads_a_count_and_a_compaction(emulator: Emulator) -> None:
    client = OpenAI(api_key="sk-1", base_url=emulator.base_url)
    count = client.responses.input_tokens.count(model=MODEL, input="hello", instructions="Be kind.")
    assert (count.object, count.input_tokens > 3) == ("response.input_tokens", True)
    compacted = client.responses.compact(model=MODEL, input="hello")
    assert [item.type for item in compacted.output] == ["message", "compaction"]
    assert compacted.usage.output_tokens > 0
    client.close()


def test_a_count_is_the_number_that_a_response_reports(emulator: Emulator) -> None:
    counted = post(emulator, "/input_tokens").json()["input_tokens"]
    assert respond(emulator, HISTORY)["usage"]["input_tokens"] == counted


@pytest.mark.parametrize(
    ("path", "field"),
    [("/input_tokens", "store"), ("/input_tokens", "max_output_tokens"), ("/compact", "tools"), ("/compact", "stream")],
)
def test_a_field_of_another_endpoint_is_refused(emulator: Emulator, path: str, field: str) -> None:
    value: Any = {"tools": [], "max_output_tokens": 100}.get(field, False)
    error = post(emulator, path, **{field: value}).json()["error"]
    assert (error["code"], field in error["message"]) == ("unknown_parameter", True)


@pytest.mark.parametrize("path", ["/input_tokens", "/compact"])
def test_what_does_not_belong_together_is_refused(emulator: Emulator, path: str) -> None:
    assert "No tool output found" in post(emulator, path, input=HISTORY[:4]).json()["error"]["message"]
    assert post(emulator, path, model="gpt-99").json()["error"]["code"] == "model_not_found"
    assert post(emulator, path, headers={}).status_code == 401


def test_a_compaction_keeps_what_the_user_said(emulator: Emulator) -> None:
    output = post(emulator, "/compact").json()["output"]
    assert [item.get("role", item["type"]) for item in output] == ["user", "user", "compaction"]
    assert output[0]["content"] == [{"type": "input_text", "text": "hello"}]
    emulator.state.compaction_keeps = frozenset({"function_call"})
    output = post(emulator, "/compact").json()["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "message", "compaction"]
    question = {"type": "message", "role": "user", "content": "go on"}
    assert respond(emulator, [*output, question])["status"] == "completed", "the compaction holds the output"


def test_a_window_belongs_to_its_account(emulator: Emulator) -> None:
    window = post(emulator, "/compact").json()["output"]
    reply = post(emulator, input=window, headers={"authorization": "Bearer sk-2"})
    assert reply.json()["error"]["code"] == "invalid_encrypted_content"


def test_a_trigger_yields_one_compaction_and_nothing_else(emulator: Emulator) -> None:
    trigger = {"type": "compaction_trigger"}
    assert [item["type"] for item in respond(emulator, [*HISTORY, trigger])["output"]] == ["compaction"]
    emulator.script(Say("Not asked."))
    assert [item["type"] for item in respond(emulator, [*HISTORY, trigger])["output"]] == ["compaction", "message"]
    refused = post(emulator, input=[trigger, *HISTORY]).json()["error"]
    assert "must be the last item" in refused["message"]


def test_a_threshold_compacts_what_is_longer(emulator: Emulator) -> None:
    def manage(threshold: int) -> list[dict[str, Any]]:
        return [{"type": "compaction", "compact_threshold": threshold}]

    long = [{"type": "message", "role": "user", "content": "word " * 2000}]
    emulator.script(Call("look"))
    response = respond(emulator, long, context_management=manage(1000), tools=[{"type": "function", "name": "look"}])
    assert [item["type"] for item in response["output"]] == ["compaction", "function_call"]
    response = respond(emulator, long, context_management=manage(5000))
    assert "compaction" not in [item["type"] for item in response["output"]]
    low = post(emulator, context_management=manage(999)).json()["error"]
    assert (low["code"], low["param"]) == ("integer_below_min_value", "context_management[0].compact_threshold")
    other = post(emulator, context_management=[{"type": "summary"}]).json()["error"]
    assert other["param"] == "context_management[0].type"


def test_other_paths_have_a_script_of_their_own(emulator: Emulator) -> None:
    path = "/responses/input_tokens"
    emulator.script(OnPath(path, HttpReply(503)), OnPath(path, Disconnect()), OnPath(path, HttpReply(404), times=None))
    assert post(emulator).status_code == 200
    assert post(emulator, "/compact").status_code == 200
    assert post(emulator, "/input_tokens").status_code == 503
    with pytest.raises(httpx.RemoteProtocolError):
        post(emulator, "/input_tokens")
    assert [post(emulator, "/input_tokens").status_code for _ in range(2)] == [404, 404]
    emulator.reset()
    assert post(emulator, "/input_tokens").status_code == 200


def test_azure_compacts_and_does_not_count() -> None:
    with Emulator(surfaces=(azure_surface(),)) as azure:
        key = {"api-key": "azure-key-1"}
        assert post(azure, "/compact", headers=key).json()["object"] == "response.compaction"
        refused = post(azure, "/input_tokens", headers=key)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "unknown_url")
