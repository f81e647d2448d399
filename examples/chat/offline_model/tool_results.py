"""What a tool returned, read for a person: text, entries of a listing, or the reason why it did not work.

Knows the results of the chat's own tools, and the shapes of Amplifier's: an orchestrator hands over the output of a
tool as JSON, or, if a hook changed it, the JSON of the whole result with `success`, `output` and `error`. Sources:
tool-bash, tool-filesystem, tool-search, tool-delegate, tool-todo, loop-basic, loop-streaming (seen 2026-12-01).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

# How a reason begins: first in the words of orchestrators and most tools, then in those of Amplifier's tools.
_FAILURE = re.compile(
    r"(error|failed|failure|exception)\b( (executing|reading|listing|writing)\b[^\n:]*)?(:| to\b)|traceback \(most"
    r"|denied by hook|internal error|tool .{0,40}(failed|denied|not found)"
    r"|(path|file|@mention|old_string|agent .{1,60}) not found|access denied|command (denied|timed out|rejected)"
    r"|cannot (read|edit|write)|(invalid|unrecognized|unknown) [\w ]{1,40}:|\w+ is required"
    r"|(glob |agent )?(search|delegation|resume) (failed|timed out)|os error",
    re.I,
)
_PAGE_NOTE = re.compile(r"\n?\(lines \d+ to \d+ of (\d+); go on with \w+ \d+\)\s*$")
_MORE_NOTE = re.compile(r"\(and (\d+) more\)$")
_LINE_NUMBER = re.compile(r"^ *\d+\t", re.M)
_DIRECTORY_ROW = re.compile(r"^ +(DIR|FILE) +(.+)$", re.M)
_EMPTY = {"(an empty folder)", "(an empty file)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolText:
    """What a tool returned.

    Attributes:
        text: the text, or the reason of the failure.
        failed: the tool did not work.
        entries: what a listing or a search found. None if the result is not a list.
        total: how many lines or entries there are, if the result holds only some of them. The default is None.
        sentence: the whole result in a sentence, if it says so little that a sentence can. The default is empty.
    """

    text: str = ""
    failed: bool = False
    entries: tuple[str, ...] | None = None
    total: int | None = None
    sentence: str = ""


def read_tool_output(output: str, *, is_listing: bool = False, is_file: bool = False) -> ToolText:
    """Return what a tool returned.

    Args:
        output: the text that the model received.
        is_listing: the tool lists a folder, so that each line is an entry. The default is False.
        is_file: the tool reads files, whose text may be JSON, too. The default is False.
    """
    value = _parse(output)
    if isinstance(value, str):
        return _read_text(value, is_listing=is_listing)
    return _read_value(value, is_listing=is_listing) if not is_file or _is_result(value) else ToolText(text=output)


def _parse(output: str) -> Any:
    """Return the JSON of an output, also if a hook appended a text to a result; else the output."""
    output = output.strip()
    try:
        value, end = json.JSONDecoder().raw_decode(output)
    except (ValueError, RecursionError):
        return output
    is_complete = end == len(output) or _is_result(value)
    return value if isinstance(value, dict | list) and is_complete else output


def _is_result(value: Any) -> bool:
    """Return whether JSON is the result of a tool, and not the text of a file."""
    return isinstance(value, dict) and (_is_dump(value) or any(shape <= value.keys() for shape in _SHAPES))


def _is_dump(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("success"), bool) and value.keys() <= {"success", "output", "error", "content"}


def _read_value(value: Any, *, is_listing: bool) -> ToolText:
    match value:
        case str():
            return _read_text(value, is_listing=is_listing)
        case dict() if _is_dump(value):
            return _read_dump(value, is_listing=is_listing)
        case dict():
            shape = next((read for keys, read in _SHAPES.items() if keys <= value.keys()), _read_object)
            return shape(value)
        case list():
            return ToolText(entries=tuple(map(_name_entry, value)))
        case _:
            return ToolText(text=_write(value))


def _read_text(text: str, *, is_listing: bool) -> ToolText:
    text = text.strip()
    if _FAILURE.match(text):
        return ToolText(text=re.sub(r"^(Error|Denied by hook): ", "", text), failed=True)
    if is_listing:
        lines = [] if text in _EMPTY else [line.strip() for line in text.splitlines() if line.strip()]
        more = _MORE_NOTE.match(lines[-1]) if lines else None
        entries = tuple(lines[:-1] if more else lines)
        return ToolText(entries=entries, total=len(entries) + int(more[1]) if more else None)
    note = _PAGE_NOTE.search(text)
    return ToolText(text="" if text in _EMPTY else _PAGE_NOTE.sub("", text), total=int(note[1]) if note else None)


def _read_dump(value: Mapping[str, Any], *, is_listing: bool) -> ToolText:
    output = value.get("output", value.get("content"))
    inner = ToolText() if output is None else _read_value(output, is_listing=is_listing)
    if value["success"]:
        return inner
    error = value.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return replace(inner, failed=True, text=str(message or inner.text or "it gave no reason"))


def _read_shell(value: Mapping[str, Any]) -> ToolText:
    code = value["returncode"]
    printed = str(value["stdout"]).strip() or str(value.get("stderr") or "").strip()
    if code == 0:
        return ToolText(text=printed)
    reason = str(value.get("stderr") or "").strip() or printed
    return ToolText(text=f"exit code {code}" + (f", {reason}" if reason else ""), failed=True)


def _read_file(value: Mapping[str, Any]) -> ToolText:
    content = str(value["content"])
    if value.get("is_directory"):
        rows = [name + ("/" if kind == "DIR" else "") for kind, name in _DIRECTORY_ROW.findall(content)]
        return ToolText(entries=tuple(rows), total=value.get("entry_count"))
    return ToolText(text=_LINE_NUMBER.sub("", content), total=value.get("total_lines"))


def _read_write(value: Mapping[str, Any]) -> ToolText:
    path = value["file_path"]
    if "replacements_made" in value:
        count = value["replacements_made"]
        return ToolText(sentence=f"I changed `{path}` in {count} {'place' if count == 1 else 'places'}.")
    return ToolText(sentence=f"I wrote {value.get('bytes', value.get('bytes_written'))} bytes to `{path}`.")


def _read_glob(value: Mapping[str, Any]) -> ToolText:
    base = PurePath(str(value.get("base_path") or "."))
    rows: list[str] = []
    for match in value["matches"]:
        path = PurePath(str(match["path"] if isinstance(match, dict) else match))
        name = str(path.relative_to(base)) if path.is_relative_to(base) else str(path)
        rows.append(name + ("/" if isinstance(match, dict) and match.get("type") == "dir" else ""))
    return ToolText(entries=tuple(rows), total=value.get("total_files"))


def _read_search(value: Mapping[str, Any]) -> ToolText:
    counts = value.get("counts")
    rows = value.get("results") or value.get("files") or (list(counts) if isinstance(counts, dict) else [])
    found = [
        f"{row.get('file')}:{row.get('line_number')}: {str(row.get('content')).strip()}"
        if isinstance(row, dict)
        else row
        for row in rows
    ]
    return ToolText(entries=tuple(map(str, found)), total=None if counts else value["total_matches"])


def _read_todos(value: Mapping[str, Any]) -> ToolText:
    todos = [todo for todo in value["todos"] if isinstance(todo, dict)]
    done = sum(todo.get("status") == "completed" for todo in todos)
    tasks = ", ".join(str(todo.get("content")) for todo in todos)
    if not todos:
        return ToolText(sentence="The list of tasks is empty.")
    return ToolText(sentence=f"{done} of {len(todos)} tasks {'is' if done == 1 else 'are'} done: {tasks}.")


def _read_counts(value: Mapping[str, Any]) -> ToolText:
    return ToolText(sentence=f"The list of tasks has {value['count']} of them, {value['completed']} done.")


def _read_agent(value: Mapping[str, Any]) -> ToolText:
    return ToolText(text=str(value["response"]), failed=value.get("status") == "error")


def _read_message(value: Mapping[str, Any]) -> ToolText:
    return ToolText(text=str(value["message"]))


# The keys that tell a result of Amplifier's tools, the most telling first.
_SHAPES: Mapping[frozenset[str], Callable[[Mapping[str, Any]], ToolText]] = {
    frozenset({"stdout", "returncode"}): _read_shell,
    frozenset({"file_path", "content"}): _read_file,
    frozenset({"file_path", "replacements_made"}): _read_write,
    frozenset({"file_path", "bytes"}): _read_write,
    frozenset({"pattern", "matches"}): _read_glob,
    frozenset({"pattern", "total_matches"}): _read_search,
    frozenset({"todos"}): _read_todos,
    frozenset({"count", "completed"}): _read_counts,
    frozenset({"response", "session_id"}): _read_agent,
    frozenset({"pid", "message"}): _read_message,
}


def _read_object(value: Mapping[str, Any]) -> ToolText:
    """Read an object of another maker: an error, a list, a single text, or else all of its values."""
    if error := value.get("error"):
        return ToolText(text=_write(error.get("message", error) if isinstance(error, dict) else error), failed=True)
    rows = {key: row for key, row in value.items() if row is not None and key != "error"}
    lists = [row for row in rows.values() if isinstance(row, list)]
    if len(lists) == 1:
        return ToolText(entries=tuple(map(_name_entry, lists[0])))
    for key in ("output", "result", "content", "text", "value", "message"):
        if key in rows:
            return ToolText(text=_write(rows[key]))
    return ToolText(text=", ".join(f"{key.replace('_', ' ')} {_write(row)}" for key, row in rows.items()))


def _name_entry(row: Any) -> str:
    if isinstance(row, dict):
        return str(next((row[key] for key in ("name", "path", "title", "content") if row.get(key)), _write(row)))
    return _write(row)


def _write(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
