"""The fields of a request in the background, where the service has that."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.options.options import Options
from openai_responses_common.translate.background import (
    encode_background,
    find_completion_window,
    runs_in_background,
)

EVERYTHING = BackendProfile(name="p", display_name="P")
NO_WINDOW = BackendProfile(name="p", display_name="P", refused_fields={"background_options": "no"})
NOTHING = BackendProfile(name="p", display_name="P", stores=False, allowed_fields=frozenset({"store", "stream"}))
ON: dict[str, Any] = {"background": True, "store": True}
WINDOW: dict[str, Any] = {**ON, "background_options": {"completion_window": "2h"}}


@pytest.mark.parametrize(
    ("options", "profile", "fields", "window"),
    [
        ({}, EVERYTHING, {"stream": True, "store": False}, None),
        ({"store": True}, EVERYTHING, {"stream": True, "store": True}, None),
        (ON, EVERYTHING, {"stream": True, "store": True, "background": True}, None),
        (WINDOW, EVERYTHING, {"stream": False, "store": True, **WINDOW}, "2h"),
        (WINDOW, NO_WINDOW, {"stream": True, "store": True, **WINDOW}, None),
        (WINDOW, NOTHING, {"stream": True, **WINDOW, "store": False}, None),
        (
            {**ON, "background_options": {"completion_window": "soonest"}},
            EVERYTHING,
            {"stream": True, **ON, "background_options": {"completion_window": "soonest"}},
            None,
        ),
    ],
)
def test_the_fields(options: dict[str, Any], profile: BackendProfile, fields: dict[str, Any], window: str) -> None:
    assert encode_background(Options(**options), profile) == fields
    assert find_completion_window(Options(**options), profile) == window


def test_a_service_may_have_no_background() -> None:
    assert runs_in_background(Options(**ON), EVERYTHING)
    assert not runs_in_background(Options(), EVERYTHING)
    assert not runs_in_background(Options(**ON), NOTHING)
