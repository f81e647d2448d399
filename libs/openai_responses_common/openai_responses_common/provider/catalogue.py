"""The models that a service offers, with what the tables know of each; asked once and kept for a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, cast

from amplifier_core.llm_errors import ProviderUnavailableError
from amplifier_core.models import ModelInfo

from ..facts.prices import pricing_for
from ..facts.traits import is_agent_model, is_dated, traits_for
from ..options.options import Options
from ..transport.base import Document


class Fetch(Protocol):
    """GETs JSON below the endpoint, with the errors and retries of a call."""

    async def __call__(self, path: str) -> Any:
        """The document at a path.

        Raises:
            LLMError: there is none, or the service cannot be asked.
        """
        ...

    async def document(self, path: str, *, etag: str | None = None) -> Document:
        """The same with its tag; without a body where it is still the document of `etag`."""
        ...


logger = logging.getLogger(__name__)


class Models:
    """Where a service's models come from; a module whose service lists them otherwise overrides what differs.

    Attributes:
        fresh_s: how long a list is kept before `listed` is asked again.
    """

    fresh_s: float = 300.0

    async def listed(self, fetch: Fetch, options: Options) -> list[ModelInfo]:
        """The models that this account can use, as the service lists them at `/models`; never empty without a word.

        Raises:
            LLMError: the service cannot be asked.
        """
        document = await fetch("/models")
        found = read_models(document, hide_dated=options.hide_dated_models, model_info=options.model_info)
        if not found:
            logger.warning("the service answered, and its model list holds no model that can do agent work")
        return found

    def info(self) -> Mapping[str, Mapping[str, Any]]:
        """What is known of models beyond the tables, in the form of the option `model_info`, which wins over it."""
        return {}

    def preferred(self) -> str | None:
        """The model of calls where neither the user nor the call names one; None leaves it to the module's default."""
        return None

    def served(self, asked: str, model: str) -> None:
        """Told of every answer: which model it says made it."""

    def heard(self, headers: Mapping[str, str]) -> None:
        """Told of the headers of every answer, with names in lower case."""


class Catalogue:
    """Keeps a model list for a while; callers that come while it is being fetched share the one request."""

    def __init__(self, fetch: Callable[[], Awaitable[list[ModelInfo]]], *, fresh_s: float) -> None:
        self._fetch = fetch
        self._fresh_s = fresh_s
        self._models: list[ModelInfo] = []
        self._fetched_at: float | None = None
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    async def models(self) -> list[ModelInfo]:
        """The list; raises what fetching raises."""
        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock[0] is not loop:
            self._lock = (loop, asyncio.Lock())
        async with self._lock[1]:
            if self._fetched_at is None or time.monotonic() - self._fetched_at > self._fresh_s:
                self._models = await self._fetch()
                self._fetched_at = time.monotonic()
            return list(self._models)


def read_models(document: object, *, hide_dated: bool, model_info: Mapping[str, Mapping[str, Any]]) -> list[ModelInfo]:
    """The models of a `GET /models` answer.

    Args:
        document: `{"data": [{"id", …}]}`.
        hide_dated: leave out snapshots with a date in their id.
        model_info: the user's overrides.

    Raises:
        ProviderUnavailableError: the answer is no model list.
    """
    rows: object = cast(dict[str, Any], document).get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise ProviderUnavailableError("the service's model list cannot be read", retryable=False)
    ids = [str(row.get("id")) for row in cast(list[dict[str, Any]], rows) if row.get("id")]
    ids = list(dict.fromkeys([*ids, *model_info]))
    kept = [model for model in ids if model in model_info or is_agent_model(model)]
    return [describe(model, model_info) for model in sorted(kept) if not (hide_dated and is_dated(model))]


def describe(model: str, model_info: Mapping[str, Mapping[str, Any]], *, priced: bool = True) -> ModelInfo:
    """What the tables and the user's overrides say of a model; without a price where tokens are not paid one by one."""
    traits = traits_for(model, model_info)
    pricing: dict[str, Any] = {
        "pricing": pricing_for(model, model_info) if priced else None
    }  # kernels before 2.0 have no such field
    defaults: dict[str, Any] = {"max_output_tokens": traits.max_output_tokens}
    if traits.efforts:
        defaults |= {"reasoning_efforts": list(traits.efforts), "reasoning_effort": traits.default_effort}
    return ModelInfo(
        id=model,
        display_name=model,
        context_window=traits.context_window,
        max_output_tokens=traits.max_output_tokens,
        capabilities=traits.capabilities(),
        defaults=defaults,
        **pricing,
    )
