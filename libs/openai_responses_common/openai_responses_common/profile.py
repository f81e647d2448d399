"""Who serves: what is true of one service, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from amplifier_core.llm_errors import LLMError


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a failure is to the host: the kernel's class, whether trying again can help, and what a person can do."""

    error: type[LLMError]
    retryable: bool = False
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownError:
    """An error in one service's own words.

    It is recognised by its code, or by its status and a text in its message; what is not given fits everything.
    """

    meaning: Meaning
    code: str | None = None
    status: int | None = None
    text: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendProfile:
    """The quirks of one service; the code asks this record and never the service's name.

    Attributes:
        name: what events and errors call the provider.
        refuses: body keys that the service never takes, each with the reason a user reads when one was asked for.
        leading_system: where leading system messages go; None leaves it to the model.
        default_instructions: sent when there are no system messages; None where the service takes none.
        priced: False where tokens are not paid one by one.
        price_factor: regional uplift on every price.
        auth_remedy: what to set or run when the credential is missing or refused.
        errors: the service's own errors; the first that fits wins over the common tables.
    """

    name: str
    display_name: str
    refuses: Mapping[str, str] = field(default_factory=dict[str, str])
    leading_system: Literal["instructions", "developer"] | None = None
    default_instructions: str | None = None
    priced: bool = True
    price_factor: Decimal = Decimal(1)
    auth_remedy: str = ""
    errors: tuple[KnownError, ...] = ()
