"""The questions of a setup wizard: none but the effort, because the first call offers the sign-in."""

from __future__ import annotations

from openai_responses_common.provider.backend import EFFORT_FIELD

WIZARD_QUESTIONS = [EFFORT_FIELD]
