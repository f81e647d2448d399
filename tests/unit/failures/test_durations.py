"""Durations: what a service asks us to wait, in headers, bodies and messages; and durations as text."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.failures.durations import (
    format_duration,
    parse_seconds,
    parse_wait_s,
    read_reset_s,
    read_retry_after_s,
)

NOW = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (5.0, "1 min"),
        (60.0, "1 min"),
        (90.0, "2 min"),
        (3600.0, "1 h"),
        (3660.0, "1 h 1 min"),
        (86_400.0 * 3 + 60, "3 d 1 min"),
        (90_060.0, "1 d 1 h 1 min"),
    ],
)
def test_duration_as_text(duration_s: float, text: str) -> None:
    assert format_duration(duration_s) == text


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5.0), (" 1.5 ", 1.5), (7, 7.0), ("-3", 0.0), ("nan", None), ("inf", None), ("1e99", None), ("soon", None)],
)
def test_seconds_from_a_value(value: object, seconds: float | None) -> None:
    assert parse_seconds(value) == seconds


@pytest.mark.parametrize("value", [None, True, [], 10**400])
def test_no_seconds_from_other_values(value: object) -> None:
    assert parse_seconds(value) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "nan", "retry-after": "9"}, 9.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT", "date": NOW}, 90.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT", "date": "yesterday"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:00:00 GMT", "date": NOW}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:00 -0000", "date": NOW}, 60.0),
        ({"retry-after": "Wed, 21 Oct 2026 09:29:00 +0200", "date": NOW}, 60.0),
        ({"retry-after": f"Wed, 21 Oct {'9' * 20} 07:29:30 GMT", "date": NOW}, None),
        ({"retry-after": 7}, 7.0),
        ({"retry-after": ["7"], "date": NOW}, None),
        ({"retry-after": True, "date": NOW}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT", "date": 7}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT", "date": None}, None),
    ],
)
def test_wait_from_the_headers(headers: dict[str, Any], seconds: float | None) -> None:
    assert read_retry_after_s(headers) == seconds


@pytest.mark.parametrize(
    ("error", "headers", "seconds"),
    [
        ({"resets_in_seconds": 1234}, {}, 1234.0),
        ({"resets_at": 1792568680}, {"date": NOW}, 1000.0),
        ({"resets_at": 1792567675}, {"date": NOW}, 0.0),
        ({"resets_at": 1792568680}, {}, None),
        ({"resets_at": 1792568680}, {"date": 7}, None),
        ({"resets_at": "tomorrow"}, {"date": NOW}, None),
        ({"resets_in_seconds": 10**400}, {}, None),
        ({"resets_at": 10**400}, {"date": NOW}, None),
        ({"resets_in_seconds": float("inf"), "resets_at": 1792568680}, {"date": NOW}, 1000.0),
        ({}, {"date": NOW}, None),
    ],
)
def test_reset_of_a_plan_limit(error: dict[str, Any], headers: dict[str, Any], seconds: float | None) -> None:
    assert read_reset_s(error, headers) == seconds


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Please try again in 1.5s.", 1.5),
        ("Please try again in 20s. Visit https://example.com", 20.0),
        ("Please try again in 500ms.", 0.5),
        ("Please try again in 6m0s.", 360.0),
        ("Please try again in 1m30.5s.", 90.5),
        ("Please try again in 2m.", 120.0),
        ("Please try again in 1h12m.", 4320.0),
        ("Please try again in 1h.", 3600.0),
        ("Please try again in 1h2m3s.", 3723.0),
        ("Please try again in ..s", None),
        ("Please try again in a moment.", None),
        ("Please try again later.", None),
        ("30s", None),
    ],
)
def test_wait_from_the_message_of_a_stream_error(message: str, seconds: float | None) -> None:
    assert parse_wait_s(f"Rate limit reached for m. {message}") == seconds
