"""Who serves: what is true of one service, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from amplifier_core.llm_errors import LLMError


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorMeaning:
    """What a failure is to the host: the kernel's class, whether trying again can help, and what a person can do.

    `most_retries` bounds the retries of what passes by itself soon or not at all; None leaves it to the options.
    """

    error: type[LLMError]
    retryable: bool = False
    most_retries: int | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownError:
    """An error in one service's own words.

    It is recognised by its code, or by its status and a text in its message; what is not given fits everything.
    """

    meaning: ErrorMeaning
    code: str | None = None
    status: int | None = None
    text: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitTable:
    """Where a service says how much of its limits is used.

    Fields are called `{dimension}_limit`, `{dimension}_remaining` and `{dimension}_reset`, or of a window that is told
    in percent `{window}_used_percent`, `{window}_window_minutes` and `{window}_resets_at`.

    Attributes:
        headers: field → header.
        event: the type of a stream event that says the same.
        event_fields: field → path in that event.
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
    """The quirks of one service; the code asks this record and never the service's name.

    Attributes:
        name: what events and errors call the provider.
        takes: the only body keys that the service takes; None where it takes what the API takes.
        refuses: body keys that the service never takes, each with the reason a user reads when one was asked for.
        needs: body keys that are sent whatever a refusal says, because without them it takes nothing.
        system_role: the role `system` is taken, so that it can stand for `developer`.
        service_tiers: tier that is asked for → tier that is sent, None where it is what happens anyway; a tier that is
            not here is not taken. None passes every tier on.
        tier_suffixes: endings of a model's name that ask for a service tier.
        effort_names: efforts that go by another name on the wire.
        reasoning_ids: replayed reasoning keeps its id; False where a service looks such ids up and finds nothing.
        session_headers: headers that carry the conversation's key, beside `prompt_cache_key`.
        limits: where the service tells its limits.
        leading_system: where leading system messages go; None leaves it to the model.
        default_instructions: sent when there are no system messages; None where the service takes none.
        priced: False where tokens are not paid one by one.
        price_factor: regional uplift on every price.
        price_factors: the uplift of single models, where it is another.
        auth_remedy: what to set or run when the credential is missing or refused.
        access_remedy: what to do when the credential is good and a permission is missing.
        errors: the service's own errors; the first that fits wins over the common tables.
    """

    name: str
    display_name: str
    allowed_fields: frozenset[str] | None = None
    refused_fields: Mapping[str, str] = field(default_factory=dict[str, str])
    required_fields: frozenset[str] = frozenset()
    system_role: bool = True
    service_tiers: Mapping[str, str | None] | None = None
    tier_suffixes: Mapping[str, str] = field(default_factory=dict[str, str])
    effort_names: Mapping[str, str] = field(default_factory=dict[str, str])
    reasoning_ids: bool = True
    session_headers: tuple[str, ...] = ()
    limits: LimitTable = API_LIMITS
    leading_system: Literal["instructions", "developer"] | None = None
    default_instructions: str | None = None
    priced: bool = True
    price_factor: Decimal = Decimal(1)
    price_factors: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    auth_remedy: str = ""
    access_remedy: str = ""
    errors: tuple[KnownError, ...] = ()
