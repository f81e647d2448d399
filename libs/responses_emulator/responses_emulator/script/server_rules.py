"""Standing rules of servers that implement a part of the API, and of accounts and models with limits.

Each rule refuses what its server refuses, with the server's status and text, until `reset()`. The texts and their
sources are in `rules/servers.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responses_emulator.rules import requests, schemas
from responses_emulator.rules import servers as rules
from responses_emulator.rules.rule import Rule
from responses_emulator.script.replies import HttpReply, refusal_reply

_SYSTEM_ROLES = ("system", "developer")


@dataclass(frozen=True, slots=True)
class ServerRule:
    """A standing rule: a request is refused if `refuse` returns a reply for its body."""

    refuse: Callable[[Mapping[str, Any]], HttpReply | None]

    def refusal(self, body: Mapping[str, Any]) -> HttpReply | None:
        """Return the refusal of this body. None if the rule lets it pass."""
        return self.refuse(body)


def unverified_organization() -> ServerRule:
    """OpenAI: no stream for an organization that is not verified."""
    reply = refusal_reply(rules.UNVERIFIED_ORGANIZATION)
    return ServerRule(lambda body: reply if body.get("stream") else None)


def required_message_status() -> ServerRule:
    """VLLM up to 0.19: an assistant message needs `id` and `status`, or a text as its content."""
    union = "list[union[EasyInputMessageParam,Message,ResponseOutputMessageParam,ResponseFileSearchToolCallParam,...]]"

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        for index, item in enumerate(_items(body)):
            is_typed = item.get("role") == "assistant" and isinstance(item.get("content"), list)
            if is_typed and not ("id" in item and "status" in item):
                faults = [
                    {"type": "string_type", "loc": ("body", "input", "str"), "msg": "Input should be a valid string"},
                    {"type": "missing", "loc": ("body", "input", union, index, "status"), "msg": "Field required"},
                ]
                return vllm_refusal(rules.MESSAGE_STATUS, faults="\n  ".join(map(str, faults)))
        return None

    return ServerRule(refuse)


def system_text_first() -> ServerRule:
    """Qwen 3.5 and later: system text only at the start."""
    return _template_rule(rules.SYSTEM_TEXT_FIRST, lambda roles: any(role in _SYSTEM_ROLES for role in roles[1:]))


def no_system_role() -> ServerRule:
    """Gemma: no system text at all."""
    return _template_rule(rules.NO_SYSTEM_ROLE, lambda roles: any(role in _SYSTEM_ROLES for role in roles))


def alternating_roles() -> ServerRule:
    """Mistral: users and the model take turns."""

    def breaks_the_order(roles: Sequence[str]) -> bool:
        speakers = [role for index, role in enumerate(roles) if index > 0 or role not in _SYSTEM_ROLES]
        return any(role in _SYSTEM_ROLES for role in speakers) or any(
            first == second == "user" for first, second in itertools.pairwise(speakers)
        )

    return _template_rule(rules.ALTERNATING_ROLES, breaks_the_order)


def answered_results() -> ServerRule:
    """Mistral: only the model speaks after a tool result."""

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        for first, second in itertools.pairwise(_items(body)):
            role = second.get("role")
            if first.get("type") == "function_call_output" and role in ("user", *_SYSTEM_ROLES):
                return vllm_refusal(rules.ANSWERED_RESULTS, role="user" if role == "user" else "system")
        return None

    return ServerRule(refuse)


def text_results_only() -> ServerRule:
    """llama.cpp up to summer 2026: no image in a tool result."""
    reply = llama_cpp_refusal(rules.TEXT_RESULTS_ONLY)
    return ServerRule(lambda body: reply if any(True for _ in _images(body, results_only=True)) else None)


def no_images() -> ServerRule:
    """llama.cpp with a model that has no vision."""
    reply = llama_cpp_refusal(requests.NO_VISION)
    return ServerRule(lambda body: reply if any(True for _ in _images(body)) else None)


def damaged_images(*urls: str) -> ServerRule:
    """OpenAI: an image with one of these data URLs cannot be read."""
    reply = refusal_reply(rules.DAMAGED_IMAGE)
    return ServerRule(lambda body: reply if any(part.get("image_url") in urls for part in _images(body)) else None)


def unknown_items(*types: str) -> ServerRule:
    """The API's words for an item type that a server does not know."""

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        for index, item in enumerate(_items(body)):
            if item.get("type") in types:
                return refusal_reply(rules.UNKNOWN_ITEM, type=item["type"], path=f"input[{index}]")
        return None

    return ServerRule(refuse)


def unknown_item_field(key: str) -> ServerRule:
    """The API's words for a field of an item that a server does not know."""

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        for index, item in enumerate(_items(body)):
            if key in item:
                return refusal_reply(requests.UNKNOWN_PARAMETER, path=f"input[{index}].{key}", hint="")
        return None

    return ServerRule(refuse)


def refused_reasoning(message: str = "Encrypted content is not supported. (parameter=input)") -> ServerRule:
    """A server that cannot read the reasoning of another model; by default vLLM."""
    reply = vllm_refusal(rules.REFUSED_REASONING, message=message)
    return ServerRule(lambda body: reply if any(item.get("type") == "reasoning" for item in _items(body)) else None)


def refused_tool(name: str) -> ServerRule:
    """The API's words for a schema that it does not accept, by the tool's index."""

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        in_items = [(f"input[{number}].tools", item.get("tools")) for number, item in enumerate(_items(body))]
        for place, tools in [("tools", body.get("tools")), *in_items]:
            for index, tool in enumerate(tools or ()):
                if tool.get("name") == name:
                    problem = schemas.KEYWORD_AT_TOP.fill(keywords="'oneOf'/'anyOf'/'allOf'/'enum'/'not'")
                    path = f"{place}[{index}].parameters"
                    return refusal_reply(requests.INVALID_FUNCTION_SCHEMA, name=name, problem=problem, path=path)
        return None

    return ServerRule(refuse)


def _template_rule(rule: Rule, refuses: Callable[[Sequence[str]], bool]) -> ServerRule:
    """A rule about the roles that a chat template gets; `instructions` are its first system text."""

    def refuse(body: Mapping[str, Any]) -> HttpReply | None:
        roles = ["system"] if body.get("instructions") else []
        roles += [str(item.get("role", item.get("type"))) for item in _items(body)]
        return vllm_refusal(rule) if refuses(roles) else None

    return ServerRule(refuse)


def vllm_refusal(rule: Rule, *, param: str | None = None, **values: object) -> HttpReply:
    """Return the refusal of a rule as vLLM words it: the code is the status."""
    error = {
        "message": rule.fill(**values),
        "type": rule.kind,
        "param": rule.param if param is None else param,
        "code": rule.status,
    }
    return HttpReply(rule.status, {"error": error}, rule=rule)


def llama_cpp_refusal(rule: Rule, **values: object) -> HttpReply:
    """Return the refusal of a rule as llama.cpp words it: the code is the status, and no parameter is named."""
    error = {"code": rule.status, "message": rule.fill(**values), "type": rule.kind}
    return HttpReply(rule.status, {"error": error}, rule=rule)


def _items(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    value = body.get("input")
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _images(body: Mapping[str, Any], *, results_only: bool = False) -> Iterator[Mapping[str, Any]]:
    for item in _items(body):
        parts = item.get("output") if "output" in item else None if results_only else item.get("content")
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, Mapping) and part.get("type") == "input_image":
                yield part
