"""Standing rules of servers that implement a part of the API, and of accounts and models with limits.

Each rule refuses what its server refuses, with the server's status and text, until `reset()`. The docstring names the
source; a text without a recording or a report says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responses_emulator.script.replies import HttpReply, error_body

_SYSTEM_ROLES = ("system", "developer")


@dataclass(frozen=True, slots=True)
class ServerRule:
    """A standing rule: a request is refused if `refuse` returns a reply for its body."""

    refuse: Callable[[Mapping[str, Any]], HttpReply | None]

    def refusal(self, body: Mapping[str, Any]) -> HttpReply | None:
        """Return the refusal of this body. None if the rule lets it pass."""
        return self.refuse(body)


def unverified_organization() -> ServerRule:
    """OpenAI: no stream for an organization that is not verified (crush#1216, continue#8209, seen 2026-12-01)."""
    message = (
        "Your organization must be verified to stream this model. Please go to: "
        "https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just "
        "verified, it can take up to 15 minutes for access to propagate."
    )
    reply = HttpReply(400, error_body(message, kind="invalid_request_error", code="unsupported_value", param="stream"))
    return ServerRule(lambda body: reply if body.get("stream") else None)


def required_message_status() -> ServerRule:
    """VLLM up to 0.19: an assistant message needs `id` and `status`, or a text as its content.

    The shape and the start of the text are those of vllm#45273 and DeepSeek-v4-Flash-DSpark-2x-DGX-Spark#138, seen
    2026-12-01; the real text goes on for each member of the union.
    """
    union = "list[union[EasyInputMessageParam,Message,ResponseOutputMessageParam,ResponseFileSearchToolCallParam,...]]"

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        for index, item in enumerate(_items(body)):
            is_typed = item.get("role") == "assistant" and isinstance(item.get("content"), list)
            if is_typed and not ("id" in item and "status" in item):
                faults = [
                    {"type": "string_type", "loc": ("body", "input", "str"), "msg": "Input should be a valid string"},
                    {"type": "missing", "loc": ("body", "input", union, index, "status"), "msg": "Field required"},
                ]
                return _vllm_error("193 validation errors:\n  " + "\n  ".join(map(str, faults)), param=None)
        return None

    return ServerRule(refuse)


def system_text_first() -> ServerRule:
    """Qwen 3.5 and later: system text only at the start (llm_wiki#45, crush#3050, seen 2026-12-01)."""
    return _template_rule(
        "System message must be at the beginning.",
        lambda roles: any(role in _SYSTEM_ROLES for role in roles[1:]),
    )


def no_system_role() -> ServerRule:
    """Gemma: no system text at all (guidellm#67, sglang#892, seen 2026-12-01)."""
    return _template_rule("System role not supported", lambda roles: any(role in _SYSTEM_ROLES for role in roles))


def alternating_roles() -> ServerRule:
    """Mistral: users and the model take turns (opencode#5034, which got it at status 500, seen 2026-12-01)."""

    def breaks_the_order(roles: Sequence[str]) -> bool:
        speakers = [role for index, role in enumerate(roles) if index > 0 or role not in _SYSTEM_ROLES]
        return any(role in _SYSTEM_ROLES for role in speakers) or any(
            first == second == "user" for first, second in itertools.pairwise(speakers)
        )

    return _template_rule(
        "After the optional system message, conversation roles must alternate user and assistant roles except for tool "
        "calls and results.",
        breaks_the_order,
        status=500,
    )


def answered_results() -> ServerRule:
    """Mistral: only the model speaks after a tool result (hermes-agent#20154, zed#37021, seen 2026-12-01)."""

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        for first, second in itertools.pairwise(_items(body)):
            role = second.get("role")
            if first.get("type") == "function_call_output" and role in ("user", *_SYSTEM_ROLES):
                message = f"Unexpected role '{'user' if role == 'user' else 'system'}' after role 'tool'"
                return _vllm_error(message, param=None)
        return None

    return ServerRule(refuse)


def text_results_only() -> ServerRule:
    """llama.cpp up to summer 2026: no image in a tool result (llama.cpp#23380, seen 2026-12-01)."""
    reply = HttpReply(
        400,
        {
            "error": {
                "code": 400,
                "message": "Output of tool call should be 'Input text'",
                "type": "invalid_request_error",
            }
        },
    )
    return ServerRule(lambda body: reply if any(True for _ in _images(body, results_only=True)) else None)


def no_images() -> ServerRule:
    """llama.cpp with a model that has no vision (recorded 2026-11-30)."""
    message = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
    reply = HttpReply(500, {"error": {"code": 500, "message": message, "type": "server_error"}})
    return ServerRule(lambda body: reply if any(True for _ in _images(body)) else None)


def damaged_images(*urls: str) -> ServerRule:
    """OpenAI: an image with one of these data URLs cannot be read (codex#7459, seen 2026-12-01)."""
    message = (
        "The image data you provided does not represent a valid image. Please check your input and try again with one "
        "of the supported image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp']."
    )
    reply = HttpReply(400, error_body(message, kind="invalid_request_error", code="invalid_value", param="input"))
    return ServerRule(lambda body: reply if any(part.get("image_url") in urls for part in _images(body)) else None)


def unknown_items(*types: str) -> ServerRule:
    """The API's words for an item type that a server does not know (CLIProxyAPI#3414, seen 2026-12-01)."""

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        for index, item in enumerate(_items(body)):
            if item.get("type") in types:
                message = f"Invalid value: '{item['type']}'. Supported values are: 'function_call', and 'message'."
                error = error_body(message, kind="invalid_request_error", code="invalid_value", param=f"input[{index}]")
                return HttpReply(400, error)
        return None

    return ServerRule(refuse)


def unknown_item_field(key: str) -> ServerRule:
    """The API's words for a field of an item that a server does not know (recorded for `annotations`, 2026-11-30)."""

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        for index, item in enumerate(_items(body)):
            if key in item:
                path = f"input[{index}].{key}"
                message = f"Unknown parameter: '{path}'."
                error = error_body(message, kind="invalid_request_error", code="unknown_parameter", param=path)
                return HttpReply(400, error)
        return None

    return ServerRule(refuse)


def refused_reasoning(message: str = "Encrypted content is not supported. (parameter=input)") -> ServerRule:
    """A server that cannot read the reasoning of another model; by default vLLM 0.32 (run 2026-11-30)."""
    reply = HttpReply(400, {"error": {"message": message, "type": "BadRequestError", "param": "input", "code": 400}})
    return ServerRule(lambda body: reply if any(item.get("type") == "reasoning" for item in _items(body)) else None)


def refused_tool(name: str) -> ServerRule:
    """The API's words for a schema that it does not accept, by the tool's index (everruns#984, oh-my-pi#2652)."""

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        for index, tool in enumerate(body.get("tools") or ()):
            if tool.get("name") == name:
                message = (
                    f"Invalid schema for function '{name}': schema must have type 'object' and not have 'oneOf'/"
                    "'anyOf'/'allOf'/'enum'/'not' at the top level."
                )
                error = error_body(
                    message,
                    kind="invalid_request_error",
                    code="invalid_function_parameters",
                    param=f"tools[{index}].parameters",
                )
                return HttpReply(400, error)
        return None

    return ServerRule(refuse)


def _template_rule(message: str, refuses: Callable[[Sequence[str]], bool], *, status: int = 400) -> ServerRule:
    """A rule about the roles that a chat template gets; `instructions` are its first system text."""

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        roles = ["system"] if body.get("instructions") else []
        roles += [str(item.get("role", item.get("type"))) for item in _items(body)]
        error = {"message": message, "type": "BadRequestError", "param": None, "code": status}
        return HttpReply(status, {"error": error}) if refuses(roles) else None

    return ServerRule(refuse)


def _vllm_error(message: str, *, param: str | None) -> HttpReply:
    return HttpReply(400, {"error": {"message": message, "type": "Bad Request", "param": param, "code": 400}})


def _items(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    value = body.get("input")
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _images(body: Mapping[str, Any], *, results_only: bool = False) -> Iterator[Mapping[str, Any]]:
    for item in _items(body):
        parts = item.get("output") if "output" in item else None if results_only else item.get("content")
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, Mapping) and part.get("type") == "input_image":
                yield part
