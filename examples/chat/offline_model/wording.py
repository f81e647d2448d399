"""The sentences of the offline model: what it is about to do, what its tools returned, and small talk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from responses_emulator.responders.schema_instance import schema_instance

from examples.chat.offline_model.arithmetic import find_arithmetic
from examples.chat.offline_model.conversation import ToolStep, UserTurn
from examples.chat.offline_model.tool_choice import PlannedCall, has_kind
from examples.chat.offline_model.tool_results import ToolText, read_tool_output

_SHOWN_ENTRIES = 8


def announcement(planned: list[PlannedCall], *, again: bool) -> str:
    """Return the sentence that the model says before its calls."""
    reasons = " and ".join(intent.reason for intent in planned)
    return f"{'Next' if again else 'First'} I'll {reasons}."


def response_text(user_turn: UserTurn, tool_names: list[str]) -> str:
    """Return the text of a response: what the tools returned, or small talk if there are no results."""
    if user_turn.steps:
        return "\n".join(_describe_step(step) for step in user_turn.steps)
    return _small_talk(user_turn, tool_names)


def _describe_step(step: ToolStep) -> str:
    is_listing = has_kind(step.name, "list")
    result = read_tool_output(step.output, is_listing=is_listing, is_file=has_kind(step.name, "read"))
    pictures = f" It also returned {' and '.join(step.pictures)}." if step.pictures else ""
    return _describe_result(step, result, is_listing=is_listing) + pictures


def _describe_result(step: ToolStep, result: ToolText, *, is_listing: bool) -> str:
    expression = _argument(step, lambda name: name.startswith("expr"))
    command = _argument(step, lambda name: name in {"command", "cmd"})
    path = _argument(step, lambda name: "path" in name or name in {"file", "folder", "directory"})
    sought = _argument(step, lambda name: name in {"query", "pattern"})
    if result.failed:
        about = f" for `{shorten(expression or command or path, 60)}`" if expression or command or path else ""
        return f"`{step.name}` did not work{about}: {_end(shorten(result.text, 200))}"
    if result.sentence:
        return result.sentence
    if expression:
        return f"{expression} = {_end(shorten(result.text, 60))}"
    if command:
        printed = f"printed: {_end(shorten(result.text, 240))}" if result.text else "printed nothing."
        return f"`{shorten(command, 60)}` {printed}"
    if result.entries is not None:
        is_search = sought not in {"", "*", "**/*"}
        if is_search:
            return _describe_matches(result, sought)
        return _describe_entries(result, path or ("." if is_listing else ""), step.name)
    if path:
        return f"`{path}` {_describe_text(result)}"
    return f"`{step.name}` " + (f"says: {_end(shorten(result.text, 240))}" if result.text else "returned no text.")


def _argument(step: ToolStep, fits: Callable[[str], bool]) -> str:
    """Return the first argument with a fitting name; empty if there is none."""
    return next((str(value) for name, value in step.arguments.items() if fits(name)), "")


def _describe_matches(result: ToolText, sought: str) -> str:
    if not result.entries:
        return f"Nothing matches {sought!r}."
    return f"{_count(result, 'match', 'matches').capitalize()} for {sought!r}: {_list_entries(result)}"


def _describe_entries(result: ToolText, path: str, tool: str) -> str:
    entries = f"{_count(result, 'entry', 'entries')}: {_list_entries(result)}"
    if not path:
        return f"`{tool}` returned {entries if result.entries else 'an empty list.'}"
    return f"{'This folder' if path == '.' else f'`{path}`'} {f'has {entries}' if result.entries else 'is empty.'}"


def _count(result: ToolText, one: str, many: str) -> str:
    count = result.total or len(result.entries or ())
    return f"one {one}" if count == 1 else f"{count} {many}"


def _list_entries(result: ToolText) -> str:
    """Return the first entries, and how many more there are."""
    entries = result.entries or ()
    more = (result.total or len(entries)) - len(entries[:_SHOWN_ENTRIES])
    shown = ", ".join(shorten(entry, 80) for entry in entries[:_SHOWN_ENTRIES])
    return _end(f"{shown}, and {more} more" if more > 0 else shown)


def _describe_text(result: ToolText) -> str:
    lines = result.text.splitlines()
    count = result.total if result.total is not None else len(lines)
    if not result.text.strip():
        return "is empty."
    begins = f'"{shorten(result.text, 160)}"'
    return f"has one line: {begins}." if count == 1 else f"has {count} lines and begins: {begins}."


def _end(sentence: str) -> str:
    """Return a sentence with one full stop, unless it ends otherwise."""
    return sentence if sentence.endswith(("…", "!", "?")) else f"{sentence.rstrip('. ')}."


def _small_talk(user_turn: UserTurn, tool_names: list[str]) -> str:
    question = user_turn.question
    attachments: list[str] = []
    if user_turn.images:
        plural = "images" if len(user_turn.images) > 1 else "image"
        attachments.append(f"You sent {len(user_turn.images)} {plural}: {' and '.join(user_turn.images)}.")
    if user_turn.files:
        attachments.append(f"You attached {', '.join(user_turn.files)}.")
    if attachments:
        return " ".join(attachments)
    if (calculation := find_arithmetic(question)) is not None:
        return f"{calculation[0]} = {calculation[1]}."
    lowered = question.lower()
    if re.match(r"(hi|hello|hey|good (morning|evening|day))\b", lowered):
        return "Hello! I am the offline model. Ask me something, or give me tools to work with."
    if (match := re.search(r"my name is (\w+)", question, re.I)) and "?" not in question:
        return f"Nice to meet you, {match[1]}."
    if "my name" in lowered and lowered.rstrip().endswith("?"):
        for text in reversed(user_turn.earlier_questions):
            if match := re.search(r"my name is (\w+)|i am called (\w+)", text, re.I):
                return f"Your name is {match[1] or match[2]}."
    if (
        re.search(r"what did i (just )?(say|ask)|my (first|last|previous) (question|message)", lowered)
        and user_turn.earlier_questions
    ):
        return f'Before this you said: "{shorten(user_turn.earlier_questions[-1], 200)}".'
    offered = f" I could use {', '.join(tool_names[:6])}, but this does not need a tool." if tool_names else ""
    return (
        f'You said: "{shorten(question, 120)}". I am the offline model. I respond by simple rules and know '
        f"nothing about the world.{offered}"
    )


def format_response(text: str, body: dict[str, Any], user_turn: UserTurn) -> str:
    """Return the text in the format that the request demands."""
    form = (body.get("text") or {}).get("format") or {}
    match form.get("type"):
        case "json_schema":
            hints: dict[str, Any] = dict.fromkeys(("answer", "text", "summary", "response", "message", "result"), text)
            if (calculation := find_arithmetic(user_turn.question)) is not None:
                hints |= dict.fromkeys(("result", "value", "total", "sum", "number", "answer"), calculation[1])
            hints["question"] = user_turn.question
            return json.dumps(schema_instance(form["schema"], hints), ensure_ascii=False)
        case "json_object":
            return json.dumps({"answer": text}, ensure_ascii=False)
        case _:
            return text


def shorten(text: str, length: int) -> str:
    """Return the text on one line, cut after `length` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"
