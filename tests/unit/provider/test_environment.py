"""Tests of the readers of a module's settings."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common import setting

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
