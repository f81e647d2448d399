"""What items owe each other: ciphertext, reasoning groups, calls and their outputs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from emulator_clients.responses import error_object, post_response, stream_events
from responses_emulator import (
    Call,
    CustomCall,
    Emulator,
    FromResponder,
    HostedItem,
    ResponseIncomplete,
    Say,
    Think,
    Turn,
)
from responses_emulator.contract.input_items import item_type

Item = dict[str, Any]
USER: Item = {"role": "user", "content": "hello"}
AGAIN: Item = {"role": "user", "content": "and now?"}
ENCRYPTED = {"include": ["reasoning.encrypted_content"], "reasoning": {"summary": "auto"}}
UNVERIFIED = "could not be verified. Reason: Encrypted content could not be decrypted or parsed."


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def answered(emulator: Emulator, turn: Turn, **body: Any) -> list[Item]:
    """The output items of a scripted turn, as `output_item.done` gave them."""
    emulator.script(turn)
    events = stream_events(emulator, **{**ENCRYPTED, "input": [USER], **body})
    return [event["item"] for event in events if event["type"] == "response.output_item.done"]


def output(call: Item, text: str = "done") -> Item:
    return {"type": f"{call['type'].removesuffix('_call')}_call_output", "call_id": call["call_id"], "output": text}


def fault(emulator: Emulator, *items: Item, status: int = 400, **body: Any) -> dict[str, Any]:
    """The error that replaying these items gets."""
    reply = post_response(emulator, input=list(items), **{**ENCRYPTED, **body})
    assert reply.status_code == status, reply.text
    return error_object(reply)


def fine(emulator: Emulator, *items: Item, **body: Any) -> None:
    reply = post_response(emulator, input=list(items), **{**ENCRYPTED, **body})
    assert reply.status_code == 200, reply.text


@pytest.fixture
def group(emulator: Emulator) -> list[Item]:
    """Reasoning, a message, two calls."""
    return answered(emulator, Turn(Think(["Look."]), Say("Looking."), Call("f", {"a": 1}), Call("f", {"a": 2})))


def test_a_replay_of_a_whole_group_is_accepted(emulator: Emulator, group: list[Item]) -> None:
    fine(emulator, USER, *group, output(group[2]), output(group[3]))
    fine(emulator, USER, *group[:3], output(group[2]), group[3], output(group[3]))
    without_ids = [{key: value for key, value in item.items() if key != "id"} for item in group]
    fine(emulator, USER, *without_ids, output(group[2]), output(group[3]))
    # Recorded: a summary that was empty comes back as one empty part.
    bare = answered(emulator, Turn(Think(), Say("Hi.")), reasoning={})
    fine(emulator, USER, {**bare[0], "summary": [{"type": "summary_text", "text": ""}]}, bare[1], AGAIN)


def test_reasoning_needs_what_followed_it(emulator: Emulator, group: list[Item]) -> None:
    reasoning = group[0]
    expected = f"Item '{reasoning['id']}' of type 'reasoning' was provided without its required following item."
    assert fault(emulator, USER, reasoning)["message"] == expected
    assert fault(emulator, USER, reasoning, AGAIN)["message"] == expected
    assert fault(emulator, USER, reasoning, group[2], output(group[2]))["message"] == expected


def test_a_call_with_its_id_needs_its_reasoning(emulator: Emulator, group: list[Item]) -> None:
    _, message, call, _ = group
    error = fault(emulator, USER, call, output(call))
    assert error["message"] == (
        f"Item '{call['id']}' of type 'function_call' was provided without its required 'reasoning' item: "
        f"'{group[0]['id']}'."
    )
    assert "of type 'message' was provided without its required" in fault(emulator, USER, message, AGAIN)["message"]
    fine(emulator, USER, {key: value for key, value in call.items() if key != "id"}, output(call))


def test_reasoning_without_ciphertext_is_not_found(emulator: Emulator, group: list[Item]) -> None:
    bare = {key: value for key, value in group[0].items() if key != "encrypted_content"}
    error = fault(emulator, USER, bare, *group[1:], output(group[2]), output(group[3]), status=404)
    assert error["message"].startswith(f"Item with id '{bare['id']}' not found. Items are not persisted when `store`")
    kept = answered(emulator, Turn(Think(["x"]), Say("y")), store=True, include=[])
    fine(emulator, USER, *kept, AGAIN, include=[])


def test_ciphertext_is_sent_on_request_and_differs_in_added(emulator: Emulator) -> None:
    emulator.script(Turn(Think(), Say("x")), Turn(Think(), Say("x")))
    assert "encrypted_content" not in stream_events(emulator)[-1]["response"]["output"][0]
    events = stream_events(emulator, **ENCRYPTED)
    added, done = (
        next(e["item"] for e in events if e["type"] == f"response.output_item.{w}") for w in ("added", "done")
    )
    final = events[-1]["response"]["output"]
    assert len({added["encrypted_content"], done["encrypted_content"], final[0]["encrypted_content"]}) == 3
    fine(emulator, USER, *final, AGAIN)
    assert fault(emulator, USER, added, final[1], AGAIN)["code"] == "invalid_encrypted_content"


def test_changed_ciphertext_is_refused(emulator: Emulator, group: list[Item]) -> None:
    rest = [*group[1:], output(group[2]), output(group[3])]
    blob = group[0]["encrypted_content"]
    flipped = blob[:40] + ("A" if blob[40] != "A" else "B") + blob[41:]
    for change in (
        {"encrypted_content": flipped},
        {"encrypted_content": blob[:-4]},
        {"encrypted_content": "nonsense"},
        {"id": "rs_other"},
        {"summary": [{"type": "summary_text", "text": "I never thought that."}]},
        {"summary": []},
    ):
        error = fault(emulator, USER, {**group[0], **change}, *rest)
        assert error["code"] == "invalid_encrypted_content"
        assert error["param"] is None
        assert error["message"].startswith("The encrypted content for item rs_")
        assert error["message"].endswith(UNVERIFIED)


def test_ciphertext_belongs_to_the_account(emulator: Emulator, group: list[Item]) -> None:
    body = {"model": "gpt-5.6-sol", "store": False, "input": [USER, *group, output(group[2]), output(group[3])]}
    other = httpx.post(f"{emulator.base_url}/responses", json=body, headers={"authorization": "Bearer sk-other"})
    assert error_object(other)["code"] == "invalid_encrypted_content"
    with Emulator() as restarted:
        fine(restarted, USER, *group, output(group[2]), output(group[3]))


def test_reasoning_out_of_order_is_refused(emulator: Emulator) -> None:
    items = answered(emulator, Turn(Think(["a"]), Call("f"), Think(["b"]), Call("g")))
    outputs = [output(items[1]), output(items[3])]
    fine(emulator, USER, *items, *outputs)
    assert "required following item" in fault(emulator, USER, *items[2:], *items[:2], *outputs)["message"]


def test_duplicate_items_are_refused(emulator: Emulator, group: list[Item]) -> None:
    rest = [output(group[2]), output(group[3])]
    twice = fault(emulator, USER, *group, *rest, group[0], group[1], AGAIN)
    assert twice["message"].startswith(f"Duplicate item found with id {group[0]['id']}.")
    same_call = copy.deepcopy(group[3])
    same_call["call_id"] = group[2]["call_id"]
    assert "Duplicate 'call_id'" in fault(emulator, USER, *group[:3], same_call, rest[0])["message"]
    assert "Duplicate 'call_id'" in fault(emulator, USER, *group, *rest, rest[0])["message"]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (Call("f"), "function call"),
        (CustomCall("c", "x"), "custom tool call"),
        (HostedItem({"type": "shell_call", "action": {"commands": ["ls"]}}), "shell call"),
        (
            HostedItem({"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}}),
            "apply patch call",
        ),
        (
            HostedItem({"type": "computer_call", "pending_safety_checks": [], "action": {"type": "screenshot"}}),
            "computer call",
        ),
    ],
)
def test_a_call_needs_exactly_one_output(emulator: Emulator, call: Any, name: str) -> None:
    [item] = answered(emulator, Turn(call))
    assert fault(emulator, USER, item)["message"] == f"No tool output found for {name} {item['call_id']}."
    lonely: Item = {**output(item), "status": "completed"}
    if item["type"] in {"function_call", "custom_tool_call"}:
        lonely.pop("status")
    elif item["type"] == "shell_call":
        lonely.pop("status")
        lonely["output"] = [{"stdout": "", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]
    elif item["type"] == "computer_call":
        lonely["output"] = {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"}
    expected = f"No tool call found for {name} output with call_id {item['call_id']}."
    assert fault(emulator, USER, lonely)["message"] == expected
    fine(emulator, USER, item, lonely)


def test_reasoning_that_was_cut_off_cannot_be_replayed_alone(emulator: Emulator) -> None:
    [thought] = answered(emulator, Turn(Think(["A long thought."]), ResponseIncomplete(characters=6)))
    assert "required following item" in fault(emulator, USER, thought)["message"]
    assert "required following item" in fault(emulator, USER, thought, AGAIN)["message"]


def test_a_stored_response_can_be_continued(emulator: Emulator) -> None:
    emulator.script(Turn(Think(), Call("f", call_id="call_x")))
    first = post_response(emulator, input=[USER], store=True).json()
    answer = {"type": "function_call_output", "call_id": "call_x", "output": "42"}
    second = post_response(emulator, input=[answer], previous_response_id=first["id"], store=True)
    assert second.status_code == 200, second.text
    assert second.json()["previous_response_id"] == first["id"]
    stored = emulator.state.stored_conversations[second.json()["id"]]
    assert [item_type(item) for item in stored[1:4]] == ["reasoning", "function_call", "function_call_output"]


def test_preserved_reasoning_that_does_not_fit_is_removed_and_reported(emulator: Emulator) -> None:
    model = {"model": "gpt-6.2-astra"}
    items = answered(emulator, Turn(FromResponder()), **model)
    same = post_response(emulator, input=[USER, *items, AGAIN], **ENCRYPTED, **model).json()
    assert "input_transformations" not in same
    edited = post_response(emulator, input=[{**USER, "content": "Hello!"}, *items, AGAIN], **ENCRYPTED, **model).json()
    assert edited["input_transformations"] == [
        {"id": items[0]["id"], "action": "removed", "reason": "prefix_mismatch", "type": "reasoning"}
    ]


def test_safety_checks_of_a_computer_call_have_to_be_acknowledged(emulator: Emulator) -> None:
    check = {"id": "cu_sc_1", "code": "malicious_instructions", "message": "Look twice."}
    call: Item = {
        "type": "computer_call",
        "id": "cu_1",
        "call_id": "call_1",
        "action": {"type": "screenshot"},
        "pending_safety_checks": [check],
        "status": "completed",
    }
    seen: Item = {
        "type": "computer_call_output",
        "call_id": "call_1",
        "output": {"type": "computer_screenshot", "file_id": "file_1"},
    }
    assert fault(emulator, USER, call, seen)["message"] == (
        "Computer tool has unacknowledged safety check for ['cu_sc_1']"
    )
    fine(emulator, USER, call, {**seen, "acknowledged_safety_checks": [check]})
