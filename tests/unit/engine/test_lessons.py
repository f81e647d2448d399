"""What refusals taught is shared by all callers of an endpoint, and bounded in time and size."""

from __future__ import annotations

import pytest
from openai_responses_common.engine import lessons as module
from openai_responses_common.engine.lessons import Lessons
from openai_responses_common.facts.amendments import NO_AMENDMENTS, Amendments

INCLUDE = Amendments(dropped_fields=frozenset({"include"}))
NO_STREAM = Amendments(streams=False)


def test_lessons_of_an_origin_and_a_model_add_up() -> None:
    lessons = Lessons()
    assert lessons.add("here", "m", INCLUDE)
    assert lessons.add("here", "m", NO_STREAM)
    assert not lessons.add("here", "m", INCLUDE), "that is no news"
    assert lessons.find("here", "m") == INCLUDE.merge(NO_STREAM)
    assert lessons.find("there", "m") == lessons.find("here", "n") == NO_AMENDMENTS
    lessons.clear()
    assert lessons.find("here", "m") == NO_AMENDMENTS


def test_lessons_end_with_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    lessons = Lessons(lifetime_s=60)
    lessons.add("here", "m", INCLUDE)
    now = 1059.0
    assert lessons.find("here", "m") == INCLUDE
    lessons.add("here", "m", NO_STREAM)
    now = 1061.0
    assert lessons.find("here", "m") == NO_AMENDMENTS, "a later lesson does not prolong the first"
    assert lessons.add("here", "m", INCLUDE), "it is news again"


def test_the_oldest_lessons_make_room() -> None:
    lessons = Lessons(max_count=2)
    for model in "abc":
        lessons.add("here", model, INCLUDE)
    assert [lessons.find("here", model) for model in "abc"] == [NO_AMENDMENTS, INCLUDE, INCLUDE]
