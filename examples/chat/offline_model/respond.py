"""."""

from __future__ import annotations

from responses_emulator.output.drafts import TurnContext
from responses_emulator.script import turn as b

from examples.chat.offline_model.tool_choice import PlannedCall, forced_calls, plan_calls, usable_tools

from .conversation import UserTurn
from .wording import _announcement, _answer_text, _format_answer, _shorten

MAX_STEPS = 8


_EFFORT_TOKENS = {"minimal": 16, "low": 32, "medium": 64, "high": 192, "xhigh": 384, "max": 768}


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
