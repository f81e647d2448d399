"""Reads what the id of a model says about it: the date of a snapshot, and whether the model can do agent work."""

from __future__ import annotations

import re
from collections.abc import Mapping

MODEL_ALIASES: Mapping[str, str] = {
    "gpt-astra-latest": "gpt-6-astra",
    "gpt-sol-latest": "gpt-6.1-sol",
    "gpt-terra-latest": "gpt-6.1-terra",
    "gpt-luna-latest": "gpt-6-luna",
    "gpt-mini-latest": "gpt-5.4-mini",
}
"""Names that stand for a model that OpenAI may replace. Secondary: `alias_of` in litellm 1.110.2, seen 2026-11-30."""

_SNAPSHOT_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|20\d{6})$")  # other makers write the date without dashes


def has_snapshot_date(model_id: str) -> bool:
    """Return whether the id is that of a snapshot, as in `gpt-5.5-2026-04-23`."""
    return _SNAPSHOT_DATE.search(model_id) is not None


def remove_snapshot_date(model_id: str) -> str:
    """Return the id without the date of a snapshot."""
    return _SNAPSHOT_DATE.sub("", model_id)


def table_name(model_id: str) -> str:
    """Return the name under which a table lists a model.

    The name is in lower case and without the maker that gateways write in front, as in `openai/gpt-6-sol`. For an alias
    it is that of the model.
    """
    name = model_id.lower().rpartition("/")[2]
    return MODEL_ALIASES.get(name, name)


def name_same_model(model_id: str, other_id: str) -> bool:
    """Return whether two ids name one model; case, a maker in front and a snapshot's date make no difference."""
    return remove_snapshot_date(table_name(model_id)) == remove_snapshot_date(table_name(other_id))


# No agent work over the Responses API: other media, other endpoints, no function calling (gpt-5-chat, deep research).
_NON_AGENT_ID = re.compile(
    r"(^|[-_/.:])(embed(ding)?s?|tts|whisper|transcribe|realtime|audio|image|dall-e|sora|moderation|rerank(er)?"
    r"|search-preview|search-api|deep-research|computer-use-preview|davinci|babbage)([-_/.:]|$)"
    r"|^gpt-(live|5-chat|3\.5-turbo-instruct)|-4o-latest$"
)


def is_agent_model(model_id: str) -> bool:
    """Return whether a listed model can do agent work here; true if its id does not say."""
    return _NON_AGENT_ID.search(model_id.lower()) is None
