"""An honest client of the ChatGPT backend: accounts, headers and bodies, and what the backend refuses or accepts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from responses_emulator import (
    Account,
    Catalogue,
    ChatGptOptions,
    Emulator,
    HttpReply,
    SignInService,
    chatgpt_surfaces,
    client_upgrade_required,
    cloudflare_challenge,
    detail_reply,
    invalid_token,
    malformed_token,
    model_not_available,
    model_not_found,
    unsupported_parameter,
    usage_limit_reached,
    usage_not_included,
    wrong_workspace,
)

HELLO = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}]


BODY: dict[str, Any] = {
    "model": "gpt-5.6-sol",
    "instructions": "Be brief.",
    "input": HELLO,
    "store": False,
    "stream": True,
}


ADA = Account()


BOB = Account(email="bob@example.com", plan="team", account_id="b0b", user_id="user-Bob", subject="auth0|Bob")


def serving(sign_in: SignInService, *, catalogue: Catalogue | None = None, **options: Any) -> Emulator:
    surfaces = chatgpt_surfaces(sign_in, catalogue=catalogue, options=ChatGptOptions(**options))
    return Emulator(surfaces=surfaces)


def headers(sign_in: SignInService, account: Account = ADA, **more: str) -> dict[str, str]:
    """What an honest client sends."""
    given = {
        "authorization": f"Bearer {sign_in.token_set(account).access_token}",
        "chatgpt-account-id": account.account_id,
        "originator": "tester",
        "user-agent": "tester/1.0 (Linux 6.1; x86_64)",
    }
    return {**given, **{name.replace("_", "-"): value for name, value in more.items()}}


def post(emulator: Emulator, who: dict[str, str], **body: Any) -> httpx.Response:
    """One request; a value of None leaves a key out."""
    asked = {key: value for key, value in {**BODY, **body}.items() if value is not None}
    return httpx.post(f"{emulator.base_url}/responses", json=asked, headers=who, timeout=60)


def events(reply: httpx.Response) -> list[dict[str, Any]]:
    assert reply.status_code == 200, reply.text
    return [json.loads(line.removeprefix("data: ")) for line in reply.text.split("\n") if line.startswith("data: ")]


def text_of(reply: httpx.Response) -> str:
    return "".join(event["delta"] for event in events(reply) if event["type"] == "response.output_text.delta")


def items_of(reply: httpx.Response) -> list[dict[str, Any]]:
    return [event["item"] for event in events(reply) if event["type"] == "response.output_item.done"]


REFUSED: list[tuple[dict[str, Any], int, Any]] = [
    ({"instructions": None, "store": True}, 400, "Instructions are required"),
    ({"instructions": " \n"}, 400, "Instructions are required"),
    ({"store": True, "stream": False}, 400, "Store must be set to false"),
    ({"store": None}, 400, "Store must be set to false"),
    ({"stream": False, "temperature": 1}, 400, "Stream must be set to true"),
    ({"stream": None}, 400, "Stream must be set to true"),
    ({"input": "hello"}, 400, "Input must be a list"),
    ({"input": [{"role": "system", "content": "x"}, *HELLO]}, 400, "System messages are not allowed"),
    *(({"service_tier": tier}, 400, f"Unsupported service_tier: {tier}") for tier in ("fast", "auto", "flex", "scale")),
    ({"tools": [{"type": "web_search_preview"}]}, 400, "Unsupported tool type: web_search_preview"),
    *(
        ({name: value}, 400, f"Unsupported parameter: {name}")
        for name, value in {
            "max_output_tokens": 100,
            "max_completion_tokens": 100,
            "temperature": 1,
            "top_p": 0.5,
            "frequency_penalty": 0,
            "presence_penalty": 0,
            "previous_response_id": "resp_1",
            "truncation": "auto",
            "user": "u",
            "metadata": {},
            "safety_identifier": "s",
            "prompt_cache_retention": "24h",
            "context_management": [],
            "stream_options": {"include_obfuscation": False},
            "background": True,
            "conversation": "conv_1",
            "nonsense": 1,
        }.items()
    ),
]


CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}


CUSTOM = {"type": "custom_tool_call", "call_id": "call_1", "name": "run", "input": "1", "id": "ctc_1"}


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


FUNCTION = {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}


# What the recordings of 2026-05-21 hold, one of each kind; the backend answered all of them.
RECORDED: list[dict[str, Any]] = [
    {"input": [{"type": "message", "role": "user", "content": "hi"}]},
    {"input": [*HELLO, CALL, {"type": "function_call_output", "call_id": "call_1", "output": "ok"}]},
    {"input": [*HELLO, {**CALL, "id": "fc_1"}, {"type": "function_call_output", "call_id": "call_1", "output": "ok"}]},
    {
        "input": [
            *HELLO,
            {**CUSTOM, "status": "completed"},
            {"type": "custom_tool_call_output", "call_id": "call_1", "output": "ok"},
        ],
        "tools": [{"type": "custom", "name": "run", "description": "d"}],
    },
    {
        "input": [
            {
                "type": "message",
                "role": "assistant",
                "phase": "final_answer",
                "content": [{"type": "output_text", "text": "x", "annotations": []}],
            },
            *HELLO,
        ]
    },
    {"tools": [FUNCTION], "tool_choice": "required", "parallel_tool_calls": False},
    {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "f"}},
    {"text": {"format": {"type": "json_schema", "name": "Joke", "description": "d", "schema": SCHEMA}}},
    {
        "input": [{"type": "message", "role": "user", "content": "json"}],
        "text": {"format": {"type": "json_object"}},
    },
    {"reasoning": {"effort": "medium", "summary": "auto"}},
]


BUILDERS: list[tuple[Callable[[], HttpReply], int, str]] = [
    (usage_limit_reached, 429, '"usage_limit_reached"'),
    (usage_not_included, 429, '"usage_not_included"'),
    (cloudflare_challenge, 403, "<title>Just a moment...</title>"),
    (wrong_workspace, 403, '"invalid_workspace_selected"'),
    (model_not_available, 400, "is not supported when using Codex with a ChatGPT account."),
    (client_upgrade_required, 400, "requires a newer version of Codex"),
    (model_not_found, 404, "Model not found gpt-5.6-sol"),
    (invalid_token, 401, '"token_expired"'),
    (malformed_token, 401, '"detail": "Could not parse your authentication token.'),
    (lambda: unsupported_parameter("temperature"), 400, '"detail": "Unsupported parameter: temperature"'),
    (lambda: detail_reply(400, {"code": "odd"}), 400, '"odd"'),
]
