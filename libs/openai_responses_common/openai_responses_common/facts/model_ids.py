"""Reads what the id of a model says about it: the date of a snapshot, and whether the model can do agent work."""

from __future__ import annotations

import re

_SNAPSHOT_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def has_snapshot_date(model_id: str) -> bool:
    """Return whether the id is that of a snapshot, as in `gpt-5.5-2026-04-23`."""
    return _SNAPSHOT_DATE.search(model_id) is not None


def remove_snapshot_date(model_id: str) -> str:
    """Return the id without the date of a snapshot."""
    return _SNAPSHOT_DATE.sub("", model_id)


# No agent work over the Responses API: other media, other endpoints, no function calling (gpt-5-chat, deep research).
_NON_AGENT_ID = re.compile(
    r"(^|[-_/.:])(embed(ding)?s?|tts|whisper|transcribe|realtime|audio|image|dall-e|sora|moderation|rerank(er)?"
    r"|search-preview|search-api|deep-research|computer-use-preview|davinci|babbage)([-_/.:]|$)"
    r"|^gpt-(live|5-chat|3\.5-turbo-instruct)|-4o-latest$"
)


def is_agent_model(model_id: str) -> bool:
    """Return whether a listed model can do agent work here; true if its id does not say."""
    return _NON_AGENT_ID.search(model_id.lower()) is None
