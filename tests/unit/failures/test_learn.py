"""What a refusal teaches: real error texts of several servers, what is left out, and that it ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts.amendments import Amendments, amend_body
from openai_responses_common.failures.failure import Failure
from openai_responses_common.failures.learn import DROPPABLE_FIELDS, UNDROPPABLE_FIELDS, learn_amendments
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
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
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
    assert known == Amendments(dropped_tool_names=frozenset({"f"}))


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
