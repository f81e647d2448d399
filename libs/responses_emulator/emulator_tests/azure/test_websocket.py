"""Azure's WebSocket: bearer credentials, no version, one response under way, and no lanes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from emulator_clients.websocket import ask, code, open_socket, read_reply, send
from responses_emulator import Directory, Emulator, Say, Silence, Turn, azure_surface, deployment_not_found
from websockets.exceptions import InvalidStatus

KEY = {"authorization": "Bearer azure-key-1"}
COGNITIVE = "https://cognitiveservices.azure.com"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(surfaces=(azure_surface(),)) as running:
        yield running


async def test_a_key_goes_as_a_bearer_credential(emulator: Emulator) -> None:
    async with open_socket(emulator, KEY) as socket:
        assert socket.response is not None
        assert "apim-request-id" in socket.response.headers
        first = await ask(socket)
        second = await ask(socket, previous_response_id=first["response"]["id"])
    assert second["response"]["content_filters"]


async def test_a_token_of_entra_is_taken() -> None:
    directory = Directory()
    token = directory.issue_access_token(COGNITIVE).text
    with Emulator(surfaces=(azure_surface(directory=directory),)) as emulator:
        async with open_socket(emulator, {"authorization": f"Bearer {token}"}) as socket:
            assert (await ask(socket))["type"] == "response.completed"


@pytest.mark.parametrize(
    ("headers", "rule"),
    [
        ({"api-key": "azure-key-1"}, "websocket-no-bearer"),
        ({"authorization": "Bearer azure-key-bad"}, "azure-wrong-key"),
        ({}, "azure-missing-token"),
    ],
)
async def test_other_credentials_are_refused(emulator: Emulator, headers: dict[str, str], rule: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(emulator, headers):
            pass
    assert refused.value.response.status_code == 401
    assert emulator.upgrades[-1].rule == rule


async def test_a_version_is_refused(emulator: Emulator) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(emulator, KEY, query="?api-version=preview"):
            pass
    assert refused.value.response.status_code == 400


async def test_one_response_is_under_way_at_a_time(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one"), Silence(600, before_event=1)))
    async with open_socket(emulator, KEY) as socket:
        await send(socket, input="hello")
        await socket.recv()
        await send(socket, input="hello")
        assert code((await read_reply(socket))[-1]) == "websocket_response_in_progress"


async def test_there_are_no_lanes_and_no_steering(emulator: Emulator) -> None:
    async with open_socket(emulator, KEY) as socket:
        assert code(await ask(socket, stream_id="a")) == "unknown_parameter"
        await socket.send(json.dumps({"type": "response.steer", "previous_response_id": "resp_1", "input": "Stop."}))
        assert code((await read_reply(socket))[-1]) == "invalid_value"


async def test_a_refusal_has_the_words_of_the_gateway(emulator: Emulator) -> None:
    emulator.script(deployment_not_found())
    async with open_socket(emulator, KEY) as socket:
        refused = await ask(socket)
    assert (refused["status"], code(refused)) == (404, "DeploymentNotFound")
