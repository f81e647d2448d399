"""What a conversation held so far, so that a later request can be asked again with our own answers in its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from amplifier_core.message_models import Message

from tests.generated.corpus.difference import Difference, compare_bodies
from tests.generated.corpus.independent import Reading
from tests.generated.corpus.recordings import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """One exchange: the recorded body with its whole input, what it was rebuilt from, what we sent, and the answer."""

    body: Json
    messages: list[Message]
    sent: bytes
    reading: Reading
    answer: Message


@dataclass(slots=True)
class Conversation:
    """The exchanges of one recording so far.

    Attributes:
        found: how many turns of the request at hand are our own answers.
    """

    found: int = 0
    _told: list[_Told] = field(default_factory=list)

    def remember(
        self, body: Json, messages: Sequence[Message], *, sent: bytes, reading: Reading, answer: Message
    ) -> None:
        """Keep an exchange: the recorded body, the messages behind it, what we sent, both readings of the answer."""
        told = [message for message in messages if message.role != "system"]
        whole = {**body, "input": self.whole_input(body)}
        self._told.append(_Told(body=whole, messages=told, sent=sent, reading=reading, answer=answer))

    def turn(self, items: Sequence[Json]) -> Message | None:
        """Our own answer that a run of recorded items repeats, whole, even where the run leaves some of it out."""
        for same in (_same_id, _same_text):
            for told in reversed(self._told):
                if any(same(item, made) for item in items for made in told.reading.items):
                    self.found += 1
                    return told.answer
        return None

    def remembered_by_service(self, body: Json) -> list[Message]:
        """The messages that `previous_response_id` stands for."""
        told = self._previous(body)
        if told is None:
            return []
        self.found += 1
        return [*told.messages, told.answer]

    def whole_input(self, body: Json) -> list[Json]:
        """The recorded input with what `previous_response_id` stands for before it."""
        told = self._previous(body)
        return [*(told.body["input"] + told.reading.items if told else []), *body["input"]]

    def differences(self, recorded: Json, sent: Json) -> list[Difference]:
        """Where a body that we sent is not the recorded one."""
        return compare_bodies({**recorded, "input": self.whole_input(recorded)}, sent)

    def prefixes(self, body: Json) -> list[bytes]:
        """What our request for this recorded body has to begin with, byte for byte, or prompt caches miss.

        That is all of every earlier request that the recording continues with the same settings, up to the end of its
        input. A compaction cuts a history off and begins a new prefix.
        """
        whole = self.whole_input(body)
        if any(item.get("type") == "compaction" for item in whole):
            return []
        return [
            told.sent.removesuffix(b"]}")
            for told in self._told
            if whole[: len(told.body["input"])] == told.body["input"]
            and len(whole) > len(told.body["input"])
            and _settings(told.body) == _settings(body)
        ]

    def _previous(self, body: Json) -> _Told | None:
        key = body.get("previous_response_id")
        if key is None:
            return None
        return next(told for told in self._told if told.reading.response["id"] == key)


def _settings(body: Json) -> Json:
    return {key: value for key, value in body.items() if key not in {"input", "stream", "previous_response_id"}}


def _same_id(one: Json, other: Json) -> bool:
    return any(one.get(key) and one.get(key) == other.get(key) for key in ("id", "call_id"))


def _same_text(one: Json, other: Json) -> bool:
    return one.get("type") == other.get("type") == "message" and _texts(one) == _texts(other)


def _texts(message: Json) -> list[str]:
    content = message["content"]
    return [content] if isinstance(content, str) else [part.get("text", "") for part in content]
