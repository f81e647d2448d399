"""The end of a model: when it is announced, in which words, and once."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.options.model_info import read_model_info
from openai_responses_common.options.options import Options
from openai_responses_common.provider.shutdowns import describe_shutdown_of, warn_of_shutdown

OPENAI = BackendProfile(name="p", display_name="The service", announces_shutdowns=True)
OTHER = replace(OPENAI, announces_shutdowns=False)


def options(model: str, day: str | None = None) -> Options:
    return Options(model=model, model_info=read_model_info({model: {"shutdown": day}} if day else {}))


def in_days(count: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=count)).isoformat()


@pytest.mark.parametrize(
    ("model", "days", "profile", "text"),
    [
        ("gpt-5-mini", 10, OTHER, "ends on {day}, use gpt-6.1-terra"),
        ("gpt-5-mini", 31, OPENAI, ""),
        ("gpt-4.1", -1, OPENAI, "ended on {day}, use gpt-6-luna"),
        ("mine", 30, OTHER, "ends on {day}"),
    ],
)
def test_the_day_of_the_list_counts_and_the_successor_is_named(
    model: str, days: int, profile: BackendProfile, text: str
) -> None:
    day = in_days(days)
    assert describe_shutdown_of(options(model, day), profile) == text.format(day=day)


def test_the_days_of_the_table_are_those_of_one_service() -> None:
    assert describe_shutdown_of(options("o1"), OPENAI) == "ended on 2026-10-23"
    assert describe_shutdown_of(options("o1"), OTHER) == ""
    assert describe_shutdown_of(options("gpt-6-sol"), OPENAI) == ""


def test_the_warning_comes_once_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    day = in_days(7)
    with caplog.at_level(logging.WARNING):
        for model in ("o3-pro", "o3-pro", "its-own"):
            warn_of_shutdown(options(model, day), OPENAI)
    assert [record.getMessage() for record in caplog.records] == [
        f"The service: the service says that the model o3-pro ends on {day}, use gpt-6.1-sol",
        f"The service: the service says that the model its-own ends on {day}: choose another model",
    ]
