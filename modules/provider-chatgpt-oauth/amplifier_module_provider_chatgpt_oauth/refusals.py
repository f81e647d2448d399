"""What the Codex backend of ChatGPT takes and what it refuses, in its own words.

There is no contract for it: every row is what clients and their users have seen, and may change any day. Sources, where
a row names none: OpenAI's own client at commits of 2026, issue threads of a dozen other clients, recordings of
2026-05-21; seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from amplifier_core.llm_errors import (
    AccessDeniedError,
    ConfigurationError,
    NotFoundError,
    ProviderUnavailableError,
    QuotaExceededError,
)
from openai_responses_common import ErrorMeaning, KnownError

from .tokens import LOGIN_COMMAND, STATUS_COMMAND

# The keys of OpenAI's own client that we write, too. `max_output_tokens` and others get 400 "Unsupported parameter".
ALLOWED_FIELDS = frozenset(
    {
        "include", "input", "instructions", "model", "parallel_tool_calls", "prompt_cache_key", "reasoning",
        "service_tier", "store", "stream", "text", "tool_choice", "tools",
    }
)  # fmt: skip
_REFUSAL_REASON = "the service behind a ChatGPT plan does not take it"
REFUSED_FIELDS: Mapping[str, str] = dict.fromkeys(
    (
        "max_output_tokens", "temperature", "top_p", "truncation", "prompt_cache_retention", "safety_identifier",
    ),
    _REFUSAL_REASON,
)  # fmt: skip

SERVICE_ERRORS = (
    KnownError(
        code="invalid_workspace_selected",
        meaning=ErrorMeaning(
            error=AccessDeniedError,
            remedy=f"the sign-in is for another workspace, run `{LOGIN_COMMAND}` and choose the right one",
        ),
    ),
    KnownError(
        status=403,
        text=re.compile(r"cloudflare|just a moment|attention required", re.I),
        meaning=ErrorMeaning(
            error=ProviderUnavailableError,
            retryable=True,
            remedy="the edge in front of ChatGPT takes this machine for a bot, try later or from another network",
        ),
    ),
    # Wrapped by some gateways in a 404.
    KnownError(
        status=404,
        text=re.compile(r"usage.?limit", re.I),
        meaning=ErrorMeaning(error=QuotaExceededError, remedy=f"`{STATUS_COMMAND}` shows the limits"),
    ),
    KnownError(
        status=400,
        text=re.compile(r"not supported when using Codex with a ChatGPT account", re.I),
        meaning=ErrorMeaning(
            error=NotFoundError,
            remedy="ChatGPT plans do not have that model (any more), choose one that `amplifier provider models` lists",
        ),
    ),
    KnownError(
        status=400,
        text=re.compile(r"requires a newer version of Codex", re.I),
        meaning=ErrorMeaning(
            error=ConfigurationError,
            remedy="set client_version to the version that the model asks for, or choose another model",
        ),
    ),
    # Waves of it pass by themselves; a name that is simply wrong costs two retries.
    KnownError(
        status=404,
        text=re.compile(r"model not found", re.I),
        meaning=ErrorMeaning(
            error=NotFoundError,
            retryable=True,
            most_retries=2,
            remedy="`amplifier provider models` lists what there is; the service says this of models that it has, too, "
            "for minutes at a time",
        ),
    ),
)
