"""Responses that the service keeps: retrieved, resumed and cancelled, by their account and by the rules."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from emulator_clients.responses import AUTHORIZATION, error_object, parse_events, post_response
from responses_emulator import CutStream, Emulator, Say, Turn

BACKGROUND = {"store": True, "background": True}


def get(emulator: Emulator, response_id: str, key: str = "sk-test", **query: Any) -> httpx.Response:
    url = f"{emulator.base_url}/responses/{response_id}"
    return httpx.get(url, params=query, headers={"authorization": f"Bearer {key}"}, timeout=60)


def cancel(emulator: Emulator, response_id: str) -> httpx.Response:
    return httpx.post(f"{emulator.base_url}/responses/{response_id}/cancel", headers=AUTHORIZATION, timeout=60)


def test_a_response_in_the_background_is_polled() -> None:
    with Emulator() as emulator:
        emulator.script(Say("done"))
        options = {"completion_window": "2h", "continuation_id": "c"}
        queued = post_response(emulator, **BACKGROUND, background_options=options).json()
        assert (queued["status"], queued["background"], queued["output"]) == ("queued", True, [])
        assert get(emulator, queued["id"]).json()["status"] == "queued"
        finished = get(emulator, queued["id"]).json()
        assert (finished["status"], finished["id"]) == ("completed", queued["id"])
        assert finished["output"][0]["content"][0]["text"] == "done"


def test_a_broken_stream_goes_on_after_its_last_event() -> None:
    with Emulator() as emulator:
        emulator.script(Turn(Say("one two three"), CutStream(6)))
        with pytest.raises(httpx.RemoteProtocolError):
            post_response(emulator, stream=True, **BACKGROUND)
        response_id = next(iter(emulator.state.stored.by_id))
        whole = parse_events(get(emulator, response_id, stream="true").text)
        rest = get(emulator, response_id, stream="true", starting_after=5).text
        assert whole[0]["response"]["id"] == response_id
        assert f'"sequence_number":{whole[6]["sequence_number"]}' in rest.split("\n\n")[0]
        assert len(rest.strip().split("\n\n")) == len(whole) - 6


def test_a_response_in_the_background_can_be_cancelled() -> None:
    with Emulator() as emulator:
        queued = post_response(emulator, **BACKGROUND).json()
        assert cancel(emulator, queued["id"]).json()["status"] == "cancelled"
        assert get(emulator, queued["id"]).json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"background": True}, "require `store`"),
        ({"background_options": {"completion_window": "2h"}}, "requires 'background'"),
        ({**BACKGROUND, "stream": True, "background_options": {"completion_window": "8h"}}, "streaming"),
        ({**BACKGROUND, "service_tier": "flex", "background_options": {"completion_window": "2h"}}, "standard"),
        ({**BACKGROUND, "background_options": {"completion_window": "1d"}}, "Supported values"),
        ({**BACKGROUND, "include": ["reasoning.encrypted_content"]}, "Encrypted content"),
    ],
)
def test_what_a_request_for_the_background_may_not_have(body: dict[str, Any], text: str) -> None:
    with Emulator() as emulator:
        assert text in error_object(post_response(emulator, **body))["message"]


def test_the_soonest_window_may_stream() -> None:
    with Emulator() as emulator:
        body = {**BACKGROUND, "stream": True, "background_options": {"completion_window": "soonest"}}
        assert post_response(emulator, **body).status_code == 200


def test_what_a_stored_response_does_not_allow() -> None:
    with Emulator() as emulator:
        stored = post_response(emulator, store=True).json()["id"]
        unstored = post_response(emulator).json()["id"]
        refused = [
            (get(emulator, stored, key="sk-other"), "not found"),
            (get(emulator, unstored), "not found"),
            (get(emulator, stored, stream="true"), "cannot be streamed"),
            (get(emulator, stored, starting_after=1), "starting_after"),
            (get(emulator, stored, include="reasoning.encrypted_content"), "Encrypted content"),
            (cancel(emulator, stored), "synchronous"),
        ]
        assert [text for reply, text in refused if text not in error_object(reply)["message"]] == []
        assert get(emulator, stored).json()["status"] == "completed"
