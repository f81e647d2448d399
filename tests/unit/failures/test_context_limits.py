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
    "shorten the conversation [request req_0123456789]": (None, None),
}


@pytest.mark.parametrize("message", NUMBERS)
def test_the_numbers_are_read(message: str) -> None:
    limit, tokens = NUMBERS[message]
    assert read_context_numbers(message) == ContextNumbers(limit=limit, tokens=tokens)


@pytest.mark.parametrize("sentence", sorted({row.sentence for row in SERVER_SENTENCES}))
def test_no_sentence_of_a_server_yields_nonsense(sentence: str) -> None:
    numbers = read_context_numbers(sentence)
    assert numbers.tokens is None or (numbers.limit is not None and numbers.tokens > numbers.limit > 0)
