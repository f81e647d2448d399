"""pydantic-ai: `stream` reads a stream, `tool` runs a tool call. It prints what came as one line of JSON."""

import asyncio
import json
import sys

from pydantic_ai import Agent

arguments = {}
agent = Agent("openai-responses:gpt-5.6-sol")


async def read_stream() -> None:
    async with agent.run_stream("Count.") as run:
        pieces = [piece async for piece in run.stream_text(delta=True, debounce_by=None)]
    print(json.dumps({"text": "".join(pieces), "pieces": len(pieces)}))


@agent.tool_plain
def weather(city: str) -> str:
    """Return the weather of a city."""
    arguments["city"] = city
    return "rain"


async def run_tool() -> None:
    run = await agent.run("How is the weather in Oslo?")
    print(json.dumps({"text": run.output, "arguments": arguments}))


asyncio.run(read_stream() if sys.argv[1] == "stream" else run_tool())
