"""The emulator serves several requests on one connection, notices clients that leave, and calls scripted functions."""

from __future__ import annotations

import asyncio

import httpx
import openai
import pytest
from emulator_clients.responses import AUTHORIZATION, post_response
from openai import AsyncOpenAI
from responses_emulator import CutStream, Emulator, EventDelay, ResponseFailed, Say, Silence, Turn, fixed_output


async def test_a_connection_is_reused(emulator: Emulator) -> None:
    async with httpx.AsyncClient(base_url=emulator.base_url, headers=AUTHORIZATION) as plain:
        for stream in (True, False, True):
            body = {"model": "gpt-5.5", "input": "hello", "stream": stream}
            assert (await plain.post("/responses", json=body)).status_code == 200
        assert len({request.connection for request in emulator.requests}) == 1
        assert emulator.open_connections == 1
    assert await emulator.wait_until_async(lambda: emulator.open_connections == 0)
    assert emulator.aborted_requests == []


@pytest.mark.parametrize("shape", [EventDelay(0.2), Silence(5.0, before_event=2), Silence(5.0, before_event=-1)])
async def test_a_client_that_leaves_is_recorded(
    emulator: Emulator, client: AsyncOpenAI, shape: EventDelay | Silence
) -> None:
    emulator.script(Turn(Say("word " * 50), shape))

    async def consume() -> None:
        async for _ in await client.responses.create(model="gpt-5.5", input="hi", stream=True):
            pass

    task = asyncio.create_task(consume())
    assert await emulator.wait_until_async(lambda: emulator.requests)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await emulator.wait_until_async(lambda: len(emulator.aborted_requests) == 1)


async def test_cut_and_failed_streams_reach_the_sdk(emulator: Emulator, client: AsyncOpenAI) -> None:
    emulator.script(
        Turn(Say("word " * 20), CutStream(6, reset=True)), Turn(Say("x"), ResponseFailed("server_error", "Oops."))
    )
    with pytest.raises(openai.APIConnectionError):
        async for _ in await client.responses.create(model="gpt-5.5", input="hi", stream=True):
            pass
    events = [event async for event in await client.responses.create(model="gpt-5.5", input="hi", stream=True)]
    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    assert events[-1].response.error.message == "Oops."


def test_a_scripted_function_sees_the_request(emulator: Emulator) -> None:
    emulator.script(lambda request: Say(f"model {request.body['model']}"))
    assert post_response(emulator).json()["output"][0]["content"][0]["text"] == "model gpt-5.6-sol"
    assert emulator.unused_script_entries == 0


@pytest.mark.parametrize("delay_s", [float("nan"), float("inf"), -1.0])
def test_a_delay_has_to_be_a_time(delay_s: float) -> None:
    with pytest.raises(ValueError, match="not a number of seconds"):
        Emulator(word_delay_s=delay_s)


@pytest.mark.parametrize("failing", ["responder", "script"])
def test_an_error_of_a_responder_or_a_script_is_a_500_and_in_the_log(
    failing: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> list[Say]:
        raise LookupError("no such answer")

    with Emulator(responder=fail if failing == "responder" else fixed_output) as emulator:
        if failing == "script":
            emulator.script(lambda request: fail(request)[0])
        reply = post_response(emulator)
        assert (reply.status_code, reply.json()["error"]["type"]) == (500, "server_error")
        assert reply.headers["x-request-id"]
    assert "LookupError: no such answer" in caplog.text
