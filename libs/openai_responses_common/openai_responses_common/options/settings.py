"""The settings of every module and the options of a call, one row each.

The configuration reference is made of these rows, and `options.py` reads by them: to add a setting, add its row here
and its field to `Options`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..facts.traits import VERBOSITIES
from .background_fields import background_fields
from .context_settings import CONTEXT_SETTINGS
from .model_info import read_model_info
from .readers import (
    cache_options,
    dollars_or_unset,
    effort,
    flag,
    flag_or_auto,
    hosted_tool_list,
    json_object,
    known_effort,
    not_negative,
    number,
    one_of,
    one_of_or_unset,
    reasoning_fields,
    response_format,
    seconds,
    service_tier,
    summary,
    tool_choice,
    web_search_tool,
    whole,
    word_list,
)
from .setting import Setting

_MODEL_DEFAULT = "the model's own"
_SERVICE_DEFAULT = "the service's own"

SHARED_SETTINGS: Mapping[str, Setting] = {
    "default_model": Setting(
        field="model", meaning="The model of calls that do not name one.", default="the module's, see below"
    ),
    "reasoning_effort": Setting(
        field="reasoning_effort",
        read=known_effort,
        meaning="How much the model reasons: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max` or, "
        "where the service has it, `ultra`. If the model does not accept it, the nearest effort that it accepts is "
        "used, with a warning. `default` leaves the choice to the model.",
        default=_MODEL_DEFAULT,
    ),
    "reasoning_summary": Setting(
        field="reasoning_summary",
        read=summary,
        meaning="What is shown of the reasoning: `auto`, `concise`, `detailed` or `none`.",
    ),
    "reasoning": Setting(
        field="reasoning",
        read=reasoning_fields,
        is_structured=True,
        meaning="Further fields of the API's `reasoning` object, such as `{mode: pro}`.",
    ),
    "verbosity": Setting(
        field="verbosity",
        read=one_of_or_unset(*VERBOSITIES),
        meaning="How long the text is that the model writes: `low`, `medium` or `high`.",
        default=_MODEL_DEFAULT,
    ),
    "max_output_tokens": Setting(
        field="max_output_tokens",
        read=whole,
        meaning="The most output tokens of one response, reasoning included. A response that reaches the limit is "
        "continued, unless the limit was set for this call.",
        default=_MODEL_DEFAULT,
    ),
    "max_tokens": Setting(field="max_output_tokens", read=whole, meaning="The same as `max_output_tokens`."),
    "max_continuations": Setting(
        field="max_continuations",
        read=not_negative,
        meaning="How often a response that reached its output token limit is continued.",
    ),
    "auto_continue": Setting(
        field="auto_continue",
        read=flag,
        meaning="Whether such a response is continued at all. A host sets it for one call as a keyword argument, also "
        "in `request_options`, or in the metadata of the request.",
    ),
    "temperature": Setting(
        field="temperature",
        read=number,
        meaning="The sampling temperature; sent only to models that accept it.",
        default=_MODEL_DEFAULT,
    ),
    "top_p": Setting(
        field="top_p",
        read=number,
        meaning="The probability mass of nucleus sampling; sent only to models that accept it.",
        default=_MODEL_DEFAULT,
    ),
    "parallel_tool_calls": Setting(
        field="parallel_tool_calls",
        read=flag,
        meaning="Whether the model may call several tools at once.",
        default=_SERVICE_DEFAULT,
    ),
    "web_search": Setting(
        field="hosted_tools",
        read=web_search_tool,
        is_structured=True,
        meaning="The hosted web search: `true`, or an object with the tool's own fields (`filters`, `user_location`, "
        "…).",
        default="false",
    ),
    "hosted_tools": Setting(
        field="hosted_tools",
        read=hosted_tool_list,
        is_structured=True,
        meaning="Further hosted tools of the API (`file_search`, `code_interpreter`, `mcp`, …): a list of objects, "
        "each with a `type`.",
    ),
    "include": Setting(
        field="include",
        read=word_list,
        meaning="Further `include` values of the API, as a list or with commas between them.",
    ),
    "service_tier": Setting(
        field="service_tier",
        read=service_tier,
        meaning="`auto`, `default`, `flex`, `scale`, `priority`, `fast` or `ultrafast`: it decides the "
        "price of a token and how soon the response comes. A tier of another server is sent as it is; the log warns of "
        "one that is not known.",
        default="the project's",
    ),
    "store": Setting(
        field="store",
        read=flag,
        meaning="Whether the service keeps the responses, and with them the conversation, see [privacy](privacy.md). "
        "Only `background` needs it.",
    ),
    "background": Setting(
        field="background",
        read=flag,
        meaning="Whether the service goes on with a response if the connection breaks, so that the call resumes it "
        "instead of paying again. It needs `store: true`, see [background](background.md).",
    ),
    "background_options": Setting(
        field="background_options",
        read=background_fields,
        is_structured=True,
        meaning="`{completion_window: 2h}` or `8h` costs less and comes later, without deltas; `soonest` is the "
        "default. `continuation_id` names calls that belong together.",
    ),
    "truncation": Setting(
        field="truncation",
        read=one_of_or_unset("auto", "disabled"),
        meaning="`auto` lets the service cut a conversation that is too long; `disabled` refuses it.",
        default=_SERVICE_DEFAULT,
    ),
    **CONTEXT_SETTINGS,
    "prompt_cache_key": Setting(
        field="prompt_cache_key",
        meaning="Sends calls that begin alike to the cache that holds their beginning. A key of more than 64 "
        "characters is replaced by its digest.",
        default="the conversation's id, else the session's; without both, a random one for each provider object if the "
        "service routes by conversation",
    ),
    "prompt_cache_retention": Setting(
        field="prompt_cache_retention",
        read=one_of_or_unset("in_memory", "24h"),
        meaning="How long a prompt stays cached: `in_memory` or `24h`. Newer models have `prompt_cache_options`.",
        default=_SERVICE_DEFAULT,
    ),
    "prompt_cache_options": Setting(
        field="prompt_cache_options",
        read=cache_options,
        is_structured=True,
        meaning="How gpt-5.6 and later models cache a prompt: an object with `mode` (`implicit` or `explicit`, which "
        "without breakpoints means no cache) and `ttl` (`30m` or `12h`).",
        default=_SERVICE_DEFAULT,
    ),
    "cache_diagnostics": Setting(
        field="cache_diagnostics",
        read=flag_or_auto,
        meaning="Whether a request names the response before it, so that the service says why its cache missed. That "
        "costs nothing and changes no response. `auto` does so at OpenAI's API with a key, for gpt-5.6 and later "
        "models. Hooks find the reason in `cache_miss` of [`llm:response`](events.md#llmresponse).",
        default="auto",
    ),
    "cache_miss_warning_usd": Setting(
        field="cache_miss_warning_usd",
        read=dollars_or_unset,
        meaning="A turn that cost so many US dollars more than it would with a full cache is a warning in the log, "
        "with the reason. `none` logs no such warning.",
    ),
    "effort_updates": Setting(
        field="effort_updates",
        read=flag_or_auto,
        meaning="Whether an effort that changes in mid-conversation is sent as an item of the input, which keeps the "
        "cached prompt valid. `auto` does so with GPT-6 and later models, with a key of OpenAI or `device_code`. Not "
        "if a service refuses it, with the effort `none`, `truncation: auto` or `reasoning: {mode: pro}`.",
        default="auto",
    ),
    "safety_identifier": Setting(
        field="safety_identifier", meaning="A hash that stands for your user, for the service's abuse checks."
    ),
    "extra_body": Setting(
        field="extra_body",
        read=json_object,
        is_structured=True,
        meaning="Fields that are merged into every request last, over everything else. `llm:request` lists their "
        "names. `input` is not one of them: the messages of the call are always sent.",
    ),
    "timeout": Setting(
        field="timeout_s",
        read=seconds,
        meaning="The longest time, in seconds, to wait for the next data from the service. A long response is not cut"
        " while data comes.",
    ),
    "max_retries": Setting(
        field="max_retries",
        read=not_negative,
        meaning="How often a call is tried again after a failure that may pass by itself.",
    ),
    "min_retry_delay": Setting(
        field="min_retry_delay_s",
        read=seconds,
        meaning="The wait before the first retry, in seconds. Each further wait is longer.",
    ),
    "max_retry_delay": Setting(
        field="max_retry_delay_s",
        read=seconds,
        meaning="The longest wait before a retry, in seconds. If a service asks for a longer one, the error is final.",
    ),
    "max_concurrent_requests": Setting(
        field="max_concurrent_requests",
        read=not_negative,
        meaning="The most requests in progress per endpoint and account, over all instances; 0 means no limit.",
    ),
    "max_session_cost_usd": Setting(
        field="max_session_cost_usd",
        read=dollars_or_unset,
        meaning="The most, in US dollars, that a session may cost, its sub-sessions included. A call that would exceed "
        "it fails before it is sent, see [spending limits](spending-limits.md).",
    ),
    "max_call_cost_usd": Setting(
        field="max_call_cost_usd",
        read=dollars_or_unset,
        meaning="The same for one call, its continuations included.",
    ),
    "transport": Setting(
        field="transport",
        read=one_of("auto", "http", "websocket"),
        meaning="How requests travel: over `http`, over a `websocket`, which sends only what is new of a conversation, "
        "or as `auto` decides, see [transport](#transport).",
    ),
    "use_streaming": Setting(
        field="use_streaming",
        read=flag,
        meaning="Whether `llm:stream_*` events are emitted. The service always streams.",
    ),
    "prepare": Setting(
        field="prepare",
        read=flag,
        meaning="Whether a session that is ready prepares its first call in the background: it loads what calls need "
        "and opens a connection to an `https` address, or the WebSocket that `transport` asks for, but sends nothing "
        "of a conversation. Only the provider that the session asks first does so.",
    ),
    "hide_dated_models": Setting(
        field="hide_dated_models", read=flag, meaning="Whether the model list leaves out snapshots."
    ),
    "filtered": Setting(field="hide_dated_models", read=flag, meaning="The same as `hide_dated_models`."),
    "priority": Setting(
        field="priority",
        read=whole,
        meaning="A host that has several providers prefers the one with the lowest number.",
    ),
    "opentelemetry": Setting(
        field="opentelemetry",
        read=flag,
        meaning="Whether each call is a span of OpenTelemetry, see [events](events.md#opentelemetry). It needs the "
        "package `opentelemetry-api`.",
    ),
    "raw": Setting(
        field="raw",
        read=flag,
        meaning="Whether `llm:request` and `llm:response` carry the redacted request and response.",
    ),
    "debug": Setting(field="debug", read=flag, meaning="Whether further events carry them, with each text cut short."),
    "raw_debug": Setting(field="raw_debug", read=flag, meaning="Whether further events carry them whole."),
    "model_info": Setting(
        field="model_info",
        read=read_model_info,
        is_structured=True,
        meaning="Facts about models that the tables do not know yet, see [model_info](#model_info).",
    ),
}
"""The settings of every module. If two rows fill the same field, the later one wins, but hosted tools add up."""

CALL_ONLY_SETTINGS: Mapping[str, Setting] = {
    "model": Setting(field="model", meaning="The model of this call."),
    "reasoning_effort": Setting(
        field="reasoning_effort",
        read=effort,
        meaning="As in the settings, but the model's nearest effort replaces a name that it does not know.",
    ),
    "timeout": Setting(
        field="call_timeout_s",
        read=seconds,
        meaning="The time limit of the whole call in seconds, retries included.",
    ),
    "extended_thinking": Setting(
        field="extended_thinking",
        read=flag,
        meaning="`true` turns reasoning on for models that have it off by default; `false` turns it off, "
        "whatever effort is set. A model that always reasons then uses its lowest effort.",
    ),
    "tool_choice": Setting(
        field="tool_choice",
        read=tool_choice,
        is_structured=True,
        meaning="`auto`, `none`, `required`, the name of a tool, or the API's object.",
    ),
    "response_format": Setting(
        field="response_format",
        read=response_format,
        is_structured=True,
        meaning="`{type: text}`, `{type: json}` or `{type: json_schema, json_schema: …}`.",
    ),
    "stop": Setting(field="stop", read=word_list, meaning="The API has no stop sequences, so `dropped` reports them."),
    "tools": Setting(
        field="hosted_tools",
        read=hosted_tool_list,
        is_structured=True,
        meaning="Hosted tools of this call, instead of those of the settings.",
    ),
}
"""Keyword arguments of `complete()` that are not settings, or mean something else there."""

CALL_SETTINGS: Mapping[str, Setting] = {**SHARED_SETTINGS, **CALL_ONLY_SETTINGS}
"""All keyword arguments of `complete()`; others are ignored, because hosts pass what other providers know."""

ENVIRONMENT_VARIABLES: Mapping[str, str] = {
    "SSL_CERT_FILE": "The file with the certificates that are trusted, instead of those of the system.",
    "SSL_CERT_DIR": "The folder with them, if `SSL_CERT_FILE` is not set.",
    "SSH_CONNECTION": "If it is set, a sign-in opens a browser only if `BROWSER` names one.",
}
"""Environment variables that the library reads and that are not settings."""
