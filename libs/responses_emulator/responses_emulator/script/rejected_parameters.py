"""."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from responses_emulator.script.replies import HttpReply, error_body

Dialect = Literal["openai", "vllm", "litellm", "pydantic422"]


@dataclass(frozen=True, slots=True)
class RejectParameters:
    """A standing rule: any request that carries one of these parameters is refused, in a server's own words.

    A dotted name ("reasoning.summary") means a key of an object.
    """

    parameters: Sequence[str]
    dialect: Dialect = "openai"

    def refusal(self, body: Mapping[str, Any]) -> HttpReply | None:
        """The refusal of this body, or None where it carries none of them."""
        found = {name: value for name in self.parameters if (value := _value_at(body, name)) is not None}
        return _DIALECTS[self.dialect](found, body) if found else None


def _value_at(body: Mapping[str, Any], name: str) -> Any:
    value: Any = body
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _openai(found: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    name = next(iter(found))
    message = f"Unknown parameter: '{name}'."
    return HttpReply(400, error_body(message, kind="invalid_request_error", code="unknown_parameter", param=name))


def _first_parameter(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "type": "extra_forbidden",
            "loc": ["body", *name.split(".")],
            "msg": "Extra inputs are not permitted",
            "input": value,
        }
        for name, value in found.items()
    ]


def _vllm(found: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    # vLLM sends the list of faults as text, an integer code, and the status phrase as type
    # (reported by its users, seen 2026-11-21).
    faults = [{**fault, "loc": tuple(fault["loc"])} for fault in _first_parameter(found)]
    return HttpReply(400, {"error": {"message": str(faults), "type": "Bad Request", "param": None, "code": 400}})


def _litellm(found: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    # The proxy sends its exception's text, and the status as a string (its own tests, seen 2026-11-21).
    model = body.get("model")
    message = (
        f"litellm.UnsupportedParamsError: openai does not support parameters: {list(found)}, for model={model}. "
        "To drop these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n. "
        f"Received Model Group={model}\nAvailable Model Group Fallbacks=None"
    )
    return HttpReply(
        400, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": "400"}}
    )


def _pydantic422(found: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    return HttpReply(422, {"detail": _first_parameter(found)})


_DIALECTS = {"openai": _openai, "vllm": _vllm, "litellm": _litellm, "pydantic422": _pydantic422}
