"""The differences between the Codex backend of ChatGPT and the Responses API: its fields, limits, errors and headers.

This file is data; it knows no tokens and no HTTP. The backend has no contract: every row is what clients and their
users have seen, and may change at any time. Sources, if a row names none: OpenAI's own client at commits of 2026, issue
threads of a dozen other clients, recordings of 2026-05-21; seen 2026-11-21.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping

from amplifier_core.llm_errors import (
    AccessDeniedError,
    ConfigurationError,
    NotFoundError,
    ProviderUnavailableError,
    QuotaExceededError,
)
from openai_responses_common import BackendProfile, ErrorMeaning, KnownError, LimitTable
from openai_responses_common.version import __version__

from .settings import LOGIN_COMMAND, STATUS_COMMAND

# The edge accepts an honest name of our own and refuses the default names of HTTP libraries. Source: issue threads of
# clients and a live probe of 2026-08-31, seen 2026-11-21.
_USER_AGENT = f"amplifier/{__version__} ({platform.system()} {platform.release()}; {platform.machine()})"

CLIENT_HEADERS: Mapping[str, str] = {
    "originator": "amplifier",
    "User-Agent": "".join(each for each in _USER_AGENT if " " <= each <= "~"),
}

# Of an upgrade, beside the others. Source: a capture of Codex 0.169, seen 2026-11-30.
WEBSOCKET_HEADERS: Mapping[str, str] = {"OpenAI-Beta": "responses_websockets=2026-02-06"}

WEBSOCKET_OMITTED_FIELDS: frozenset[str] = frozenset({"background"})
"""What a frame leaves out of a body. Codex 0.169 sends `stream` in every frame (the same capture)."""

FAST_SUFFIX = "-fast"
"""The ending of a model's name that requests its fast tier."""

# The fields of OpenAI's own client that we write, too. `max_output_tokens` and others get 400 "Unsupported parameter".
ALLOWED_FIELDS = frozenset(
    {
        "include", "input", "instructions", "model", "parallel_tool_calls", "prompt_cache_key", "reasoning",
        "service_tier", "store", "stream", "text", "tool_choice", "tools",
    }
)  # fmt: skip
_REFUSAL_REASON = "the service behind a ChatGPT plan does not accept it"
REFUSED_FIELDS: Mapping[str, str] = dict.fromkeys(
    (
        "max_output_tokens", "temperature", "top_p", "truncation", "prompt_cache_retention", "safety_identifier",
        "context_management",
    ),
    _REFUSAL_REASON,
)  # fmt: skip

LIMIT_WINDOWS = ("primary", "secondary")
_CREDIT_FIELDS = ("has_credits", "unlimited", "balance")

LIMIT_TABLE = LimitTable(
    headers={
        "plan": "x-codex-plan-type",
        **{f"{window}_used_percent": f"x-codex-{window}-used-percent" for window in LIMIT_WINDOWS},
        **{f"{window}_window_minutes": f"x-codex-{window}-window-minutes" for window in LIMIT_WINDOWS},
        **{f"{window}_resets_at": f"x-codex-{window}-reset-at" for window in LIMIT_WINDOWS},
        **{f"credits_{what}": f"x-codex-credits-{what.replace('_', '-')}" for what in _CREDIT_FIELDS},
    },
    event="codex.rate_limits",
    event_fields={
        "plan": ("plan_type",),
        **{f"{window}_used_percent": ("rate_limits", window, "used_percent") for window in LIMIT_WINDOWS},
        **{f"{window}_window_minutes": ("rate_limits", window, "window_minutes") for window in LIMIT_WINDOWS},
        **{f"{window}_resets_at": ("rate_limits", window, "reset_at") for window in LIMIT_WINDOWS},
        **{f"credits_{what}": ("credits", what) for what in _CREDIT_FIELDS},
    },
)

SERVICE_ERRORS = (
    KnownError(
        code="invalid_workspace_selected",
        meaning=ErrorMeaning(
            error=AccessDeniedError,
            remedy=f"the sign-in is for another workspace: run `{LOGIN_COMMAND}` and choose the right one",
        ),
    ),
    # Status 402, which is not about credit here. Sources: llm-for-zotero#74 and codex#26867, seen 2026-11-30.
    KnownError(
        code="deactivated_workspace",
        meaning=ErrorMeaning(
            error=AccessDeniedError,
            remedy=f"this workspace was deactivated: run `{LOGIN_COMMAND}` and choose another one",
        ),
    ),
    KnownError(
        status=403,
        text=re.compile(r"cloudflare|just a moment|attention required", re.I),
        meaning=ErrorMeaning(
            error=ProviderUnavailableError,
            retryable=True,
            remedy="the edge in front of ChatGPT takes this machine for a bot: try again later or from another network",
        ),
    ),
    # Some gateways send this error with status 404.
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
            remedy="choose a model that `amplifier provider models` lists, or set client_version to the newest version "
            "of Codex",
        ),
    ),
    KnownError(
        status=400,
        text=re.compile(r"requires a newer version of Codex", re.I),
        meaning=ErrorMeaning(
            error=ConfigurationError,
            remedy="set client_version to the version that the model requires, or choose another model",
        ),
    ),
    # The service sends this in waves that pass by themselves. A name that is simply wrong costs two retries.
    KnownError(
        status=404,
        text=re.compile(r"model not found", re.I),
        meaning=ErrorMeaning(
            error=NotFoundError,
            retryable=True,
            most_retries=2,
            remedy="if `amplifier provider models` lists it, wait some minutes, or set client_version to the newest "
            "version of Codex",
        ),
    ),
)

PROFILE = BackendProfile(
    name="chatgpt-oauth",
    display_name="OpenAI (ChatGPT plan)",
    allowed_fields=ALLOWED_FIELDS,
    refused_fields=REFUSED_FIELDS,
    leading_system="instructions",
    default_instructions="You are a helpful assistant.",  # empty instructions are refused
    required_fields=frozenset({"stream", "instructions"}),  # "Stream must be set to true", "Instructions are required"
    system_role=False,  # "System messages are not allowed"
    service_tiers={"auto": None, "default": None, "priority": "priority", "fast": "priority"},
    tier_suffixes={FAST_SUFFIX: "priority"},
    # OpenAI's own client sends them with every call. Source: captures of Codex 0.169 and pi 0.73.1, seen 2026-11-30.
    states_defaults=True,
    effort_names={"ultra": "max"},  # listed for OpenAI's own client, refused in a request
    # OpenAI's own client sends such items here: "it replies OK" with gpt-6-astra. Source: codex#44751, seen 2026-12-01.
    effort_updates=True,
    stores=False,  # "Store must be set to false"
    reasoning_ids=False,  # with store: false "Item with id 'rs_…' not found"
    session_headers=("session-id",),
    limits=LIMIT_TABLE,
    priced=False,
    auth_remedy=f"sign in again: run `{LOGIN_COMMAND}`",
    errors=SERVICE_ERRORS,
    # Codex compacts so (captured 2026-11-30); `/responses/compact` is gone since 2026-08-12 (codex-lb#1715).
    compaction="trigger",
)
