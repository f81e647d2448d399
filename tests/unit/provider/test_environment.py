"""Tests of the readers of a module's settings."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common import setting
from openai_responses_common.provider.environment import exact_setting

VALUES = {
    "false": (False, "false"),
    "true": (True, "true"),
    "zero": (0, "0"),
    "number": (1.5, "1.5"),
    "text": (" a ", "a"),
    "null": (None, "variable"),
    "empty": ("", "variable"),
    "placeholder": ("http://placeholder", "variable"),
    "huge": (10**5000, hex(10**5000)),
}


@pytest.mark.parametrize(("value", "text"), VALUES.values(), ids=VALUES)
def test_false_and_zero_are_values(monkeypatch: pytest.MonkeyPatch, value: Any, text: str) -> None:
    monkeypatch.setenv("A_VARIABLE", "variable")
    assert setting({"key": value}, "key", "A_VARIABLE") == text


EXACT = {
    "blanks": (" a\n", " a\n"),
    "a reference within": ("a${A_VARIABLE}", "a${A_VARIABLE}"),
    "a reference": ("${A_VARIABLE}", " variable "),
    "a reference to nothing": ("${ABSENT}", " variable "),
    "blanks only": ("  ", " variable "),
    "number": (1, "1"),
}


@pytest.mark.parametrize(("value", "text"), EXACT.values(), ids=EXACT)
def test_an_exact_setting_is_what_was_written(monkeypatch: pytest.MonkeyPatch, value: Any, text: str) -> None:
    monkeypatch.setenv("A_VARIABLE", " variable ")
    monkeypatch.delenv("ABSENT", raising=False)
    assert exact_setting({"key": value}, "key", "A_VARIABLE") == text
    assert exact_setting({}, "key", "ABSENT") is None
