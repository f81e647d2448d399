"""A turn puts its parts, its ending and its delivery into one response."""

from __future__ import annotations

from emulator_clients.responses import post_response, stream_events
from responses_emulator import (
    Emulator,
    ErrorEvent,
    ExtraEvent,
    HostedItem,
    NoTerminalOutput,
    NoUsage,
    ResponseFailed,
    ResponseFields,
    RotateIds,
    Say,
    Turn,
)


def test_a_turn_can_fail_in_the_middle(emulator: Emulator) -> None:
    emulator.script(
        Turn(Say("one two three"), ResponseFailed("server_error", "Oops.", after_events=6)),
        Turn(ErrorEvent("insufficient_quota", "Pay.", error_type="insufficient_quota", then_failed=True)),
        Turn(Say("x"), ErrorEvent("server_error", "Oops.", nested=False)),
    )
    failed = stream_events(emulator)
    assert [failed[-2]["type"], failed[-1]["type"]] == ["response.output_text.delta", "response.failed"]
    assert failed[-1]["response"]["error"] == {"code": "server_error", "message": "Oops."}
    nested = stream_events(emulator)
    assert [event["type"] for event in nested[-2:]] == ["error", "response.failed"]
    assert nested[-2]["error"]["code"] == "insufficient_quota"
    flat = stream_events(emulator)[-1]
    assert (flat["type"], flat["code"], flat["message"], flat["param"]) == ("error", "server_error", "Oops.", None)


def test_a_turn_can_end_with_an_odd_terminal_event(emulator: Emulator) -> None:
    emulator.script(
        Turn(Say("x"), NoTerminalOutput()),
        Turn(Say("x"), NoUsage()),
        Turn(Say("x"), NoUsage(details_only=True)),
        Turn(Say("x"), ResponseFields({"service_tier": "priority", "model": "gpt-oss"})),
    )
    assert stream_events(emulator)[-1]["response"]["output"] == []
    assert stream_events(emulator)[-1]["response"]["usage"] is None
    assert set(stream_events(emulator)[-1]["response"]["usage"]) == {"input_tokens", "output_tokens", "total_tokens"}
    last = stream_events(emulator)[-1]["response"]
    assert (last["service_tier"], last["model"]) == ("priority", "gpt-oss")


def test_a_turn_can_rotate_its_ids(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one two"), RotateIds()))
    events = stream_events(emulator)
    ids = [event.get("item_id") or event["item"]["id"] for event in events if "output_index" in event]
    assert len(set(ids)) == len(ids)
    assert events[-1]["response"]["output"][0]["id"] == ids[-1]


def test_a_turn_can_have_unknown_events_and_items(emulator: Emulator) -> None:
    emulator.script(Turn(HostedItem({"type": "hologram_call", "beam": 7}), Say("x"), ExtraEvent(after_events=3)))
    reply = post_response(emulator, stream=True).text
    assert 'event: response.sparkle.delta\ndata: {"type":"response.sparkle.delta","delta":"*"}\n\n' in reply
    assert '"type":"hologram_call","status":"completed","beam":7' in reply
