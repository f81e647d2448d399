"""The offline model of the chat: the tools that it chooses, and what it says about their results."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from amplifier_core.models import ToolResult
from emulator_clients.responses import post_response, stream_events
from responses_emulator import Emulator

from examples.chat import offline_model
from examples.chat.offline_model.arithmetic import find_arithmetic
from examples.chat.offline_model.conversation import ToolStep, UserTurn
from examples.chat.offline_model.tool_results import read_tool_output
from examples.chat.offline_model.wording import response_text

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


def describe(output: str, name: str = "read_file", **arguments: str) -> str:
    """What the offline model says about one tool result."""
    call = {"type": "function_call", "call_id": "c1", "name": name, "arguments": json.dumps(arguments)}
    return response_text(UserTurn(question="?", steps=(ToolStep(call=call, output=output),)), [])


@pytest.mark.parametrize(
    ("name", "arguments", "output", "sentence"),
    [
        ("list_folder", {"path": "libs"}, "openai/", "`libs` has one entry: openai/."),
        ("list_folder", {"path": "."}, "a/\nb.txt", "This folder has 2 entries: a/, b.txt."),
        ("list_folder", {"path": "a"}, "(an empty folder)", "`a` is empty."),
        (
            "list_folder",
            {},
            "\n".join([*(f"f{number}" for number in range(200)), "(and 5 more)"]),
            "This folder has 205 entries: f0, f1, f2, f3, f4, f5, f6, f7, and 197 more.",
        ),
        (
            "list_folder",
            {"path": "x"},
            "Error: x does not exist",
            "`list_folder` did not work for `x`: x does not exist.",
        ),
        ("list_folder", {"path": "a"}, '["b", "c"]', "`a` has 2 entries: b, c."),
        ("list_files", {"directory": "a"}, '{"files": [{"name": "b"}]}', "`a` has one entry: b."),
        ("read_file", {"path": "a"}, "(an empty file)", "`a` is empty."),
        ("read_file", {"path": "a"}, "One line.", '`a` has one line: "One line.".'),
        ("read_file", {"path": "a"}, "# Error handling\nHow", '`a` has 2 lines and begins: "# Error handling How".'),
        ("read_file", {"path": "a"}, '{"output": 1,\n"b": 2}', '`a` has 2 lines and begins: "{"output": 1, "b": 2}".'),
        (
            "read_file",
            {"path": "a"},
            "one\ntwo\n(lines 1 to 2 of 410; go on with starting_line 3)",
            '`a` has 410 lines and begins: "one two".',
        ),
        (
            "get_weather",
            {"city": "Rome"},
            '{"sky": "blue", "wind_kmh": 4}',
            "`get_weather` says: sky blue, wind kmh 4.",
        ),
        ("get_weather", {"city": "Rome"}, '{"error": "no such city"}', "`get_weather` did not work: no such city."),
        ("get_weather", {"city": "Rome"}, "", "`get_weather` returned no text."),
    ],
)
def test_says_what_a_tool_returned(name: str, arguments: dict[str, str], output: str, sentence: str) -> None:
    assert describe(output, name, **arguments) == sentence


def file_content(text: str, *, total: int) -> dict[str, Any]:
    numbered = "\n".join(f"{number:6d}\t{line}" for number, line in enumerate(text.splitlines(), 1))
    return {"file_path": "/w/a", "content": numbered, "total_lines": total, "lines_read": 1, "offset": 1}


@pytest.mark.parametrize(
    ("name", "arguments", "result", "sentence"),
    [
        (
            "bash",
            {"command": "ls"},
            ToolResult(output={"stdout": "a\nb\n", "stderr": "", "returncode": 0}),
            "`ls` printed: a b.",
        ),
        (
            "bash",
            {"command": "true"},
            ToolResult(output={"stdout": "", "stderr": "", "returncode": 0}),
            "`true` printed nothing.",
        ),
        (
            "bash",
            {"command": "ls x"},
            ToolResult(success=False, output={"stdout": "", "stderr": "no x\n", "returncode": 2}),
            "`bash` did not work for `ls x`: exit code 2, no x.",
        ),
        (
            "bash",
            {"command": "rm -rf /"},
            ToolResult(success=False, output="Command denied for safety: no", error={"message": "denied: no"}),
            "`bash` did not work for `rm -rf /`: ",
        ),
        (
            "bash",
            {"command": "sleep 9"},
            ToolResult(output={"pid": 7, "message": "Command started in background with PID 7", "note": "n"}),
            "`sleep 9` printed: Command started in background with PID 7.",
        ),
        (
            "read_file",
            {"file_path": "a"},
            ToolResult(output=file_content("one\ntwo", total=900)),
            '`a` has 900 lines and begins: "one two".',
        ),
        (
            "read_file",
            {"file_path": "d"},
            ToolResult(
                output={
                    "file_path": "/w/d",
                    "content": "Directory: /w/d\n\n  DIR  sub\n  FILE x.md",
                    "is_directory": True,
                    "entry_count": 2,
                }
            ),
            "`d` has 2 entries: sub/, x.md.",
        ),
        (
            "read_file",
            {"file_path": "x"},
            ToolResult(success=False, output="Path not found: x", error={"message": "Path not found: x"}),
            "`read_file` did not work for `x`: Path not found: x.",
        ),
        (
            "write_file",
            {"file_path": "a"},
            ToolResult(output={"file_path": "/w/a", "bytes": 3}),
            "I wrote 3 bytes to `/w/a`.",
        ),
        (
            "edit_file",
            {"file_path": "a"},
            ToolResult(output={"file_path": "/w/a", "replacements_made": 1, "bytes_written": 9}),
            "I changed `/w/a` in 1 place.",
        ),
        (
            "glob",
            {"pattern": "*", "path": "/w"},
            ToolResult(
                output={
                    "pattern": "*",
                    "base_path": "/w",
                    "total_files": 3,
                    "count": 2,
                    "matches": [{"path": "/w/a", "type": "file"}, {"path": "/w/d", "type": "dir"}],
                }
            ),
            "`/w` has 3 entries: a, d/, and 1 more.",
        ),
        (
            "grep",
            {"pattern": "x"},
            ToolResult(
                output={
                    "pattern": "x",
                    "output_mode": "content",
                    "total_matches": 1,
                    "matches_count": 1,
                    "results": [{"file": "a.py", "line_number": 4, "content": "  x = 1"}],
                }
            ),
            "One match for 'x': a.py:4: x = 1.",
        ),
        (
            "grep",
            {"pattern": "x"},
            ToolResult(output={"pattern": "x", "output_mode": "files_with_matches", "total_matches": 0, "files": []}),
            "Nothing matches 'x'.",
        ),
        (
            "todo",
            {"action": "create"},
            ToolResult(
                output={
                    "status": "created",
                    "count": 2,
                    "todos": [{"content": "A", "status": "completed"}, {"content": "B", "status": "pending"}],
                }
            ),
            "1 of 2 tasks is done: A, B.",
        ),
        (
            "delegate",
            {"agent": "explorer", "instruction": "Look."},
            ToolResult(
                output={"response": "All is well.", "session_id": "s", "agent": "explorer", "status": "success"}
            ),
            "`delegate` says: All is well.",
        ),
        (
            "delegate",
            {"agent": "x"},
            ToolResult(success=False, error={"message": "Agent 'x' not found. Available: []"}),
            "`delegate` did not work: Agent 'x' not found. Available: [].",
        ),
        ("get_notes", {}, ToolResult(output={"notes": [], "count": 0}), "`get_notes` returned an empty list."),
        ("get_notes", {}, ToolResult(output=[{"title": "A"}, "B"]), "`get_notes` returned 2 entries: A, B."),
        ("get_notes", {}, ToolResult(), "`get_notes` "),
    ],
)
def test_understands_results_of_amplifiers_tools(
    name: str, arguments: dict[str, str], result: ToolResult, sentence: str
) -> None:
    """Loops hand over the output, or the JSON of the whole result if a hook changed it."""
    for output in (result.get_serialized_output(), json.dumps(result.model_dump(mode="json"))):
        said = describe(output, name, **arguments)
        assert said.startswith(sentence)
        assert "null" not in said
        assert "{" not in said


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ('{"success": true, "output": {"stdout": "a", "stderr": "", "returncode": 0}}\n\nUseful facts: none.', "a"),
        ('{"a": 1} is an object', '{"a": 1} is an object'),
    ],
    ids=["a result", "a text"],
)
def test_a_text_behind_a_result_hides_nothing(output: str, text: str) -> None:
    """A hook of Amplifier may append to what the tool returned."""
    assert read_tool_output(output).text == text
