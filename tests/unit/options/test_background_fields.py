"""The setting `background_options`: an object, its JSON text, or the window alone."""

from __future__ import annotations

import re

import pytest
from openai_responses_common.options.background_fields import background_fields


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ("2H", {"completion_window": "2h"}),
        ('{"completion_window": "8h"}', {"completion_window": "8h"}),
        ({"continuation_id": "c", "completion_window": None}, {"continuation_id": "c"}),
    ],
)
def test_a_valid_value(value: object, fields: object) -> None:
    assert background_fields(value) == fields


@pytest.mark.parametrize("value", ["1d", {"window": "2h"}, {"continuation_id": 5}, {"completion_window": "1d"}])
def test_an_error_names_the_valid_values(value: object) -> None:
    valid = "{completion_window: one of soonest, 2h, 8h, continuation_id: a text}"
    with pytest.raises(ValueError, match=f"^{re.escape(valid)}$"):
        background_fields(value)
