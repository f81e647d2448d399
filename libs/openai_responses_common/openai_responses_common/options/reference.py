"""What every setting means to a user: the rows that the configuration reference is made of.

A row stands here for every key that `options.py`, `traits.py` and `prices.py` read, and in a module's own table for
every key of its own. A test holds them together; `docs/configuration.py` writes the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One setting.

    Attributes:
        meaning: what it does and what it takes.
        default: in words, where `Options` holds no value that says it.
        variables: what says the same in the environment, where no config does.
    """

    meaning: str
    default: str = ""
    variables: tuple[str, ...] = ()


_MODELS_OWN, _SERVICES_OWN = "the model's own", "the service's own"

SHARED: Mapping[str, Explained] = {
    "default_model": Explained(meaning="model of calls that name none", default="the module's, see below"),
    "reasoning_effort": Explained(
        meaning="how long the model thinks: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`. One that the "
        "model does not take becomes the nearest that it does, with a warning; `default` leaves the choice to it",
        default=_MODELS_OWN,
    ),
    "reasoning_summary": Explained(meaning="what is shown of the thinking: `auto`, `concise`, `detailed`, or `none`"),
    "reasoning": Explained(meaning="further fields of the API's `reasoning` object, such as `{mode: pro}`"),
    "verbosity": Explained(meaning="how long answers are: `low`, `medium`, `high`", default=_MODELS_OWN),
    "max_output_tokens": Explained(
        meaning="the longest answer, reasoning included; one that hits it is continued", default=_MODELS_OWN
    ),
    "max_tokens": Explained(meaning="the same as `max_output_tokens`"),
    "max_continuations": Explained(meaning="how often an answer that ran out of tokens is continued"),
    "temperature": Explained(meaning="sent only to models that take it", default=_MODELS_OWN),
    "top_p": Explained(meaning="sent only to models that take it", default=_MODELS_OWN),
    "parallel_tool_calls": Explained(meaning="whether a model may call several tools at once", default=_SERVICES_OWN),
    "web_search": Explained(
        meaning="the hosted web search: `true`, or the tool's own fields (`filters`, `user_location`, …)",
        default="false",
    ),
    "hosted_tools": Explained(
        meaning="further hosted tools of the API (`file_search`, `code_interpreter`, `mcp` …): a list of objects, each "
        "with a `type`"
    ),
    "include": Explained(meaning="further `include` values of the API, a list or words between commas"),
    "service_tier": Explained(
        meaning="`auto`, `default`, `flex`, `priority`, `fast`: what a token costs and how soon it comes",
        default="the project's",
    ),
    "truncation": Explained(
        meaning="`auto` lets the service cut a conversation that is too long, `disabled` refuses it",
        default=_SERVICES_OWN,
    ),
    "prompt_cache_key": Explained(
        meaning="keeps calls that begin alike together, where their beginning is cached; longer than 64 characters it "
        "becomes a digest",
        default="the conversation's id, else the session's",
    ),
    "prompt_cache_retention": Explained(
        meaning="how long a prompt stays cached: `in_memory`, `24h`", default=_SERVICES_OWN
    ),
    "safety_identifier": Explained(meaning="a hash that stands for your user, for the service's abuse checks"),
    "extra_body": Explained(
        meaning="fields that are merged into every request last, over everything; their names stand in `llm:request`"
    ),
    "timeout": Explained(meaning="the longest silence in seconds; a healthy long answer is never cut"),
    "max_retries": Explained(meaning="how often a call that failed for a passing reason is tried again"),
    "min_retry_delay": Explained(meaning="seconds before the first retry; each further wait is longer"),
    "max_retry_delay": Explained(
        meaning="the longest of these waits; a service that asks for more makes the error final"
    ),
    "max_concurrent_requests": Explained(
        meaning="requests at once with this endpoint and account, over all instances; 0 is no limit"
    ),
    "use_streaming": Explained(meaning="whether `llm:stream_*` events are emitted; the wire always streams"),
    "hide_dated_models": Explained(meaning="leaves snapshots with a date out of the model list"),
    "filtered": Explained(meaning="the same as `hide_dated_models`"),
    "priority": Explained(meaning="lower is preferred by hosts that have several providers"),
    "raw": Explained(meaning="adds the redacted request and response to `llm:request` and `llm:response`"),
    "debug": Explained(meaning="further events with them, each text cut short"),
    "raw_debug": Explained(meaning="further events with them, whole"),
    "model_info": Explained(meaning="what the tables do not know of a model yet, see [model_info](#model_info)"),
}
"""The settings of every module."""

CALL: Mapping[str, Explained] = {
    "model": Explained(meaning="model of this call"),
    "timeout": Explained(meaning="seconds for the whole call, retries included; here it is no silence"),
    "extended_thinking": Explained(
        meaning="`true` wakes a model that rests by default, `false` is the effort `none`; `reasoning_effort` wins"
    ),
    "tool_choice": Explained(meaning="`auto`, `none`, `required`, a tool's name, or the API's object"),
    "response_format": Explained(meaning="`{type: text}`, `{type: json}` or `{type: json_schema, json_schema: …}`"),
    "stop": Explained(meaning="the API has no stop sequences: reported in `dropped`"),
    "tools": Explained(meaning="hosted tools of this call, instead of those of the settings"),
}
"""Keyword arguments of `complete()` that are no settings, or mean something else there."""

MODEL_INFO: Mapping[str, str] = {
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

PRICES: Mapping[str, str] = {
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

ENVIRONMENT: Mapping[str, str] = {
    "SSH_CONNECTION": "where it is set a sign-in opens no browser, as that would open on another machine",
}
"""Variables that are read and are no settings."""
