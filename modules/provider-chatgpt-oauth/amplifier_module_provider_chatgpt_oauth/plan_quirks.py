"""The differences between OpenAI's API for an app that uses a ChatGPT plan and the API with a key.

This file is data. Source, if a row names none: the pages of developers.openai.com/siwc/token-sharing-open-source, and
live runs of 2026-09-30 and 2026-10-01 that users published; seen 2026-11-30. It is a preview.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from amplifier_core.llm_errors import (
    AccessDeniedError,
    AuthenticationError,
    InvalidRequestError,
    LLMError,
    ProviderUnavailableError,
    QuotaExceededError,
)
from openai_responses_common import BackendProfile, ErrorMeaning, KnownError, LimitTable
from openai_responses_common.version import __version__

from .quirks import FAST_SUFFIX
from .settings import LOGIN_COMMAND

USAGE_PAGE = "https://chatgpt.com/settings/usage"
"""Where a user sees how much of the plan is used. The service tells it to nobody else."""

PLAN_HEADERS: Mapping[str, str] = {"User-Agent": f"amplifier-module-provider-chatgpt-oauth/{__version__}"}
"""Of every request with `plan`, to the API and to the sign-in."""

_REFUSAL_REASON = "a ChatGPT plan does not accept it"
# The last line but one is not documented: probes of a client found it on 2026-09-30. No source says that the service
# compacts, so the last one is left out.
REFUSED_FIELDS: Mapping[str, str] = dict.fromkeys(
    (
        *(
            "background",
            "background_options",
            "conversation",
            "max_output_tokens",
            "max_tool_calls",
            "metadata",
            "moderation",
        ),
        *("multi_agent", "previous_response_id", "prompt", "prompt_cache_retention", "safety_identifier"),
        *("temperature", "top_logprobs", "top_p", "truncation", "user"),
        *("prompt_cache_options", "prompt_cache_breakpoint"),
        "context_management",
    ),
    _REFUSAL_REASON,
)
_API_KEY = "an API key works with provider-openai-v2"
_LOGIN = f"run `{LOGIN_COMMAND}`"
# Without their prefix: some responses carry it with `v2`, and some without.
_SHARING_ERRORS: Mapping[str, tuple[type[LLMError], bool, str]] = {
    "usage_limit_exceeded": (
        QuotaExceededError,
        False,
        f"the plan, or the share of this app in it, is used up: {USAGE_PAGE} shows both; {_API_KEY}",
    ),
    "usage_unavailable": (ProviderUnavailableError, True, "try again later"),
    "user_unavailable": (ProviderUnavailableError, True, "try again later"),
    "user_not_eligible": (AccessDeniedError, False, f"other programs cannot use this plan; {_API_KEY}"),
    "route_not_supported": (AccessDeniedError, False, "check the setting 'plan_base_url'"),
    "invalid_user": (AuthenticationError, False, f"sign in again: {_LOGIN}"),
    "unsupported_capability": (InvalidRequestError, False, f"a plan does not accept this; {_API_KEY}"),
}
_TOKEN_ERRORS: Mapping[str, tuple[type[LLMError], bool, str]] = {
    "scope_not_authorized": (AccessDeniedError, False, f"allow this app to use the plan: {_LOGIN}"),
    "invalid_authorization_context": (AccessDeniedError, False, f"sign in again: {_LOGIN}"),
}


def _list_errors() -> Iterator[KnownError]:
    for family, rows in (("subscription_sharing", _SHARING_ERRORS), ("chatpass", _TOKEN_ERRORS)):
        for name, (error, retryable, remedy) in rows.items():
            meaning = ErrorMeaning(error=error, retryable=retryable, remedy=remedy)
            yield from (KnownError(code=f"{family}_{version}{name}", meaning=meaning) for version in ("", "v2_"))


PLAN_PROFILE = BackendProfile(
    name="chatgpt-oauth",
    display_name="OpenAI (ChatGPT plan)",
    refused_fields=REFUSED_FIELDS,
    stores=False,
    required_fields=frozenset({"stream", "store"}),
    leading_system="instructions",
    system_role=False,
    service_tiers={"auto": None, "default": None, "priority": "priority", "fast": "priority"},
    tier_suffixes={FAST_SUFFIX: "priority"},
    hosted_tools=frozenset({"web_search"}),
    # The text of a refusal lists them (clients' tests, seen 2026-12-01).
    item_types=frozenset(
        {
            *("message", "item_reference", "additional_tools", "compaction", "reasoning", "web_search_call"),
            *("function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"),
            *("program", "program_output"),
        }
    ),
    tools_in_input=True,
    effort_names={"ultra": "max"},
    limits=LimitTable(),
    priced=False,
    auth_remedy=f"sign in again: {_LOGIN}",
    errors=tuple(_list_errors()),
)
