"""The facts about one service, as data; the code asks a profile and never the name of a service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from amplifier_core.llm_errors import LLMError

from .traits import OPENAI_CIPHERTEXT, LeadingSystem, SystemTextRole


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorMeaning:
    """What a failure means to the host.

    Attributes:
        error: the kernel's class of error.
        retryable: whether a retry can help; false by default.
        most_retries: a limit of the retries for errors that either pass soon or never. None, the default, leaves the
            limit to the options.
        remedy: what a user can do about it; empty by default.
    """

    error: type[LLMError]
    retryable: bool = False
    most_retries: int | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownError:
    """An error that only one service reports, or reports with a text that no other service has.

    A failure is this error if its code is equal, or its status is equal and its message contains the text. A field that
    is None fits every failure.
    """

    meaning: ErrorMeaning
    code: str | None = None
    status: int | None = None
    text: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitTable:
    """Where a service reports how much of its limits is used.

    The names of fields are `{dimension}_limit`, `{dimension}_remaining` and `{dimension}_reset`. For a window that the
    service reports in percent they are `{window}_used_percent`, `{window}_window_minutes` and `{window}_resets_at`.

    Attributes:
        headers: field to header.
        event: the type of a stream event that reports the same; None if there is none.
        event_fields: field to path in that event.
    """

    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    event: str | None = None
    event_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


API_LIMITS = LimitTable(
    headers={
        f"{kind}_{what}": f"x-ratelimit-{what}-{kind}"
        for kind in ("requests", "tokens")
        for what in ("limit", "remaining", "reset")
    }
)
"""The API's own headers. Source: rate-limits guide and recorded responses, seen 2026-11-21."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendProfile:
    """The facts about one service.

    Attributes:
        name: the provider's name in events and errors.
        display_name: the service's name for users.
        allowed_fields: the only body fields that the service accepts; None if it accepts those of the API.
        refused_fields: body fields that the service never accepts, each with the reason that a user reads if one was
            asked for.
        required_fields: body fields that no refusal removes, because the service accepts nothing without them.
        system_role: whether the service accepts the role `system`, so that it can stand for `developer`.
        system_text_role: the role of system text in the input, and of developer messages. The default is `developer`.
        service_tiers: the tier of the options to the tier of the body; None as a value leaves the field out, because
            that tier is what happens anyway. A tier without an entry is dropped. None passes every tier on.
        tier_suffixes: endings of a model's name that ask for a service tier.
        states_defaults: whether a request states the default effort and verbosity of its model if nobody chose any;
            false by default.
        hosted_tools: the only hosted tools of the service; None, the default, if it has those of the API.
        item_types: the only types of input items that the service takes; None, the default, if it takes all.
        tools_in_input: whether functions and custom tools go into an item of the input; false by default.
        stores: whether it stores responses if asked to, which the background needs; true by default.
        effort_names: efforts that have another name on the wire.
        effort_updates: whether the service takes the item that changes the effort, see `ModelTraits`; false by default.
        cache_diagnostics: whether it says why a cache missed, see `ModelTraits.cache_options`; false by default.
        reasoning_ids: whether replayed reasoning keeps its id; false if the service cannot find such ids.
        reads_summaries: whether reasoning goes back if it has a summary only, without ciphertext or raw text; false by
            default, because OpenAI's API cannot find such an item.
        ciphertext_family: that of models which the tables do not know, see `ModelTraits`; the default is OpenAI's own.
        session_headers: headers that carry the key of the conversation, beside `prompt_cache_key`.
        limits: where the service reports its limits.
        incomplete_status: whether a continuation marks the message that was cut off as incomplete, so that the server
            goes on in the middle of it and does not begin anew; false by default.
        leading_system: where leading system messages go; None leaves it to the model.
        default_instructions: the instructions if there are no system messages; None sends none.
        trace_name: its name in OpenTelemetry's conventions; `openai` by default.
        priced: whether tokens have a price; false for a plan.
        prefers_reported_cost: whether the cost that a response reports counts more than our prices, which are those of
            OpenAI; true for gateways of other vendors.
        announces_shutdowns: whether the last days in our table of models are those of this service.
        counts_input: whether the service counts the input tokens of a request at `/responses/input_tokens`; false by
            default.
        compaction: how the service compacts a conversation: at `/responses/compact`, or in a stream whose input ends
            with a `compaction_trigger`. None, the default, if it does not.
        price_factor: a regional factor on every price.
        price_factors: the factor of single models, if it is another.
        auth_remedy: what to set or run if the credential is missing or refused.
        access_remedy: what to do if the credential is valid and a permission is missing.
        address_remedy: what to look at if there is no Responses API at the address.
        errors: the service's own errors; the first that fits wins over the common tables.
    """

    name: str
    display_name: str
    allowed_fields: frozenset[str] | None = None
    refused_fields: Mapping[str, str] = field(default_factory=dict[str, str])
    required_fields: frozenset[str] = frozenset()
    system_role: bool = True
    system_text_role: SystemTextRole = "developer"
    service_tiers: Mapping[str, str | None] | None = None
    tier_suffixes: Mapping[str, str] = field(default_factory=dict[str, str])
    states_defaults: bool = False
    hosted_tools: frozenset[str] | None = None
    item_types: frozenset[str] | None = None
    tools_in_input: bool = False
    stores: bool = True
    effort_names: Mapping[str, str] = field(default_factory=dict[str, str])
    effort_updates: bool = False
    cache_diagnostics: bool = False
    reasoning_ids: bool = True
    reads_summaries: bool = False
    ciphertext_family: str = OPENAI_CIPHERTEXT
    session_headers: tuple[str, ...] = ()
    limits: LimitTable = API_LIMITS
    incomplete_status: bool = False
    leading_system: LeadingSystem | None = None
    default_instructions: str | None = None
    trace_name: str = "openai"
    priced: bool = True
    prefers_reported_cost: bool = False
    announces_shutdowns: bool = False
    counts_input: bool = False
    compaction: Literal["endpoint", "trigger"] | None = None
    price_factor: Decimal = Decimal(1)
    price_factors: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    auth_remedy: str = ""
    access_remedy: str = ""
    address_remedy: str = "check base_url, which for most servers ends with /v1 and never with /responses"
    errors: tuple[KnownError, ...] = ()

    def accepts(self, field: str) -> bool:
        """Return whether the service accepts a field of the body."""
        return field not in self.refused_fields and (self.allowed_fields is None or field in self.allowed_fields)
