"""The Response object: the request echoed the way the service echoes it, and the ids of one response.

Invariant: key order and defaults are those of recorded traffic (gpt-5.4 to gpt-6-astra, seen 2026-11-21).
"""

from __future__ import annotations

import copy
import itertools
import secrets
import time
from typing import Any

from responses_emulator.contract.input_items import ID_PREFIXES
from responses_emulator.contract.tools import strict_schema_problem
from responses_emulator.facts.models import Model

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TOOL_USAGE = {
    "image_gen": {
        "input_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "total_tokens": 0,
    },
    "web_search": {"num_requests": 0},
}
_TOOL_DEFAULTS: dict[str, dict[str, Any]] = {
    "custom": {"format": {"type": "text"}},
    "tool_search": {"description": None, "parameters": None},
    "file_search": {
        "filters": None,
        "max_num_results": 20,
        "ranking_options": {"ranker": "auto", "score_threshold": 0.0},
    },
    "web_search": {"filters": None, "search_context_size": "medium", "user_location": None},
    "web_search_preview": {"search_context_size": "medium", "user_location": None},
    "mcp": {"allowed_tools": None, "headers": None, "require_approval": "always", "server_description": None},
}


class ResponseIds:
    """The ids of one response: all share its root, as the service's do."""

    def __init__(self) -> None:
        self._root = secrets.token_hex(8)
        self._count = itertools.count()
        self.response = self.item("resp")

    def item(self, prefix: str) -> str:
        """Return a new id with this prefix."""
        return f"{prefix}_{self._root}00{int(time.time()):08x}{next(self._count):02x}{secrets.token_hex(11)}"

    def of_kind(self, kind: str) -> str:
        """Return a new id for an item type."""
        return self.item(ID_PREFIXES.get(kind, kind.split("_")[0][:4]))


def new_call_id() -> str:
    """Return a new call id."""
    return "call_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def sort_keys(value: dict[str, Any], first: tuple[str, ...] = ("id", "type", "status")) -> dict[str, Any]:
    """Return the keys in the order of the service: first those of `first`, then the others by name."""
    head = {key: value[key] for key in first if key in value}
    return {**head, **{key: value[key] for key in sorted(value) if key not in head}}


def echo_tool(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a tool as the service echoes it: with its defaults, and functions strict unless the request says no."""
    echoed = {**_TOOL_DEFAULTS.get(tool["type"], {}), **copy.deepcopy(tool)}
    if tool["type"] == "function":
        echoed.setdefault("description", None)
        strict = tool.get("strict")
        if strict is None:
            echoed["parameters"] = _make_strict(echoed.get("parameters"))
            # A schema that cannot be made strict is taken as it is, unlike one sent with `strict: true`.
            strict = strict_schema_problem(echoed["parameters"], ()) is None
            if not strict:
                echoed["parameters"] = copy.deepcopy(tool.get("parameters"))
        echoed["strict"] = strict
    if tool["type"] == "namespace":
        echoed["tools"] = [echo_tool(each) for each in tool["tools"]]
    return sort_keys(echoed, ("type",))


def _make_strict(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    made = {key: _make_strict(each) for key, each in schema.items() if key != "properties"}
    if "properties" in schema:
        made["properties"] = {name: _make_strict(each) for name, each in schema["properties"].items()}
    if schema.get("type") == "object":
        made.setdefault("additionalProperties", False)
        made["required"] = list(schema.get("required") or (schema.get("properties") or {}))
    return made


def _echo_text(text: dict[str, Any] | None) -> dict[str, Any]:
    form = dict((text or {}).get("format") or {"type": "text"})
    if form["type"] == "json_schema":
        form = sort_keys({"description": None, "strict": False, **form}, ("type",))
    return {"format": form, "verbosity": (text or {}).get("verbosity") or "medium"}


def _echo_reasoning(body: dict[str, Any], model: Model) -> dict[str, Any]:
    reasoning = body.get("reasoning") or {}
    summary = reasoning.get("summary")
    echoed: dict[str, Any] = {}
    if model.context:
        echoed["context"] = reasoning.get("context") or model.context
    # That of the request, whatever a `configuration_update` says: a client's live probes of 2026-09-19.
    echoed["effort"] = reasoning.get("effort") or model.default_effort
    if model.context:
        echoed["mode"] = reasoning.get("mode") or "standard"
    # Recorded: "auto" is answered with what it stands for.
    echoed["summary"] = "detailed" if summary == "auto" else summary
    return echoed


def initial_response(body: dict[str, Any], model: Model, ids: ResponseIds) -> dict[str, Any]:
    """Return the Response object as `response.created` carries it."""

    def value_or(key: str, default: Any = None) -> Any:
        value = body.get(key)
        return default if value is None else value

    return {
        "id": ids.response,
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": value_or("background", False),
        "completed_at": None,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "model": model.snapshot,
        "moderation": None,
        "output": [],
        "parallel_tool_calls": value_or("parallel_tool_calls", True),
        "presence_penalty": 0.0,
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "prompt_cache_retention": value_or("prompt_cache_retention", model.retention),
        "reasoning": _echo_reasoning(body, model),
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": value_or("service_tier", "auto"),
        "store": value_or("store", True),
        "temperature": float(value_or("temperature", 1.0)),
        "text": _echo_text(body.get("text")),
        "tool_choice": value_or("tool_choice", "auto"),
        "tool_usage": copy.deepcopy(_TOOL_USAGE),
        "tools": [echo_tool(tool) for tool in body.get("tools") or []],
        "top_logprobs": value_or("top_logprobs", 0),
        "top_p": float(value_or("top_p", model.top_p)),
        "truncation": value_or("truncation", "disabled"),
        "usage": None,
        "user": body.get("user"),
        "metadata": value_or("metadata", {}),
    }


def reported_tier(asked: str) -> str:
    """Return the tier that the reply reports for a requested one: `fast` is reported as priority."""
    return {"auto": "default", "fast": "priority"}.get(asked, asked)
