"""What leaves in an event: no secrets, no pictures, and nothing else is changed."""

from __future__ import annotations

import copy
import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.engine.redact import redact

LONG = "A" * 200_000


SECRET_KEYS = (
    *("api_key", "api-key", "apiKey", "Authorization", "authorization", "access_token", "accessToken", "refresh_token"),
    *("id_token", "client_secret", "Proxy-Authorization", "Cookie", "set-cookie", "password", "secret", "token"),
    *("X-API-Key", "X-GitHub-Token", "Private-Token", "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key", "account_key"),
    *("gateway-key", "domain_secrets", "dbPassword", "credential", "bot_tokens"),
)


@pytest.mark.parametrize("key", SECRET_KEYS)
@pytest.mark.parametrize("value", ["hunter2", ["hunter2"], {"value": "hunter2"}])
def test_the_value_of_a_key_that_bears_a_secret_is_hidden(key: str, value: Any) -> None:
    assert redact({"filters": [{key: value, "accept": "json"}]}) == {"filters": [{key: "[REDACTED]", "accept": "json"}]}


@pytest.mark.parametrize("key", ["headers", "default_headers", "httpHeaders", "env"])
def test_every_value_among_headers_and_variables_is_hidden(key: str) -> None:
    tool = {"type": "mcp", key: {"X-Anything": "hunter2", "X-List": ["hunter2"], "X-None": None}}
    hidden = {"X-Anything": "[REDACTED]", "X-List": "[REDACTED]", "X-None": None}
    assert redact({"tools": [tool]}) == {"tools": [{"type": "mcp", key: hidden}]}
    assert redact({key: ["X-Anything: hunter2"]}) == {key: "[REDACTED]"}
    assert redact({key: None}) == {key: None}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://mcp.example/sse", "https://mcp.example/sse"),
        ("https://mcp.example/sse?key=hunter2&a=b", "https://mcp.example/sse?[REDACTED]"),
        ("https://user:hunter2@mcp.example:8443/sse", "https://[REDACTED]@mcp.example:8443/sse"),
        ("https://hunter2@mcp.example", "https://[REDACTED]@mcp.example"),
        ("https://mcp.example/sse#hunter2", "https://mcp.example/sse#[REDACTED]"),
        ("https://mcp.example/s/ZmQxNzA5YTQtYjY5Zi00MGQ4/mcp", "https://mcp.example/s/[REDACTED]/mcp"),
        ("https://mcp.example/v1/sk-hunter2hunter2", "https://mcp.example/v1/[REDACTED]"),
        ("postgres://me:hunter2@db.example/data", "postgres://[REDACTED]@db.example/data"),
    ],
)
def test_address_is_shown_without_what_may_be_secret(address: str, shown: str) -> None:
    assert redact({"server_url": address, "image_url": address}) == {"server_url": shown, "image_url": shown}
    told = redact({"tools": [{"description": f"Calls {address} for you."}]})
    assert "hunter2" not in json.dumps(told)
    assert shown.partition("?")[0].partition("#")[0] in told["tools"][0]["description"]
    assert redact(f"see {address}") == f"see {address}", "the text of a conversation is not searched"


SECRETS = [
    "sk-proj-0123456789abcdef",
    "ghp_0123456789abcdefghij",
    "github_pat_11ABCDEFG0123456789",
    "glpat-0123456789abcdefghij",
    "xoxb-1234567890-abcdefghij",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA0123456789abcdefghijklmnopqrstu",
    "hf_0123456789abcdefghij",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "Bearer 0123456789",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_text_with_the_form_of_a_secret_is_hidden(secret: str) -> None:
    """In the definition of a tool, and in a field of `extra_body`, within a longer text too."""
    assert redact({"anything": [secret]}) == {"anything": ["[REDACTED]"]}
    longer = f"send '{secret}' there"
    value = {"tools": [{"note": longer}], "team": {"note": [longer]}, "input": [{"text": longer}]}
    hidden = redact(value, suspect_keys=["team"])
    note = "send '[REDACTED]' there"
    assert hidden == {"tools": [{"note": note}], "team": {"note": [note]}, "input": [{"text": longer}]}


def test_random_text_is_hidden_where_only_settings_are() -> None:
    random, hexadecimal = "Zm9vYmFyMTIzNDU2Nzg5MGFiY2Rl", "0123456789abcdef0123456789abcdef"
    shown = {
        "vector_store_ids": ["vs_68a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5"],
        "name": random,
        "type": "function",
        "description": f"A word such as {random}. Basic authentication, Bearer authorization, pk_customer_identifier.",
        "model": "gpt-5.6-sol-2026-11-30",
        "parameters": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
        "file": "file-6F2ksmvXxt4VdoqmHRw6kL",
        "label": "a-very-long-label-of-many-words-in-the-year-2026",
    }
    assert redact({"tools": [shown], "metadata": shown}, suspect_keys=["metadata"]) == {
        "tools": [shown],
        "metadata": shown,
    }
    value = {"a": random, "b": [hexadecimal]}
    hidden = {"a": "[REDACTED]", "b": ["[REDACTED]"]}
    assert redact({"metadata": value, "tools": value, "input": value}, suspect_keys=["metadata"]) == {
        "metadata": hidden,
        "tools": hidden,
        "input": value,
    }


def test_time_grows_with_the_length_of_a_text_only() -> None:
    """These texts take many seconds with expressions that try every end again from every beginning."""
    texts = [
        f"{piece * (8000 // len(piece))}{end}"
        for piece in ("a1", "eyJ-", "sk-", "a-", "://", "a@")
        for end in (" ", "://")
    ]
    started_s = time.process_time()
    redact({"tools": texts * 10, "input": texts * 10})
    assert time.process_time() - started_s < 5


def test_a_secret_that_is_absent_is_absent() -> None:
    assert redact({"api_key": None}) == {"api_key": None}


def test_keys_that_merely_sound_like_one_are_shown() -> None:
    value = {
        "max_output_tokens": 5,
        "prompt_cache_key": "k",
        "input_tokens": 7,
        "safety_identifier": "s",
        5: "x",
        "key": "region",
        "input_tokens_details": {"cached_tokens": 3},
        "keyboard": "de",
        "environment": "linux",
        "header_text": "x",
        "": "x",
        "secretary" * 9: "x",
    }
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
