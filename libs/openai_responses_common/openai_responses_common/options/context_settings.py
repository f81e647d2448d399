"""The settings for conversations that become too long, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping

from .readers import UNSET_WORDS, flag, token_count
from .setting import Setting

_MIN_COMPACT_THRESHOLD = 1000


def compact_threshold(value: object) -> int | None:
    """Return the threshold of a compaction in tokens; None for a word that turns it off.

    Source of the lowest one: OpenAI's guide on compaction, seen 2026-11-30.
    """
    if str(value).strip().lower() in UNSET_WORDS:
        return None
    try:
        count = token_count(value)
    except ValueError:
        count = 0
    if count < _MIN_COMPACT_THRESHOLD:
        raise ValueError(f"a number of tokens from {_MIN_COMPACT_THRESHOLD} on")
    return count


CONTEXT_SETTINGS: Mapping[str, Setting] = {
    "compact_threshold": Setting(
        field="compact_threshold",
        read=compact_threshold,
        meaning="From how many input tokens on, 1000 or more, the service compacts the conversation within a response. "
        "Later requests then begin with what it made of it. See [long conversations](#long-conversations).",
        default="never",
    ),
    "native_compaction": Setting(
        field="native_compaction",
        read=flag,
        meaning="Whether a host may let the service compact a conversation. By default it may where the service also "
        "counts tokens, which is at OpenAI's API with a key. See [long conversations](#long-conversations).",
        default="where the service counts tokens",
    ),
    "count_input": Setting(
        field="count_input",
        read=flag,
        meaning="Whether the service is asked how many tokens an input has, if it may be too long. By default it is at "
        "OpenAI's API with a key; `true` is for a gateway in front of it.",
        default="at OpenAI's API with a key",
    ),
}
