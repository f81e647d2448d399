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
from .model_info import pricing_of, traits_of
from .readers import flag, json_object, json_value, lower_text, not_negative, number, seconds, text, whole, word_list


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


def effort(value: object) -> str | None:
    return None if lower_text(value) in {"default", "auto"} else lower_text(value)


def summary(value: object) -> str | None:
    return None if lower_text(value) in {"none", "off", "false"} else lower_text(value)


def tool_choice(value: object) -> str | Mapping[str, Any]:
    if isinstance(value, str) or is_json_object(value):
        return cast("str | Mapping[str, Any]", value)
    raise TypeError("a name or an object")


def reasoning_fields(value: object) -> dict[str, Any]:
    """`reasoning: {effort, summary, mode, context}`, or the effort alone as other modules take it."""
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        return {"effort": lower_text(value)}
    found = json_object(value)
    if not all(isinstance(found.get(key) or "", str) for key in ("effort", "summary")):
        raise TypeError("an object, whose effort and summary are words")
    return found


def hosted_tool_list(value: object) -> tuple[Mapping[str, Any], ...]:
    parsed = json_value(value, "a list of tools, each with a type")
    tools = cast(list[Any], parsed if isinstance(parsed, list) else [parsed])
    if not all(is_json_object(tool) and isinstance(tool.get("type"), str) for tool in tools):
        raise ValueError("a list of tools, each with a type")
    return tuple(cast(list[Mapping[str, Any]], tools))


def web_search_tool(value: object) -> tuple[Mapping[str, Any], ...]:
    """`true`, or an object with the tool's settings (filters, user_location, search_context_size)."""
    if isinstance(value, (str, bool, int)) and not str(value).lstrip().startswith("{"):
        return ({"type": "web_search"},) if flag(value) else ()
    return hosted_tool_list({"type": "web_search", **json_object(value)})


_RESPONSE_FORMAT_ADAPTER = TypeAdapter[Any](ResponseFormat)


def response_format(value: object) -> object:
    try:
        return _RESPONSE_FORMAT_ADAPTER.validate_python(value)
    except ValidationError:
        raise ValueError("{type: text}, {type: json} or {type: json_schema, json_schema: {…}}") from None


def model_info(value: object) -> dict[str, Any]:
    """Checked here, so that a typo is told by name and not by a call that fails in the middle."""
    info = json_object(value)
    for model in info:
        traits_of(model, info)
        pricing_of(model, info)
    return info


_SettingRow: TypeAlias = tuple[str, Callable[[object], Any]]


SHARED_SETTINGS: Mapping[str, _SettingRow] = {
    "default_model": ("model", text),
    "reasoning_effort": ("reasoning_effort", effort),
    "reasoning_summary": ("reasoning_summary", summary),
    "reasoning": ("reasoning", reasoning_fields),
    "verbosity": ("verbosity", lower_text),
    "max_output_tokens": ("max_output_tokens", whole),
    "max_tokens": ("max_output_tokens", whole),
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "parallel_tool_calls": ("parallel_tool_calls", flag),
    "service_tier": ("service_tier", lower_text),
    "truncation": ("truncation", lower_text),
    "prompt_cache_key": ("prompt_cache_key", text),
    "prompt_cache_retention": ("prompt_cache_retention", text),
    "safety_identifier": ("safety_identifier", text),
    "web_search": ("hosted_tools", web_search_tool),
    "hosted_tools": ("hosted_tools", hosted_tool_list),
    "include": ("include", word_list),
    "extra_body": ("extra_body", json_object),
    "timeout": ("timeout_s", seconds),
    "max_retries": ("max_retries", not_negative),
    "min_retry_delay": ("min_retry_delay_s", seconds),
    "max_retry_delay": ("max_retry_delay_s", seconds),
    "max_continuations": ("max_continuations", not_negative),
    "max_concurrent_requests": ("max_concurrent_requests", not_negative),
    "use_streaming": ("use_streaming", flag),
    "hide_dated_models": ("hide_dated_models", flag),
    "filtered": ("hide_dated_models", flag),
    "priority": ("priority", whole),
    "raw": ("raw", flag),
    "debug": ("debug", flag),
    "raw_debug": ("raw_debug", flag),
    "model_info": ("model_info", model_info),
}
"""Config key → field and reader. A key of the same field that stands later wins, but hosted tools add up."""


CALL_SETTINGS: Mapping[str, _SettingRow] = {
    **SHARED_SETTINGS,
    "model": ("model", text),
    "timeout": ("call_timeout_s", seconds),
    "extended_thinking": ("extended_thinking", flag),
    "tool_choice": ("tool_choice", tool_choice),
    "response_format": ("response_format", response_format),
    "stop": ("stop", word_list),
    "tools": ("hosted_tools", hosted_tool_list),
}
"""Keyword arguments of `complete()`; others are ignored, as hosts pass what other providers know."""


def read_config(config: Mapping[str, Any], defaults: Options) -> Options:
    """The options that a config sets, over the module's defaults.

    Raises:
        ConfigurationError: a value cannot be read; names the key and what it takes.
    """
    return _apply_settings(defaults, config, SHARED_SETTINGS)


def read_valid_config(config: Mapping[str, Any], defaults: Options) -> Options:
    """The same as far as values can be read: hosts go by the priority and the model also where another key is wrong."""
    readable: dict[str, Any] = {}
    for key, value in config.items():
        try:
            read_config({key: value}, defaults)
        except ConfigurationError:
            continue
        readable[key] = value
    return read_config(readable, defaults)


def list_unknown_settings(config: Mapping[str, Any], module_keys: Iterable[str]) -> list[str]:
    """A line for every key that means nothing here, with the nearest that does."""
    known = {*SHARED_SETTINGS, *module_keys}
    lines: list[str] = []
    for key in config:
        if key not in known:
            near = difflib.get_close_matches(str(key), sorted(known), n=1)
            lines.append(f"unknown setting {key!r} is ignored" + (f": did you mean {near[0]!r}?" if near else ""))
    return lines


def read_call_options(
    config_options: Options, request: ChatRequest, kwargs: Mapping[str, Any], *, cache_key: str | None
) -> Options:
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
    options = _apply_settings(_apply_settings(config_options, asked, CALL_SETTINGS), kwargs, CALL_SETTINGS)
    if options.extended_thinking is False and kwargs.get("reasoning_effort") in (None, ""):
        options = replace(options, reasoning_effort="none")
    if (request.metadata or {}).get("stream") is False:
        options = replace(options, use_streaming=False)
    key = options.prompt_cache_key or request.conversation_id or cache_key
    return replace(options, prompt_cache_key=_shorten_cache_key(key))


def apply_tier_suffix(options: Options, suffixes: Mapping[str, str]) -> Options:
    """The options with the service tier that the model's name ends with, unless a model is really called so."""
    for suffix, tier in suffixes.items():
        name = options.model.removesuffix(suffix)
        if name not in ("", options.model) and options.model not in options.model_info:
            return replace(options, model=name, service_tier=tier)
    return options


def _apply_settings(options: Options, values: Mapping[str, Any], settings: Mapping[str, _SettingRow]) -> Options:
    changes: dict[str, Any] = {}
    for key, (name, read) in settings.items():
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
        for key, read in (("effort", effort), ("summary", summary)):
            if reasoning.get(key):
                changes.setdefault(f"reasoning_{key}", read(reasoning[key]))
    return replace(options, **changes) if changes else options


def _shorten_cache_key(key: str | None) -> str | None:
    """The service takes 64 characters; a longer key keeps its identity as a digest."""
    return key if key is None or len(key) <= 64 else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
