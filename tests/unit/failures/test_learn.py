"""What a refusal teaches: real error texts of several servers, what is left out, and that it ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts.amendments import Amendments, amend_body, media_key, tool_key
from openai_responses_common.failures.failure import Failure
from openai_responses_common.failures.learn import (
    DROPPABLE_FIELDS,
    UNDROPPABLE_FIELDS,
    learn_amendments,
    learn_net,
)
from openai_responses_common.failures.read import read_error_event, read_error_response
from openai_responses_common.wire.types import item_key

NOTHING = Amendments()
FUNCTION = {"type": "function", "name": "f", "parameters": {}, "strict": False}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "secret"}
USER = {"type": "message", "role": "user", "content": []}
DEVELOPER = {"type": "message", "role": "developer", "content": []}


def body(**more: Any) -> dict[str, Any]:
    return {
        "model": "m",
        "stream": True,
        "store": False,
        "service_tier": "flex",
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "xhigh", "summary": "auto"},
        "text": {"verbosity": "low", "format": {"type": "json_object"}},
        "temperature": 0.5,
        "top_p": 0.5,
        "max_output_tokens": 100,
        "parallel_tool_calls": True,
        "truncation": "auto",
        "context_management": [{"type": "compaction", "compact_threshold": 1000}],
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"comparison_response_id": "resp_1"},
        "safety_identifier": "s",
        "instructions": "i",
        "tools": [FUNCTION],
        "tool_choice": "auto",
        "input": [USER],
        **more,
    }


def refusal(message: str, *, status: int = 400, **more: Any) -> Failure:
    return Failure(kind="status", status=status, message=message, **more)


def lesson(failure: Failure, known: Amendments = NOTHING, **more: Any) -> Amendments | None:
    found = learn_amendments(failure, body(**more), known)
    return found[0] if found else None


def dropped(failure: Failure, known: Amendments = NOTHING, **more: Any) -> set[str]:
    found = lesson(failure, known, **more)
    return set(found.dropped_fields) if found else set()


@pytest.mark.parametrize("path", DROPPABLE_FIELDS)
def test_a_parameter_that_is_refused_by_name_is_left_out(path: str) -> None:
    wire = path.replace("tools.", "tools[0].")
    unknown = refusal(f"Unknown parameter: '{wire}'.", code="unknown_parameter", param=wire)
    unsupported = refusal(f"Unsupported parameter: '{wire}' is not supported with this model.", param=wire)
    validation = read_error_response(
        422, {"detail": [{"loc": ["body", *wire.split(".")], "msg": "Extra inputs are not permitted"}]}, {}
    )
    tools = [{**FUNCTION, "defer_loading": True, "allowed_callers": [], "output_schema": {}, "async": True}]
    for failure in (unknown, unsupported):
        assert dropped(failure, tools=tools) == {path}
    if not path.startswith("tools."):
        assert dropped(validation) == {path}


@pytest.mark.parametrize("path", ["include", "prompt_cache_key", "service_tier", "parallel_tool_calls"])
def test_a_parameter_is_known_by_its_name_in_the_text_alone(path: str) -> None:
    for message in (
        f"Unrecognized request argument supplied: '{path}'",
        f'"{path}" is not allowed',
        f"litellm.UnsupportedParamsError: openai does not support parameters: ['{path}'], for model=m.",
        f"[{{'type': 'extra_forbidden', 'loc': ('body', '{path}'), 'msg': 'Extra inputs are not permitted'}}]",
        f"got an unexpected keyword argument: `{path}`",
        f"{path}=True is not supported",
    ):
        assert dropped(refusal(message)) == {path}, message


def test_the_line_for_the_user_names_the_parameter_and_the_cause() -> None:
    found = learn_amendments(
        refusal("Unknown parameter: 'truncation'." + "x" * 500, param="truncation"), body(), NOTHING
    )
    assert found is not None
    assert found[1].startswith("the service does not accept truncation (Unknown parameter: 'truncation'.x")
    assert found[1].endswith("; sending the request without it")
    assert len(found[1]) < 300


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported parameter: 'reasoning.summary' is not supported with this model.",
        "Your organization must be verified to generate reasoning summaries. Please go to: settings and verify it.",
    ],
)
def test_refusing_the_summary_keeps_the_effort(message: str) -> None:
    assert dropped(refusal(message, param="reasoning.summary", code="unsupported_value")) == {"reasoning.summary"}


def test_an_echoed_value_names_no_parameter() -> None:
    """Pydantic servers quote the value that they refuse, and the value quotes other names."""
    message = (
        "[{'type': 'extra_forbidden', 'loc': ('body', 'include'), 'msg': 'Extra inputs are not permitted', "
        "'input': ['reasoning.encrypted_content']}]"
    )
    assert dropped(refusal(message, code="400")) == {"include"}


def test_a_place_in_the_text_of_a_pydantic_server_is_a_path() -> None:
    message = (
        "[{'type': 'extra_forbidden', 'loc': ('body', 'reasoning', 'summary'), "
        "'msg': 'Extra inputs are not permitted', 'input': 'auto'}]"
    )
    assert dropped(refusal(message, code="400")) == {"reasoning.summary"}


def test_ciphertext_that_the_model_does_not_give_is_not_asked_for() -> None:
    message = "Encrypted content is not supported with this model."
    assert dropped(refusal(message, param="include", code="invalid_value")) == {"include"}


@pytest.mark.parametrize("key", ["temperature", "top_p"])
def test_sampling_values_are_left_out_when_only_the_default_is_taken(key: str) -> None:
    message = (
        f"Unsupported value: '{key}' does not support 0.5 with this model. Only the default (1) value is supported."
    )
    assert dropped(refusal(message, param=key, code="unsupported_value")) == {key}


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("Invalid value: 'flexx'. Supported values are: 'auto', 'default', 'flex'.", "service_tier", "invalid_value"),
        ("Unsupported value: 'flex' is not supported with the 'm' model.", "service_tier", "unsupported_value"),
        ("Invalid 'prompt_cache_key': string too long. Expected a maximum length of 64.", "prompt_cache_key", None),
        ("Invalid 'max_output_tokens': integer below minimum value.", "max_output_tokens", "integer_below_min_value"),
        ("Invalid type for 'store': expected a boolean, but got a string instead.", "store", "invalid_type"),
        ("Missing required parameter: 'input'.", "input", "missing_required_parameter"),
        ("The 'flex' service tier costs less.", None, None),
    ],
)
def test_a_wrong_value_is_the_callers_to_see(message: str, param: str | None, code: str | None) -> None:
    assert lesson(refusal(message, param=param, code=code)) is None


@pytest.mark.parametrize("path", sorted(UNDROPPABLE_FIELDS - {"stream"}))
def test_what_was_asked_is_never_left_out(path: str) -> None:
    for message in (f"Unsupported parameter: '{path}' is not supported with this model.", "Unsupported parameter."):
        assert lesson(refusal(message, param=path, code="unsupported_parameter")) is None


def test_a_parameter_inside_a_refused_tool_is_not_the_request_s_own() -> None:
    message = "Unknown parameter: 'tools[0].include' near 'include'."
    known = lesson(refusal(message, param="tools", code="unknown_parameter"))
    assert known == Amendments(dropped_tool_keys=frozenset({tool_key(FUNCTION)}))


def test_a_bare_word_names_nothing() -> None:
    assert lesson(refusal("This unsupported request has no reasoning in store; include some.")) is None


def test_what_was_not_sent_is_not_left_out() -> None:
    assert lesson(refusal("Unknown parameter: 'user'.", param="user", code="unknown_parameter")) is None
    sent = body()
    del sent["truncation"]
    assert learn_amendments(refusal("Unknown parameter: 'truncation'.", param="truncation"), sent, NOTHING) is None
    assert dropped(refusal("Unknown parameter: 'tools[0].strict'.", param="tools[0].strict"), tools=[]) == set()


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_other_statuses_teach_nothing_about_parameters(status: int) -> None:
    assert lesson(refusal("Unknown parameter: 'store'.", status=status, param="store")) is None


def test_faults_of_the_connection_teach_nothing() -> None:
    assert lesson(Failure(kind="network", message="Unknown parameter: 'store'.")) is None


@pytest.mark.parametrize(
    ("failure", "efforts"),
    [
        (
            refusal(
                "Unsupported value: 'xhigh' is not supported with the 'gpt-5.1' model. "
                "Supported values are: 'none', 'low', 'medium', and 'high'.",
                param="reasoning.effort",
                code="unsupported_value",
            ),
            ("none", "low", "medium", "high"),
        ),
        (
            refusal(
                "Invalid value: 'xhigh'. Supported values are: 'minimal', 'low', 'medium', and 'high'.",
                param="reasoning.effort",
                code="invalid_value",
            ),
            ("minimal", "low", "medium", "high"),
        ),
        (
            refusal('invalid reasoning value: "xhigh" (must be "high", "medium", "low", "max", or "none")'),
            ("high", "medium", "low", "max", "none"),
        ),
        (
            refusal(
                "[{'type': 'literal_error', 'loc': ('body', 'reasoning', 'effort'), 'msg': \"Input should be 'low', "
                "'medium' or 'high'\", 'input': 'xhigh', 'ctx': {'expected': \"'low', 'medium' or 'high'\"}}]"
            ),
            ("low", "medium", "high"),
        ),
        (refusal("Unsupported reasoning effort. Supported efforts are: medium.", status=422), ("medium",)),
    ],
)
def test_an_effort_list_is_obeyed_in_the_words_of_each_server(failure: Failure, efforts: tuple[str, ...]) -> None:
    found = learn_amendments(failure, body(), NOTHING)
    assert found is not None
    assert found[0] == Amendments(allowed_efforts=efforts)
    assert "'xhigh'" in found[1]
    assert ", ".join(efforts) in found[1]


def test_an_effort_that_was_not_sent_teaches_nothing() -> None:
    message = "Unsupported value: 'xhigh' … Supported values are: 'low'."
    for reasoning in (None, {}, {"summary": "auto"}):
        assert lesson(refusal(message, param="reasoning.effort", code="x"), reasoning=reasoning) is None


def test_an_effort_error_without_a_list_teaches_nothing() -> None:
    assert lesson(refusal("Invalid reasoning effort.", param="reasoning.effort")) is None


@pytest.mark.parametrize(
    "message", ['"llama3.2:latest" does not support thinking', "registry/m:latest does not support reasoning"]
)
def test_a_model_that_does_not_think(message: str) -> None:
    assert dropped(refusal(message)) == {"reasoning"}


REFUSED_REASONING = [
    refusal(
        "The encrypted content for item rs_1 could not be verified. Reason: Encrypted content could not be decrypted "
        "or parsed.",
        code="invalid_encrypted_content",
    ),
    refusal("no", code="invalid_encrypted_content"),
    refusal("The encrypted content gAAA... could not be verified."),
    refusal("Item 'rs_1' of type 'reasoning' was provided without its required following item."),
    refusal("Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'."),
    refusal("Item 'msg_1' of type 'message' was provided without its required 'reasoning' item: 'rs_1'."),
    refusal(
        "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false. Try again with `store` "
        "set to true, or remove this item from your input.",
        status=404,
    ),
    refusal("Item with id 'msg_1' not found.", status=404),
    read_error_event({"type": "error", "error": {"code": "invalid_encrypted_content", "message": "no"}}),
]


@pytest.mark.parametrize("failure", REFUSED_REASONING)
def test_reasoning_that_is_refused_is_sent_no_more(failure: Failure) -> None:
    other = {"type": "reasoning", "encrypted_content": "e" * 100, "summary": []}
    found = learn_amendments(failure, body(input=[REASONING, other, USER]), NOTHING)
    assert found is not None
    assert found[0] == Amendments(refused_item_keys=frozenset({"rs_1", "e" * 64}))
    assert "refused replayed reasoning" in found[1]
    again = learn_amendments(failure, body(input=[REASONING, other]), found[0])
    assert again is None, "the same refusal without anything new to leave out is final"


def test_a_refusal_of_something_else_keeps_the_reasoning() -> None:
    found = lesson(refusal("Unknown parameter: 'truncation'.", param="truncation"), input=[REASONING, USER])
    assert found == Amendments(dropped_fields=frozenset({"truncation"}))
    assert lesson(refusal("The encrypted content is large.", status=404), input=[REASONING, USER]) is None


@pytest.mark.parametrize("failure", REFUSED_REASONING)
def test_without_reasoning_in_the_request_its_refusal_is_final(failure: Failure) -> None:
    assert lesson(failure) is None


def test_reasoning_is_remembered_by_id_or_ciphertext() -> None:
    assert item_key({"type": "reasoning", "id": "rs_1", "encrypted_content": "x"}) == "rs_1"
    assert item_key({"type": "reasoning", "encrypted_content": "x" * 100}) == "x" * 64


@pytest.mark.parametrize(
    "message",
    [
        "Unexpected message role.",
        "Invalid value: 'developer'. Supported roles are system, user, assistant.",
        "invalid message role: developer",
        "developer is not one of ['system', 'assistant', 'user', 'function'] - 'messages.0.role'",
    ],
)
def test_a_server_without_the_role_developer_gets_system(message: str) -> None:
    found = learn_amendments(refusal(message), body(input=[DEVELOPER, USER]), NOTHING)
    assert found is not None
    assert found[0] == Amendments(system_text_role="system")
    assert learn_amendments(refusal(message), body(input=[DEVELOPER]), found[0]) is None
    assert lesson(refusal(message)) is None, "no developer was sent"


def test_lessons_add_up() -> None:
    known = Amendments(dropped_fields=frozenset({"truncation"}), allowed_efforts=("low",), system_text_role="system")
    found = lesson(refusal("Unknown parameter: 'include'.", param="include", code="unknown_parameter"), known)
    assert found == Amendments(
        dropped_fields=frozenset({"truncation", "include"}), allowed_efforts=("low",), system_text_role="system"
    )


LISTS = ["'low', 'medium'", "'medium', 'high'", "'none'", "'max', 'low'"]
TEXTS = st.sampled_from(
    [
        *(f.message for f in REFUSED_REASONING),
        *(f"Unknown parameter: '{path}'." for path in (*DROPPABLE_FIELDS, "user", "model", "input")),
        *(f"Unsupported value: 'x' of reasoning.effort. Supported values are: {words}." for words in LISTS),
        "Unexpected message role.",
        '"m" does not support thinking',
        "Encrypted content is not supported with this model.",
    ]
)
PARAMS = st.none() | st.sampled_from([*DROPPABLE_FIELDS, "input", "include[0]", "tools[0].strict", "reasoning.effort"])
REFUSALS = st.builds(
    refusal, TEXTS, status=st.sampled_from([400, 404, 422]), param=PARAMS, code=st.sampled_from([None, "400", "x"])
)


@given(st.data())
def test_every_conversation_of_refusals_ends(data: st.DataObject) -> None:
    """A server that refuses whatever it is sent, in any words: the lessons run out."""
    known = NOTHING
    limit = len(DROPPABLE_FIELDS) + len(LISTS) + 4
    for _ in range(limit + 1):
        sent = body(input=[REASONING, DEVELOPER, USER])
        if known.refused_item_keys:
            sent["input"] = [DEVELOPER, USER]
        if known.allowed_efforts:
            sent["reasoning"] = {"effort": known.allowed_efforts[0]}
        sent, _ = amend_body(sent, known)
        failures = data.draw(st.lists(REFUSALS, min_size=1, max_size=4))
        lessons = [found for failure in failures if (found := learn_amendments(failure, sent, known))]
        if not lessons:
            return
        assert lessons[0][0] != known
        known = lessons[0][0]
    pytest.fail("the lessons do not end")


# Lessons about the parts of a request: the refusal as servers write it, the body, and what is learned of it

ASSISTANT = {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "a"}]}
SYSTEM = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "s"}]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}", "namespace": "n"}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
COMPACTION = {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}
FOUND_TOOLS = {"type": "tool_search_output", "id": "tso_1", "execution": "server", "tools": []}
IMAGES = [{"type": "input_image", "image_url": f"data:image/png;base64,{letter}"} for letter in "ABC"]
RESULT = {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "t"}, IMAGES[0]]}
OWN_IMAGE = {"type": "message", "role": "user", "content": [IMAGES[1]]}
KEYS = [media_key(image) for image in IMAGES]
FILE = {"type": "input_file", "file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"}
TWO_TOOLS = {"tools": [FUNCTION, {"type": "web_search"}]}
TOO_MANY = "Invalid 'tools': array too long. Expected an array with maximum length"
NOT_VALID = "The image data you provided does not represent a valid image. Please check your input."


def keys(*names: str) -> frozenset[str]:
    return frozenset(names)


LESSONS: dict[str, tuple[Failure, dict[str, Any], Amendments | None]] = {
    # The stream
    "an organization that is not verified": (
        refusal("Your organization must be verified to stream this model.", param="stream", code="unsupported_value"),
        {},
        Amendments(streams=False),
    ),
    "a gateway without streams": (refusal("Streaming is not supported for this model"), {}, Amendments(streams=False)),
    "a request that did not ask for a stream": (refusal("not supported", param="stream"), {"stream": False}, None),
    # Items
    "a compaction by its path": (
        refusal("Invalid value: 'compaction'. Supported values are: 'message'.", param="input[1]"),
        {"input": [USER, COMPACTION]},
        Amendments(refused_item_keys=keys("cmp_1")),
    ),
    "a compaction by its type": (
        refusal("Invalid input type 'compaction' at index 22"),
        {"input": [USER, COMPACTION, SEARCH]},
        Amendments(refused_item_keys=keys("cmp_1")),
    ),
    "a hosted item by its id": (
        refusal("Invalid 'input[1].id': 'ws_1'.", param="input[1].id", code="invalid_value"),
        {"input": [USER, SEARCH, COMPACTION]},
        Amendments(refused_item_keys=keys("ws_1")),
    ),
    "a list of types that has the item's own": (
        refusal("Invalid value: 'oops'. Supported values are: 'compaction', 'message'."),
        {"input": [USER, COMPACTION]},
        None,
    ),
    "an item of the user": (refusal("Invalid value.", param="input[0].content"), {"input": [USER, SEARCH]}, None),
    "an item that is not there": (refusal("Invalid value.", param="input[7]"), {"input": [USER, SEARCH]}, None),
    "ids without reasoning": (
        refusal("Item with id 'msg_1' not found.", status=404),
        {"input": [USER, ASSISTANT, CALL]},
        Amendments(dropped_item_fields=keys("message.id", "function_call.id")),
    ),
    "a namespace": (
        refusal("Unknown parameter: 'input[1].namespace'.", param="input[1].namespace", code="unknown_parameter"),
        {"input": [USER, CALL]},
        Amendments(dropped_item_fields=keys("function_call.namespace")),
    ),
    "a namespace in the words of pydantic": (
        refusal(
            "1 validation error:\n  {'type': 'extra_forbidden', 'loc': ('body', 'input', 'list[union[X]]', 1, 'X', "
            "'namespace'), 'msg': 'Extra inputs are not permitted'}"
        ),
        {"input": [USER, CALL]},
        Amendments(dropped_item_fields=keys("function_call.namespace")),
    ),
    "a field of a content part": (
        refusal("Unknown parameter: 'input[1].content[0].logprobs'."),
        {"input": [USER, ASSISTANT]},
        Amendments(dropped_item_fields=keys("message.content.logprobs")),
    ),
    "a field without which an item says nothing": (
        refusal("Unknown parameter: 'input[1].arguments'.", param="input[1].arguments"),
        {"input": [USER, CALL]},
        None,
    ),
    "a field that the item does not have": (
        refusal("Unknown parameter: 'input[1].oops'.", param="input[1].oops"),
        {"input": [USER, CALL]},
        None,
    ),
    "a status in a line of pydantic": (
        refusal(
            "2 validation errors for X\n1.status\n  Field required [type=missing, input_value={}, input_type=dict]"
        ),
        {"input": [USER, ASSISTANT]},
        Amendments(message_status=True),
    ),
    "a status in the union of vLLM": (
        refusal("193 validation errors:\n  {'loc': ('body', 'input', 'list[union[EasyInputMessageParam,Message,"),
        {"input": [USER, ASSISTANT]},
        Amendments(message_status=True),
    ),
    "a status that is there": (
        refusal("status\n  Field required"),
        {"input": [USER, {**ASSISTANT, "status": "completed"}]},
        None,
    ),
    # System text
    "system text after a tool result": (
        refusal("Unexpected role 'system' after role 'tool'"),
        {},
        Amendments(answers_results=True, system_text_role="user"),
    ),
    "user text after a tool result": (
        refusal("Unexpected role 'user' after role 'tool'", code="3230"),
        {},
        Amendments(answers_results=True),
    ),
    "system text last, at Mistral": (
        refusal("Expected last role User or Tool (or Assistant with prefix True) for serving but got system"),
        {"input": [USER, SYSTEM]},
        Amendments(system_text_role="user"),
    ),
    "system text at Anthropic behind a gateway": (
        refusal('messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter.'),
        {"input": [USER, SYSTEM]},
        Amendments(system_text_role="user"),
    ),
    "system text after the first message": (
        refusal("Only the first message can be a system message"),
        {"input": [USER, SYSTEM]},
        Amendments(system_text_role="user"),
    ),
    "system text in the middle": (
        refusal("System message must be at the beginning."),
        {"input": [USER, SYSTEM]},
        Amendments(system_text_role="user"),
    ),
    "system text at the start only": (
        refusal("System message must be at the beginning."),
        {"input": [USER]},
        Amendments(system_text_role="user", system_text_at_start=False),
    ),
    "a system text as the first item": (
        refusal("System role not supported", status=500),
        {"input": [SYSTEM, USER], "instructions": None},
        Amendments(system_text_role="user", system_text_at_start=False),
    ),
    "the role developer by its path": (
        refusal("Invalid value: 'developer'. Supported values are: 'system', 'user'.", param="input[0].role"),
        {"input": [DEVELOPER, USER]},
        Amendments(system_text_role="system"),
    ),
    "the role system by its path": (
        refusal("Invalid value: 'system'. Supported values are: 'assistant', 'user'.", param="input[1].role"),
        {"input": [USER, SYSTEM]},
        Amendments(system_text_role="user"),
    ),
    "users in a row": (
        refusal("Conversation roles must alternate user/assistant/user/assistant/..."),
        {"input": [USER, USER]},
        Amendments(joins_user_messages=True),
    ),
    "users in a row, with system text": (
        refusal("Conversation roles must alternate user/assistant/user/assistant/..."),
        {"input": [USER, SYSTEM]},
        Amendments(joins_user_messages=True, system_text_role="user"),
    ),
    # Images
    "no images in results": (
        refusal("Output of tool call should be 'Input text'"),
        {"input": [USER, CALL, RESULT]},
        Amendments(media_in_tool_results=False),
    ),
    "no images in results, without any": (refusal("Output of tool call should be 'Input text'"), {}, None),
    "a part of a result by its path": (
        refusal("Invalid value: 'input_image'. Supported values are: 'input_text'.", param="input[2].output[1]"),
        {"input": [USER, CALL, RESULT]},
        Amendments(media_in_tool_results=False),
    ),
    "a result by its path, in the words of pydantic": (
        read_error_response(
            422,
            {
                "detail": [
                    {"loc": ["body", "input", "list[X]", 2, "function_call_output", "output"], "msg": "Not a string"}
                ]
            },
            {},
        ),
        {"input": [USER, CALL, RESULT]},
        Amendments(media_in_tool_results=False),
    ),
    "a model without vision at 500": (
        refusal("image input is not supported - hint: …", status=500),
        {"input": [USER, CALL, RESULT]},
        Amendments(media_in_tool_results=False),
    ),
    "a model without vision at 404": (
        refusal("No endpoints found that support image input", status=404),
        {"input": [OWN_IMAGE, ASSISTANT, USER]},
        Amendments(refused_media_keys=keys(KEYS[1])),
    ),
    "a model without vision, and the newest image": (
        refusal("m is not a multimodal model"),
        {"input": [USER, ASSISTANT, OWN_IMAGE]},
        None,
    ),
    "another 500": (refusal("Internal Server Error", status=500), {"input": [USER, CALL, RESULT]}, None),
    "a damaged image of a new result": (
        refusal(NOT_VALID, param="input", code="invalid_value"),
        {"input": [OWN_IMAGE, CALL, RESULT]},
        Amendments(refused_media_keys=keys(KEYS[0])),
    ),
    "a damaged image of an old result": (
        refusal("no", code="invalid_image_format"),
        {"input": [USER, CALL, RESULT, ASSISTANT, OWN_IMAGE]},
        Amendments(refused_media_keys=keys(KEYS[0])),
    ),
    "a damaged image by its path": (
        refusal("Invalid 'input[0].content[0].image_url'. Expected a base64-encoded data URL with an image MIME type."),
        {"input": [OWN_IMAGE, CALL, RESULT]},
        Amendments(refused_media_keys=keys(KEYS[1])),
    ),
    "the newest damaged image by its path": (
        refusal(NOT_VALID, param="input[1].content[0].image_url"),
        {"input": [ASSISTANT, OWN_IMAGE]},
        None,
    ),
    "an image of a message whose call failed": (
        refusal(NOT_VALID),
        {"input": [ASSISTANT, OWN_IMAGE, {**USER, "content": [{"type": "input_text", "text": "Without it."}]}]},
        Amendments(refused_media_keys=keys(KEYS[1])),
    ),
    "an image before a reminder of the host": (
        refusal(NOT_VALID),
        {"input": [OWN_IMAGE, {**USER, "content": [{"type": "input_text", "text": "<system-reminder>…"}]}]},
        None,
    ),
    "a file of an earlier turn by its path": (
        refusal("Invalid value: 'input_file'. Supported values are: 'input_text'.", param="input[0].content[0]"),
        {"input": [{**USER, "content": [FILE]}, ASSISTANT, USER]},
        Amendments(refused_media_keys=keys(media_key(FILE))),
    ),
    "an image behind the last part": (refusal("Odd.", param="input[0].content[7]"), {"input": [OWN_IMAGE]}, None),
    "a damaged image in no image": (refusal(NOT_VALID), {}, None),
    "images beyond a limit": (
        refusal("At most 1 image(s) may be provided in one request."),
        {"input": [{**USER, "content": [IMAGES[2]]}, ASSISTANT, RESULT, OWN_IMAGE]},
        Amendments(refused_media_keys=keys(KEYS[2], KEYS[0])),
    ),
    "own images beyond a limit": (
        refusal("At most 1 image(s) may be provided in one request."),
        {"input": [{**USER, "content": IMAGES[1:]}]},
        None,
    ),
    "no message, and images beyond a limit": (
        refusal("At most 1 image(s) may be provided in one request."),
        {"input": [CALL, {**RESULT, "output": IMAGES}]},
        Amendments(refused_media_keys=keys(*KEYS[:2])),
    ),
    "an image that is too large": (
        refusal("image.source.base64.data: At least one of the image dimensions exceed max allowed size"),
        {"input": [USER, CALL, RESULT]},
        Amendments(refused_media_keys=keys(KEYS[0])),
    ),
    **{
        f"an image in a result: {text}": (
            refusal(text),
            {"input": [USER, CALL, RESULT]},
            Amendments(media_in_tool_results=False),
        )
        for text in (
            "Image URLs are only allowed for …, but this message with role 'tool' contains an image URL.",
            "Failed to deserialize the JSON body …: messages[2]: unknown variant `image_url`, expected `text`",
            "Invalid content type. image_url is only supported by certain models.",
            "At most 0 image(s) may be provided in one prompt.",
            "Model does not support images. Please use a model that does.",
        )
    },
    # Fields
    **{
        f"a field: {text}": (refusal(text), {}, Amendments(dropped_fields=keys(field)))
        for text, field in {
            "prompt_cache_key: Extra inputs are not permitted": "prompt_cache_key",
            "litellm.BadRequestError: AnthropicException - top_p: Extra inputs are not permitted": "top_p",
            "body.prompt_cache_key: property 'body.prompt_cache_key' is unsupported": "prompt_cache_key",
            "Argument not supported on this model: prompt_cache_key": "prompt_cache_key",
            "Model grok-4 does not support parameter reasoningEffort.": "reasoning",
            "The model returned the following errors: temperature is deprecated for this model.": "temperature",
            "`temperature` is deprecated for this model.": "temperature",
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.": "top_p",
            "invalid temperature: only 0.6 is allowed for this model": "temperature",
            "reasoning.effort 'xhigh' is not supported by this model": "reasoning.effort",
        }.items()
    },
    "a stream by its own name": (refusal("stream is not supported with this model"), {}, Amendments(streams=False)),
    # Tools
    "a tool by its index, in the words of a gateway": (
        refusal("litellm.BadRequestError: AnthropicException: tools.0.custom.input_schema: JSON schema is invalid"),
        {},
        Amendments(dropped_tool_keys=keys(tool_key(FUNCTION))),
    ),
    "a tool of another API": (
        refusal("GenerateContentRequest.tools[0].function_declarations[3].name: Invalid function name."),
        {},
        None,
    ),
    "a tool by its index": (
        refusal("Invalid schema for function 'f': …", param="tools[0].parameters", code="invalid_function_parameters"),
        {},
        Amendments(dropped_tool_keys=keys(tool_key(FUNCTION))),
    ),
    "a tool by its name": (
        refusal("Invalid schema for function 'f': …", code="invalid_function_parameters"),
        {},
        Amendments(dropped_tool_keys=keys(tool_key(FUNCTION))),
    ),
    "a hosted tool by its type": (
        refusal("Hosted tool 'web_search' is not supported with m.", param="tools"),
        {"tools": [FUNCTION, {"type": "web_search"}]},
        Amendments(dropped_tool_keys=keys(tool_key({"type": "web_search"}))),
    ),
    "a tool that is not there": (refusal("Invalid function 'g'", code="invalid_function_parameters"), {}, None),
    "too many tools, without a limit": (refusal("Invalid 'tools': array too long.", param="tools"), {}, None),
    "too many tools": (
        refusal(f"{TOO_MANY} 1, but got an array with length 2 instead."),
        TWO_TOOLS,
        Amendments(max_tools=1),
    ),
    "too many tools at Groq": (refusal("'tools' : maximum number of items is 1"), TWO_TOOLS, Amendments(max_tools=1)),
    "too many tools at xAI": (
        refusal("Maximum tools limit reached. 2 tools have been provided but the maximum is 1."),
        TWO_TOOLS,
        Amendments(max_tools=1),
    ),
    "too many tools at Copilot": (
        refusal("You may not include more than 1 tools in your request."),
        TWO_TOOLS,
        Amendments(max_tools=1),
    ),
    "a limit of tools that the request keeps": (refusal(f"{TOO_MANY} 2, but got 3"), TWO_TOOLS, None),
    # Include
    "a value of include by its index": (
        refusal("Invalid value: 'b'. Supported values are: 'a'.", param="include[1]", code="invalid_value"),
        {"include": ["a", "b"]},
        Amendments(dropped_include_values=keys("b")),
    ),
    "a value of include by its name": (
        refusal("Unsupported value file_search_call.results. Supported values are: 'x.y'.", param="include"),
        {"include": ["x.y", "file_search_call.results"]},
        Amendments(dropped_include_values=keys("file_search_call.results")),
    ),
    "ciphertext among the values": (
        refusal("Encrypted content is not supported with this model."),
        {"include": ["reasoning.encrypted_content", "b"]},
        Amendments(dropped_include_values=keys("reasoning.encrypted_content")),
    ),
    "a value of include by itself": (
        refusal("include: unknown variant `file_search_call.results`, expected one of `a`, `b`"),
        {"include": ["x.y", "file_search_call.results"]},
        Amendments(dropped_include_values=keys("file_search_call.results")),
    ),
    "ciphertext by its path, beside reasoning": (
        refusal("Invalid value: 'reasoning.encrypted_content'. Supported values are: 'x.y'.", param="include[0]"),
        {"include": ["reasoning.encrypted_content", "x.y"], "input": [USER, REASONING, ASSISTANT]},
        Amendments(dropped_include_values=keys("reasoning.encrypted_content")),
    ),
    "include in words that nobody knows": (
        refusal("Wrong.", param="include"),
        {"include": ["a", "b"]},
        Amendments(dropped_fields=keys("include")),
    ),
    # Sampling behind an alias of LiteLLM, and the names of chat completions
    "top_p as a bare word": (
        refusal("litellm.UnsupportedParamsError: m only supports top_p when reasoning.effort resolves to 'none', …"),
        {},
        Amendments(dropped_fields=keys("top_p")),
    ),
    "temperature with a value": (
        refusal(
            "litellm.UnsupportedParamsError: gpt-5 models don't support temperature=0.5. Only temperature=1 is "
            "supported. For gpt-5.1, temperature is supported when reasoning_effort='none'."
        ),
        {},
        Amendments(dropped_fields=keys("temperature")),
    ),
    "another field by LiteLLM": (
        refusal("litellm.UnsupportedParamsError: m does not support parameters: ['reasoning_effort'], for model=m."),
        {},
        Amendments(dropped_fields=keys("reasoning")),
    ),
    "efforts without a verb": (
        refusal("Invalid effort 'xhigh'. Supported values: low, medium.", param="reasoning.effort"),
        {},
        Amendments(allowed_efforts=("low", "medium")),
    ),
}


@pytest.mark.parametrize("name", LESSONS)
def test_what_a_refusal_teaches_about_a_part_of_the_request(name: str) -> None:
    failure, parts, expected = LESSONS[name]
    sent = {key: value for key, value in body(**parts).items() if value is not None}
    found = learn_amendments(failure, sent, NOTHING)
    assert (found[0] if found else None) == expected
    again = learn_amendments(failure, sent, found[0]) if found else None
    assert again is None or again[0] != expected, "a body that extra_body overrides is not sent for ever"


def test_required_parts_are_never_left_out() -> None:
    verified = refusal("Your organization must be verified to stream this model.", param="stream")
    assert learn_amendments(verified, body(), NOTHING, required_fields=keys("stream")) is None
    no_system = refusal("System role not supported")
    assert learn_amendments(no_system, body(), NOTHING, required_fields=keys("instructions")) is None


OPAQUE = [USER, REASONING, SEARCH, ASSISTANT, CALL, {"type": "function_call_output", "call_id": "c", "output": "o"}]


@pytest.mark.parametrize(
    ("failure", "is_tried"),
    [
        (refusal("Something odd."), True),
        (refusal("Something odd.", status=422), True),
        (refusal("Something odd.", param="input"), True),
        (refusal("Something odd.", param="input[1].summary"), True),
        (refusal("Something odd.", param="input[3]"), True),
        (read_error_event({"type": "error", "error": {"message": "Something odd."}}), True),
        (refusal("Something odd.", param="input[0].content"), False),
        (refusal("Something odd.", param="input[5].output"), False),
        (refusal("Something odd.", param="max_output_tokens"), False),
        (refusal("Something odd.", status=404), False),
        (refusal("Something odd.", status=429), False),
        (refusal("Something odd.", status=500), False),
    ],
)
def test_the_net_leaves_out_what_the_service_made_for_itself(failure: Failure, is_tried: bool) -> None:
    found = learn_net(failure, body(input=[*OPAQUE, COMPACTION, FOUND_TOOLS]), NOTHING)
    expected = Amendments(refused_item_keys=keys("rs_1", "ws_1", "cmp_1", "tso_1")) if is_tried else None
    assert (found[0] if found else None) == expected


def test_a_fault_may_come_from_images_in_tool_results() -> None:
    fault = refusal("Internal Server Error", status=500)
    assert learn_net(fault, body(input=[USER, CALL, {**RESULT, "output": "t"}]), NOTHING) is None
    found = learn_net(fault, body(input=[USER, CALL, RESULT]), NOTHING)
    assert found is not None
    assert found[0] == Amendments(media_in_tool_results=False)


def test_the_net_needs_something_to_leave_out() -> None:
    assert learn_net(refusal("Something odd."), body(), NOTHING) is None
    known = Amendments(refused_item_keys=keys("rs_1", "ws_1"))
    assert learn_net(refusal("Something odd."), body(input=OPAQUE), known) is None


UPDATE = {"type": "configuration_update", "reasoning": {"effort": "high"}}


@pytest.mark.parametrize(
    ("message", "param", "items", "learns"),
    [
        (
            "The 'configuration_update' item type is not supported with this model.",
            "input[1].type",
            [USER, UPDATE],
            True,
        ),
        ("Invalid value: 'configuration_update'.", None, [UPDATE, USER], True),
        ("Invalid value.", "input[0]", [UPDATE, USER], True),
        ("The 'configuration_update' item type is not supported with this model.", None, [USER], False),
        ("Invalid value.", "input[1]", [UPDATE, USER], False),
    ],
)
def test_refused_change_of_the_effort_moves_to_the_field(
    message: str, param: str | None, items: list[dict[str, Any]], learns: bool
) -> None:
    found = lesson(refusal(message, param=param, code="unsupported_value"), input=items)
    assert (found == Amendments(effort_updates=False)) is learns


IN_ITEM: dict[str, Any] = {
    "tools": [{"type": "web_search"}],
    "input": [{"type": "additional_tools", "role": "developer", "tools": [FUNCTION, {**FUNCTION, "name": "g"}]}, USER],
}


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("input[0].tools[1].parameters", {**FUNCTION, "name": "g"}),
        ("input[0].tools[0]", FUNCTION),
        ("tools[0]", {"type": "web_search"}),
    ],
)
def test_a_tool_inside_the_input_is_found_by_its_path(path: str, refused: dict[str, Any]) -> None:
    found = lesson(refusal(f"Invalid schema: '{path}'.", param=path), **IN_ITEM)
    assert found is not None
    assert found.dropped_tool_keys == {tool_key(refused)}


def test_a_limit_and_a_field_of_tools_inside_the_input_are_learned() -> None:
    found = lesson(
        refusal(f"{TOO_MANY} 2, but got 3.".replace("'tools'", "'input[0].tools'"), param="input[0].tools"), **IN_ITEM
    )
    assert found is not None
    assert found.max_tools == 2
    path = "input[0].tools[1].strict"
    failure = refusal(f"Unknown parameter: '{path}'.", code="unknown_parameter", param=path)
    assert dropped(failure, **IN_ITEM) == {"tools.strict"}
