"""What every setting means to a user: the rows that the configuration reference is made of.

A row stands here for every key that `options.py`, `traits.py` and `prices.py` read, and in a module's own table for
every key of its own. A test holds them together; `docs/configuration.py` writes the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    Attributes:
        meaning: what it does and what it takes.
        default: in words, where `Options` holds no value that says it.
        variables: what says the same in the environment, where no config does.
    """

    meaning: str
    default: str = ""
    variables: tuple[str, ...] = ()


_MODEL_DEFAULT, _SERVICE_DEFAULT = "the model's own", "the service's own"

SHARED_SETTINGS: Mapping[str, Setting] = {
    "default_model": Setting(meaning="model of calls that name none", default="the module's, see below"),
    "reasoning_effort": Setting(
        meaning="how long the model thinks: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`. One that the "
        "model does not take becomes the nearest that it does, with a warning; `default` leaves the choice to it",
        default=_MODEL_DEFAULT,
    ),
    "reasoning_summary": Setting(meaning="what is shown of the thinking: `auto`, `concise`, `detailed`, or `none`"),
    "reasoning": Setting(meaning="further fields of the API's `reasoning` object, such as `{mode: pro}`"),
    "verbosity": Setting(meaning="how long answers are: `low`, `medium`, `high`", default=_MODEL_DEFAULT),
    "max_output_tokens": Setting(
        meaning="the longest answer, reasoning included; one that hits it is continued", default=_MODEL_DEFAULT
    ),
    "max_tokens": Setting(meaning="the same as `max_output_tokens`"),
    "max_continuations": Setting(meaning="how often an answer that ran out of tokens is continued"),
    "temperature": Setting(meaning="sent only to models that take it", default=_MODEL_DEFAULT),
    "top_p": Setting(meaning="sent only to models that take it", default=_MODEL_DEFAULT),
    "parallel_tool_calls": Setting(meaning="whether a model may call several tools at once", default=_SERVICE_DEFAULT),
    "web_search": Setting(
        meaning="the hosted web search: `true`, or the tool's own fields (`filters`, `user_location`, …)",
        default="false",
    ),
    "hosted_tools": Setting(
        meaning="further hosted tools of the API (`file_search`, `code_interpreter`, `mcp` …): a list of objects, each "
        "with a `type`"
    ),
    "include": Setting(meaning="further `include` values of the API, a list or words between commas"),
    "service_tier": Setting(
        meaning="`auto`, `default`, `flex`, `priority`, `fast`: what a token costs and how soon it comes",
        default="the project's",
    ),
    "truncation": Setting(
        meaning="`auto` lets the service cut a conversation that is too long, `disabled` refuses it",
        default=_SERVICE_DEFAULT,
    ),
    "prompt_cache_key": Setting(
        meaning="keeps calls that begin alike together, where their beginning is cached; longer than 64 characters it "
        "becomes a digest",
        default="the conversation's id, else the session's",
    ),
    "prompt_cache_retention": Setting(
        meaning="how long a prompt stays cached: `in_memory`, `24h`", default=_SERVICE_DEFAULT
    ),
    "safety_identifier": Setting(meaning="a hash that stands for your user, for the service's abuse checks"),
    "extra_body": Setting(
        meaning="fields that are merged into every request last, over everything; their names stand in `llm:request`"
    ),
    "timeout": Setting(meaning="the longest silence in seconds; a healthy long answer is never cut"),
    "max_retries": Setting(meaning="how often a call that failed for a passing reason is tried again"),
    "min_retry_delay": Setting(meaning="seconds before the first retry; each further wait is longer"),
    "max_retry_delay": Setting(
        meaning="the longest of these waits; a service that asks for more makes the error final"
    ),
    "max_concurrent_requests": Setting(
        meaning="requests at once with this endpoint and account, over all instances; 0 is no limit"
    ),
    "use_streaming": Setting(meaning="whether `llm:stream_*` events are emitted; the wire always streams"),
    "hide_dated_models": Setting(meaning="leaves snapshots with a date out of the model list"),
    "filtered": Setting(meaning="the same as `hide_dated_models`"),
    "priority": Setting(meaning="lower is preferred by hosts that have several providers"),
    "raw": Setting(meaning="adds the redacted request and response to `llm:request` and `llm:response`"),
    "debug": Setting(meaning="further events with them, each text cut short"),
    "raw_debug": Setting(meaning="further events with them, whole"),
    "model_info": Setting(meaning="what the tables do not know of a model yet, see [model_info](#model_info)"),
}
"""The settings of every module."""

CALL_SETTINGS: Mapping[str, Setting] = {
    "model": Setting(meaning="model of this call"),
    "timeout": Setting(meaning="seconds for the whole call, retries included; here it is no silence"),
    "extended_thinking": Setting(
        meaning="`true` wakes a model that rests by default, `false` is the effort `none`; `reasoning_effort` wins"
    ),
    "tool_choice": Setting(meaning="`auto`, `none`, `required`, a tool's name, or the API's object"),
    "response_format": Setting(meaning="`{type: text}`, `{type: json}` or `{type: json_schema, json_schema: …}`"),
    "stop": Setting(meaning="the API has no stop sequences: reported in `dropped`"),
    "tools": Setting(meaning="hosted tools of this call, instead of those of the settings"),
}
"""Keyword arguments of `complete()` that are no settings, or mean something else there."""

MODEL_INFO_MEANINGS: Mapping[str, str] = {
    "context_window": "tokens of input that it takes",
    "max_output_tokens": "tokens of output that it gives at most",
    "efforts": "the efforts that it takes; `[]` for a model that does not reason",
    "default_effort": "its own choice among them",
    "sampling": "where it takes `temperature` and `top_p`: `always`, `effort_none` or `never`",
    "verbosity": "whether it takes one",
    "vision": "whether it sees images",
    "leading_system": "where leading system messages go: `instructions` or `developer`",
    "model": "the model behind this name, as for a deployment: all else follows from it",
    "prices": "US dollars per million tokens, see below",
}
"""Keys of one model in the setting `model_info`."""

PRICE_MEANINGS: Mapping[str, str] = {
    "input": "fresh input",
    "cache_read": "input that was cached",
    "cache_write": "input that is being cached, where that costs extra",
    "cache_write_12h": "the same for twelve hours",
    "output": "output, reasoning included",
    "long_above": "input tokens above which a request costs more: twice for input, half more for output; 0 is never",
    "priority": "the same keys for the priority tier",
    "flex": "the same keys for the flex tier",
    "ultrafast": "the same keys for the ultrafast tier",
}
"""Keys of `prices` in it."""

ENVIRONMENT_VARIABLES: Mapping[str, str] = {
    "SSH_CONNECTION": "where it is set a sign-in opens no browser, as that would open on another machine",
}
"""Variables that are read and are no settings."""
