"""Two request bodies side by side: every place where what we send is not what was recorded.

Only spelling is levelled before comparing: a text alone and a list with that one text part, a message with and without
its `type`, a key that is null and one that is absent. Everything else is a difference and has to be accounted for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from tests.generated.corpus.recordings import Json


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Any = _Absent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`place` is a path with the types of items for positions (`input.message.id`, `tools.function.strict`); a whole
    item that is on one side only has the path of its type.

    Attributes:
        item: the recorded, or else the sent, item around the place.
        covered: whether the recorded item stands before a compaction item that both sides have.
    """

    place: str
    recorded: Any
    sent: Any
    item: Json | None = None
    covered: bool = False

    def __str__(self) -> str:
        return f"{self.place}: recorded {_short(self.recorded)}, sent {_short(self.sent)}"


def compare_bodies(recorded: Json, sent: Json) -> list[Difference]:
    """Differences between two bodies, input included."""
    found: list[Difference] = []
    for key in sorted({*recorded, *sent}):
        one, other = recorded.get(key, ABSENT), sent.get(key, ABSENT)
        if key == "input":
            found += compare_items(one, other)
        elif key == "include":
            found += _sets(key, one, other)
        elif key == "tools" and ABSENT not in (one, other):
            found += _aligned("tools", one, other)
        else:
            found += _values(key, one, other, None)
    return found


def compare_items(recorded: Sequence[Json], sent: Sequence[Json]) -> list[Difference]:
    """Differences between two lists of input items, matched by what they are and not by where they stand."""
    levelled = [_levelled(item) for item in recorded]
    compactions = [index for index, item in enumerate(levelled) if item["type"] == "compaction" and item in sent]
    found = _aligned("input", levelled, [_levelled(item) for item in sent])
    before = levelled[: compactions[-1]] if compactions else []
    return [replace(difference, covered=difference.item in before) for difference in found]


def without_nulls(value: Any) -> Any:
    """A copy without keys that are null, at every depth."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


def _levelled(item: Json) -> Json:
    item = without_nulls({"type": "message", **item})
    if isinstance(item.get("content"), str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        item["content"] = [{"type": kind, "text": item["content"]}]
    return item


def _sets(place: str, recorded: Any, sent: Any) -> Iterator[Difference]:
    """Lists whose order says nothing: one difference for each word."""
    ours, theirs = ([] if value is ABSENT else value for value in (sent, recorded))
    for word in sorted({*ours} ^ {*theirs}):
        yield Difference(
            place=f"{place}.{word}", recorded=word if word in theirs else ABSENT, sent=word if word in ours else ABSENT
        )


def _aligned(path: str, recorded: Sequence[Json], sent: Sequence[Json]) -> Iterator[Difference]:
    matcher = SequenceMatcher(None, [_key(item) for item in recorded], [_key(item) for item in sent], autojunk=False)
    for verb, start, end, other_start, other_end in matcher.get_opcodes():
        if verb == "equal":
            for one, other in zip(recorded[start:end], sent[other_start:other_end], strict=True):
                yield from _values(f"{path}.{one['type']}", one, other, one)
            continue
        for item in recorded[start:end]:
            yield Difference(place=f"{path}.{item['type']}", recorded=item, sent=ABSENT, item=item)
        for item in sent[other_start:other_end]:
            yield Difference(place=f"{path}.{item['type']}", recorded=ABSENT, sent=item, item=item)


def _key(item: Json) -> str:
    """What makes an item the same item: who it is about, never the fields that are compared afterwards."""
    match item["type"]:
        case "message":
            own: object = [part.get("text") or part.get("refusal") or part["type"] for part in item["content"]]
        case "reasoning":
            own = item.get("encrypted_content") or item.get("id")
        case "function" | "custom" | "namespace" | "mcp":
            own = item.get("name") or item.get("server_label")
        case _:
            own = item.get("call_id") or item.get("approval_request_id") or item.get("id")
    return json.dumps([item["type"], item.get("role"), own])


def _values(place: str, one: Any, other: Any, item: Json | None) -> Iterator[Difference]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            yield from _values(f"{place}.{key}", one.get(key, ABSENT), other.get(key, ABSENT), item)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for left, right in zip(one, other, strict=True):
            kind = left.get("type") if isinstance(left, dict) else None
            yield from _values(f"{place}.{kind}" if kind else place, left, right, item)
    elif one != other or type(one) is not type(other):
        yield Difference(place=place, recorded=one, sent=other, item=item)


def _short(value: object) -> str:
    text = repr(value) if value is ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:110]} … {text[-40:]}"
