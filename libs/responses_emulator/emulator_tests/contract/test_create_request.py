"""Every request is checked as strictly as the service does, and refused in the service's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from emulator_clients.responses import AUTHORIZATION, error_object, post_response
from responses_emulator import Emulator, Say, openai_surface


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def user(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def function(**extra: Any) -> dict[str, Any]:
    return {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, **extra}


def json_format(**extra: Any) -> dict[str, Any]:
    return {"format": {"type": "json_schema", "name": "N", "schema": {"type": "object"}, **extra}}


TEXT = {"type": "input_text", "text": "hi"}
PNG = "iVBORw0KGgo="
SVG = "data:image/svg+xml;base64,PHN2Zz4="
PDF = {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}


def image(url: str) -> dict[str, Any]:
    return {"type": "input_image", "image_url": url}


def tool_output(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [CALL, {"type": "function_call_output", "call_id": "call_1", "output": list(parts)}]


CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
EFFORT = (
    "Unsupported value: 'xhigh' is not supported with the 'gpt-5.1' model. "
    "Supported values are: 'none', 'low', 'medium', and 'high'."
)
UPDATE = {"type": "configuration_update", "reasoning": {"effort": "low"}}
USER = {"role": "user", "content": "x"}
COMPACTION = {"type": "compaction", "encrypted_content": "x"}
NO_UPDATE = "The 'configuration_update' item type is not supported with"
UPDATE_REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"model": "gpt-5.6-sol"}, f"{NO_UPDATE} this model.", "input[0].type"),
    ({"reasoning": {"mode": "pro"}}, f"{NO_UPDATE} pro or tournament models.", "input[0].type"),
    ({"truncation": "auto"}, f"{NO_UPDATE} 'truncation'", "input[0].type"),
    ({"input": [UPDATE, UPDATE, USER]}, "Consecutive 'configuration_update' items are not allowed.", "input"),
    ({"input": [UPDATE, COMPACTION, USER]}, f"{NO_UPDATE} compaction", "input[0].type"),
]
REFUSED: list[tuple[dict[str, Any], str, str | None, str | None]] = [
    ({"foo": 1}, "Unknown parameter: 'foo'.", "unknown_parameter", "foo"),
    ({"modell": "x"}, "Unknown parameter: 'modell'. Did you mean 'model'?", "unknown_parameter", "modell"),
    ({"input": []}, 'One of "input" or', "missing_required_parameter", "input"),
    ({"input": 5}, "Invalid type for 'input': expected one of an array of objects or string", "invalid_type", "input"),
    ({"store": "no"}, "Invalid type for 'store': expected a boolean, but got a string", "invalid_type", "store"),
    *(
        ({"model": "gpt-6-sol", "input": [UPDATE, USER], **fields}, message, "unsupported_value", param)
        for fields, message, param in UPDATE_REFUSALS
    ),
    ({"input": [{"type": "nonsense"}]}, "Invalid value: 'nonsense'.", "invalid_value", "input[0]"),
    (
        {"input": [{"role": "user"}]},
        "Missing required parameter: 'input[0].content'.",
        "missing_required_parameter",
        "input[0].content",
    ),
    (
        {"input": [{"role": "assistant", "content": None}]},
        "Invalid type for 'input[0].content': expected one of an array of objects or string, but got null instead.",
        "invalid_type",
        "input[0].content",
    ),
    (
        {"input": [{"role": "assistant", "content": [TEXT]}]},
        "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
        "invalid_value",
        "input[0].content[0]",
    ),
    (
        {"input": user({"type": "output_text", "text": "x"})},
        "Invalid value: 'output_text'.",
        "invalid_value",
        "input[0].content[0]",
    ),
    (
        {"input": user({**TEXT, "cache_control": {}})},
        "Unknown parameter: 'input[0].content[0].cache_control'",
        None,
        None,
    ),
    (
        {"input": [{**CALL, "id": "call_9"}]},
        "Invalid 'input[0].id': 'call_9'. Expected an ID that begins with",
        None,
        None,
    ),
    ({"input": [{**CALL, "call_id": "c" * 65}]}, "Invalid 'input[0].call_id': string too long.", None, None),
    ({"input": [{**CALL, "arguments": {}}]}, "Invalid type for 'input[0].arguments': expected a string", None, None),
    ({"input": [{**CALL, "tool_calls": []}]}, "Unknown parameter: 'input[0].tool_calls'.", "unknown_parameter", None),
    ({"input": user(image("/a.png"))}, "Invalid 'input[0].content[0].image_url'. Expected a valid URL", None, None),
    (
        {"input": user(image("data:application/pdf;base64,JVBE"))},
        "Invalid 'input[0].content[0].image_url'. Expected a base64-encoded data URL",
        None,
        None,
    ),
    ({"input": tool_output(image(SVG))}, "You uploaded an unsupported image.", "invalid_image_format", None),
    (
        {"input": tool_output(image("data:image/png;base64,AAAA"))},
        "The image data you provided",
        None,
        None,
    ),
    (
        {"input": user(image(f"data:image/png;base64,{PNG[:-1]}"))},
        "The image data you provided",
        None,
        None,
    ),
    ({"input": user({**PDF, "file_data": "JVBERi0="})}, "Invalid 'input[0].content[0].file_data'.", None, None),
    (
        {"input": user({**PDF, "filename": ""})},
        "Missing required parameter: 'input[0].content[0].filename'",
        None,
        None,
    ),
    (
        {"input": tool_output({**PDF, "file_data": "data:audio/mpeg;base64,SUQz", "filename": "a.mp3"})},
        "Invalid input: Expected context",
        None,
        "input",
    ),
    ({"input": user({"type": "input_file"})}, "Missing required parameter", None, "input[0].content[0].file_id"),
    (
        {"model": "gpt-4.1", "input": [{"type": "reasoning", "id": "rs_1", "summary": []}, *user(TEXT)]},
        "Reasoning input items can only be provided to a reasoning or computer use model.",
        None,
        "input",
    ),
    ({"max_output_tokens": 15}, "Invalid 'max_output_tokens': integer below minimum", "integer_below_min_value", None),
    (
        {"temperature": 0.2},
        "Unsupported parameter: 'temperature' is not supported with this model.",
        None,
        "temperature",
    ),
    (
        {"model": "gpt-5", "top_p": 0.5},
        "Unsupported parameter: 'top_p' is not supported with this model.",
        None,
        "top_p",
    ),
    (
        {"model": "gpt-5.1", "reasoning": {"effort": "xhigh"}},
        EFFORT,
        "unsupported_value",
        "reasoning.effort",
    ),
    (
        {"model": "gpt-4o", "include": ["reasoning.encrypted_content"]},
        "Encrypted content is not supported with this model.",
        None,
        "include",
    ),
    ({"include": ["everything"]}, "Invalid value: 'everything'.", "invalid_value", "include[0]"),
    ({"prompt_cache_key": "k" * 65}, "Invalid 'prompt_cache_key': string too long.", "string_above_max_length", None),
    ({"tools": [{"type": "function"}]}, "Missing required parameter: 'tools[0].name'.", None, "tools[0].name"),
    (
        {"tools": [function(name="a b")]},
        "Invalid 'tools[0].name': string does not match pattern.",
        "invalid_value",
        None,
    ),
    ({"tools": [function(name="")]}, "Invalid 'tools[0].name': empty string.", "empty_string", None),
    (
        {"tools": [function(name="x" * 65)]},
        "Invalid 'tools[0].name': string too long.",
        "string_above_max_length",
        None,
    ),
    ({"tools": [function(name="python")]}, "The function name 'python' is reserved", None, None),
    ({"tools": [function(parameters={})]}, "Invalid schema for function 'f': schema must be", None, None),
    (
        {"tools": [function(parameters={"type": "object"})]},
        "Invalid schema for function 'f': In context=(), object schema missing properties.",
        "invalid_function_parameters",
        "tools[0].parameters",
    ),
    (
        {"tools": [function(parameters={"type": "object", "properties": {}, "anyOf": [{}]})]},
        "Invalid schema for function 'f': schema must have type 'object' and not have 'oneOf'",
        None,
        None,
    ),
    (
        {"tools": [function(parameters={"type": "object", "properties": {"a": {"anyOf": [{"type": "array"}]}}})]},
        "Invalid schema for function 'f': In context=('properties', 'a', 'anyOf', '0'), array schema missing items.",
        None,
        None,
    ),
    (
        {"tools": [function(parameters={"type": "object", "properties": {"a": {"enum": None}}})]},
        "Invalid schema for function 'f': None is not of type 'array'.",
        None,
        None,
    ),
    (
        {"tools": [function(parameters={"type": "object", "properties": []})]},
        "Invalid schema for function 'f': [] is not of type 'object'.",
        None,
        None,
    ),
    (
        {"input": [{"type": "function_call", "call_id": "c", "name": "a.b", "arguments": "{}"}]},
        "Invalid 'input[0].name': string does not match pattern.",
        "invalid_value",
        "input[0].name",
    ),
    (
        {"input": [{"type": "local_shell_call_output", "id": "c", "output": "x"}]},
        "Missing required parameter: 'input[0].call_id'.",
        None,
        None,
    ),
    (
        {"tools": [function(strict=True)]},
        "Invalid schema for function 'f': In context=(), 'additionalProperties' is required to be supplied",
        "invalid_function_parameters",
        "tools[0].parameters",
    ),
    (
        {"tools": [{"function": {"name": "f"}, "type": "function"}]},
        "Unknown parameter: 'tools[0].function'",
        None,
        None,
    ),
    ({"tool_choice": {"type": "function", "name": "g"}}, "Tool choice 'g' not found in 'tools'", None, "tool_choice"),
    ({"tool_choice": "required"}, "Tool choice 'required' must be specified with 'tools'", None, "tool_choice"),
    ({"text": json_format(name="not ok")}, "Invalid 'text.format.name': string does not match pattern.", None, None),
    ({"text": json_format(strict=True)}, "Invalid schema for response_format 'N'", "invalid_json_schema", None),
    (
        {"text": {"format": {"type": "json_object"}}},
        "Response input messages must contain the word 'json'",
        None,
        "input",
    ),
    ({"metadata": {str(i): "x" for i in range(17)}}, "Invalid 'metadata': too many properties.", None, "metadata"),
    ({"previous_response_id": "resp_gone"}, "Previous response with id", "previous_response_not_found", None),
    ({"input": "x" * 4_000_000}, "Your input exceeds the context window", "context_length_exceeded", "input"),
]


@pytest.mark.parametrize(("body", "message", "code", "param"), REFUSED, ids=[row[1][:60] for row in REFUSED])
def test_a_body_that_breaks_a_rule_is_refused(
    emulator: Emulator, body: dict[str, Any], message: str, code: str | None, param: str | None
) -> None:
    emulator.script(Say("never said"))
    reply = post_response(emulator, **body)
    error = error_object(reply)
    emulator.reset()
    assert reply.status_code == 400
    assert error["message"].startswith(message)
    assert error["type"] == "invalid_request_error"
    assert code is None or error["code"] == code
    assert param is None or error["param"] == param


ACCEPTED: list[dict[str, Any]] = [
    {"model": "gpt-4o", "temperature": 0.2, "top_p": 0.5},
    {"model": "gpt-5.4", "temperature": 0.2},
    {"model": "gpt-6-astra", "temperature": 1},
    {"model": "gpt-5.6-luna", "reasoning": {"effort": "none"}, "temperature": 0.3},
    {"input": [{"role": "assistant", "content": "before"}, {"role": "developer", "content": [TEXT]}]},
    {
        "input": [
            {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "x"}]}
        ]
    },
    {"input": user(TEXT, image(f"data:image/png;base64,{PNG}"), PDF)},
    {"input": tool_output(TEXT, image("https://example.com/a.png"), PDF)},
    {"input": [{"type": "image_generation_call", "id": "ig_1"}]},
    {"model": "gpt-6-sol", "input": [UPDATE, {"role": "user", "content": "x"}, UPDATE]},
    {"model": "gpt-6-sol", "input": [UPDATE, {"role": "user", "content": "x"}], "truncation": "disabled"},
    {"tools": [function(strict=False), {"type": "web_search"}], "tool_choice": {"type": "web_search"}},
    {"tools": [{"type": "namespace", "name": "n", "description": "d", "tools": [function()]}]},
    {"text": {"verbosity": "low", **json_format()}, "truncation": None, "instructions": None},
    {"stream_options": {"include_obfuscation": False}, "service_tier": "flex", "safety_identifier": "someone"},
    {"prompt_cache_options": {"mode": "explicit", "ttl": "12h"}},
]


@pytest.mark.parametrize("body", ACCEPTED, ids=str)
def test_a_body_that_keeps_the_rules_is_accepted(emulator: Emulator, body: dict[str, Any]) -> None:
    reply = post_response(emulator, **body)
    assert reply.status_code == 200, reply.text


def test_a_request_for_an_unknown_model_is_404(emulator: Emulator) -> None:
    reply = post_response(emulator, model="gpt-99")
    assert reply.status_code == 404
    assert error_object(reply) == {
        "message": "The model `gpt-99` does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }


def test_a_body_that_is_not_json_is_refused(emulator: Emulator) -> None:
    reply = httpx.post(f"{emulator.base_url}/responses", content=b"{nope", headers=AUTHORIZATION)
    assert error_object(reply)["message"].startswith("We could not parse the JSON body of your request.")


@pytest.mark.parametrize(
    ("headers", "message", "code"),
    [
        (
            {"authorization": "Bearer sk-bad"},
            "Incorrect API key provided: sk-bad***. You can find your",
            "invalid_api_key",
        ),
        ({"authorization": "Bearer hello"}, "Incorrect API key provided: hello***.", "invalid_api_key"),
        ({}, "You didn't provide an API key.", None),
        ({"api-key": "sk-test"}, "You didn't provide an API key.", None),
    ],
)
def test_a_request_needs_a_valid_key(
    emulator: Emulator, headers: dict[str, str], message: str, code: str | None
) -> None:
    reply = httpx.get(f"{emulator.base_url}/models", headers=headers)
    assert reply.status_code == 401
    assert error_object(reply)["message"].startswith(message)
    assert error_object(reply)["code"] == code


def test_a_request_needs_a_listed_key_if_there_is_a_list() -> None:
    with Emulator(surfaces=(openai_surface(keys={"sk-mine": "org-mine"}),)) as emulator:
        mine = httpx.get(f"{emulator.base_url}/models", headers={"authorization": "Bearer sk-mine"})
        assert mine.headers["openai-organization"] == "org-mine"
        assert httpx.get(f"{emulator.base_url}/models", headers=AUTHORIZATION).status_code == 401


def test_the_list_of_models_has_dated_and_undated_ids(emulator: Emulator) -> None:
    listed = httpx.get(f"{emulator.base_url}/models", headers=AUTHORIZATION).json()
    ids = [row["id"] for row in listed["data"]]
    assert listed["object"] == "list"
    assert {"gpt-5.6-sol", "gpt-5.2-2025-12-11", "text-embedding-3-small", "gpt-realtime", "gpt-image-1"} <= set(ids)
    one = httpx.get(f"{emulator.base_url}/models/gpt-5.5", headers=AUTHORIZATION)
    assert set(one.json()) == {"id", "object", "created", "owned_by", "shutdown_date"}
    gone = httpx.get(f"{emulator.base_url}/models/gpt-99", headers=AUTHORIZATION)
    assert (gone.status_code, error_object(gone)["code"]) == (404, "model_not_found")


def test_other_paths_and_methods_are_refused(emulator: Emulator) -> None:
    def request(method: str, path: str) -> httpx.Response:
        return httpx.request(method, f"{emulator.origin}{path}", headers=AUTHORIZATION)

    assert error_object(request("GET", "/v1/nothing"))["message"] == "Invalid URL (GET /v1/nothing)"
    assert error_object(request("POST", "/elsewhere"))["message"] == "Invalid URL (POST /elsewhere)"
    wrong = request("GET", "/v1/responses")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "OPTIONS, POST")
    head = request("HEAD", "/v1/models")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 1000
    assert request("OPTIONS", "/v1/responses").headers["allow"] == "OPTIONS, POST"
