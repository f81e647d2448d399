"""What a question asks to be done, before anyone asks which tools there are: rules over its words.

Invariant: the same question and results give the same wishes, in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from examples.chat.offline_model.arithmetic import find_arithmetic

_FILE = (
    r"(?<![\w@:/.])(?:[\w.~-]*/)*[\w-][\w.-]*\.[A-Za-z]\w{0,7}\b"
    r"|(?<![\w:/])(?:\.{0,2}/)?(?:[\w.-]+/)+[\w.-]*"
)
_LISTING = r"\b(files|folders?|director(y|ies)|list|repository|workspace)\b|what('s| is) (in|here)"
# "the folder libs", "files are in libs", but not "the folder and", "files are in this folder"
_NAMED_FOLDER = (
    r"\b(?:folder|directory|files (?:are |is )?in) [\"'`]?"
    r"(?!(?:and|is|are|of|with|has|have|do|does|for|that|this|the|my|here|it|to|in|on|you|we|i|a|an)\b)([\w.-]*\w)"
)
_TEXT_FILE = r"[\w./-]+\.(?:md|txt|toml|py|rst|json|yaml|yml)\b"
_WRITING = r"\b(write|create|save)\b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One thing to do: the kind of tool, words for it, a shell command for the same, and hints for arguments."""

    kind: str
    reason: str
    command: str
    hints: dict[str, Any] = field(default_factory=dict)


def find_wishes(question: str, listings: list[str]) -> list[Wish]:
    """All wishes of a question; `listings` are the folder listings that were made for it already."""
    plain = re.sub(r"\b(https?://|www\.)\S+", "", question)
    paths = re.findall(_FILE, plain)
    files = [path for path in paths if not path.endswith("/")]
    return [*_about_files(plain.lower(), paths, files, listings), *_wishes_without_files(plain, files)]


def _about_files(lowered: str, paths: list[str], files: list[str], listings: list[str]) -> Iterator[Wish]:
    named = re.search(_NAMED_FOLDER, lowered)
    where = next((path for path in paths if path.endswith("/")), named[1] if named else ".")
    asks_for_list = re.search(_LISTING, lowered)
    names_folder = where.endswith("/") or re.search(r"\b(folders?|director(y|ies)|list)\b", lowered)
    if asks_for_list and (names_folder or not files):
        place = "this folder" if where == "." else where
        yield Wish(
            kind="list",
            reason=f"look at what is in {place}",
            command=f"ls -la {where}",
            hints={"path": where, "query": "*"},
        )
    wanted = [] if re.search(_WRITING, lowered) else files[:3]
    if not files and re.search(r"\b(read|contents?|summar\w+|explain|about|does|tell)\b", lowered):
        wanted = _worth_reading(listings)
    for path in wanted:
        yield Wish(kind="read", reason=f"read {path}", command=f"head -c 4000 {path}", hints={"path": path})


def _wishes_without_files(question: str, files: list[str]) -> Iterator[Wish]:
    lowered = question.lower()
    if files and re.search(_WRITING, lowered):
        quoted = re.search(r"[\"'`]([^\"'`]+)[\"'`]", question)
        text = quoted[1] if quoted else "Written by the offline model.\n"
        yield Wish(
            kind="write",
            reason=f"write {files[0]}",
            command=f"printf %s '{text}' > {files[0]}",
            hints={"path": files[0], "content": text},
        )
    if (found := find_arithmetic(question)) is not None:
        expression = found[0]
        yield Wish(
            kind="calc",
            reason=f"work out {expression}",
            command=f"echo $(({expression}))",
            hints={"expression": expression},
        )
    if match := re.search(r"\b(?:search|grep|find)\b(?: for)?\s+[\"'`]?(.+?)[\"'`]?(?:\s+in\s|\?|$)", question, re.I):
        sought = match[1].strip()
        yield Wish(
            kind="search", reason=f"search for {sought}", command=f"grep -rn '{sought}' .", hints={"query": sought}
        )
    if re.search(r"\b(what time|time is it|current time|date|today)\b", lowered):
        yield Wish(kind="time", reason="look at the clock", command="date")


def _worth_reading(listings: list[str]) -> list[str]:
    """Files named in a listing: a readme first, then what is nearest the top, two at most."""
    files = list(dict.fromkeys(re.findall(_TEXT_FILE, " ".join(listings))))
    files.sort(key=lambda path: ("readme" not in path.lower(), path.count("/")))
    return files[:2]
