"""The sentences of the offline model: what it is about to do, what its tools returned, and small talk."""

from __future__ import annotations

import json
import re
from typing import Any

from responses_emulator.responders.schema_instance import schema_instance

from examples.chat.offline_model.arithmetic import find_arithmetic
from examples.chat.offline_model.conversation import ToolStep, UserTurn
from examples.chat.offline_model.tool_choice import PlannedCall


def announcement(planned: list[PlannedCall], *, again: bool) -> str:
    """Return the sentence that the model says before its calls."""
    reasons = " and ".join(intent.reason for intent in planned)
    return f"{'Next' if again else 'First'} I'll {reasons}."


def response_text(user_turn: UserTurn, tool_names: list[str]) -> str:
    """Return the text of a response: what the tools returned, or small talk if there are no results."""
    if user_turn.steps:
        sentences = [_describe_step(step) for step in user_turn.steps]
        calls = f"{len(sentences)} tool calls" if len(sentences) > 1 else "one tool call"
        return " ".join([*sentences, f"That is what {calls} returned."])
    return _small_talk(user_turn, tool_names)


def _describe_step(step: ToolStep) -> str:
    if step.failed:
        return f"`{step.name}` did not work: {shorten(step.output, 160)}."
    shown = f" It also returned {' and '.join(step.pictures)}." if step.pictures else ""
    expression = next((str(v) for k, v in step.arguments.items() if k.startswith("expr")), None)
    if expression is not None:
        return f"{expression} = {shorten(_unwrap_json(step.output), 60)}.{shown}"
    path = next((str(v) for k, v in step.arguments.items() if "path" in k or k in {"file", "directory"}), None)
    text = _unwrap_json(step.output).strip()
    if (command := step.arguments.get("command")) is not None:
        return f"`{shorten(str(command), 60)}` prints: {shorten(text, 240)}".rstrip(".") + f".{shown}"
    if (sought := step.arguments.get("query", step.arguments.get("pattern"))) not in {None, "*"}:
        return f"`{step.name}` for {sought!r} gives: {shorten(text, 240).rstrip('.')}.{shown}"
    entries = _entries(text)
    if entries and not re.search(r"read|cat|view|open", step.name):
        listed = ", ".join(entries[:8]) + (" and more" if len(entries) > 8 else "")
        return f"In `{path or '.'}` I found {len(entries)} entries: {listed}.{shown}"
    if path is not None:
        lines = text.splitlines()
        return f'`{path}` has {len(lines)} line(s) and begins: "{shorten(text, 160)}".{shown}'
    return (
        f"`{step.name}` says: {shorten(text, 240).rstrip('.')}.{shown}"
        if text
        else f"`{step.name}` returned no text.{shown}"
    )


def _unwrap_json(output: str) -> str:
    """Return the payload of a tool result that is JSON text; other results as they are."""
    try:
        value = json.loads(output)
    except ValueError:
        return output
    if isinstance(value, dict):
        for key in ("output", "result", "content", "text", "value", "stdout"):
            if key in value:
                return value[key] if isinstance(value[key], str) else json.dumps(value[key])
    return output


def _entries(text: str) -> list[str]:
    try:
        value = json.loads(text)
    except ValueError:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines if len(lines) > 1 and all(len(line) < 120 for line in lines) else []
    if isinstance(value, dict):
        value = next((each for each in value.values() if isinstance(each, list)), [])
    rows = value if isinstance(value, list) else []
    return [str(each.get("name") or each.get("path") or each) if isinstance(each, dict) else str(each) for each in rows]


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
