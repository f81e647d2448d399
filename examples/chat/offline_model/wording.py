"""."""

from __future__ import annotations

import json
import re
from typing import Any

from examples.chat.offline_model.arithmetic import find_arithmetic
from examples.chat.offline_model.schema_instance import schema_instance
from examples.chat.offline_model.tool_choice import PlannedCall

from .conversation import ToolStep, UserTurn


def _announcement(wanted: list[PlannedCall], *, again: bool) -> str:
    reasons = " and ".join(intent.reason for intent in wanted)
    return f"{'Next' if again else 'First'} I'll {reasons}."


def _answer_text(reading: UserTurn, tool_names: list[str]) -> str:
    if reading.steps:
        told = [_describe_step(step) for step in reading.steps]
        many = f"{len(told)} tool calls" if len(told) > 1 else "one tool call"
        return " ".join([*told, f"That is what {many} told me."])
    return _small_talk(reading, tool_names)


def _describe_step(step: ToolStep) -> str:
    if step.failed:
        return f"`{step.name}` did not work: {_shorten(step.output, 160)}."
    shown = f" It also returned {' and '.join(step.pictures)}." if step.pictures else ""
    expression = next((str(v) for k, v in step.arguments.items() if k.startswith("expr")), None)
    if expression is not None:
        return f"{expression} = {_shorten(_unwrap_json(step.output), 60)}.{shown}"
    path = next((str(v) for k, v in step.arguments.items() if "path" in k or k in {"file", "directory"}), None)
    text = _unwrap_json(step.output).strip()
    if (command := step.arguments.get("command")) is not None:
        return f"`{_shorten(str(command), 60)}` prints: {_shorten(text, 240)}".rstrip(".") + f".{shown}"
    if (sought := step.arguments.get("query", step.arguments.get("pattern"))) not in {None, "*"}:
        return f"`{step.name}` for {sought!r} gives: {_shorten(text, 240).rstrip('.')}.{shown}"
    entries = _entries(text)
    if entries and not re.search(r"read|cat|view|open", step.name):
        listed = ", ".join(entries[:8]) + (" and more" if len(entries) > 8 else "")
        return f"In `{path or '.'}` I found {len(entries)} entries: {listed}.{shown}"
    if path is not None:
        lines = text.splitlines()
        return f'`{path}` has {len(lines)} line(s) and begins: "{_shorten(text, 160)}".{shown}'
    return (
        f"`{step.name}` says: {_shorten(text, 240).rstrip('.')}.{shown}"
        if text
        else f"`{step.name}` returned no text.{shown}"
    )


def _unwrap_json(output: str) -> str:
    """The payload of a result that was dumped as JSON."""
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
    found = value if isinstance(value, list) else []
    return [
        str(each.get("name") or each.get("path") or each) if isinstance(each, dict) else str(each) for each in found
    ]


def _small_talk(reading: UserTurn, tool_names: list[str]) -> str:
    question = reading.question
    told: list[str] = []
    if reading.images:
        plural = "images" if len(reading.images) > 1 else "image"
        told.append(f"You sent {len(reading.images)} {plural}: {' and '.join(reading.images)}.")
    if reading.files:
        told.append(f"You attached {', '.join(reading.files)}.")
    if told:
        return " ".join(told)
    if (sum_ := find_arithmetic(question)) is not None:
        return f"{sum_[0]} = {sum_[1]}."
    lowered = question.lower()
    if re.match(r"(hi|hello|hey|good (morning|evening|day))\b", lowered):
        return "Hello! I am the offline model. Ask me something, or give me tools to work with."
    if (named := re.search(r"my name is (\w+)", question, re.I)) and "?" not in question:
        return f"Nice to meet you, {named[1]}."
    if "my name" in lowered and lowered.rstrip().endswith("?"):
        for text in reversed(reading.earlier_questions):
            if found := re.search(r"my name is (\w+)|i am called (\w+)", text, re.I):
                return f"Your name is {found[1] or found[2]}."
    if (
        re.search(r"what did i (just )?(say|ask)|my (first|last|previous) (question|message)", lowered)
        and reading.earlier_questions
    ):
        return f'Before this you said: "{_shorten(reading.earlier_questions[-1], 200)}".'
    offered = f" I could use {', '.join(tool_names[:6])}, but this needs none of them." if tool_names else ""
    return (
        f'You said: "{_shorten(question, 120)}". I am the offline model, which answers by simple rules and knows '
        f"nothing of the world.{offered}"
    )


def _format_answer(answer: str, body: dict[str, Any], reading: UserTurn) -> str:
    """The answer in the format that was asked for."""
    form = (body.get("text") or {}).get("format") or {}
    match form.get("type"):
        case "json_schema":
            hints: dict[str, Any] = dict.fromkeys(
                ("answer", "text", "summary", "response", "message", "result"), answer
            )
            if (found := find_arithmetic(reading.question)) is not None:
                hints |= dict.fromkeys(("result", "value", "total", "sum", "number", "answer"), found[1])
            hints["question"] = reading.question
            return json.dumps(schema_instance(form["schema"], hints), ensure_ascii=False)
        case "json_object":
            return json.dumps({"answer": answer}, ensure_ascii=False)
        case _:
            return answer


def _shorten(text: str, length: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"
