"""Which earlier prompt a later one is compared with, and why its cache missed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from openai_responses_common.engine._call import find_pricing
from openai_responses_common.engine.cache_watch import CacheWatch, Prompt, digest_prompt
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.options.options import Options
from openai_responses_common.wire.request_body import RequestBody
from openai_responses_common.wire.types import Response

PROFILE = BackendProfile(name="test", display_name="Test")
OPTIONS = Options(model="gpt-5.6-sol", prompt_cache_key="conversation")
PRICING = find_pricing(OPTIONS, PROFILE)
TOOLS = {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "look"}]}


def build_prompt(*texts: str, tools_item: bool = False, **fields: Any) -> Prompt:
    items = [{"type": "message", "role": "user", "content": text} for text in texts]
    return digest_prompt(RequestBody({"model": OPTIONS.model, **fields}, [*([TOOLS] if tools_item else []), *items]))


def build_response(cached_tokens: int, input_tokens: int = 10_000, **fields: Any) -> Response:
    usage = {"input_tokens": input_tokens, "output_tokens": 1, "input_tokens_details": {"cached_tokens": cached_tokens}}
    return {"id": "resp_1", "status": "completed", "output": [], "usage": usage, **fields}


@pytest.fixture
def watch() -> CacheWatch:
    return CacheWatch(PROFILE, scrub=lambda text: text.replace("secret", "[REDACTED]"))


def find_reason(watch: CacheWatch, earlier: Prompt, prompt: Prompt, response: Response, **sent: Any) -> Any:
    watch.add(earlier, build_response(0), OPTIONS)
    found = watch.find_earlier(prompt, OPTIONS)
    assert found is not None
    for name, value in sent.items():
        object.__setattr__(found, name, value)
    return watch.find_miss(found, prompt, response, PRICING)


@pytest.mark.parametrize(
    ("earlier", "prompt", "found"),
    [
        ([("a",), ("a", "b")], ("a", "b", "c"), 1),
        ([("a", "b"), ("a",)], ("a", "b", "c"), 0),
        ([("a", "b"), ("a", "x", "y", "z")], ("a", "b", "c"), 0),
        ([("a", "b"), ("a", "x")], ("a", "c"), 1),
        ([("a", "b", "c"), ("a", "b")], ("a",), 1),
        ([("b",)], ("a",), None),
        ([("a",)] * 2 + [("x",)] * 4, ("a",), None),
        ([], ("a",), None),
    ],
)
def test_the_newest_prompt_that_has_most_in_common_is_compared(
    watch: CacheWatch, earlier: list[tuple[str, ...]], prompt: tuple[str, ...], found: int | None
) -> None:
    for number, texts in enumerate(earlier):
        watch.add(build_prompt(*texts), {**build_response(0), "id": str(number)}, OPTIONS)
    sent = watch.find_earlier(build_prompt(*prompt), OPTIONS)
    assert (sent and sent.response_id) == (None if found is None else str(found))


def test_other_conversations_are_not_compared(watch: CacheWatch) -> None:
    watch.add(build_prompt("a"), build_response(0), OPTIONS)
    assert watch.find_earlier(build_prompt("a"), Options(model=OPTIONS.model, prompt_cache_key="other")) is None
    assert watch.find_earlier(build_prompt("a"), Options(model=OPTIONS.model)) is None


@pytest.mark.parametrize(
    ("earlier", "prompt", "reason"),
    [
        (build_prompt("a", "b", instructions="x"), build_prompt("a", "b", instructions="y"), ("input_changed", None)),
        (build_prompt("a"), build_prompt("a", model="other"), ("model_changed", None)),
        (build_prompt("a"), build_prompt("a", tools=[{"type": "function"}]), ("tools_changed", None)),
        (build_prompt("a"), build_prompt("a", tools_item=True), ("tools_changed", None)),
        (build_prompt("a"), build_prompt("a", reasoning={"effort": "low"}), ("reasoning_effort_changed", None)),
        (build_prompt("a"), build_prompt("a", text={"verbosity": "low"}), ("verbosity_changed", None)),
        (build_prompt("a"), build_prompt("a", text={"format": {}}), ("text_format_changed", None)),
        (build_prompt("a", "b", "c", "d"), build_prompt("a", "x", "c", "d"), ("input_changed", 1)),
        (build_prompt("a", "b", tools_item=True), build_prompt("a", "x", "b", tools_item=True), ("input_changed", 2)),
        (build_prompt("a"), build_prompt("a", "b"), ("unknown", None)),
    ],
)
def test_what_changed_is_the_reason(
    watch: CacheWatch, earlier: Prompt, prompt: Prompt, reason: tuple[str, int | None]
) -> None:
    miss = find_reason(watch, earlier, prompt, build_response(0))
    assert (miss.reason, miss.changed_item, miss.source, miss.missed_tokens) == (*reason, "provider", 10_000)
    assert miss.extra_cost_usd > 0


def test_a_prompt_that_only_grew_may_have_expired(watch: CacheWatch) -> None:
    long_ago_s = time.monotonic() - 3600
    miss = find_reason(watch, build_prompt("a"), build_prompt("a", "b"), build_response(0), at_s=long_ago_s)
    assert miss.reason == "expired"
    ttl = {"ttl": "12h"}
    prompts = build_prompt("a", prompt_cache_options=ttl), build_prompt("a", "b", prompt_cache_options=ttl)
    assert find_reason(watch, *prompts, build_response(0), at_s=long_ago_s).reason == "unknown"


@pytest.mark.parametrize(
    ("word", "reason", "source"),
    [("evicted", "evicted", "service"), ("a secret", "unknown", "provider"), (7, "unknown", "provider")],
)
def test_the_word_of_the_service_counts_more(watch: CacheWatch, word: object, reason: str, source: str) -> None:
    response = build_response(0, prompt_cache_diagnostics={"type": "cache_miss", "reason": word})
    miss = find_reason(watch, build_prompt("a"), build_prompt("a", "b"), response)
    assert (miss.reason, miss.source) == (reason, source)


@pytest.mark.parametrize("response", [build_response(9_500), build_response(0, 1_000), {"id": "resp_1"}])
def test_a_hit_a_small_prompt_and_a_response_without_usage_are_no_miss(watch: CacheWatch, response: Response) -> None:
    assert find_reason(watch, build_prompt("a"), build_prompt("a", "b"), response) is None


def test_of_another_beginning_only_what_is_common_could_have_been_cached(watch: CacheWatch) -> None:
    shared, own, other = "s" * 6_000, ("o" * 6_000,), ("p" * 6_000,)
    miss = find_reason(watch, build_prompt(shared, *own), build_prompt(shared, *other), build_response(0))
    assert 4_900 < miss.missed_tokens < 5_100
