"""What every flow to an Entra token has in common: the protocol, the tenant, and safe errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, LLMError
from openai_responses_common import Token

T = TypeVar("T")

_TENANT_PATTERN = re.compile(r"[A-Za-z0-9.-]+")


class FlowUnavailable(Exception):
    """This machine does not offer the flow. That is not a failure: the next flow of a chain may be available."""


class Flow(Protocol):
    """One way to obtain a token."""

    @property
    def description(self) -> str:
        """The identity in words, with the names that identify it and without a secret."""
        ...

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """Obtain a token; blocks.

        Args:
            scope: the scope of the token.
            refused_token: the token that the service refused. None if it refused none.

        Raises:
            FlowUnavailable: this machine does not offer the flow.
            LLMError: the flow is available and failed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The tenant of an identity: scheme and host of the authority, and the tenant's id or domain."""

    authority: str
    name: str

    def __post_init__(self) -> None:
        if not _TENANT_PATTERN.fullmatch(self.name):
            raise ConfigurationError("setting 'tenant_id' takes the id or the domain of a tenant")

    @property
    def url(self) -> str:
        """The address at which the tenant signs in."""
        return f"{self.authority}/{self.name}"


def run_flow(description: str, action: Callable[[], T]) -> T:
    """Run one attempt at a token and return its result.

    Raises:
        LLMError: the attempt failed. Errors of sign-in libraries appear by class name only, because their texts may
            hold secrets.
    """
    try:
        return action()
    except LLMError:
        raise
    except FlowUnavailable as reason:
        problem = str(reason)
    except Exception as error:  # noqa: BLE001 - sign-in libraries raise anything
        problem = type(error).__name__
    raise AuthenticationError(f"cannot get a token of {description}: {problem}")
