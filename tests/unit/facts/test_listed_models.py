"""What the lists of models of many servers say, and lists that are not as they should be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts.listed_models import ListedModel, read_listed_models
from openai_responses_common.options.model_info import TRAIT_SETTINGS, read_model_info
from responses_emulator.facts.models import model_list
from responses_emulator.facts.server_model_lists import SERVER_MODEL_LISTS

GUESS = {"context_window": 4096, "max_output_tokens": 2048}


def read(document: object) -> list[ListedModel]:
    models = read_listed_models(document)
    assert models is not None
    return models


def info_of(row: dict[str, Any]) -> dict[str, Any]:
    """What a row says, alone and among others."""
    alone = read({"data": [{"id": "tiny", **row}]})
    assert read({"data": [None, {"id": "tiny", **row}, {"id": "other"}]})[0] == alone[0]
    return dict(alone[0].info)


@pytest.mark.parametrize(
    ("server", "models", "agents"),
    [
        ("vllm", {"tiny": {"context_window": 2048, "max_output_tokens": 1024}}, {"tiny"}),
        (
            "llama.cpp",
            {"models/tiny-chat.gguf": {**GUESS, "vision": False}},
            {"models/tiny-chat.gguf"},
        ),
        (
            "litellm",
            {
                "bridged": {},
                "deepseek-bridged": {"context_window": 131072, "max_output_tokens": 65536},
                "embedder": {"context_window": 8191, "max_output_tokens": 4095},
            },
            {"bridged", "deepseek-bridged"},
        ),
        (
            "openrouter",
            {
                "maker/thinker": {"context_window": 180000, "max_output_tokens": 64000, "vision": True},
                "maker/plain": {
                    "context_window": 32768,
                    "max_output_tokens": 16384,
                    "vision": False,
                    "shutdown": "2026-12-15",
                    "efforts": [],
                    "sampling": "never",
                    "verbosity": False,
                },
            },
            {"maker/thinker", "maker/plain"},
        ),
        ("transformers", {"tiny-chat": {}}, {"tiny-chat"}),
    ],
)
def test_what_the_list_of_a_server_says(server: str, models: dict[str, Any], agents: set[str]) -> None:
    listed = read(SERVER_MODEL_LISTS[server])
    assert {model.id: model.info for model in listed} == models
    assert {model.id for model in listed if model.can_do_agent_work} == agents


def test_openai_says_when_a_model_ends() -> None:
    listed = {model.id: model.info for model in read({"object": "list", "data": model_list()})}
    assert listed["gpt-5"] == {"shutdown": "2026-12-11"}
    assert listed["gpt-5.6-sol"] == {}


@pytest.mark.parametrize(
    ("row", "info"),
    [
        # other servers that are documented
        ({"context_window": 4096, "max_completion_tokens": 1000}, {**GUESS, "max_output_tokens": 1000}),  # Groq
        ({"max_context_length": 32768, "loaded_context_length": 4096}, GUESS),  # LM Studio
        ({"max_context_length": 4096, "capabilities": {"vision": True}}, {**GUESS, "vision": True}),  # Mistral
        ({"capabilities": ["completion", "vision"]}, {"vision": True}),  # Ollama
        ({"capabilities": ["completion"]}, {}),
        ({"supports_vision": False}, {"vision": False}),
        ({"modalities": ["text", "image"]}, {"vision": True}),
        ({"modalities": {"input": ["text"], "output": ["text"]}}, {"vision": False}),
        ({"modalities": ["audio"]}, {}),
        # the output limit fits into the window
        ({"context_length": 4096, "max_output_tokens": 4096}, GUESS),
        ({"context_length": 1}, {"context_window": 1, "max_output_tokens": 1}),
        ({"context_length": 10**6}, {"context_window": 10**6, "max_output_tokens": 16_384}),
        ({"max_output_tokens": 512}, {"max_output_tokens": 512}),
        # numbers as texts and floats; what is no count is left out, and the next place counts
        ({"max_model_len": "4096"}, GUESS),
        ({"max_model_len": 4096.0}, GUESS),
        ({"max_input_tokens": None, "context_length": 4096}, GUESS),
        *(
            ({"max_model_len": odd, "context_length": 4096}, GUESS)
            for odd in (0, -1, True, 4096.5, "4k", "", "1" * 30, 10**12, float("inf"), float("nan"), [4096], {})
        ),
        *(({"meta": odd, "architecture": odd, "top_provider": odd}, {}) for odd in (None, [], "x", 5)),
        ({"architecture": {"input_modalities": [None, 5]}}, {}),
        ({"architecture": {"input_modalities": []}, "supports_vision": True}, {"vision": True}),
        # days
        ({"shutdown_date": "2026-12-11T00:00:00Z"}, {"shutdown": "2026-12-11"}),
        ({"deprecation": {"inference": 1796947200}}, {"shutdown": "2026-12-11"}),  # Azure
        *(
            ({"shutdown_date": odd, "expiration_date": "2027-01-01"}, {"shutdown": "2027-01-01"})
            for odd in (None, "", "soon", "2026-13-01", 0, -5, True, 10**15, [2026])
        ),
        # parameters
        ({"supported_parameters": ["Reasoning", "top_p", "verbosity"]}, {}),
        ({"supported_parameters": ["reasoning_effort"]}, {"sampling": "never", "verbosity": False}),
        ({"supported_parameters": []}, {}),
        ({"supported_parameters": "tools"}, {}),
    ],
)
def test_what_a_row_says(row: dict[str, Any], info: dict[str, Any]) -> None:
    assert info_of(row) == info


@pytest.mark.parametrize(
    "row",
    [
        {"architecture": {"output_modalities": ["image"]}},
        {"mode": "image_generation"},
        {"id": "text-embedding-3-small"},
    ],
)
def test_a_model_of_other_media_cannot_do_agent_work(row: dict[str, Any]) -> None:
    assert [model.can_do_agent_work for model in read([{"id": "tiny", **row}])] == [False]


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        ({"data": ["gpt-4o", {"id": "b"}]}, ["gpt-4o", "b"]),
        ({"data": [None, 5, "", "  ", [], ["x"], {"id": None}, {"id": 7}, {"id": ["x"]}, {}, {"id": "a"}]}, ["a"]),
        ({"data": [{"id": " a "}, {"name": "b"}, {"id": None, "model": "c"}]}, ["a", "b", "c"]),
        ({"data": [{"id": "a"}, {"id": "b"}, {"id": "a"}, "b"]}, ["a", "b"]),
        ({"data": [{"id": "x" * 513}, {"id": "a\nb"}, {"id": "maker/*"}, {"id": "a"}]}, ["a"]),
        ({"data": {"a": {"max_model_len": 4096}, "b": None}}, ["a", "b"]),
        ({"models": {"a": {}}}, ["a"]),
        ({"data": {"object": "list", "data": [{"id": "a"}]}}, ["a"]),
        ({"data": None, "models": ["a"]}, ["a"]),
        (["a", {"id": "b"}], ["a", "b"]),
        ({"data": []}, []),
        ({"data": {}}, []),
        ([], []),
        ({"data": [{"id": f"m{number}"} for number in range(10_005)]}, [f"m{number}" for number in range(10_000)]),
    ],
)
def test_ids_in_many_forms(document: object, ids: list[str]) -> None:
    assert [model.id for model in read(document)] == ids


def test_of_two_rows_the_one_that_says_more_counts() -> None:
    rows = [{"id": "a"}, {"id": "a", "max_model_len": 4096}, {"id": "a", "max_model_len": 9}]
    assert [model.info for model in read(rows)] == [GUESS]


def test_an_adapter_has_the_limits_of_its_base_model() -> None:
    base = {"id": "tiny", "max_model_len": 4096, "parent": None}
    rows = [{"id": "lora", "parent": "tiny"}, base, {"id": "lost", "parent": "who"}, {"id": "self", "parent": "self"}]
    assert {model.id: model.info for model in read(rows)} == {"lora": GUESS, "tiny": GUESS, "lost": {}, "self": {}}


@pytest.mark.parametrize(
    "document",
    [
        None,
        "",
        "gpt-4o",
        5,
        True,
        {},
        {"hello": "world"},
        {"data": None},
        {"data": "gpt-4o"},
        {"data": 5},
        {"error": {}},
    ],
)
def test_what_is_not_a_list(document: object) -> None:
    assert read_listed_models(document) is None


KEYS = st.sampled_from(
    [
        "id",
        "data",
        "models",
        "name",
        "max_model_len",
        "meta",
        "n_ctx",
        "architecture",
        "input_modalities",
        "output_modalities",
        "shutdown_date",
        "top_provider",
        "context_length",
        "max_completion_tokens",
        "supported_parameters",
        "capabilities",
        "vision",
        "deprecation",
        "inference",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), children, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON)
def test_no_row_hides_a_good_one_or_breaks_the_overrides(document: Any, row: Any) -> None:
    read_listed_models(document)
    read_listed_models({"data": document})
    models = {model.id: model.info for model in read({"data": [row, {"id": "good", "max_model_len": 4096}, row]})}
    assert models["good"] == GUESS
    overrides = read_model_info({name: dict(info) for name, info in models.items()})
    assert overrides.traits_of("good").context_window == 4096
    assert all(info.keys() <= TRAIT_SETTINGS.keys() for info in models.values())
    assert json.dumps(list(models.values()))
