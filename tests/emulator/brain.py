"""The built-in model: simple, deterministic rules that make a real agent work from question to answer.

It reads the conversation, decides which offered tools would help, calls them, waits for their outputs, may take another
step, and then answers in a few sentences from what it got.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.emulator import behaviours as b
from tests.emulator.brain_tools import PlannedCall, forced_calls, plan_calls, usable_tools
from tests.emulator.drafts import TurnContext
from tests.emulator.pairing import CALL_TYPES, OUTPUT_TYPES
from tests.emulator.pictures import describe_image
from tests.emulator.schema_fill import schema_instance
from tests.emulator.sums import find_arithmetic
from tests.emulator.validate_items import item_type

Item = dict[str, Any]
MAX_STEPS = 8
_EFFORT_TOKENS = {"minimal": 16, "low": 32, "medium": 64, "high": 192, "xhigh": 384, "max": 768}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStep:
    """One call that was made for this question, and what came back."""

    call: Item
    output: str
    pictures: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self.call.get("name") or self.call["type"].removesuffix("_call"))

    @property
    def arguments(self) -> dict[str, Any]:
        try:
            given = self.call.get("arguments") or "{}"
            value = given if isinstance(given, dict) else json.loads(given)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def failed(self) -> bool:
        return bool(re.match(r"\W*(error|failed|exception|traceback|tool .{0,40}(failed|denied))\b", self.output, re.I))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTurn:
    """The conversation as the model understands it."""

    question: str
    earlier_questions: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    steps: tuple[ToolStep, ...] = field(default=())


def expand_responder(turn: b.Turn, scene: TurnContext, items: list[Item]) -> b.Turn:
    """The turn with `Brain()` replaced by what the model decides."""
    parts: list[b.Part] = []
    for part in turn.parts:
        parts += respond(scene, read_conversation(items)) if isinstance(part, b.FromResponder) else [part]
    return b.Turn(*parts)


def read_conversation(items: list[Item]) -> UserTurn:
    """Understand a conversation."""
    asked = [i for i, item in enumerate(items) if item_type(item) == "message" and item.get("role") == "user"]
    last = asked[-1] if asked else -1
    content = items[last].get("content", "") if asked else ""
    calls = {item.get("call_id"): item for item in items[last + 1 :] if item_type(item) in CALL_TYPES}
    steps = [
        ToolStep(
            call=calls[item.get("call_id")],
            output=_text(item.get("output")),
            pictures=_describe_images(item.get("output")),
        )
        for item in items[last + 1 :]
        if item_type(item) in OUTPUT_TYPES and item.get("call_id") in calls
    ]
    files = [str(part.get("filename") or part.get("file_id") or "a file") for part in _parts(content, "input_file")]
    return UserTurn(
        question=_text(content).strip(),
        earlier_questions=tuple(_text(items[i].get("content")) for i in asked[:-1]),
        images=_describe_images(content),
        files=tuple(files),
        steps=tuple(steps),
    )


def _parts(content: Any, kind: str) -> list[dict[str, Any]]:
    parts = content if isinstance(content, list) else []
    return [part for part in parts if isinstance(part, dict) and part.get("type") == kind]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") or part.get("stdout") or "" for part in content if isinstance(part, dict)]
        return "\n".join(text for text in texts if text)
    return "" if content is None else json.dumps(content)


def _describe_images(content: Any) -> tuple[str, ...]:
    return tuple(describe_image(part.get("image_url"), part.get("file_id")) for part in _parts(content, "input_image"))


def respond(scene: TurnContext, reading: UserTurn) -> list[b.OutputPart]:
    """The next output items."""
    body = scene.body
    tools = usable_tools(body.get("tools") or [], body.get("tool_choice"))
    done = [(step.name, step.arguments, step.output) for step in reading.steps]
    wanted = forced_calls(reading.question, tools, body.get("tool_choice"))
    if not wanted and len(done) < MAX_STEPS:
        wanted = plan_calls(reading.question, tools, done)
    if body.get("parallel_tool_calls") is False:
        wanted = wanted[:1]
    content: list[b.OutputPart] = []
    if scene.model.reasons and scene.effort != "none":
        content.append(_reasoning(scene, reading, wanted))
    if wanted:
        if scene.model.phase:
            content.append(b.Say(_announcement(wanted, again=bool(done)), phase="commentary"))
        return content + [_call(intent) for intent in wanted]
    answer = _answer_text(reading, [str(tool.get("name") or tool["type"]) for tool in tools])
    return [*content, b.Say(_format_answer(answer, body, reading), phase="final_answer" if scene.model.phase else None)]


def _call(intent: PlannedCall) -> b.OutputPart:
    if intent.tool["type"] == "custom":
        return b.CustomCall(str(intent.tool["name"]), intent.free_text)
    return b.Call(str(intent.tool["name"]), intent.arguments, namespace=intent.namespace)


def _reasoning(scene: TurnContext, reading: UserTurn, wanted: list[PlannedCall]) -> b.Think:
    short = _shorten(reading.question, 80)
    if wanted:
        plan = "; ".join(intent.reason for intent in wanted)
        text = f"**Choosing the next step**\n\nThe user asks: {short!r}. I should {plan}, and then answer from that."
    elif reading.steps:
        text = f"**Putting it together**\n\nI have {len(reading.steps)} result(s) to answer {short!r} with."
    else:
        text = f"**Answering directly**\n\nThe user says: {short!r}. No tool is needed for this."
    return b.Think([text], tokens=_EFFORT_TOKENS.get(scene.effort or "medium", 64))


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
