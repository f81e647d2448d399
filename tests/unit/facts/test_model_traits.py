"""The table of traits: what each model accepts, and the rows of models that are not listed."""

from __future__ import annotations

import pytest
from amplifier_core.capabilities import ALL_WELL_KNOWN_CAPABILITIES  # pyright: ignore[reportAttributeAccessIssue]
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts import model_traits as table
from openai_responses_common.facts.model_traits import UNKNOWN_TRAITS, find_traits, has_row
from openai_responses_common.facts.traits import EFFORTS

MAX = ("low", "medium", "high", "xhigh", "max")
XHIGH = ("low", "medium", "high", "xhigh")
HIGH = ("low", "medium", "high")
PRO = ("medium", "high", "xhigh")
ROWS = {**table.MODEL_TRAITS, **table.FAMILY_TRAITS, "unknown": UNKNOWN_TRAITS}


@pytest.mark.parametrize(
    ("model", "context_window", "max_output_tokens", "efforts", "default_effort", "sampling"),
    [
        ("gpt-6.2-astra", 922_000, 128_000, MAX, None, "never"),
        ("gpt-6.2-sol", 922_000, 128_000, MAX, None, "never"),
        ("gpt-6.1-sol", 922_000, 128_000, MAX, "medium", "never"),
        ("gpt-6.1-terra", 922_000, 128_000, ("none", *MAX), "medium", "effort_none"),
        ("gpt-6-astra", 922_000, 128_000, MAX, "medium", "never"),
        ("gpt-6-astra-law", 922_000, 128_000, MAX, "medium", "never"),
        ("gpt-6-rosalind", 922_000, 128_000, MAX, "medium", "never"),
        ("gpt-6-sol", 922_000, 128_000, ("none", *MAX), "medium", "effort_none"),
        ("gpt-6-luna", 922_000, 128_000, ("none", *MAX), "medium", "effort_none"),
        ("gpt-5.6", 900_000, 128_000, ("none", *MAX), "medium", "effort_none"),
        ("gpt-5.6-sol", 900_000, 128_000, ("none", *MAX), "medium", "effort_none"),
        ("gpt-5.6-terra", 900_000, 128_000, ("none", *MAX), "medium", "effort_none"),
        ("gpt-5.6-luna", 900_000, 128_000, ("none", *MAX), "medium", "effort_none"),
        ("gpt-5.6-cyber", 272_000, 128_000, None, None, "effort_none"),
        ("gpt-5.5", 922_000, 128_000, ("none", *XHIGH), "medium", "effort_none"),
        ("gpt-5.5-pro", 922_000, 128_000, PRO, None, "never"),
        ("gpt-5.4", 922_000, 128_000, ("none", *XHIGH), "none", "effort_none"),
        ("gpt-5.4-pro", 922_000, 128_000, PRO, None, "never"),
        ("gpt-5.4-mini", 272_000, 128_000, ("none", *XHIGH), "none", "effort_none"),
        ("gpt-5.4-nano", 272_000, 128_000, ("none", *XHIGH), "none", "effort_none"),
        ("gpt-5.3-codex", 272_000, 128_000, ("none", *XHIGH), "none", "effort_none"),
        ("gpt-5.2", 272_000, 128_000, ("none", *XHIGH), "none", "effort_none"),
        ("gpt-5.2-pro", 272_000, 128_000, PRO, None, "never"),
        ("gpt-5.1", 272_000, 128_000, ("none", *HIGH), "none", "effort_none"),
        ("gpt-5.1-codex-max", 272_000, 128_000, XHIGH, "medium", "never"),
        ("gpt-5", 272_000, 128_000, ("minimal", *HIGH), "medium", "never"),
        ("gpt-5-mini", 272_000, 128_000, ("minimal", *HIGH), "medium", "never"),
        ("gpt-5-nano", 272_000, 128_000, ("minimal", *HIGH), "medium", "never"),
        ("gpt-5-pro", 272_000, 128_000, ("high",), "high", "never"),
        ("chat-latest", 272_000, 128_000, ("medium",), "medium", "never"),
        ("o3", 200_000, 100_000, HIGH, "medium", "never"),
        ("o3-pro", 200_000, 100_000, HIGH, "medium", "never"),
        ("o4-mini", 200_000, 100_000, HIGH, "medium", "never"),
        ("o3-mini", 200_000, 100_000, HIGH, "medium", "never"),
        ("o1", 200_000, 100_000, HIGH, "medium", "never"),
        ("gpt-4.1", 1_047_576, 32_768, (), None, "always"),
        ("gpt-4.1-mini", 1_047_576, 32_768, (), None, "always"),
        ("gpt-4.1-nano", 1_047_576, 32_768, (), None, "always"),
        ("gpt-4o", 128_000, 16_384, (), None, "always"),
        ("gpt-4o-mini", 128_000, 16_384, (), None, "always"),
        ("gpt-oss-120b", 98_304, 32_768, HIGH, "medium", "always"),
    ],
)
def test_listed_models(
    model: str,
    context_window: int,
    max_output_tokens: int,
    efforts: tuple[str, ...] | None,
    default_effort: str | None,
    sampling: str,
) -> None:
    traits = find_traits(model)
    assert traits.context_window == context_window
    assert traits.max_output_tokens == max_output_tokens
    assert traits.efforts == efforts
    assert traits.default_effort == default_effort
    assert traits.sampling == sampling
    assert traits.is_listed


@pytest.mark.parametrize("name", ROWS)
def test_every_row_is_coherent(name: str) -> None:
    row = ROWS[name]
    assert row.context_window > 0
    assert row.max_output_tokens > 0
    if row.efforts is not None:
        assert list(row.efforts) == [effort for effort in EFFORTS if effort in row.efforts], "weakest first"
        assert row.default_effort is None or row.default_effort in row.efforts
        assert not (row.sampling == "effort_none" and "none" not in row.efforts)
    assert set(row.list_capabilities()) <= set(ALL_WELL_KNOWN_CAPABILITIES)
    assert len(set(row.list_capabilities())) == len(row.list_capabilities())
    assert (row.leading_system == "developer") == name.startswith("gpt-6.2")


@pytest.mark.parametrize(
    ("model", "like"),
    [
        ("gpt-6.1-sol-2026-10-01", "gpt-6.1-sol"),
        ("gpt-5.5-2026-04-23", "gpt-5.5"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("GPT-6-Sol", "gpt-6-sol"),
        ("openai/gpt-oss-20b", "gpt-oss"),
        ("gpt-oss:20b", "gpt-oss"),
        ("o3-mini-high", "o1-preview"),
    ],
)
def test_other_spellings_find_the_row(model: str, like: str) -> None:
    assert find_traits(model) == find_traits(like)


def test_a_snapshot_may_have_a_row_of_its_own() -> None:
    assert find_traits("gpt-4o-2024-05-13").max_output_tokens == 4_096


@pytest.mark.parametrize(
    ("model", "context_window", "known"),
    [
        ("gpt-5.7-foo", 272_000, True),
        ("gpt-5.10", 272_000, True),
        ("gpt-5-search-api", 272_000, True),
        ("gpt-5.6-foo-2027-01-01", 900_000, True),
        ("gpt-6-foo", 922_000, True),
        ("gpt-6.3-sol", 922_000, True),
        ("gpt-6.2-luna", 922_000, True),
        ("gpt-7-x", 272_000, False),
        ("gpt-10", 272_000, False),
    ],
)
def test_a_member_of_the_family_that_is_not_listed_reasons_and_takes_any_effort(
    model: str, context_window: int, known: bool
) -> None:
    traits = find_traits(model)
    assert traits.context_window == context_window
    assert traits.efforts is None
    assert traits.can_reason is True
    assert traits.sampling == "effort_none"
    assert traits.is_listed is known


@pytest.mark.parametrize(
    ("model", "reasons", "context_window"),
    [
        ("gpt-4.1-foo", False, 1_047_576),
        ("gpt-4o-foo", False, 128_000),
        ("ft:gpt-4o-mini-2024-07-18:org::id", False, 128_000),
        ("gpt-4-turbo", False, 128_000),
        ("gpt-3.5-turbo", False, 16_385),
        ("gpt-5.2-chat-latest", True, 128_000),
        ("o4-foo", True, 200_000),
    ],
)
def test_older_families(model: str, reasons: bool, context_window: int) -> None:
    traits = find_traits(model)
    assert traits.can_reason is reasons
    assert traits.context_window == context_window


@pytest.mark.parametrize("model", ["", "prod-chat", "qwen3:32b", "mistral", "-x", "o", "o30", "gpt4", "vendor/"])
def test_an_unknown_model_passes_on_whatever_was_asked(model: str) -> None:
    traits = find_traits(model)
    assert traits == UNKNOWN_TRAITS
    assert not traits.is_listed
    assert (traits.efforts, traits.default_effort, traits.can_reason) == (None, None, None)
    assert (traits.sampling, traits.verbosity, traits.vision) == ("always", True, True)
    assert (traits.context_window, traits.max_output_tokens) == (128_000, 16_384)


@given(st.text(max_size=40))
def test_every_id_gets_an_answer(model: str) -> None:
    assert find_traits(model).context_window > 0


@pytest.mark.parametrize(
    ("model", "reasons"), [("gpt-6-sol", True), ("gpt-4o", False), ("o3-deep-research", True), ("local", None)]
)
def test_reasons(model: str, reasons: bool | None) -> None:
    assert find_traits(model).can_reason is reasons


@pytest.mark.parametrize(
    ("model", "verbosity", "vision", "leading_system"),
    [
        ("gpt-6.2-sol", True, True, "developer"),
        ("gpt-6.1-sol", True, True, "instructions"),
        ("gpt-5", True, True, "instructions"),
        ("gpt-5.2-codex", False, True, "instructions"),
        ("chat-latest", False, True, "instructions"),
        ("o3-mini", False, False, "instructions"),
        ("o1", False, True, "instructions"),
        ("gpt-4.1", False, True, "instructions"),
        ("gpt-oss", False, False, "instructions"),
    ],
)
def test_other_abilities(model: str, verbosity: bool, vision: bool, leading_system: str) -> None:
    traits = find_traits(model)
    assert (traits.verbosity, traits.vision, traits.leading_system) == (verbosity, vision, leading_system)


@pytest.mark.parametrize(
    ("model", "capabilities"),
    [
        (
            "gpt-6-luna",
            "tools streaming thinking vision json_mode long_context web_search computer_use fast",
        ),
        ("gpt-5", "tools streaming thinking vision json_mode web_search"),
        ("gpt-4.1", "tools streaming vision json_mode long_context web_search"),
        ("gpt-4o-mini", "tools streaming vision json_mode fast"),
        ("o3-mini", "tools streaming thinking json_mode"),
        ("o3-deep-research", "streaming thinking vision json_mode web_search deep_research"),
        ("local", "tools streaming json_mode"),
    ],
)
def test_capabilities(model: str, capabilities: str) -> None:
    assert find_traits(model).list_capabilities() == capabilities.split()


# OpenAI's page on deprecations as of 2026-11-30, and secondary sources for the cyber preview.
SHUTDOWNS = """
2026-07-23 gpt-5-codex gpt-5.1-codex gpt-5.1-codex-max gpt-5.1-codex-mini gpt-5.2-codex o3-deep-research
2026-07-23 o4-mini-deep-research
2026-10-23 o1 o1-pro o3-mini o4-mini gpt-4.1-nano gpt-4o-2024-05-13
2026-12-11 gpt-5 gpt-5-mini gpt-5-nano gpt-5-pro o3 o3-pro
2027-01-14 gpt-4.1 gpt-4.1-mini gpt-4o gpt-4o-mini
2027-02-01 gpt-5.5-cyber-preview
2027-04-01 gpt-5.1 gpt-5.4-nano gpt-5.3-codex
"""


def test_shutdown_days_are_those_announced() -> None:
    announced = {name: day for day, *names in map(str.split, SHUTDOWNS.split("\n")[1:-1]) for name in names}
    assert {name: row.shutdown for name, row in table.MODEL_TRAITS.items() if row.shutdown} == announced


def test_a_successor_is_a_model_that_has_no_end() -> None:
    successors = {name: row.successor for name, row in table.MODEL_TRAITS.items() if row.successor}
    assert successors["gpt-5-mini"] == "gpt-6.1-terra"
    assert {name for name in successors if table.MODEL_TRAITS[name].shutdown is None} == set()
    assert {name for name in successors.values() if table.MODEL_TRAITS[name].shutdown is not None} == set()


@pytest.mark.parametrize(
    ("model", "listed"),
    [("gpt-6-sol", True), ("openai/GPT-6-sol-2026-09-22", True), ("gpt-6-foo", False), ("gpt-oss-20b", False)],
)
def test_a_row_is_that_of_the_very_model(model: str, listed: bool) -> None:
    assert has_row(model) is listed


def test_output_takes_room_from_the_input_only_in_a_shared_window() -> None:
    shared, apart = find_traits("gpt-4.1"), find_traits("gpt-5.6-sol")
    assert shared.find_input_limit(None) == 1_047_576 - 32_768
    assert shared.find_input_limit(6400) == 1_047_576 - 6400
    assert shared.find_input_limit(10**9) == shared.find_input_limit(None)
    assert apart.find_input_limit(6400) == apart.find_input_limit(None) == apart.context_window
