"""The WebSocket of the ChatGPT backend: its header, fields, cache and limits, and how OpenAI's client uses it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulator_clients.chatgpt import BODY, HELLO, headers
from emulator_clients.websocket import open_socket, read_reply
from responses_emulator import (
    Call,
    Emulator,
    OnUpgrade,
    SignInService,
    cloudflare_challenge,
    rate_limit_exceeded,
    usage_limit_reached,
)
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

BETA = {"openai-beta": "responses_websockets=2026-02-06"}
LITE = "ws_request_header_x_openai_internal_codex_responses_lite"
PROMPT = {
    "type": "message",
    "role": "developer",
    "content": [{"type": "input_text", "text": "You are Codex."}],
    "internal_chat_message_metadata_passthrough": {"content_item_kinds": ["model.base_instructions"]},
}


def open_chatgpt(emulator: Emulator, sign_in: SignInService, **more: str) -> connect:
    """Return a WebSocket as an honest client opens it."""
    return open_socket(emulator, {**headers(sign_in), **BETA, **more}, user_agent_header=None)


async def ask(socket: ClientConnection, **fields: Any) -> list[dict[str, Any]]:
    """Send a create request with the usual body; a field whose value is None is left out."""
    body = {"type": "response.create", **BODY, **fields}
    await socket.send(json.dumps({key: value for key, value in body.items() if value is not None}))
    return await read_reply(socket)


async def test_the_plan_is_in_the_upgrade_and_in_an_event(emulator: Emulator, sign_in: SignInService) -> None:
    async with open_chatgpt(emulator, sign_in) as socket:
        assert socket.response is not None
        assert socket.response.headers["x-codex-plan-type"] == "plus"
        assert "x-models-etag" in socket.response.headers
        events = await ask(socket, stream=None)
    assert [event["type"] for event in events][:3] == [
        "response.created",
        "response.in_progress",
        "codex.rate_limits",
    ]


@pytest.mark.parametrize("beta", ["", "responses=experimental"])
async def test_the_upgrade_needs_the_header_of_the_preview(
    emulator: Emulator, sign_in: SignInService, beta: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(emulator, {**headers(sign_in), "openai-beta": beta}, user_agent_header=None):
            pass
    assert refused.value.response.status_code == 400


@pytest.mark.parametrize(("change", "status"), [({"originator": ""}, 403), ({"chatgpt-account-id": "other"}, 403)])
async def test_the_edge_and_the_workspace_are_checked_at_the_upgrade(
    emulator: Emulator, sign_in: SignInService, change: dict[str, str], status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_chatgpt(emulator, sign_in, **change):
            pass
    assert refused.value.response.status_code == status


async def test_the_client_of_openai_is_understood(emulator: Emulator, sign_in: SignInService) -> None:
    """The frames have the fields of a capture of 2026-11-30: no instructions, a prompt without items, then deltas."""
    tool = {"type": "function", "name": "exec", "parameters": {"type": "object", "properties": {}}, "strict": False}
    fields = {
        "instructions": None,
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low", "context": "all_turns"},
        "include": ["reasoning.encrypted_content"],
        "text": {"verbosity": "low"},
        "client_metadata": {LITE: "true"},
    }
    emulator.script(Call("exec"))
    async with open_chatgpt(emulator, sign_in) as socket:
        prepared = await ask(socket, **fields, input=[], generate=False)
        assert [event["type"] for event in prepared if event["type"] != "codex.rate_limits"] == [
            "response.created",
            "response.completed",
        ]
        new = [{"type": "additional_tools", "role": "developer", "tools": [tool]}, PROMPT, *HELLO]
        first = await ask(socket, **fields, input=new, previous_response_id=prepared[-1]["response"]["id"])
        call = next(event["item"] for event in first if event["type"] == "response.output_item.done")
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "done"}
        second = await ask(socket, **fields, input=[output], previous_response_id=first[-1]["response"]["id"])
        assert second[-1]["type"] == "response.completed"
        refused = await ask(socket, **fields, input=HELLO)
        assert refused[-1]["detail"] == "Instructions are required"


async def test_lite_in_the_metadata_is_for_lite_models(emulator: Emulator, sign_in: SignInService) -> None:
    async with open_chatgpt(emulator, sign_in) as socket:
        refused = await ask(socket, model="gpt-5.5", client_metadata={LITE: "true"})
    assert refused[-1]["status"] == 400
    assert "Responses-Lite" in refused[-1]["detail"]


async def test_headers_stand_beside_the_error(emulator: Emulator, sign_in: SignInService) -> None:
    emulator.script(usage_limit_reached(), rate_limit_exceeded(after_s=2))
    async with open_chatgpt(emulator, sign_in) as socket:
        limit = (await ask(socket))[-1]
        rate = (await ask(socket))[-1]
    assert (limit["status"], limit["error"]["type"]) == (429, "usage_limit_reached")
    assert "headers" not in limit["error"]
    assert limit["headers"]["x-codex-plan-type"] == "plus"
    assert rate["headers"]["retry-after"] == "2"


async def test_the_cache_belongs_to_the_connection(emulator: Emulator, sign_in: SignInService) -> None:
    async def cached(socket: ClientConnection) -> int:
        reply = await ask(socket, instructions="Be brief. " * 800, prompt_cache_key="one")
        return int(reply[-1]["response"]["usage"]["input_tokens_details"]["cached_tokens"])

    async with open_chatgpt(emulator, sign_in) as socket:
        assert [await cached(socket) > 0, await cached(socket) > 0] == [False, True]
    async with open_chatgpt(emulator, sign_in) as socket:
        assert await cached(socket) == 0


async def test_the_old_frame_of_a_processed_response_gets_no_answer(emulator: Emulator, sign_in: SignInService) -> None:
    async with open_chatgpt(emulator, sign_in) as socket:
        await socket.send(json.dumps({"type": "response.processed", "response_id": "resp_1"}))
        assert (await ask(socket))[-1]["type"] == "response.completed"


async def test_a_challenge_refuses_an_upgrade(emulator: Emulator, sign_in: SignInService) -> None:
    emulator.script(OnUpgrade(cloudflare_challenge()))
    with pytest.raises(InvalidStatus) as refused:
        async with open_chatgpt(emulator, sign_in):
            pass
    assert refused.value.response.headers["cf-mitigated"] == "challenge"
