"""The openai SDK: `stream` reads a stream, `tool` runs a tool call. It prints what came as one line of JSON."""

import json
import sys

from openai import OpenAI

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
client = OpenAI(max_retries=0)

if sys.argv[1] == "stream":
    with client.responses.stream(model="gpt-5.6-sol", input="Count.") as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        text = stream.get_final_response().output_text
    assert text == "".join(pieces)
    print(json.dumps({"text": text, "pieces": len(pieces)}))
else:
    history: list = [{"role": "user", "content": "How is the weather in Oslo?"}]
    common = {"model": "gpt-5.6-sol", "tools": [WEATHER], "store": False, "include": ["reasoning.encrypted_content"]}
    first = client.responses.create(input=history, **common)
    call = first.output[-1]
    history += [item.model_dump(exclude_none=True) for item in first.output]
    history.append({"type": "function_call_output", "call_id": call.call_id, "output": "rain"})
    second = client.responses.create(input=history, **common)
    print(json.dumps({"text": second.output_text, "arguments": json.loads(call.arguments)}))
