"""langchain-openai: `stream` reads a stream, `tool` runs a tool call. It prints what came as one line of JSON."""

import json
import sys

# This file has the name of the package; -I keeps its folder off the path.
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI


@tool
def weather(city: str) -> str:
    """Return the weather of a city."""
    return "rain"


model = ChatOpenAI(
    model="gpt-5.6-sol", use_responses_api=True, store=False, include=["reasoning.encrypted_content"], max_retries=0
)

if sys.argv[1] == "stream":
    pieces = [piece.text for piece in model.stream("Count.") if piece.text]
    print(json.dumps({"text": "".join(pieces), "pieces": len(pieces)}))
else:
    bound = model.bind_tools([weather])
    history: list = [HumanMessage("How is the weather in Oslo?")]
    history.append(bound.invoke(history))
    (call,) = history[-1].tool_calls
    history.append(ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"]))
    print(json.dumps({"text": bound.invoke(history).text, "arguments": call["args"]}))
