"""What leaves in an event: no secrets, no pictures, and nothing else is changed."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.engine.redact import redact

LONG = "A" * 200_000


@pytest.mark.parametrize(
    "key",
    [
        "api_key",
        "api-key",
        "Authorization",
        "authorization",
        "X-API-Key",
        "access_token",
        "refresh_token",
        "id_token",
        "client_secret",
        "Proxy-Authorization",
        "Cookie",
        "set-cookie",
        "password",
        "secret",
        "token",
    ],
)
@pytest.mark.parametrize("value", ["hunter2", ["hunter2"], {"value": "hunter2"}, 12345])
def test_the_value_of_a_key_that_bears_a_secret_is_hidden(key: str, value: Any) -> None:
    tool = {"type": "mcp", "headers": {key: value, "accept": "json"}}
    hidden = redact({"tools": [tool]})
    assert hidden == {"tools": [{"type": "mcp", "headers": {key: "[REDACTED]", "accept": "json"}}]}


def test_a_secret_that_is_absent_is_absent() -> None:
    assert redact({"api_key": None}) == {"api_key": None}


def test_keys_that_merely_sound_like_one_are_shown() -> None:
    value = {"max_output_tokens": 5, "prompt_cache_key": "k", "input_tokens": 7, "safety_identifier": "s", 5: "x"}
    assert redact(value) == value


def test_the_credential_is_taken_out_of_every_text() -> None:
    hidden = redact({"a": ["key sk-1 here", 5]}, scrub=lambda text: text.replace("sk-1", "[REDACTED]"))
    assert hidden == {"a": ["key [REDACTED] here", 5]}


@pytest.mark.parametrize("data", [f"data:image/png;base64,{LONG}", f"data:application/pdf;base64,{LONG}", LONG])
@pytest.mark.parametrize("key", ["image_url", "file_data", "result", "data"])
def test_pictures_and_files_are_cut(key: str, data: str) -> None:
    cut = redact({key: data})[key]
    assert cut == f"{data[:64]}… ({len(data)} characters)"


@pytest.mark.parametrize(
    "text", ["data:", "data:image/png;base64,AAAA", "words " * 50_000, '{"json": "' + "x y" * 50_000, "A" * 50_000]
)
def test_texts_and_ciphertext_of_any_usual_length_are_whole(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("longest", [10, 64, 100, 1024, 2000])
@pytest.mark.parametrize("text", ["w" * 3000 + " ", f"data:image/png;base64,{'A' * 500}", LONG])
def test_every_text_may_be_cut(text: str, longest: int) -> None:
    cut = redact(text, max_characters=longest)
    if len(text) <= longest:
        assert cut == text
        return
    kept, _, note = cut.partition("… ")
    assert text.startswith(kept)
    assert len(kept) <= longest
    assert note == f"({len(text)} characters)"


def test_a_short_limit_cuts_to_exactly_that() -> None:
    assert redact("abcdef", max_characters=3) == "abc… (6 characters)"
    assert redact("abc", max_characters=3) == "abc"
    assert redact("w " * 1024, max_characters=1024).startswith("w " * 512 + "…")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "token", "Password", "text", "data"]), inner, max_size=3)
    ),
)


@given(JSON)
def test_the_value_itself_is_never_changed_and_its_shape_stays(value: Any) -> None:
    before = copy.deepcopy(value)
    hidden = redact(value)
    assert value == before
    json.dumps(hidden)
    assert redact(hidden) == hidden


@pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security")
@given(JSON)
def test_no_secret_gets_out_at_any_depth(value: Any) -> None:
    hidden = json.dumps(redact({"deep": [{"token": "hunter2", "more": value}]}))
    assert "hunter2" not in hidden


def test_text_that_no_hook_takes_is_told_as_it_is_sent() -> None:
    """Half a surrogate pair, from a tool that read a broken file, must not fail the call that tells of it."""
    assert redact({"a": ["x\ud800y", "\U0001f600"]}) == {"a": ["x?y", "\U0001f600"]}


@pytest.mark.parametrize(
    ("value", "copy"),
    [
        ({"a": math.nan, "b": [-math.inf, 1.5]}, {"a": None, "b": [None, 1.5]}),
        ({"a": 2**1023, "b": 10**5000}, {"a": "… (1024 bits)", "b": "… (16610 bits)"}),
        ({"\ud800": 1, (1, 2): 2}, {"?": 1, "(1, 2)": 2}),
        ({"a": (1, True), "b": object()}, {"a": [1, True], "b": "… (object)"}),
    ],
)
def test_a_value_that_no_hook_takes_is_replaced(value: Any, copy: Any) -> None:
    assert redact(value) == copy


def nest(levels: int, wrap: Any) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda value: {"a": value}, lambda value: [value]], ids=["object", "list"])
def test_what_nests_deeper_than_a_hook_takes_is_cut(wrap: Any) -> None:
    assert redact(nest(120, wrap)) == nest(120, wrap)
    cut = json.dumps(redact(nest(1000, wrap)))
    assert cut.count("[") + cut.count("{") == 120


def test_a_value_that_contains_itself_is_cut() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    assert "dict" in json.dumps(redact(value), ensure_ascii=False)
