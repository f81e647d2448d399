"""What is kept beside a block: read where it is whole, and no state at all where it was edited."""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core.message_models import TextBlock
from openai_responses_common.translate.replay_state import (
    ReplayState,
    as_extra_field,
    make_maker_state,
    read_replay_state,
)


def test_effort_of_a_request_is_part_of_the_state() -> None:
    assert make_maker_state("here", "m", "m", "low") == {"origin": "here", "model": "m", "effort": "low"}
    assert make_maker_state("here", "m", "m") == {"origin": "here", "model": "m"}


def test_a_state_is_found_beside_its_block() -> None:
    state: ReplayState = {"origin": "here", "item": {"type": "message", "id": "msg_1"}, "part": 1}
    assert read_replay_state(TextBlock(text="a", **as_extra_field(state))) == state


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        "x",
        {"item": None},
        {"item": ["message"]},
        {"item": {"type": None}},
        {"item": {"type": "message", "id": []}},
        {"item": {"type": "function_call", "call_id": {}}},
        {"item": {"type": "function_call", "name": 5}},
        {"item": {"type": "message", "role": []}},
        {"origin": "here", "model": 5},
        {"origin": "here", "model": "m", "alias": ["m"]},
        {"origin": "here", "effort": None},
    ],
)
def test_what_is_no_state_any_more_is_none(state: Any) -> None:
    """A transcript that somebody edited goes on without what was lost."""
    assert read_replay_state(TextBlock.model_validate({"text": "a", "openai": state})) == {}


def test_a_block_of_another_provider_has_none() -> None:
    assert read_replay_state(TextBlock(text="a")) == {}


@pytest.mark.parametrize(
    ("served", "requested", "state"),
    [
        ("gpt-6-sol-2026-09-01", "gpt-6-sol", {"model": "gpt-6-sol-2026-09-01"}),
        ("gpt-6-sol", "my-deployment", {"model": "gpt-6-sol", "alias": "my-deployment"}),
        (None, "gpt-6-sol", {"model": "gpt-6-sol"}),
        (5, "", {}),
    ],
)
def test_the_state_names_the_model_and_its_alias(served: object, requested: str, state: dict[str, str]) -> None:
    assert make_maker_state("here", served, requested) == {"origin": "here", **state}
