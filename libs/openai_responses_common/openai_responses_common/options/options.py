"""What the caller asked for: config, request and keyword arguments become one frozen `Options`, once per call.

Precedence: keyword arguments, then the request, then config, then the model's own default. Wizards and settings files
hand over strings (`"false"`, `"30"`), and `""` where a variable was not set: both are understood everywhere.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

from amplifier_core.llm_errors import ConfigurationError
from amplifier_core.message_models import ChatRequest, ResponseFormat
from pydantic import TypeAdapter, ValidationError

from ..wire.json_values import is_json_object
from .model_info import pricing_for, traits_for
from .readers import _flag, _json, _lower, _not_negative, _number, _object, _seconds, _text, _whole, _words


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything that decides how one call is made. Times are in seconds; None leaves a choice to the model.

    `timeout_s` is the longest silence (time to the next byte); `call_timeout_s` bounds the whole call and is set per
    request only. `max_concurrent_requests` 0 means no limit.
    """

    model: str = ""
    reasoning_effort: str | None = None
    reasoning_summary: str | None = "auto"
    reasoning: Mapping[str, Any] = field(default_factory=dict[str, Any])
    extended_thinking: bool | None = None
    verbosity: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    parallel_tool_calls: bool | None = None
    service_tier: str | None = None
    truncation: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    hosted_tools: tuple[Mapping[str, Any], ...] = ()
    include: tuple[str, ...] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    response_format: object = None
    extra_body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    timeout_s: float = 600.0
    call_timeout_s: float | None = None
    max_retries: int = 5
    min_retry_delay_s: float = 1.0
    max_retry_delay_s: float = 60.0
    max_continuations: int = 3
    max_concurrent_requests: int = 0
    use_streaming: bool = True
    hide_dated_models: bool = False
    priority: int = 100
    raw: bool = False
    debug: bool = False
    raw_debug: bool = False
    model_info: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])


def _effort(value: object) -> str | None:
    return None if _lower(value) in {"default", "auto"} else _lower(value)


def _summary(value: object) -> str | None:
    return None if _lower(value) in {"none", "off", "false"} else _lower(value)


def _choice(value: object) -> str | Mapping[str, Any]:
    if isinstance(value, str) or is_json_object(value):
        return cast("str | Mapping[str, Any]", value)
    raise TypeError("a name or an object")


def _reasoning(value: object) -> dict[str, Any]:
    """`reasoning: {effort, summary, mode, context}`, or the effort alone as other modules take it."""
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        return {"effort": _lower(value)}
    found = _object(value)
    if not all(isinstance(found.get(key) or "", str) for key in ("effort", "summary")):
        raise TypeError("an object, whose effort and summary are words")
    return found


def _hosted(value: object) -> tuple[Mapping[str, Any], ...]:
    parsed = _json(value, "a list of tools, each with a type")
    tools = cast(list[Any], parsed if isinstance(parsed, list) else [parsed])
    if not all(is_json_object(tool) and isinstance(tool.get("type"), str) for tool in tools):
        raise ValueError("a list of tools, each with a type")
    return tuple(cast(list[Mapping[str, Any]], tools))


def _web_search(value: object) -> tuple[Mapping[str, Any], ...]:
    """`true`, or an object with the tool's settings (filters, user_location, search_context_size)."""
    if isinstance(value, (str, bool, int)) and not str(value).lstrip().startswith("{"):
        return ({"type": "web_search"},) if _flag(value) else ()
    return _hosted({"type": "web_search", **_object(value)})


_FORMATS = TypeAdapter[Any](ResponseFormat)


def _format(value: object) -> object:
    try:
        return _FORMATS.validate_python(value)
    except ValidationError:
        raise ValueError("{type: text}, {type: json} or {type: json_schema, json_schema: {…}}") from None


def _model_info(value: object) -> dict[str, Any]:
    """Checked here, so that a typo is told by name and not by a call that fails in the middle."""
    info = _object(value)
    for model in info:
        traits_for(model, info)
        pricing_for(model, info)
    return info


_Reader: TypeAlias = tuple[str, Callable[[object], Any]]


_KEYS: Mapping[str, _Reader] = {
    "default_model": ("model", _text),
    "reasoning_effort": ("reasoning_effort", _effort),
    "reasoning_summary": ("reasoning_summary", _summary),
    "reasoning": ("reasoning", _reasoning),
    "verbosity": ("verbosity", _lower),
    "max_output_tokens": ("max_output_tokens", _whole),
    "max_tokens": ("max_output_tokens", _whole),
    "temperature": ("temperature", _number),
    "top_p": ("top_p", _number),
    "parallel_tool_calls": ("parallel_tool_calls", _flag),
    "service_tier": ("service_tier", _lower),
    "truncation": ("truncation", _lower),
    "prompt_cache_key": ("prompt_cache_key", _text),
    "prompt_cache_retention": ("prompt_cache_retention", _text),
    "safety_identifier": ("safety_identifier", _text),
    "web_search": ("hosted_tools", _web_search),
    "hosted_tools": ("hosted_tools", _hosted),
    "include": ("include", _words),
    "extra_body": ("extra_body", _object),
    "timeout": ("timeout_s", _seconds),
    "max_retries": ("max_retries", _not_negative),
    "min_retry_delay": ("min_retry_delay_s", _seconds),
    "max_retry_delay": ("max_retry_delay_s", _seconds),
    "max_continuations": ("max_continuations", _not_negative),
    "max_concurrent_requests": ("max_concurrent_requests", _not_negative),
    "use_streaming": ("use_streaming", _flag),
    "hide_dated_models": ("hide_dated_models", _flag),
    "filtered": ("hide_dated_models", _flag),
    "priority": ("priority", _whole),
    "raw": ("raw", _flag),
    "debug": ("debug", _flag),
    "raw_debug": ("raw_debug", _flag),
    "model_info": ("model_info", _model_info),
}
"""Config key → field and reader. A key of the same field that stands later wins, but hosted tools add up."""


_CALL_KEYS: Mapping[str, _Reader] = {
    **_KEYS,
    "model": ("model", _text),
    "timeout": ("call_timeout_s", _seconds),
    "extended_thinking": ("extended_thinking", _flag),
    "tool_choice": ("tool_choice", _choice),
    "response_format": ("response_format", _format),
    "stop": ("stop", _words),
    "tools": ("hosted_tools", _hosted),
}
"""Keyword arguments of `complete()`; others are ignored, as hosts pass what other providers know."""


def read_config(config: Mapping[str, Any], defaults: Options) -> Options:
    """The options that a config sets, over the module's defaults.

    Raises:
        ConfigurationError: a value cannot be read; names the key and what it takes.
    """
    return _set(defaults, config, _KEYS)


def readable_config(config: Mapping[str, Any], defaults: Options) -> Options:
    """The same as far as values can be read: hosts go by the priority and the model also where another key is wrong."""
    readable: dict[str, Any] = {}
    for key, value in config.items():
        try:
            read_config({key: value}, defaults)
        except ConfigurationError:
            continue
        readable[key] = value
    return read_config(readable, defaults)


def unknown_keys(config: Mapping[str, Any], own: Iterable[str]) -> list[str]:
    """A line for every key that means nothing here, with the nearest that does."""
    known = {*_KEYS, *own}
    lines: list[str] = []
    for key in config:
        if key not in known:
            near = difflib.get_close_matches(str(key), sorted(known), n=1)
            lines.append(f"unknown setting {key!r} is ignored" + (f": did you mean {near[0]!r}?" if near else ""))
    return lines


def for_call(settings: Options, request: ChatRequest, kwargs: Mapping[str, Any], *, cache_key: str | None) -> Options:
    """The options of one call.

    Args:
        settings: what config says.
        request: its fields win over config.
        kwargs: they win over both.
        cache_key: `prompt_cache_key` where nobody chose one: the conversation's id, else the host's session id.

    Raises:
        ConfigurationError: a value cannot be read.
    """
    asked = {
        "model": request.model,
        "reasoning_effort": request.reasoning_effort,
        "max_output_tokens": request.max_output_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "tool_choice": request.tool_choice,
        "response_format": request.response_format,
        "stop": request.stop,
        "timeout": request.timeout,
        "reasoning": (request.model_extra or {}).get("reasoning"),
    }
    options = _set(_set(settings, asked, _CALL_KEYS), kwargs, _CALL_KEYS)
    if options.extended_thinking is False and kwargs.get("reasoning_effort") in (None, ""):
        options = replace(options, reasoning_effort="none")
    if (request.metadata or {}).get("stream") is False:
        options = replace(options, use_streaming=False)
    key = options.prompt_cache_key or request.conversation_id or cache_key
    return replace(options, prompt_cache_key=_cache_key(key))


def with_tier_of_name(options: Options, suffixes: Mapping[str, str]) -> Options:
    """The options with the service tier that the model's name ends with, unless a model is really called so."""
    for suffix, tier in suffixes.items():
        name = options.model.removesuffix(suffix)
        if name not in ("", options.model) and options.model not in options.model_info:
            return replace(options, model=name, service_tier=tier)
    return options


def _set(options: Options, values: Mapping[str, Any], keys: Mapping[str, _Reader]) -> Options:
    changes: dict[str, Any] = {}
    for key, (name, read) in keys.items():
        value = values.get(key)
        if value is None or value == "":
            continue
        try:
            parsed = read(value)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"setting {key!r} takes {error}, not {value!r:.200}") from None
        changes[name] = (*changes.get(name, ()), *parsed) if name == "hosted_tools" else parsed
    if reasoning := changes.pop("reasoning", None):
        changes["reasoning"] = {key: value for key, value in reasoning.items() if key not in {"effort", "summary"}}
        for key, read in (("effort", _effort), ("summary", _summary)):
            if reasoning.get(key):
                changes.setdefault(f"reasoning_{key}", read(reasoning[key]))
    return replace(options, **changes) if changes else options


def _cache_key(key: str | None) -> str | None:
    """The service takes 64 characters; a longer key keeps its identity as a digest."""
    return key if key is None or len(key) <= 64 else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
