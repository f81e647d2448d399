"""openai-agents: `stream` reads a stream, `tool` runs a tool call. It prints what came as one line of JSON."""

import asyncio
import json
import sys

from agents import Agent, Runner, function_tool

arguments = {}


@function_tool
def weather(city: str) -> str:
    """Return the weather of a city."""
    arguments["city"] = city
    return "rain"


async def read_stream() -> None:
    run = Runner.run_streamed(Agent(name="counter", model="gpt-5.6-sol"), "Count.")
    pieces = [
        event.data.delta
        async for event in run.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    assert run.final_output == "".join(pieces)
    print(json.dumps({"text": run.final_output, "pieces": len(pieces)}))


async def run_tool() -> None:
    agent = Agent(name="forecaster", model="gpt-5.6-sol", tools=[weather])
    run = await Runner.run(agent, "How is the weather in Oslo?")
    print(json.dumps({"text": run.final_output, "arguments": arguments}))


asyncio.run(read_stream() if sys.argv[1] == "stream" else run_tool())
