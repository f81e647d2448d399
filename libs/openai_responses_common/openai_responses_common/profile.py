"""Who serves: what is true of one service, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal


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
    """

    name: str
    display_name: str
    refuses: Mapping[str, str] = field(default_factory=dict[str, str])
    leading_system: Literal["instructions", "developer"] | None = None
    default_instructions: str | None = None
    priced: bool = True
    price_factor: Decimal = Decimal(1)
    auth_remedy: str = ""
