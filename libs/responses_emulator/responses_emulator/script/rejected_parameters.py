"""A standing rule that refuses parameters, in the dialects of several servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from responses_emulator.rules import requests
from responses_emulator.rules import servers as rules
from responses_emulator.script.replies import HttpReply, refusal_reply
from responses_emulator.script.server_rules import llama_cpp_refusal, vllm_refusal

Dialect = Literal["openai", "vllm", "litellm", "pydantic422", "llama.cpp"]


@dataclass(frozen=True, slots=True)
class RejectParameters:
    """A standing rule: a request that carries one of these parameters is refused, in the dialect of a server.

    A dotted name such as "reasoning.summary" means a key of an object.
    """

    parameters: Sequence[str]
    dialect: Dialect = "openai"

    def refusal(self, body: Mapping[str, Any]) -> HttpReply | None:
        """Return the refusal of this body. None if it carries none of the parameters."""
        present = {name: value for name in self.parameters if (value := _value_at(body, name)) is not None}
        return _DIALECTS[self.dialect](present, body) if present else None


def _value_at(body: Mapping[str, Any], name: str) -> Any:
    value: Any = body
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _openai(present: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    return refusal_reply(requests.UNKNOWN_PARAMETER, path=next(iter(present)), hint="")


def _extra_inputs(present: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "type": "extra_forbidden",
            "loc": ["body", *name.split(".")],
            "msg": rules.PYDANTIC_PARAMETERS.text,
            "input": value,
        }
        for name, value in present.items()
    ]


def _vllm(present: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    # A line for each fault, with a path as location.
    faults = [{**fault, "loc": ".".join(fault["loc"])} for fault in _extra_inputs(present)]
    lines = "\n  ".join(str(fault) for fault in faults)
    count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''}"
    return vllm_refusal(rules.VLLM_PARAMETERS, count=count, faults=lines, param=faults[0]["loc"])


def _litellm(present: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    # The proxy sends its exception's text, and the status as a string.
    model = body.get("model")
    sentence = _LITELLM_SENTENCES.get(next(iter(present)), "").format(model=model, **present) or (
        f"openai does not support parameters: {list(present)}, for model={model}. "
        "To drop these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n. "
        f"Received Model Group={model}\nAvailable Model Group Fallbacks=None"
    )
    return refusal_reply(rules.LITELLM_PARAMETERS, sentence=sentence)


_LITELLM_SENTENCES = {
    "top_p": "{model} only supports top_p when reasoning.effort resolves to 'none', either set explicitly on the "
    "request or declared as the model's default_reasoning_effort. To drop unsupported params set "
    "`litellm.drop_params = True`\n\nLiteLLM: model group '{model}' failed with the error above. No fallback was "
    "attempted.",
    "temperature": "gpt-5 models (including gpt-5-codex) don't support temperature={temperature}. Only temperature=1 is"
    " supported. For gpt-5.1, temperature is supported when reasoning_effort='none' (or not specified, as it defaults "
    "to 'none'). To drop unsupported params set `litellm.drop_params = True`",
}


def _llama_cpp(present: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    return llama_cpp_refusal(rules.LLAMA_CPP_PARAMETERS, name=next(iter(present)))


def _pydantic422(present: dict[str, Any], body: Mapping[str, Any]) -> HttpReply:
    rule = rules.PYDANTIC_PARAMETERS
    return HttpReply(rule.status, {"detail": _extra_inputs(present)}, rule=rule)


_DIALECTS = {
    "openai": _openai,
    "vllm": _vllm,
    "litellm": _litellm,
    "pydantic422": _pydantic422,
    "llama.cpp": _llama_cpp,
}
