"""Gets a document of a service, such as its model list, and sends objects to other paths than that of responses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from amplifier_core.llm_errors import LLMError
from amplifier_core.utils.retry import RetryConfig, retry_with_backoff

from ..facts.backend_profile import BackendProfile
from ..failures.classify import classify_failure
from ..failures.failure import CallFailure, Failure
from ..options.options import Options
from ..transport.base import Document, Transport

# A host waits for the model list at the start of a session.
_MAX_ATTEMPT_S = 15.0
_MAX_RETRIES = 1
_MAX_DELAY_S = 5.0


async def fetch_document(
    transport: Transport, path: str, *, profile: BackendProfile, options: Options, etag: str | None = None
) -> Document:
    """GET a document.

    An attempt takes at most 15 seconds. There is at most one retry, and none if the service asks to wait for more than
    5 seconds.

    Args:
        transport: gets the document.
        path: the path below the base URL, such as `/models`.
        profile: the service, with its errors and remedies.
        options: the timeout and the retry settings.
        etag: the tag of the document that the caller already has; None, by default, if it has none.

    Raises:
        LLMError: one of the kernel's classes.
    """
    limit_s = min(options.timeout_s, _MAX_ATTEMPT_S)
    retry_count = min(options.max_retries, _MAX_RETRIES)
    while True:
        outcome = await _try(transport, path, limit_s=limit_s, etag=etag)
        if isinstance(outcome, Document):
            return outcome
        error = _classify(outcome.failure, profile, options)
        delay_s = max(error.retry_after or 0.0, min(options.min_retry_delay_s, _MAX_DELAY_S))
        if retry_count <= 0 or not error.retryable or delay_s > _MAX_DELAY_S:
            raise error from outcome
        retry_count -= 1
        await asyncio.sleep(delay_s)


async def post_document(
    transport: Transport,
    path: str,
    content: bytes,
    *,
    profile: BackendProfile,
    options: Options,
    headers: Mapping[str, str],
    max_retries: int | None = None,
) -> object:
    """POST a JSON object, with the retries of a call, and return the document that comes back.

    Args:
        transport: sends the object.
        path: the path below the base URL.
        content: the object as UTF-8 JSON.
        profile: the service, with its errors and remedies.
        options: the timeout and the retry settings.
        headers: of this request alone.
        max_retries: how often it is sent again; by default as often as the setting says.

    Raises:
        LLMError: one of the kernel's classes.
    """
    config = RetryConfig(
        max_retries=options.max_retries if max_retries is None else max_retries,
        initial_delay=options.min_retry_delay_s,
        max_delay=options.max_retry_delay_s,
    )

    async def send() -> object:
        try:
            return (await transport.post_document(path, content, timeout_s=options.timeout_s, headers=headers)).body
        except CallFailure as refusal:
            raise _classify(refusal.failure, profile, options) from refusal

    return await retry_with_backoff(send, config)


async def _try(transport: Transport, path: str, *, limit_s: float, etag: str | None) -> Document | CallFailure:
    try:
        async with asyncio.timeout(limit_s):
            return await transport.fetch(path, timeout_s=limit_s, etag=etag)
    except CallFailure as failure:
        return failure
    except TimeoutError:
        message = f"the service did not send {path} within {limit_s:g} s"
        return CallFailure(Failure(kind="timeout", message=message))


def _classify(failure: Failure, profile: BackendProfile, options: Options) -> LLMError:
    return classify_failure(failure, profile=profile, model=options.model, max_retry_delay_s=options.max_retry_delay_s)
