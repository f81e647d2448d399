"""The Amplifier provider protocol over the engine; a module says which service it is and passes its credentials.

There is no attribute called `stream` here: hosts take it for a path without tools.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from amplifier_core.llm_errors import ConfigurationError, LLMError
from amplifier_core.message_models import ChatRequest, ChatResponse, ToolCall
from amplifier_core.models import ModelInfo, ProviderInfo

from ..options.options import (
    Options,
    apply_tier_suffix,
    list_unknown_settings,
    read_call_options,
    read_config,
    read_valid_config,
)
from ..transport.base import Document
from .catalogue import Catalogue, describe
from .environment import override_config

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.telemetry import Sink
    from ..translate.decode import DecodedResponse
    from ..translate.deltas import Delta
from .backend import Backend

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _EngineFetch:
    """See `Fetch`."""

    engine: Engine
    options: Options

    async def __call__(self, path: str) -> Any:
        return (await self.fetch_document(path)).body

    async def fetch_document(self, path: str, *, etag: str | None = None) -> Document:
        return await self.engine.fetch(path, self.options, etag=etag)


class ResponsesProvider:
    """A provider for one account.

    Making one does no I/O and never raises: a bad setting is told by the first call.

    Attributes:
        name: mount name of its kind; a host may have remounted it under another.
        config: as given.
        default_model: what calls use that name none.
        priority: lower is preferred by hosts.
        spent_usd: what all its calls cost so far, as far as prices are known.
    """

    def __init__(self, backend: Backend, *, config: Mapping[str, Any] | None = None, coordinator: Any = None) -> None:
        self.config: dict[str, Any] = dict(config or {})
        self.coordinator = coordinator
        self.name = backend.profile.name
        self.spent_usd = Decimal(0)
        self._backend = backend
        self._problem = backend.problem
        self._configured_options = backend.defaults
        try:
            self._configured_options = read_config(self.config, backend.defaults)
        except ConfigurationError as error:
            self._problem = str(error)
            self._configured_options = read_valid_config(self.config, backend.defaults)
        for line in list_unknown_settings(self.config, backend.own_keys):
            logger.warning("%s: %s", backend.profile.display_name, line)
        self._engine: Engine | None = None
        self._catalogue = Catalogue(self._fetch_models, max_age_s=backend.models.max_age_s)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(default_model={self.default_model!r}, transport={self._backend.transport!r})"

    @property
    def default_model(self) -> str:
        return self._merge_model_info().model

    @property
    def priority(self) -> int:
        return self._configured_options.priority

    def get_info(self) -> ProviderInfo:
        """What the provider is, with the limits of the configured model: context managers budget by them."""
        model = self.get_model_info()
        return ProviderInfo(
            id=self.name,
            display_name=self._backend.profile.display_name,
            credential_env_vars=list(self._backend.credential_env_vars),
            capabilities=["streaming", "tools", "thinking", "vision", "json_mode", *self._backend.capabilities],
            defaults={
                "model": self.default_model,
                "context_window": model.context_window,
                "max_output_tokens": self._configured_options.max_output_tokens or model.max_output_tokens,
                "timeout": self._configured_options.timeout_s,
            },
            config_fields=list(self._backend.config_fields),
        )

    def get_model_info(self) -> ModelInfo:
        """The configured model, from the tables and `model_info`."""
        profile = self._backend.profile
        settings = apply_tier_suffix(self._merge_model_info(), profile.tier_suffixes)
        found = describe(settings.model, settings.model_info, priced=profile.priced)
        named = {"id": self.default_model, "display_name": self.default_model}
        return found if settings.model == self.default_model else found.model_copy(update=named)

    async def list_models(self) -> list[ModelInfo]:
        """The models of this account, as the service lists them.

        Raises:
            LLMError: the service cannot be asked; nothing is made up.
        """
        self._check_settings()
        return await self._catalogue.get_models()

    async def complete(self, request: ChatRequest, **kwargs: Any) -> DecodedResponse:
        """Make one call.

        Args:
            request: what to ask.
            kwargs: options of this call; they win over the request's fields and over config.

        Raises:
            LLMError: one of the kernel's classes.
        """
        return await self._make_call(request, kwargs, None)

    async def deltas(self, request: ChatRequest, **kwargs: Any) -> AsyncIterator[Delta | DecodedResponse]:
        """Make one call and follow it: typed deltas as they come, and last the response.

        An `Aborted` voids what was shown so far: the call begins again. Leaving the iteration cancels the call.

        Raises:
            LLMError: one of the kernel's classes.
        """
        queue: asyncio.Queue[Delta | None] = asyncio.Queue()

        async def sink(batch: list[Delta]) -> None:
            for delta in batch:
                queue.put_nowait(delta)

        call = asyncio.create_task(self._make_call(request, kwargs, sink))
        call.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (delta := await queue.get()) is not None:
                yield delta
            yield await call
        finally:
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)

    def parse_tool_calls(self, response: ChatResponse) -> list[ToolCall]:
        """The calls that the loop has to run."""
        return list(response.tool_calls or [])

    async def close(self) -> None:
        """Close the connections; safe at any time, also before the first call and more than once."""
        await self._backend.transport.close()

    async def _make_call(
        self, request: ChatRequest, kwargs: Mapping[str, Any], caller_sink: Sink | None
    ) -> DecodedResponse:
        engine = await self._load_engine()
        events = engine.create_events(self.coordinator, self.name, self._configured_options)
        try:
            self._check_settings()
            cache_key = str(getattr(self.coordinator, "session_id", "") or "") or None
            options = read_call_options(self._merge_model_info(), request, kwargs, cache_key=cache_key)
            options = apply_tier_suffix(options, self._backend.profile.tier_suffixes)
        except ConfigurationError as error:
            await events.emit_failure(error)
            raise
        events = engine.create_events(self.coordinator, self.name, options)
        sinks = [
            sink
            for sink in (events.emit_deltas if options.use_streaming and events.has_listeners else None, caller_sink)
            if sink
        ]

        async def tell(batch: list[Delta]) -> None:
            for sink in sinks:
                await sink(batch)

        answer = await engine.run_call(request, options, events, tell if sinks else None)
        served = (answer.metadata or {}).get("openai:model")
        if served and isinstance(served, str):
            self._backend.models.on_response_model(options.model, served)
        self._backend.models.on_headers(events.headers)
        return answer

    def _merge_model_info(self) -> Options:
        """The settings, with what is known of the models by now; what the user says of them wins."""
        models, settings = self._backend.models, self._configured_options
        if not self.config.get("default_model"):
            settings = replace(settings, model=models.default() or settings.model)
        known = models.model_info()
        if not known:
            return settings
        told = settings.model_info
        info = {name: {**known.get(name, {}), **told.get(name, {})} for name in {**known, **told}}
        return replace(settings, model_info=info)

    async def _load_engine(self) -> Engine:
        """The engine. It is loaded for the first call, and in a thread: hosts load every provider of a session, and ask
        few of them."""
        if self._engine is None:
            engine = await asyncio.to_thread(_import_engine_class)
            made = engine(self._backend.transport, self._backend.profile, on_cost=self._add_cost)
            self._engine = self._engine or made
        return self._engine

    def _check_settings(self) -> None:
        if self._problem:
            raise ConfigurationError(self._problem, provider=self.name)

    def _add_cost(self, cost_usd: Decimal) -> None:
        self.spent_usd += cost_usd

    async def _fetch_models(self) -> list[ModelInfo]:
        fetch = _EngineFetch(await self._load_engine(), self._configured_options)
        try:
            return await self._backend.models.list_models(fetch, self._configured_options)
        except LLMError as error:
            error.provider = error.provider or self.name
            raise


def _import_engine_class() -> type[Engine]:
    from ..engine.engine import Engine

    return Engine


class AddressedProvider(ResponsesProvider):
    """A provider whose host may pass an address and a key separately from the config.

    A module derives its class from this one and overrides `build_backend`.

    Args:
        base_url: the address of the service; wins over the config's address. None, `""` and a host's placeholder count
            as absent. A required keyword, because only then hosts that probe constructors pass the user's address.
        api_key: the key; wins over the config's key. None, by default, leaves the config's key.
        config: the settings; None, by default, is an empty config. The module's README lists the settings.
        coordinator: the session's coordinator, for hook events; None, by default, emits no events.

    Attributes:
        address_key: the config key of the address; `base_url` by default.
    """

    address_key: ClassVar[str] = "base_url"

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str | None = None,
        config: Mapping[str, Any] | None = None,
        coordinator: Any = None,
    ) -> None:
        overridden_config = override_config(config, **{self.address_key: base_url, "api_key": api_key})
        super().__init__(self.build_backend(overridden_config), config=config, coordinator=coordinator)

    def build_backend(self, config: Mapping[str, Any]) -> Backend:
        """Build the backend of the service; must not raise, so that a bad setting becomes `Backend.problem`.

        Args:
            config: the settings, with the address and the key that the host passed separately.
        """
        raise NotImplementedError
