"""Without a script the output is a fixed text, in the form that the request demands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulator_clients.responses import error_object, post_response
from responses_emulator import Emulator
from responses_emulator.responders.fixed_output import FIXED_TEXT

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}
SHELL = {"type": "custom", "name": "run"}
FILES = {"type": "namespace", "name": "files", "description": "Files", "tools": [{**WEATHER, "name": "read"}]}


def output(emulator: Emulator, **body: Any) -> dict[str, Any]:
    reply = post_response(emulator, **body)
    assert reply.status_code == 200, reply.text
    return reply.json()["output"][-1]


def test_the_output_is_a_fixed_text(emulator: Emulator) -> None:
    items = post_response(emulator).json()["output"]
    assert [item["type"] for item in items] == ["reasoning", "message"]
    assert items[-1]["content"][0]["text"] == FIXED_TEXT


def test_the_output_has_no_reasoning_if_the_request_turns_it_off(emulator: Emulator) -> None:
    (item,) = post_response(emulator, reasoning={"effort": "none"}).json()["output"]
    assert item["type"] == "message"


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("required", "weather"),
        ({"type": "function", "name": "read"}, "read"),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "read"}]}, "read"),
    ],
)
def test_the_output_is_the_function_call_that_is_forced(emulator: Emulator, choice: Any, name: str) -> None:
    item = output(emulator, tools=[WEATHER, FILES], tool_choice=choice)
    assert (item["type"], item["name"]) == ("function_call", name)
    assert json.loads(item["arguments"]) == {"city": "city", "days": 1}
    assert item.get("namespace") == ("files" if name == "read" else None)


def test_the_output_is_the_custom_call_that_is_forced(emulator: Emulator) -> None:
    item = output(emulator, tools=[WEATHER, SHELL], tool_choice={"type": "custom", "name": "run"})
    assert (item["type"], item["name"]) == ("custom_tool_call", "run")


def test_the_output_is_the_search_that_is_forced(emulator: Emulator) -> None:
    reply = post_response(emulator, tools=[{"type": "web_search"}], tool_choice={"type": "web_search"})
    assert [item["type"] for item in reply.json()["output"]] == ["reasoning", "web_search_call", "message"]


@pytest.mark.parametrize("choice", ["auto", "none", {"type": "allowed_tools", "mode": "auto", "tools": [SHELL]}])
def test_the_output_is_a_message_if_no_call_is_forced(emulator: Emulator, choice: Any) -> None:
    assert output(emulator, tools=[SHELL], tool_choice=choice)["type"] == "message"


def test_the_output_fits_a_json_schema(emulator: Emulator) -> None:
    form = {"type": "json_schema", "name": "Trip", "schema": SCHEMA, "strict": True}
    text = output(emulator, text={"format": form})["content"][0]["text"]
    assert json.loads(text) == {"city": "city", "days": 1}


def test_the_output_is_json_if_that_is_asked_for(emulator: Emulator) -> None:
    text = output(emulator, input="as json", text={"format": {"type": "json_object"}})["content"][0]["text"]
    assert json.loads(text) == {"text": FIXED_TEXT}


def test_a_forced_call_that_the_default_cannot_make_is_refused_with_the_remedy(emulator: Emulator) -> None:
    reply = post_response(emulator, tools=[{"type": "shell"}], tool_choice={"type": "shell"})
    assert reply.status_code == 500
    assert "Emulator.script()" in error_object(reply)["message"]
