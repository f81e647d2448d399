"""What every way to an Entra token has in common."""

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
    """A way to a token is not there at all, which is no failure: the next one may be."""


class Flow(Protocol):
    """One way to a token."""

    @property
    def description(self) -> str:
        """What it is, with the names that identify it and nothing secret."""
        ...

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """Get a token, blocking; `refused` is one that the service would not take, if there was.

        Raises:
            Unavailable: this way does not exist here.
            LLMError: it exists and failed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Where an identity is known: the authority's scheme and host, and the tenant's id or domain."""

    authority: str
    name: str

    def __post_init__(self) -> None:
        if not _TENANT_PATTERN.fullmatch(self.name):
            raise ConfigurationError("setting 'tenant_id' takes the id or the domain of a tenant")

    @property
    def url(self) -> str:
        return f"{self.authority}/{self.name}"


def run_flow(description: str, action: Callable[[], T]) -> T:
    """What an attempt at a token gives.

    Raises:
        LLMError: whatever else a sign-in library raises too, whose own words may hold secrets.
    """
    try:
        return action()
    except LLMError:
        raise
    except FlowUnavailable as reason:
        problem = str(reason)
    except Exception as error:  # noqa: BLE001 - they raise anything
        problem = type(error).__name__
    raise AuthenticationError(f"no token of {description}: {problem}")
