"""The record of what went wrong in one attempt, and the exception that carries it to the engine.

Knows no kernel error and no wording of a service: `read` fills the record, `classify` and `learn` interpret it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong in one attempt.

    Attributes:
        kind: `status` for an HTTP error, `event` for an error inside a stream, the rest for a connection.
        message: the service's own message, or ours for a connection.
        status: the HTTP status. None if there was no HTTP response.
        code: the service's error code. None if it sent none.
        type: the service's error type. None if it sent none.
        param: the field of the request that the service names. None if it names none.
        retry_after_s: seconds that the service asks us to wait. None if it does not ask.
        request_id: the id that the service's support asks for. None if there is none.
        headers: the response headers, with names in lower case.
    """

    kind: Literal["status", "event", "network", "timeout", "stream"]
    message: str
    status: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    retry_after_s: float | None = None
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)


class CallFailure(Exception):
    """Carries a `Failure` from the transport to the engine, which classifies it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def scrub_failure(failure: Failure, scrub: Callable[[str], str]) -> Failure:
    """Return the failure with `scrub` applied to each text: some proxies echo the credential in their errors."""
    texts = {key: getattr(failure, key) for key in ("message", "code", "type", "param", "request_id")}
    headers = {name: scrub(value) for name, value in failure.headers.items()}
    return replace(failure, headers=headers, **{key: scrub(text) for key, text in texts.items() if text})
