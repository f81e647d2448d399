"""One turn of the loop: from a prompt, over tool calls, to an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from amplifier_core.llm_errors import LLMError
from amplifier_core.message_models import ChatRequest, ChatResponse, Message, ToolCall, ToolSpec
from amplifier_core.models import ToolResult


class Denied(Exception):
    """A hook forbids what was about to happen; carries its reason."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """What a turn works with.

    Attributes:
        request: fields of every request of the turn, such as `model`.
        token_budget: how much of the history a request may hold; None leaves it to the context.
        steps: requests made so far.
    """

    context: Any
    providers: Mapping[str, Any]
    tools: Mapping[str, Any]
    hooks: Any
    coordinator: Any = None
    request: Mapping[str, Any] = field(default_factory=dict)
    token_budget: int | None = None
    steps: int = 0

    async def run(self, prompt: str, *, max_steps: int) -> str:
        """Answer a prompt."""
        try:
            await self._emit("prompt:submit", {"prompt": prompt})
            await self.context.add_message({"role": "user", "content": prompt})
            while True:
                self.steps += 1
                response = await self._ask(last=self.steps >= max_steps)
                calls = response.tool_calls or []
                await self.context.add_message(_assistant_message(response, calls))
                await self._show_blocks(response)
                if calls:
                    await self._run_calls(calls)
                if not calls or self.steps >= max_steps:
                    return _text_of(response)
        except Denied as denied:
            return f"Denied: {denied}"

    async def _emit(self, event: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tell the hooks and obey them; gives the data as they left it."""
        result = await self.hooks.emit(event, dict(data))
        if self.coordinator is not None:
            result = await self.coordinator.process_hook_result(result, event)
        if result.action == "deny":
            raise Denied(result.reason or f"a hook refused {event}")
        return result.data or data

    async def _ask(self, *, last: bool) -> ChatResponse:
        name, provider = self._preferred()
        await self._emit("provider:request", {"provider": name, "iteration": self.steps})
        messages = await self.context.get_messages_for_request(self.token_budget, provider=provider)
        specs = [_spec(tool) for tool in self.tools.values()]
        request = ChatRequest(
            messages=[Message(**message) for message in messages],
            tools=specs or None,
            # The tools stay in the request: leaving them out would change its beginning and miss the prompt cache.
            tool_choice="none" if last and specs else None,
            **self.request,
        )
        try:
            response = await provider.complete(request)
        except LLMError as error:
            failure = {"type": type(error).__name__, "msg": str(error)}
            details = {"error": failure, "retryable": error.retryable, "status_code": error.status_code}
            await self.hooks.emit("provider:error", {"provider": name, **details})
            raise
        await self._emit("provider:response", {"provider": name, "usage": _usage_of(response)})
        return response

    def _preferred(self) -> tuple[str, Any]:
        """The provider with the lowest `priority`; of equals the first."""
        return min(self.providers.items(), key=lambda item: getattr(item[1], "priority", 100))

    async def _show_blocks(self, response: ChatResponse) -> None:
        blocks = getattr(response, "content_blocks", None) or []
        for index, block in enumerate(blocks):
            place = {"block_index": index, "total_blocks": len(blocks)}
            await self._emit("content_block:start", {"block_type": block.type.value, **place})
            await self._emit("content_block:end", {"block": block.to_dict(), "usage": _usage_of(response), **place})

    async def _run_calls(self, calls: Sequence[ToolCall]) -> None:
        """Run the calls side by side; their results go into the history in the order of the calls."""
        tasks = [asyncio.create_task(self._run_call(call)) for call in calls]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for call, task in zip(calls, tasks, strict=True):
                finished = not task.cancelled() and task.exception() is None
                content = task.result() if finished else "Error: the user stopped this call before it was done."
                message = {"role": "tool", "name": call.name, "tool_call_id": call.id, "content": content}
                await self.context.add_message(message)

    async def _run_call(self, call: ToolCall) -> str:
        about: dict[str, Any] = {"tool_name": call.name, "tool_call_id": call.id, "tool_input": call.arguments}
        try:
            about = {**about, **await self._emit("tool:pre", about)}
            result = await self._run_tool(call.name, about["tool_input"])
            after = await self._emit("tool:post", {**about, "result": result.model_dump(mode="json")})
            return _result_text(ToolResult.model_validate(after["result"]))
        except Denied as denied:
            error = {"type": "Denied", "msg": str(denied)}
            await self.hooks.emit("tool:error", {**about, "error": error})
            return f"Denied by hook: {denied}"

    async def _run_tool(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        tool = self.tools.get(name)
        if tool is None:
            return ToolResult(success=False, error={"message": f"there is no tool called {name!r}"})
        try:
            return await tool.execute(dict(arguments))
        except Exception as error:  # noqa: BLE001 - whatever a tool raises, the model can go on without it
            return ToolResult(success=False, error={"message": f"{type(error).__name__}: {error}"})


def _spec(tool: Any) -> ToolSpec:
    return ToolSpec(name=tool.name, description=tool.description, parameters=tool.input_schema)


def _assistant_message(response: ChatResponse, calls: Sequence[ToolCall]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": [block.model_dump() for block in response.content]}
    if calls:
        message["tool_calls"] = [{"id": call.id, "tool": call.name, "arguments": call.arguments} for call in calls]
    if response.metadata:
        message["metadata"] = response.metadata
    return message


def _text_of(response: ChatResponse) -> str:
    texts = [block.text for block in response.content if block.type == "text"]
    return getattr(response, "text", None) or "\n\n".join(texts)


def _usage_of(response: ChatResponse) -> dict[str, Any] | None:
    return response.usage.model_dump(mode="json") if response.usage else None


def _result_text(result: ToolResult) -> str:
    output = result.output if isinstance(result.output, str) else json.dumps(result.output, default=str)
    return output if result.success else f"Error: {output}"
