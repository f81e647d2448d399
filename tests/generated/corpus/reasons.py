"""Why a request of ours may differ from the recorded one; a difference that no row accounts for is a loss.

A row says where it applies, checks as closely as the recording allows that it is really the case at hand, and gives the
reason in words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.generated.corpus.difference import ABSENT, Difference
from tests.generated.corpus.independent import Reading
from tests.generated.corpus.recordings import Json


@dataclass(frozen=True, slots=True)
class Facts:
    """What the recorded answers so far say about ids.

    Attributes:
        items: recorded output items by id.
        calls: ids of calls that a model really made.
        dependent: ids of items that stand behind reasoning without ciphertext, in the same answer.
    """

    items: dict[str, Json] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)
    dependent: set[str] = field(default_factory=set)

    def learn(self, reading: Reading) -> None:
        """Take in one more answer."""
        mute = False
        for item in reading.items:
            if item["type"] == "reasoning":
                mute = _is_mute(item)
            elif mute:
                self.dependent.add(item["id"])
            self.items[item["id"]] = item
        self.calls.update(call.id for call in reading.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One row: `place` is a whole pattern, `holds` the check of the case at hand.

    `of_plan` is True for what only the service of ChatGPT plans gets; in another run, such a row accounts for nothing.
    """

    place: str
    words: str
    holds: Callable[[Difference, Facts], bool]
    of_plan: bool = False


def _is_mute(item: Json) -> bool:
    return not item.get("encrypted_content") and not item.get("content")


def _unsent(difference: Difference, _facts: Facts) -> bool:
    return difference.sent is ABSENT


def _unrecorded(difference: Difference, _facts: Facts) -> bool:
    return difference.recorded is ABSENT


def _same_json(one: Any, other: Any) -> bool:
    return isinstance(one, str) and isinstance(other, str) and json.loads(one) == json.loads(other)


def _dropped_id(difference: Difference, facts: Facts) -> bool:
    return difference.sent is ABSENT and difference.recorded in facts.dependent


def _dropped_dependent(difference: Difference, facts: Facts) -> bool:
    return difference.sent is ABSENT and difference.recorded["id"] in facts.dependent


def _original(difference: Difference, facts: Facts) -> bool:
    """Did the service itself give what we send, and the recorded client something else or nothing?"""
    given = facts.items.get((difference.item or {}).get("id", ""), {})
    return difference.sent is not ABSENT and given.get(difference.place.split(".")[2], ABSENT) == difference.sent


REASONS: tuple[Reason, ...] = (
    Reason(
        place="store",
        words="every request says store: false; the recording left it to the service, which then stores",
        holds=lambda difference, _: difference.recorded in (ABSENT, True) and difference.sent is False,
    ),
    Reason(
        place="stream",
        words="streaming is always on at the wire",
        holds=lambda difference, _: difference.recorded is False and difference.sent is True,
    ),
    Reason(
        place=r"include\.reasoning\.encrypted_content",
        words="ciphertext is asked for wherever the model may reason: without storage nothing else can be replayed",
        holds=_unrecorded,
    ),
    Reason(
        place=r"include\.(web_search_call\.action\.sources|file_search_call\.results|code_interpreter_call\.outputs)",
        words="what a hosted tool can show is asked for",
        holds=_unrecorded,
    ),
    Reason(
        place="previous_response_id",
        words="nothing is stored, so the history is sent in place of its id (and compared with what the id stood for)",
        holds=_unsent,
    ),
    Reason(
        place=r"(input\.tool_search_output\.)?tools\.function\.strict",
        words="strict: false is written out: left out, the service takes it as true and rewrites the schema",
        holds=lambda difference, _: difference.recorded is ABSENT and difference.sent is False,
    ),
    Reason(
        place=r"input\.\w+",
        words="a compaction item stands for everything before it, which is no longer sent",
        holds=lambda difference, _: difference.sent is ABSENT and difference.covered,
    ),
    Reason(
        place=r"input\.reasoning",
        words="reasoning without ciphertext (the recorded client asked for none) is left out: it needs a stored answer",
        holds=lambda difference, _: difference.sent is ABSENT and _is_mute(difference.recorded),
    ),
    Reason(
        place=r"input\.(message|function_call|custom_tool_call)\.id",
        words="the id of an item whose reasoning was left out goes too: the service refuses it without that reasoning",
        holds=_dropped_id,
    ),
    Reason(
        place=r"input\.(code_interpreter_call|web_search_call|file_search_call|image_generation_call|mcp_call)",
        words="an item of a hosted tool cannot go without its id, so it is left out with its reasoning",
        holds=_dropped_dependent,
    ),
    Reason(
        place=r"input\.message\.id",
        words="a message goes back with the id that the service gave it; the recorded client left it out",
        holds=lambda difference, facts: difference.recorded is ABSENT and difference.sent in facts.items,
    ),
    Reason(
        place=r"input\.(message|reasoning|function_call)\.status",
        words="status says how an answer ended and is not sent back on messages, reasoning and function calls",
        holds=_unsent,
    ),
    Reason(
        place=r"input\.message\.content\.output_text\.logprobs",
        words="logprobs belong to an answer; input has no place for them",
        holds=_unsent,
    ),
    Reason(
        place=r"input\.reasoning\.summary",
        words="a summary goes back as it came; the recorded client put an empty part into one that had none",
        holds=_original,
    ),
    Reason(
        place=r"input\.(message\.content|function_call_output\.output)\.input_image\.detail",
        words="an image says detail: auto, the service's default, because other servers refuse one without",
        holds=lambda difference, facts: _unrecorded(difference, facts) and difference.sent == "auto",
    ),
    Reason(
        place=r"input\.image_generation_call\.\w+",
        words="a picture goes back whole; the recorded client sent its id alone, which only a stored answer allows",
        holds=_original,
    ),
    Reason(
        place="prompt_cache_key",
        words="a provider without a session has a random key of its conversation, as the service's own client has",
        holds=lambda difference, facts: (
            _unrecorded(difference, facts) and re.fullmatch(r"[0-9a-f-]{36}", str(difference.sent)) is not None
        ),
        of_plan=True,
    ),
    Reason(
        place=r"reasoning(\.effort)?|text(\.verbosity)?",
        words="the catalogue's default effort and verbosity are stated, as the service's own client states them",
        holds=lambda difference, facts: (
            _unrecorded(difference, facts)
            and difference.sent in ({"effort": "medium"}, "medium", {"verbosity": "low"}, "low")
        ),
        of_plan=True,
    ),
    Reason(
        place=r"input\.function_call\.arguments",
        words="a call that the recorded test made up is written without spaces; what a model wrote keeps its bytes",
        holds=lambda difference, facts: (
            _same_json(difference.recorded, difference.sent)
            and difference.item is not None
            and difference.item["call_id"] not in facts.calls
        ),
    ),
)


def reason_for(difference: Difference, facts: Facts) -> str | None:
    """The words of the first row that accounts for a difference; None if none does."""
    for reason in REASONS:
        if re.fullmatch(reason.place, difference.place) and reason.holds(difference, facts):
            return reason.words
    return None
