"""How the chat lays out text, cleans it, and puts sums into words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.chat.terminal import clean
from examples.chat.totals import Totals, dollars
from examples.chat.wrap import Wrap, columns


@given(st.lists(st.text(st.sampled_from("ab c\n文`|é"), max_size=12), max_size=30), st.integers(8, 40))
def test_wrapping_loses_nothing_however_the_text_comes(pieces: list[str], width: int) -> None:
    wrap = Wrap(width, "> ")
    shown = "".join([*(wrap.feed(piece) for piece in pieces), wrap.finish()])
    lines = shown.split("\n") if shown else []
    assert all(line.startswith("> ") for line in lines)
    assert "".join("".join(line[2:] for line in lines).split()) == "".join("".join(pieces).split())
    whole = Wrap(width, "> ")
    assert whole.feed("".join(pieces)) + whole.finish() == shown


@given(st.lists(st.text(st.sampled_from("ab文é"), min_size=1, max_size=5), min_size=1), st.integers(8, 40))
def test_wrapped_lines_fit(words: list[str], width: int) -> None:
    wrap = Wrap(width)
    lines = "".join([*(wrap.feed(word + " ") for word in words), wrap.finish()]).split("\n")
    assert max(columns(line) for line in lines) < width or max(map(columns, words)) >= width


def test_words_stay_whole_and_code_stays_as_it_is() -> None:
    text = "a few words to break\n```\ncode that is far too long for it\n```\nand again some words"
    wrap = Wrap(14)
    lines = (wrap.feed(text) + wrap.finish()).split("\n")
    assert lines == [
        "a few words",
        "to break",
        "```",
        "code that is far too long for it",
        "```",
        "and again",
        "some words",
    ]
    assert max(columns(line) for line in (lambda w: w.feed("文" * 30) + w.finish())(Wrap(11)).split("\n")) <= 10


def test_control_characters_are_taken_out() -> None:
    assert clean("a\x1b[31mb\x1b]0;title\x07c\rd\x08\x7f\x9be\tf\r\ng") == "abcde\tf\ng"


def test_money_and_tokens_are_added_up() -> None:
    totals = Totals()
    totals.add({"usage": {"input_tokens": 1000, "output_tokens": 5, "cache_read_tokens": 750, "cost_usd": "0.0012345"}})
    totals.add({"status": "error"})
    assert totals.parts(seconds=1.25, emulated=False) == [
        "1,000 tokens in (75% cached)",
        "5 out",
        "$0.001234",
        "2 requests",
        "1.2 s",
    ]
    totals.add({"usage": {"input_tokens": 1, "output_tokens": 1, "cost_usd": None}})
    assert "cost unknown" in totals.parts(seconds=0, emulated=True)


@pytest.mark.parametrize(
    ("amount", "words"), [("0", "$0"), ("12.3456", "$12.35"), ("1.5", "$1.500"), ("1234.5", "$1,234.50")]
)
def test_dollars(amount: str, words: str) -> None:
    assert dollars(Decimal(amount)) == words
