"""What people use who have no provider module: the SDK's typed stream, and two agent libraries over it."""

# They are installed for the long form of the benchmark alone.
# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .contenders import Hear, _nobody, wire_body
from .conversation import KEY, MODEL, TOOLS, Asked, Called, Step


class Sdk:
    """`openai`, as its README shows it: typed parameters, typed events."""

    def __init__(self) -> None:
        self.hear: Hear = _nobody
        self._client: Any = None

    async def open(self, url: str, *, hooks: str, settings: Mapping[str, Any]) -> None:
        from openai import AsyncOpenAI

        await self.close()
        self._client = AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY)

    def history(self, steps: Sequence[Step]) -> Any:
        return wire_body(steps)

    async def ask(self, history: Any) -> Any:
        async for event in await self._client.responses.create(**history):
            if event.type == "response.output_text.delta":
                self.hear(event.delta)

    def grow(self, history: Any, answer: Any) -> Any:
        raise NotImplementedError("not compared in a loop")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


class LangChain:
    """`langchain-openai` on the Responses API."""

    def __init__(self) -> None:
        self.hear: Hear = _nobody
        self._model: Any = None

    async def open(self, url: str, *, hooks: str, settings: Mapping[str, Any]) -> None:
        from langchain_openai import ChatOpenAI

        model = ChatOpenAI(
            model=MODEL,
            base_url=f"{url}/v1",
            api_key=KEY,  # pyright: ignore[reportArgumentType]
            use_responses_api=True,
            store=False,
            include=["reasoning.encrypted_content"],
        )
        self._model = model.bind_tools([dict(tool) for tool in TOOLS])

    def history(self, steps: Sequence[Step]) -> Any:
        from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

        messages: list[Any] = []
        for step in steps:
            match step:
                case Asked():
                    messages.append(HumanMessage(step.text))
                case Called():
                    call = {"name": "tool_1", "args": {"path": step.path}, "id": step.call_id, "type": "tool_call"}
                    messages.append(AIMessage(step.text, tool_calls=[call]))
                case _:
                    messages.append(ToolMessage(step.text, tool_call_id=step.call_id))
        return messages

    async def ask(self, history: Any) -> Any:
        async for chunk in self._model.astream(history):
            if text := chunk.text:
                self.hear(str(text))

    def grow(self, history: Any, answer: Any) -> Any:
        raise NotImplementedError("not compared in a loop")

    async def close(self) -> None:
        pass


class PydanticAi:
    """`pydantic-ai` on the Responses API: one request of its model, without the agent around it."""

    def __init__(self) -> None:
        self.hear: Hear = _nobody
        self._model: Any = None
        self._parameters: Any = None

    async def open(self, url: str, *, hooks: str, settings: Mapping[str, Any]) -> None:
        from pydantic_ai.models import ModelRequestParameters
        from pydantic_ai.models.openai import OpenAIResponsesModel
        from pydantic_ai.providers.openai import OpenAIProvider
        from pydantic_ai.tools import ToolDefinition

        self._model = OpenAIResponsesModel(MODEL, provider=OpenAIProvider(base_url=f"{url}/v1", api_key=KEY))
        tools = [
            ToolDefinition(
                name=tool["name"],
                description=tool["description"],
                parameters_json_schema=tool["parameters"],
                strict=False,
            )
            for tool in TOOLS
        ]
        self._parameters = ModelRequestParameters(function_tools=tools)

    def history(self, steps: Sequence[Step]) -> Any:
        from pydantic_ai import messages as m

        found: list[Any] = []
        for step in steps:
            match step:
                case Asked():
                    found.append(m.ModelRequest(parts=[m.UserPromptPart(step.text)]))
                case Called():
                    call = m.ToolCallPart("tool_1", {"path": step.path}, tool_call_id=step.call_id)
                    found.append(m.ModelResponse(parts=[m.TextPart(step.text), call]))
                case _:
                    part = m.ToolReturnPart("tool_1", step.text, tool_call_id=step.call_id)
                    found.append(m.ModelRequest(parts=[part]))
        return found

    async def ask(self, history: Any) -> Any:
        async with self._model.request_stream(history, None, self._parameters) as stream:
            async for event in stream:
                if content := getattr(getattr(event, "delta", None), "content_delta", None):
                    self.hear(content)

    def grow(self, history: Any, answer: Any) -> Any:
        raise NotImplementedError("not compared in a loop")

    async def close(self) -> None:
        pass
