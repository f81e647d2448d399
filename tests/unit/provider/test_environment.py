"""Tests of the readers of a module's settings."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common import setting
from openai_responses_common.provider.environment import describe_source, exact_setting

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


SOURCES = {
    "a variable": ({}, "the variable SECOND"),
    "a reference": ({"key": " ${OWN} "}, "the variable OWN"),
    "a value that one variable has": ({"key": "an-own-key"}, "the variable OWN"),
    "a value that two variables have": ({"key": "a-shared-key"}, "the setting key"),
    "a value that no variable has": ({"key": "another"}, "the setting key"),
    "a reference within": ({"key": "x${OWN}"}, "the setting key"),
}


@pytest.mark.parametrize(("config", "source"), SOURCES.values(), ids=SOURCES)
def test_the_source_of_a_value_is_named(monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], source: str) -> None:
    for name, value in {"OWN": "an-own-key", "SECOND": "a-shared-key", "THIRD": "a-shared-key"}.items():
        monkeypatch.setenv(name, value)
    assert describe_source(config, "key", "FIRST", "SECOND") == source


def test_a_value_from_nowhere_has_the_setting_for_its_source() -> None:
    assert describe_source({}, "key", "ABSENT") == "the setting key"
