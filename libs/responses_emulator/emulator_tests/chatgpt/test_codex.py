"""What OpenAI's own client sends is accepted: each shape here was captured from it on 2026-11-30 (version 0.169)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from emulator_clients.chatgpt import BODY, HELLO, headers, items_of, post
from responses_emulator import (
    Call,
    ChatGptOptions,
    Emulator,
    Say,
    SignInService,
    Think,
    Turn,
    azure_surface,
    chatgpt_surfaces,
    openai_surface,
)

METADATA = "internal_chat_message_metadata_passthrough"
PROMPT: dict[str, Any] = {
    "type": "message",
    "id": "msg_01a22eba-9a23-7f82-b415-3b1ed6ea92e4",
    "role": "developer",
    "content": [{"type": "input_text", "text": "You are a coding agent."}],
    METADATA: {"turn_id": "01a22eba-99ee-7d80-ae84-7bf70e591382", "content_item_kinds": ["model.base_instructions"]},
}
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "name": "exec_command", "strict": False, "parameters": {"type": "object", "properties": {}}},
    {
        "type": "namespace",
        "name": "image_gen",
        "description": "",
        "tools": [
            {"type": "function", "name": "f", "strict": False, "parameters": {"type": "object", "properties": {}}}
        ],
    },
    {"type": "web_search", "external_web_access": True, "search_content_types": ["text", "image"]},
]
SENT: dict[str, Any] = {
    "instructions": None,
    "input": [PROMPT, *HELLO],
    "tools": TOOLS,
    "include": ["reasoning.encrypted_content"],
    "client_metadata": {"session_id": "01a22eba-99dd-7b70-bdae-4afc27b68939", "turn_id": ""},
}
KEY = {"authorization": "Bearer sk-codex"}


def post_with_key(base_url: str, headers: dict[str, str], **changes: Any) -> httpx.Response:
    body = {key: value for key, value in {**BODY, **SENT, **changes}.items() if value is not None}
    return httpx.post(f"{base_url}/responses", json=body, headers=headers, timeout=60)


def replay(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return output as the client sends it back: with every id, with metadata, and with `content` of null."""
    thought, call = ({**item, METADATA: {"turn_id": "01a2"}} for item in made)
    result = {"type": "function_call_output", "id": "fco_01", "call_id": call["call_id"], "output": "ok"}
    return [PROMPT, *HELLO, {**thought, "content": None}, call, result]


def test_a_prompt_that_says_so_replaces_the_instructions(sign_in: SignInService, emulator: Emulator) -> None:
    who = headers(sign_in)
    assert post(emulator, who, **SENT).status_code == 200
    unmarked = {key: value for key, value in PROMPT.items() if key != METADATA}
    refused = post(emulator, who, **{**SENT, "input": [unmarked, *HELLO]})
    assert (refused.status_code, refused.json()) == (400, {"detail": "Instructions are required"})


def test_the_tools_of_the_lite_shape_are_the_first_item(sign_in: SignInService, emulator: Emulator) -> None:
    first = {"type": "additional_tools", "id": "at_01a22eba", "role": "developer", "tools": TOOLS[:2]}
    who = headers(sign_in, x_openai_internal_codex_responses_lite="true", version="0.169.0")
    body = {**SENT, "tools": None, "input": [first, PROMPT, *HELLO], "reasoning": {"context": "all_turns"}}
    for model in ("gpt-5.6-sol", "gpt-6.1-terra", "codex-auto-review"):
        assert post(emulator, who, **body, model=model).status_code == 200


def test_the_second_request_of_a_turn_is_accepted(sign_in: SignInService, emulator: Emulator) -> None:
    who = headers(sign_in)
    emulator.script(Turn(Think(["Hm."]), Call("exec_command", {})))
    made = items_of(post(emulator, who, **SENT))
    assert post(emulator, who, **{**SENT, "input": replay(made)}).status_code == 200


def test_the_second_request_with_a_key_is_accepted() -> None:
    with Emulator(surfaces=(openai_surface(),)) as emulator:
        emulator.script(Turn(Think(["Hm."]), Call("exec_command", {})))
        made = items_of(post_with_key(emulator.base_url, KEY))
        assert post_with_key(emulator.base_url, KEY, input=replay(made)).status_code == 200


def test_azure_takes_client_metadata_and_no_metadata_of_items() -> None:
    with Emulator(surfaces=(azure_surface(),)) as emulator:
        who = {"api-key": "azure-key-1"}
        assert post_with_key(emulator.base_url, who, input=HELLO).status_code == 200
        refused = post_with_key(emulator.base_url, who)
        assert refused.json()["error"]["message"] == f"Unknown parameter: 'input[0].{METADATA}'."


@pytest.mark.parametrize(("value", "path"), [("turn", "client_metadata"), ({"a": 1}, "client_metadata.a")])
def test_client_metadata_is_an_object_of_texts(value: object, path: str) -> None:
    with Emulator() as emulator:
        refused = post_with_key(emulator.base_url, KEY, client_metadata=value)
        assert refused.json()["error"]["param"] == path


def test_the_workspaces_are_asked_for_without_an_originator(sign_in: SignInService, emulator: Emulator) -> None:
    who = {name: value for name, value in headers(sign_in).items() if name != "originator"}
    check = f"{emulator.origin}/backend-api/wham/accounts/check"
    assert httpx.get(check, headers=who).status_code == 200
    assert httpx.get(check, headers={**who, "user-agent": "curl/8"}).status_code == 403
    assert httpx.get(f"{emulator.base_url}/models", headers=who).status_code == 403


@pytest.mark.parametrize("path", ["/backend-api/codex/responses", "/v1/responses"])
def test_a_websocket_can_be_refused_so_that_the_client_goes_on_over_http(sign_in: SignInService, path: str) -> None:
    surfaces = (*chatgpt_surfaces(sign_in, options=ChatGptOptions(websocket=None)), openai_surface(websocket=None))
    with Emulator(surfaces=surfaces) as emulator:
        upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
        assert httpx.get(f"{emulator.origin}{path}", headers={**headers(sign_in), **upgrade}).status_code == 426
        models = path.replace("responses", "models")
        who = headers(sign_in) if "codex" in path else KEY
        assert httpx.get(f"{emulator.origin}{models}", headers={**who, **upgrade}).status_code == 200


def test_the_catalogue_says_which_models_run_code_only(sign_in: SignInService, emulator: Emulator) -> None:
    listed = httpx.get(f"{emulator.base_url}/models?client_version=0.169.0", headers=headers(sign_in)).json()["models"]
    modes = {entry["slug"]: entry.get("tool_mode") for entry in listed}
    assert (modes["gpt-5.6-sol"], modes["gpt-5.5"]) == ("code_mode_only", None)


def test_a_reply_to_the_client_is_a_response(sign_in: SignInService, emulator: Emulator) -> None:
    emulator.script(Say("It says hello."))
    assert items_of(post(emulator, headers(sign_in), **SENT))[-1]["content"][0]["text"] == "It says hello."
