"""The LiteLLM SDK: `stream` reads a stream, `tool` runs a tool call. It prints what came as one line of JSON."""

import json
import sys

import litellm

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
COMMON = {"model": "openai/gpt-5.6-sol", "num_retries": 0}

if sys.argv[1] == "stream":
    events = litellm.responses(input="Count.", stream=True, **COMMON)
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    print(json.dumps({"text": "".join(pieces), "pieces": len(pieces)}))
else:
    options = {**COMMON, "tools": [WEATHER], "store": False, "include": ["reasoning.encrypted_content"]}
    history: list = [{"role": "user", "content": "How is the weather in Oslo?"}]
    first = litellm.responses(input=history, **options)
    items = first.model_dump(exclude_none=True)["output"]
    history += [*items, {"type": "function_call_output", "call_id": items[-1]["call_id"], "output": "rain"}]
    second = litellm.responses(input=history, **options)
    text = second.output[-1].content[0].text
    print(json.dumps({"text": text, "arguments": json.loads(items[-1]["arguments"])}))
