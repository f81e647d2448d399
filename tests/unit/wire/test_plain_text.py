"""Texts of others on a screen: no character moves the cursor, and every language stays as it is."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.wire.plain_text import find_word, join_lines, remove_controls


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("a\x9b2Jb", "ab"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x9d52;c;aGk=\x9cb", "ab"),
        ("a\x1b]0;never ended", "a0;never ended"),
        ("a\x1bcb\x1b(0c\x1b", "abc"),
        ("a\x00\x07\x08\x7f\x84b", "ab"),
        ("bill\u202egpj.exe\u2066x\u2069", "billgpj.exex"),
        ("done\rfailed", "done failed"),
        ("one\r\ntwo\n\tthree", "one\ntwo\n\tthree"),
        ("a\x0bb\x0cc\x85d\x1ce", "a b c d e"),
    ],
)
def test_what_a_terminal_would_obey_is_removed(text: str, expected: str) -> None:
    assert remove_controls(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Grüße, 你好, नमस्ते, สวัสดี, e\u0301",
        "مرحبا \u200f(1)\u200e שלום",
        "می\u200cخواهم",  # noqa: RUF001
        "👩\u200d💻 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f ❤\ufe0f",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert remove_controls(text) == text
    assert join_lines(f" {text}\n\n{text} ") == f"{text} {text}"


@given(st.text(st.sampled_from("\x1b[]P;m\\\x07\x9b\x9c\x9da\n\t\r\u202e") | st.characters()))
def test_nothing_is_left_that_moves_the_cursor(text: str) -> None:
    shown = remove_controls(text)
    assert {each for each in shown if unicodedata.category(each) == "Cc"} <= {"\n", "\t"}
    assert remove_controls(shown) == shown


@pytest.mark.parametrize("start", ["\x1b]", "\x1b[", "\x9d", "\x1b[1;", "\x1b(", "\x9da"])
def test_a_long_text_takes_no_long_time(start: str) -> None:
    started = time.process_time()
    remove_controls(start * 100_000)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("tools_changed", "tools_changed"),
        *((value, "") for value in ("see key", "a\n", "\x1b[31m", "", "a" * 65, {"a": 1}, None, "with_secret")),
    ],
)
def test_only_a_word_is_a_reason(value: object, word: str) -> None:
    assert find_word(value, lambda text: text.replace("secret", "***")) == word
