"""The models of OpenAI itself."""

from __future__ import annotations

from openai_responses_common import Models


class OpenaiModels(Models):
    """The models that OpenAI lists for an account.

    The list says when a model ends, and nothing else that our tables do not say (openai 3.57.0, seen 2026-11-30).
    """

    listed_facts = frozenset({"shutdown"})
