"""The readers of settings: what each accepts, and the valid values that its error names."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from openai_responses_common.options.context_settings import compact_threshold
from openai_responses_common.options.readers import (
    choice,
    day,
    dollars_or_unset,
    flag,
    one_of,
    rate,
    seconds_or_zero,
    word_list,
)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (flag, " Yes ", True),
        (flag, 0, False),
        (seconds_or_zero, "0", 0.0),
        (seconds_or_zero, 1.5, 1.5),
        (word_list, " a ,b,, ", ("a", "b")),
        (word_list, ["a", 1], ("a", "1")),
        (one_of("auto", "file"), " AUTO ", "auto"),
        (dollars_or_unset, "0.50", Decimal("0.50")),
        (dollars_or_unset, 0, Decimal(0)),
        (dollars_or_unset, "none", None),
        (day, "2026-12-11", "2026-12-11"),
        (day, date(2026, 12, 11), "2026-12-11"),
        (choice({"auto": None, "on": True}), "On", True),
        (choice({"auto": None, "on": True}), "auto", None),
    ],
)
def test_a_valid_value_becomes_its_type(read: Callable[[object], Any], value: object, expected: object) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    ("read", "value", "valid_values"),
    [
        (flag, "maybe", "true or false"),
        (seconds_or_zero, -1, "a number of seconds, 0 or more"),
        (seconds_or_zero, "soon", "a number of seconds, 0 or more"),
        (seconds_or_zero, "inf", "a number of seconds, 0 or more"),
        (word_list, 5, "a list of words"),
        (one_of("auto", "file"), "disk", "one of auto, file"),
        (dollars_or_unset, "-1", "an amount of US dollars, such as 2.50, or none"),
        (day, "soon", "a day, such as 2026-12-11"),
        (compact_threshold, 999, "a number of tokens from 1000 on"),
        (compact_threshold, "soon", "a number of tokens from 1000 on"),
    ],
)
def test_an_error_names_the_valid_values(read: Callable[[object], Any], value: object, valid_values: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(valid_values)}$"):
        read(value)


@pytest.mark.parametrize("value", ["1e12", "1e999999"])
def test_a_rate_with_which_costs_would_overflow_is_not_valid(value: str) -> None:
    with pytest.raises(ValueError, match="a number of 0 or more"):
        rate(value)
