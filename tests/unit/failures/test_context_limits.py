"""The numbers of a refusal of an input that is too long: how long it may be, and how long it was."""

from __future__ import annotations

import pytest
from openai_responses_common.failures.context_limits import ContextNumbers, read_context_numbers
from openai_responses_common.failures.server_sentences import SERVER_SENTENCES

NUMBERS = {
    "Your input exceeds the context window of this model. Please adjust your input and try again.": (None, None),
    "Input tokens exceed the configured limit of 922000 tokens. Your messages resulted in 1,000,010 tokens.": (
        922_000,
        1_000_010,
    ),
    "This model's maximum context length is 4096 tokens. However, you requested 4500 tokens (3500 in the messages).": (
        4096,
        4500,
    ),
    "prompt is too long: 210000 tokens > 200000 maximum": (200_000, 210_000),
    "the request exceeds the available context size (4096 tokens), try increasing it": (4096, None),
    "the request (5000 tokens) exceeds the available context size (4096 tokens)": (4096, 5000),
    "request body has 5000 tokens": (None, None),
    "maximum context length of 8192: 100 tokens": (8192, None),
    "maximum context length is 131072 tokens. However, you requested max_tokens=512, the prompt has 140000 tokens": (
        131_072,
        140_000,
    ),
    "max_tokens is too large: 4000. This model's maximum context length is 4096 tokens and the request has 1000 input "
    "tokens": (4096, None),
    "maximum output tokens: 8192": (None, None),
    "context length 128k exceeded": (128_000, None),
    "context window of 1M tokens": (1_000_000, None),
    "context window of 131.072 tokens exceeded": (131_072, None),
    "context length of 200000 tokens exceeds the limit of 128000": (128_000, 200_000),
    "context window of 1.5M tokens": (None, None),
    "context window exceeded. Rate limit: 5000 requests": (None, None),
    "exceed context limit: 149674 + 64000 > 204658": (None, None),
    "context window exceeds limit (17)": (None, None),
    "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 input tokens": (4096, 5000),
    "shorten the conversation [request req_0123456789]": (None, None),
}


@pytest.mark.parametrize("message", NUMBERS)
def test_the_numbers_are_read(message: str) -> None:
    limit, tokens = NUMBERS[message]
    assert read_context_numbers(message) == ContextNumbers(limit=limit, tokens=tokens)


def test_a_limit_that_is_far_too_low_is_something_else() -> None:
    assert read_context_numbers("invalid params, context window exceeds limit (2013)", floor=16_000).limit is None
    assert read_context_numbers("the limit is 3000, there are 40000 tokens", floor=16_000).limit is None
    own_server = "the request (50000 tokens) exceeds the available context size (4096 tokens)"
    assert read_context_numbers(own_server, floor=16_000) == ContextNumbers(limit=4096, tokens=50_000)


@pytest.mark.parametrize("sentence", sorted({row.sentence for row in SERVER_SENTENCES}))
def test_no_sentence_of_a_server_yields_nonsense(sentence: str) -> None:
    numbers = read_context_numbers(sentence)
    assert numbers.tokens is None or (numbers.limit is not None and numbers.tokens > numbers.limit > 0)
