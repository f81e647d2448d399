"""The next output of the offline model: reasoning, then the tool calls that a question asks for, or a message."""

from __future__ import annotations

from responses_emulator.contract.tools import offered_tools
from responses_emulator.output.turn_context import TurnContext
from responses_emulator.script.turn import Call, CustomCall, OutputPart, Say, Think

from examples.chat.offline_model.conversation import UserTurn, read_conversation
from examples.chat.offline_model.tool_choice import PlannedCall, forced_calls, plan_calls, usable_tools
from examples.chat.offline_model.wording import announcement, format_response, response_text, shorten

# After this number of tool results the model makes no more calls.
MAX_STEPS = 8
# The length of the reasoning, in tokens.
_EFFORT_TOKENS = {"minimal": 16, "low": 32, "medium": 64, "high": 192, "xhigh": 384, "max": 768}


def respond(context: TurnContext) -> list[OutputPart]:
    """Return the output for a conversation. This is the `responder` of an `Emulator`."""
    user_turn = read_conversation(context.items)
    body = context.body
    tools = usable_tools(offered_tools(body), body.get("tool_choice"))
    history = [(step.name, step.arguments, step.output) for step in user_turn.steps]
    planned = forced_calls(user_turn.question, tools, body.get("tool_choice"))
    if not planned and len(history) < MAX_STEPS:
        planned = plan_calls(user_turn.question, tools, history)
    if body.get("parallel_tool_calls") is False:
        planned = planned[:1]
    content: list[OutputPart] = []
    if context.model.reasons and context.effort != "none":
        content.append(_reasoning(context, user_turn, planned))
    if planned:
        if context.model.phase:
            content.append(Say(announcement(planned, again=bool(history)), phase="commentary"))
        return content + [_call(intent) for intent in planned]
    text = response_text(user_turn, [str(tool.get("name") or tool["type"]) for tool in tools])
    return [
        *content,
        Say(format_response(text, body, user_turn), phase="final_answer" if context.model.phase else None),
    ]


def _call(intent: PlannedCall) -> OutputPart:
    if intent.tool["type"] == "custom":
        return CustomCall(str(intent.tool["name"]), intent.free_text)
    return Call(str(intent.tool["name"]), intent.arguments, namespace=intent.namespace)


def _reasoning(context: TurnContext, user_turn: UserTurn, planned: list[PlannedCall]) -> Think:
    short = shorten(user_turn.question, 80)
    if planned:
        plan = "; ".join(intent.reason for intent in planned)
        text = f"**Choosing the next step**\n\nThe user asks: {short!r}. I should {plan}, and then answer from that."
    elif user_turn.steps:
        count = len(user_turn.steps)
        results = "a result" if count == 1 else f"{count} results"
        text = f"**Putting it together**\n\nI have {results} to answer {short!r} with."
    else:
        text = f"**Answering directly**\n\nThe user says: {short!r}. No tool is needed for this."
    return Think([text], tokens=_EFFORT_TOKENS.get(context.effort or "medium", 64))
