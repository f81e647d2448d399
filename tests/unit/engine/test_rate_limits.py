"""Rate limits from headers and from an event of the stream, and the one that is closest to its end."""

from __future__ import annotations

from amplifier_module_provider_chatgpt_oauth.quirks import LIMIT_TABLE
from openai_responses_common.engine.rate_limits import RateLimits
from openai_responses_common.facts.backend_profile import API_LIMITS

HEADERS = {
    "x-ratelimit-limit-requests": "100",
    "x-ratelimit-remaining-requests": "99",
    "x-ratelimit-reset-requests": "1s key-1",
    "x-ratelimit-limit-tokens": "1000",
    "x-ratelimit-remaining-tokens": "0",
}


def build() -> RateLimits:
    return RateLimits(API_LIMITS, lambda text: text.replace("key-1", "[REDACTED]"))


def test_headers_are_read_as_numbers_and_without_the_credential() -> None:
    limits = build().collect(HEADERS)
    assert limits is not None
    assert limits["requests_limit"] == 100
    assert limits["requests_reset"] == "1s [REDACTED]"
    assert build().collect({}) is None


def test_limit_that_is_used_up_is_the_fullest() -> None:
    assert build().describe_fullest(HEADERS) == {"dimension": "tokens", "remaining": 0, "limit": 1000}
    assert build().describe_fullest({}) == {"dimension": "requests", "remaining": None, "limit": None}


def test_window_of_a_plan_is_the_fullest_by_its_percents() -> None:
    limits = RateLimits(LIMIT_TABLE, str)
    windows = {"primary": {"used_percent": 20, "window_minutes": 300}, "secondary": {"used_percent": 99.5}}
    limits.read_event({"type": "codex.rate_limits", "plan_type": "pro", "rate_limits": windows, "credits": None})
    collected = limits.collect({"x-codex-primary-used-percent": "12.5", "x-codex-credits-balance": "1"})
    assert collected is not None
    assert (collected["primary_used_percent"], collected["plan"], collected["credits_balance"]) == (20, "pro", 1)
    assert limits.describe_fullest({}) == {"dimension": "secondary", "remaining": 0.5, "limit": 100}
    primary = RateLimits(LIMIT_TABLE, str)
    headers = {"x-codex-primary-used-percent": "12.5", "x-codex-primary-window-minutes": "300"}
    assert primary.describe_fullest(headers) == {"dimension": "300 minutes", "remaining": 87.5, "limit": 100}


def test_other_events_and_flags_are_no_limits() -> None:
    limits = RateLimits(LIMIT_TABLE, str)
    limits.read_event({"type": "response.created", "plan_type": "pro"})
    limits.read_event({"type": "codex.rate_limits", "rate_limits": {"primary": {"used_percent": True}}})
    assert limits.describe_fullest({}) == {"dimension": "requests", "remaining": None, "limit": None}
