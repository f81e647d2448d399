"""The models that a service offers, with the facts of the tables about each; the list is reused for a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

from amplifier_core.llm_errors import ProviderUnavailableError
from amplifier_core.models import ModelInfo

from ..facts.model_ids import has_snapshot_date, is_agent_model
from ..options.model_info import ModelOverrides

logger = logging.getLogger(__name__)


class Catalogue:
    """Reuses a model list until it is too old. Callers that need it while it is being fetched share one request.

    Args:
        fetch: reads the list from the service.
        max_age_s: the age, in seconds, from which a list is fetched again.
    """

    def __init__(self, fetch: Callable[[], Awaitable[list[ModelInfo]]], *, max_age_s: float) -> None:
        self._fetch = fetch
        self._max_age_s = max_age_s
        self._models: list[ModelInfo] = []
        self._last_fetch_s: float | None = None
        self._loop_lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    async def get_models(self) -> list[ModelInfo]:
        """Return the list; raises the errors of fetching it."""
        loop = asyncio.get_running_loop()
        if self._loop_lock is None or self._loop_lock[0] is not loop:
            self._loop_lock = (loop, asyncio.Lock())
        async with self._loop_lock[1]:
            if self._last_fetch_s is None or time.monotonic() - self._last_fetch_s > self._max_age_s:
                self._models = await self._fetch()
                self._last_fetch_s = time.monotonic()
            return list(self._models)


def read_models(document: object, *, hide_dated: bool, model_info: ModelOverrides) -> list[ModelInfo]:
    """Return the models of a response to `GET /models` that can do agent work, sorted by id.

    Args:
        document: the response, `{"data": [{"id": …}]}`.
        hide_dated: True to leave out snapshots with a date in their id.
        model_info: the user's overrides, by model. Each model in them is part of the result.

    Raises:
        ProviderUnavailableError: the response is not a model list.
    """
    rows: object = cast(dict[str, Any], document).get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise ProviderUnavailableError("the response of the service is not a model list", retryable=False)
    ids = [str(row.get("id")) for row in cast(list[dict[str, Any]], rows) if row.get("id")]
    ids = list(dict.fromkeys([*ids, *model_info.entries]))
    agent_models = sorted(model for model in ids if model in model_info.entries or is_agent_model(model))
    return [describe(model, model_info) for model in agent_models if not (hide_dated and has_snapshot_date(model))]


def describe(model: str, model_info: ModelOverrides, *, priced: bool = True) -> ModelInfo:
    """Return what the tables and the user's overrides say about a model.

    Args:
        model: its id.
        model_info: the user's overrides, by model.
        priced: False if the service does not charge by the token, so that the result has no price. True by default.
    """
    traits = model_info.traits_of(model)
    price = model_info.price_of(model, datetime.now(UTC).date()) if priced else None
    # A keyword through a dict, because kernels before 2.0 have no such field.
    pricing: dict[str, Any] = {"pricing": price.pricing_fields() if price else None}
    defaults: dict[str, Any] = {"max_output_tokens": traits.max_output_tokens}
    if traits.efforts:
        defaults |= {"reasoning_efforts": list(traits.efforts), "reasoning_effort": traits.default_effort}
    return ModelInfo(
        id=model,
        display_name=model,
        context_window=traits.context_window,
        max_output_tokens=traits.max_output_tokens,
        capabilities=traits.list_capabilities(),
        defaults=defaults,
        **pricing,
    )
