"""The offline model of the chat: the tools that it chooses, and what it says about their results."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from emulator_clients.responses import post_response, stream_events
from responses_emulator import Emulator

from examples.chat import offline_model
from examples.chat.offline_model.arithmetic import find_arithmetic

FILES = {"README.md": "# Birds\nThis project counts birds.", "notes.txt": "Buy seed."}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(responder=offline_model.respond) as running:
        yield running


def function(name: str, about: str, **parameters: str) -> dict[str, Any]:
    properties = {key: {"type": kind} for key, kind in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    return {"type": "function", "name": name, "description": about, "parameters": schema, "strict": False}


TOOLS = [
    function("list_folder", "List the files of a folder.", path="string"),
    function("read_file", "Read a text file.", path="string"),
    function("write_file", "Write a text file.", path="string", content="string"),
    function("calculate", "Evaluate an arithmetic expression.", expression="string"),
    function("get_weather", "The weather of a city.", city="string"),
]


ACTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "list_folder": lambda arguments: "\n".join(FILES),
    "read_file": lambda arguments: FILES.get(arguments["path"], "Error: no such file"),
    "calculate": lambda arguments: str((find_arithmetic(arguments["expression"]) or ("", 0))[1]),
    "get_weather": lambda arguments: f"Rain in {arguments['city']}.",
}


def worked(emulator: Emulator, question: str, **body: Any) -> tuple[list[str], str]:
    """Let an agent work: the calls that were made, step by step, and the answer."""
    items: list[dict[str, Any]] = [{"role": "user", "content": question}]
    steps: list[str] = []
    extra = {"tools": TOOLS, "include": ["reasoning.encrypted_content"], **body}
    for _ in range(6):
        output = stream_events(emulator, input=items, **extra)[-1]["response"]["output"]
        items += output
        calls = [item for item in output if item["type"] == "function_call"]
        if not calls:
            return steps, output[-1]["content"][0]["text"]
        steps.append(" ".join(f"{call['name']}{call['arguments']}" for call in calls))
        for call in calls:
            result = ACTIONS[call["name"]](json.loads(call["arguments"]))
            items.append({"type": "function_call_output", "call_id": call["call_id"], "output": result})
    raise AssertionError("the agent never came to an end")


def test_looks_into_the_folder(emulator: Emulator) -> None:
    steps, answer = worked(emulator, "What files are in this folder?")
    assert steps == ['list_folder{"path":"."}']
    assert "README.md, notes.txt" in answer


def test_takes_several_steps(emulator: Emulator) -> None:
    steps, answer = worked(emulator, "What is this project about? Look at the files.")
    assert steps == ['list_folder{"path":"."}', 'read_file{"path":"README.md"} read_file{"path":"notes.txt"}']
    assert "This project counts birds." in answer


def test_works_in_parallel_or_one_by_one(emulator: Emulator) -> None:
    question = "Read notes.txt, and what is 12 * (3 + 4)?"
    together, answer = worked(emulator, question)
    assert together == ['read_file{"path":"notes.txt"} calculate{"expression":"12 * (3 + 4)"}']
    assert "Buy seed." in answer
    assert "= 84." in answer
    apart, _ = worked(emulator, question, parallel_tool_calls=False)
    assert apart == ['read_file{"path":"notes.txt"}', 'calculate{"expression":"12 * (3 + 4)"}']


def test_fills_arguments_and_tells_of_failures(emulator: Emulator) -> None:
    steps, answer = worked(emulator, "How is the weather in New York?")
    assert steps == ['get_weather{"city":"New York"}']
    assert "Rain in New York" in answer
    assert "did not work" in worked(emulator, "Please read missing.txt")[1]


def test_tool_choice(emulator: Emulator) -> None:
    none = post_response(emulator, input="read notes.txt", tools=TOOLS, tool_choice="none").json()["output"]
    assert [item["type"] for item in none] == ["reasoning", "message"]
    named = {"type": "function", "name": "calculate"}
    forced = post_response(emulator, input="hello", tools=TOOLS, tool_choice=named).json()["output"]
    assert forced[-1]["name"] == "calculate"
    any_one = post_response(emulator, input="hello", tools=TOOLS, tool_choice="required").json()["output"]
    assert any_one[-1]["type"] == "function_call"


def test_reasoning_commentary_and_phases(emulator: Emulator) -> None:
    asked = {"input": "read notes.txt", "tools": TOOLS, "reasoning": {"summary": "auto"}}
    new = post_response(emulator, **asked).json()["output"]
    assert [(item["type"], item.get("phase")) for item in new] == [
        ("reasoning", None),
        ("message", "commentary"),
        ("function_call", None),
    ]
    assert new[0]["summary"][0]["text"].startswith("**Choosing the next step**")
    quiet = post_response(emulator, **{**asked, "reasoning": {"effort": "none"}}).json()["output"]
    assert [item["type"] for item in quiet] == ["message", "function_call"]
    old = post_response(emulator, model="gpt-4.1", input="read notes.txt", tools=TOOLS).json()["output"]
    assert [item["type"] for item in old] == ["function_call"]
    plain = post_response(emulator, model="gpt-4.1").json()["output"]
    assert "phase" not in plain[0]


def test_images(emulator: Emulator) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 640, 480)
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    parts = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": url},
        {"type": "input_image", "image_url": "https://example.com/a.png"},
    ]
    text = post_response(emulator, input=[{"role": "user", "content": parts}]).json()["output"][-1]["content"][0][
        "text"
    ]
    assert text == "You sent 2 images: a PNG image of 640x480 pixels and an image at https://example.com/a.png."


def test_remembers_the_conversation(emulator: Emulator) -> None:
    turns = [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "What is my name?"},
    ]
    assert post_response(emulator, input=turns).json()["output"][-1]["content"][0]["text"] == "Your name is Ada."


SCHEMA = {
    "type": "object",
    "properties": {
        "answer": {"type": "string"},
        "score": {"type": "integer", "minimum": 3, "maximum": 9},
        "kind": {"enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 2},
        "maybe": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    },
    "required": ["answer", "score", "kind", "tags", "maybe"],
    "additionalProperties": False,
    "$defs": {"tag": {"type": "string"}},
}


def test_structured_answers(emulator: Emulator) -> None:
    form = {"format": {"type": "json_schema", "name": "Answer", "schema": SCHEMA, "strict": True}}
    text = post_response(emulator, input="What is 2 + 2?", text=form).json()["output"][-1]["content"][0]["text"]
    assert json.loads(text) == {
        "answer": "4",
        "score": 3,
        "kind": "a",
        "tags": ["tags", "tags"],
        "maybe": "2026-11-21",
    }
    free = post_response(emulator, input="as json: hi", text={"format": {"type": "json_object"}}).json()
    assert "answer" in json.loads(free["output"][-1]["content"][0]["text"])
