"""The models of a list as a host gets them: which of them, and in which order."""

from __future__ import annotations

from openai_responses_common import read_models
from openai_responses_common.options.model_info import NO_OVERRIDES, read_model_info

IDS = ["gpt-5.4", "text-embedding-3-large", "gpt-5.5", "gpt-5.5-2026-04-23", "gpt-6.1-sol"]


def test_the_default_comes_first_and_a_model_that_has_ended_last() -> None:
    info = read_model_info({"gpt-6.1-sol": {"shutdown": "2020-01-01"}, "mine": {"model": "gpt-7-sol"}})
    models = read_models({"data": IDS}, hide_dated=False, model_info=info, default="gpt-5.4")
    assert [model.id for model in models] == ["gpt-5.4", "mine", "gpt-5.5", "gpt-5.5-2026-04-23", "gpt-6.1-sol"]
    assert models[-1].display_name == "gpt-6.1-sol (ended on 2020-01-01)"


def test_snapshots_can_be_hidden() -> None:
    models = read_models({"data": IDS}, hide_dated=True, model_info=NO_OVERRIDES)
    assert [model.id for model in models] == ["gpt-6.1-sol", "gpt-5.5", "gpt-5.4"]
