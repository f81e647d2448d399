"""The order of models in a menu."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts.model_ids import MODEL_ALIASES, has_snapshot_date
from openai_responses_common.facts.model_ranking import TIERS, rank_models
from openai_responses_common.facts.model_traits import MODEL_TRAITS

ODD = [
    "ft:gpt-4.1:acme::x",
    "gpt-5.5-2026-04-23",
    "gpt-5.5-preview",
    "openai/gpt-6-sol",
    "GPT-6-SOL",
    "o",
    "gpt-",
    "llama",
]
MODELS = st.lists(st.sampled_from([*MODEL_TRAITS, *MODEL_ALIASES, *ODD]) | st.text(max_size=12), unique=True)


@given(MODELS, st.data())
def test_no_model_is_lost_and_the_default_is_first(models: list[str], data: st.DataObject) -> None:
    default = data.draw(st.sampled_from([*models, "absent"]))
    ended = data.draw(st.sets(st.sampled_from(models))) - {default} if models else set[str]()
    ranked = rank_models(models, default=default, ended=ended)
    assert sorted(ranked) == sorted(models)
    assert default not in models or ranked[0] == default
    assert {*ranked[len(ranked) - len(ended) :]} == ended
    running = [model for model in ranked if model != default and model not in ended]
    assert [model.lower().startswith("ft:") for model in running] == sorted(
        model.lower().startswith("ft:") for model in running
    )


@given(MODELS)
def test_a_ranked_list_stays_as_it_is(models: list[str]) -> None:
    ranked = rank_models(models)
    assert rank_models(ranked) == ranked


@given(st.permutations(["llama", "claude-opus-9-20270101", "my-model", "gpt-oss-120b", "qwen3:8b"]))
def test_a_server_of_another_vendor_keeps_its_order(models: list[str]) -> None:
    assert rank_models(models) == models


@given(st.permutations(["gpt-6-sol", "gpt-6.1-sol", "gpt-10-sol", "gpt-10.2-sol", "gpt-10.10-sol"]))
def test_versions_are_numbers(models: list[str]) -> None:
    assert rank_models(models) == ["gpt-10.10-sol", "gpt-10.2-sol", "gpt-10-sol", "gpt-6.1-sol", "gpt-6-sol"]


def test_the_newest_of_each_tier_comes_before_older_generations() -> None:
    models = [f"gpt-{version}{tier and '-'}{tier}" for version in ("4", "7.1", "7") for tier in TIERS]
    ranked = rank_models(sorted(models), default="gpt-7-terra")
    assert ranked[0] == "gpt-7-terra"
    assert ranked[1 : 1 + len(TIERS)] == [f"gpt-7.1{tier and '-'}{tier}" for tier in TIERS]
    assert ranked[-len(TIERS) :] == [f"gpt-4{tier and '-'}{tier}" for tier in TIERS]


def test_what_few_people_want_comes_last() -> None:
    models = ["ft:gpt-9:acme::x", "gpt-9-preview", "gpt-9-2028-01-01", "gpt-8", "o3", "o3-pro", "gpt-9", "gpt-9-law"]
    assert rank_models(["my-model", *models], ended={"gpt-8"}) == [
        *("gpt-9", "gpt-9-law", "o3", "o3-pro", "my-model"),
        *("gpt-9-2028-01-01", "gpt-9-preview", "ft:gpt-9:acme::x", "gpt-8"),
    ]


@pytest.mark.parametrize("name", ["gpt-6.1-sol", "openai/gpt-6.1-sol", "gpt-sol-latest", "prod-2026-01-01"])
def test_a_name_counts_as_the_model_behind_it(name: str) -> None:
    table_ids = {"prod-2026-01-01": "gpt-6.1-sol-2026-11-01"}
    ranked = rank_models(["gpt-6-sol", name], find_table_id=lambda model: table_ids.get(model, model))
    assert ranked == ([name, "gpt-6-sol"] if not has_snapshot_date(name) else ["gpt-6-sol", name])
