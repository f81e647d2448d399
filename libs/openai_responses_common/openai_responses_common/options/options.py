"""What the caller asked for: config, request and keyword arguments become one frozen `Options`, once per call.

Keyword arguments win over the request, the request over the config, and the config over the model's own default.
`extended_thinking=False` wins over every effort. Which settings there are, and how each is read, stands in
`settings.py`.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, cast

from amplifier_core.llm_errors import ConfigurationError
from amplifier_core.message_models import ChatRequest

from .model_info import NO_OVERRIDES, ModelOverrides
from .readers import SERVICE_TIERS
from .setting import Setting, is_unset
from .settings import CALL_SETTINGS, SHARED_SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything that decides how one call is made. None leaves a choice to the model or to the service.

    Times are in seconds. `timeout_s` is the longest time without data from the service; `call_timeout_s` limits the
    whole call, and only a request or a keyword argument sets it. `max_concurrent_requests` 0 means no limit.
    """

    model: str = ""
    reasoning_effort: str | None = None
    reasoning_summary: str | None = "auto"
    reasoning: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    extended_thinking: bool | None = None
    verbosity: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    parallel_tool_calls: bool | None = None
    service_tier: str | None = None
    store: bool = False
    background: bool = False
    background_options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    truncation: str | None = None
    compact_threshold: int | None = None
    native_compaction: bool | None = None
    count_input: bool | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cache_diagnostics: bool | None = None
    cache_miss_warning_usd: Decimal | None = Decimal("0.25")
    effort_updates: bool | None = None
    safety_identifier: str | None = None
    hosted_tools: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    include: tuple[str, ...] = ()
    tool_choice: str | Mapping[str, Any] | None = field(default=None, repr=False)
    response_format: object = field(default=None, repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    timeout_s: float = 600.0
    call_timeout_s: float | None = None
    max_retries: int = 5
    min_retry_delay_s: float = 1.0
    max_retry_delay_s: float = 60.0
    max_continuations: int = 3
    auto_continue: bool = True
    max_concurrent_requests: int = 0
    max_call_cost_usd: Decimal | None = None
    max_session_cost_usd: Decimal | None = None
    transport: Literal["auto", "http", "websocket"] = "auto"
    use_streaming: bool = True
    prepare: bool = True
    hide_dated_models: bool = False
    priority: int = 100
    opentelemetry: bool = False
    raw: bool = False
    debug: bool = False
    raw_debug: bool = False
    model_info: ModelOverrides = NO_OVERRIDES


def read_config(config: Mapping[str, Any], defaults: Options) -> Options:
    """Return the options that a config sets, over the module's defaults.

    Raises:
        ConfigurationError: a value is not valid; the error names the setting and the valid values.
    """
    return _apply_settings(defaults, config, SHARED_SETTINGS)


def read_valid_config(config: Mapping[str, Any], defaults: Options) -> tuple[Options, list[str]]:
    """Return the options that the valid values of a config set, and what is wrong with each other value.

    Hosts read the priority and the model even if the value of another setting is not valid.
    """
    valid: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in config.items():
        try:
            read_config({key: value}, defaults)
            valid[key] = value
        except ConfigurationError as error:
            problems.append(str(error))
    return read_config(valid, defaults), problems


def list_unknown_settings(config: Mapping[str, Any], module_keys: Iterable[str]) -> list[str]:
    """Return a warning for every setting that does not exist, with the nearest name that does.

    Args:
        config: the config of a provider.
        module_keys: the settings of its module, beside those of every module.
    """
    valid_keys = {*SHARED_SETTINGS, *module_keys}
    lines: list[str] = []
    for key in config:
        if key not in valid_keys:
            near = difflib.get_close_matches(str(key), sorted(valid_keys), n=1)
            lines.append(f"unknown setting {str(key)!r} is ignored" + (f": did you mean {near[0]!r}?" if near else ""))
    return lines


def list_unknown_tiers(options: Options) -> list[str]:
    """Return a warning for a service tier that is sent although it is not known, with the nearest one that is."""
    tier = options.service_tier
    if tier is None or tier in SERVICE_TIERS:
        return []
    near = difflib.get_close_matches(tier, SERVICE_TIERS, n=1)
    hint = f": did you mean {near[0]!r}?" if near else ""
    return [f"setting 'service_tier' has an unknown tier, which is sent as it is, {tier!r:.200}{hint}"]


def read_call_options(
    config_options: Options, request: ChatRequest, kwargs: Mapping[str, Any], *, cache_key: str | None
) -> Options:
    """Return the options of one call.

    Args:
        config_options: the options that the config sets.
        request: its fields win over the config.
        kwargs: keyword arguments of the call, which win over both.
        cache_key: the `prompt_cache_key` if nobody chose one and the request has no conversation id; the host's session
            id. None leaves the field out.

    Raises:
        ConfigurationError: a value is not valid.
    """
    metadata = request.metadata or {}
    request_values = {
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
        "auto_continue": value if isinstance(value := metadata.get("auto_continue"), bool) else None,
    }
    kwargs = _spread_request_options(kwargs)
    options = _apply_settings(_apply_settings(config_options, request_values, CALL_SETTINGS), kwargs, CALL_SETTINGS)
    # Hosts ask for a call without reasoning if its few tokens are for the answer. The user chose nothing then, so there
    # is nothing to warn of if the model always reasons.
    is_none_for_call = options.reasoning_effort == "none" != config_options.reasoning_effort
    if options.extended_thinking is False or is_none_for_call:
        options = replace(options, reasoning_effort="none", extended_thinking=False)
    if metadata.get("stream") is False:
        options = replace(options, use_streaming=False)
    own_limit = config_options.max_output_tokens or options.model_info.traits_of(options.model).max_output_tokens
    if not _may_continue(options, request_values, kwargs, own_limit=own_limit):
        options = replace(options, max_continuations=0)
    if problem := find_conflict(options):
        raise ConfigurationError(problem)
    key = options.prompt_cache_key or request.conversation_id or cache_key
    return replace(options, prompt_cache_key=_shorten_cache_key(key))


def find_conflict(options: Options) -> str:
    """Return which options do not go together, as the text of an error; empty if all do."""
    if options.background and not options.store:
        return (
            "setting 'background' needs 'store: true', with which the service keeps the conversation, see "
            "docs/privacy.md: set both, or neither"
        )
    window = options.background_options.get("completion_window", "soonest")
    if options.background_options and not options.background:
        return "setting 'background_options' needs 'background: true': set both, or neither"
    if window != "soonest" and options.service_tier not in (None, "auto", "default"):
        return f"a completion window of {window} needs the standard tier: remove the setting 'service_tier'"
    return ""


def _spread_request_options(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the keyword arguments with `auto_continue` from `request_options`, where hosts put it.

    Source: the capability `completion:auto_continue:v1` of Microsoft's provider modules, seen 2026-12-01.
    """
    request_options: object = kwargs.get("request_options")
    if not isinstance(request_options, Mapping) or not is_unset(kwargs.get("auto_continue")):
        return kwargs
    value = cast(Mapping[str, Any], request_options).get("auto_continue")
    return {**kwargs, "auto_continue": value}


_LIMIT_SETTINGS = tuple(key for key, row in CALL_SETTINGS.items() if row.field == "max_output_tokens")


def _may_continue(
    options: Options, request_values: Mapping[str, Any], kwargs: Mapping[str, Any], *, own_limit: int
) -> bool:
    """Return whether a response that reached its output token limit may be continued.

    A limit that the caller sets for one call limits the whole call, unless the caller asks for continuations too.

    Args:
        options: the options of the call.
        request_values: those that the request sets.
        kwargs: those that keyword arguments set.
        own_limit: the output token limit of a call for which nobody sets one.
    """
    call_values = [request_values, kwargs]
    if any(not is_unset(values.get("auto_continue")) for values in call_values):
        return options.auto_continue
    if not is_unset(kwargs.get("max_continuations")):
        return True
    has_limit = any(not is_unset(values.get(key)) for values in call_values for key in _LIMIT_SETTINGS)
    # Hosts hand the limit back that a budget named. It is the one that holds anyway.
    has_limit = has_limit and options.max_output_tokens != own_limit
    has_limit = has_limit or (not is_unset(kwargs.get("extra_body")) and "max_output_tokens" in options.extra_body)
    return options.auto_continue and not has_limit


def apply_tier_suffix(options: Options, suffixes: Mapping[str, str]) -> Options:
    """Return the options with the service tier that the name of the model ends with.

    The options stay as they are if `model_info` has an entry of that whole name: then the model is really called so.
    """
    for suffix, tier in suffixes.items():
        name = options.model.removesuffix(suffix)
        if name not in ("", options.model) and options.model not in options.model_info.entries:
            return replace(options, model=name, service_tier=tier)
    return options


def state_model_defaults(options: Options) -> Options:
    """Return the options with the defaults of the model, if nobody chose an effort or a verbosity.

    The defaults are those of an entry in `model_info`, from a user or from the list of the service. The tables only say
    what happens without a choice.
    """
    entry, traits = options.model_info.find_entry(options.model), options.model_info.traits_of(options.model)
    if options.reasoning_effort is None and "default_effort" in entry.traits:
        options = replace(options, reasoning_effort=traits.default_effort)
    if options.verbosity is None and traits.verbosity:
        options = replace(options, verbosity=traits.default_verbosity)
    return options


def _apply_settings(options: Options, values: Mapping[str, Any], settings: Mapping[str, Setting]) -> Options:
    changes: dict[str, Any] = {}
    for key, row in settings.items():
        value = values.get(key)
        if is_unset(value):
            continue
        parsed = row.parse(key, value)
        changes[row.field] = (*changes.get(row.field, ()), *parsed) if row.field == "hosted_tools" else parsed
    if reasoning := changes.pop("reasoning", None):
        changes["reasoning"] = {key: value for key, value in reasoning.items() if key not in {"effort", "summary"}}
        for key in ("effort", "summary"):
            if not is_unset(reasoning.get(key)):
                row = replace(settings[f"reasoning_{key}"], is_structured=True)  # half a text of JSON, with a secret
                changes.setdefault(row.field, row.parse(f"reasoning.{key}", reasoning[key]))
    return replace(options, **changes) if changes else options


def _shorten_cache_key(key: str | None) -> str | None:
    """The key, or its digest if it is longer than the 64 characters that the service accepts."""
    return key if key is None or len(key) <= 64 else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
