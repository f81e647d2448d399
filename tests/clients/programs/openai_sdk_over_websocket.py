"""The openai SDK over WebSocket: `stream` reads a stream, `tool` sends only the output of the tool.

It prints what came as one line of JSON.
"""

import asyncio
import json
import sys

from openai import AsyncOpenAI
from openai.lib.responses_websocket import AsyncResponsesWebSocketSession, ResponsesWebSocketLimits

LIMITS = ResponsesWebSocketLimits(
    max_lanes=2, max_events_per_lane=128, max_events=512, max_bytes_per_lane=1 << 24, max_bytes=1 << 25
)
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def read_stream() -> None:
    async with AsyncOpenAI(max_retries=0) as client, client.responses.connect() as connection:
        await connection.response.create(model="gpt-5.6-sol", input="Count.")
        pieces = []
        async for event in connection:
            if event.type == "response.output_text.delta":
                pieces.append(event.delta)
            if event.type == "response.completed":
                text = event.response.output_text
                break
    assert text == "".join(pieces)
    print(json.dumps({"text": text, "pieces": len(pieces)}))


async def run_tool() -> None:
    common = {"type": "response.create", "model": "gpt-5.6-sol", "tools": [WEATHER], "store": False}
    async with (
        AsyncOpenAI(max_retries=0) as client,
        client.responses.connect() as connection,
        AsyncResponsesWebSocketSession(connection, limits=LIMITS) as session,
    ):
        lane = session.lane("forecast")
        await lane.send({**common, "input": "How is the weather in Oslo?"})
        first = await lane.get_final_response()
        call = first.output[-1]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
        await lane.send({**common, "previous_response_id": first.id, "input": [result]})
        second = await lane.get_final_response()
    print(json.dumps({"text": second.output_text, "arguments": json.loads(call.arguments)}))


asyncio.run(read_stream() if sys.argv[1] == "stream" else run_tool())
