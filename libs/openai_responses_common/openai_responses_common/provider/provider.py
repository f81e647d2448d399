"""Amplifier's provider protocol over the engine; a module passes the backend of its service.

The classes have no attribute `stream`, because hosts would take it for a way to call the model without tools.
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

from ..options.model_info import MergedOverrides
from ..options.options import (
    Options,
    apply_tier_suffix,
    list_unknown_settings,
    read_call_options,
    read_config,
    read_valid_config,
)
from ..transport.base import Document
from .backend import Backend
from .catalogue import Catalogue, describe
from .environment import override_config

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.telemetry import Sink
    from ..translate.decode import DecodedResponse
    from ..translate.deltas import Delta

logger = logging.getLogger(__name__)

# `completion:auto_continue:v1` says that a call takes `request_options={"auto_continue": False}`. Source: Microsoft's
# provider modules and bundle-context-managed, seen 2026-12-01.
_CAPABILITIES = ("streaming", "tools", "thinking", "vision", "json_mode", "completion:auto_continue:v1")


@dataclass(frozen=True, slots=True)
class _EngineFetch:
    """Implements `Fetch` with an engine and the options of a provider."""

    engine: Engine
    options: Options

    async def __call__(self, path: str) -> Any:
        return (await self.fetch_document(path)).body

    async def fetch_document(self, path: str, *, etag: str | None = None) -> Document:
        return await self.engine.fetch(path, self.options, etag=etag)


class ResponsesProvider:
    """A provider for one account.

    The constructor does no I/O and never raises: the first call raises the error of a setting that is not valid.

    Args:
        backend: what the module defines for its service.
        config: the settings; None, by default, is an empty config.
        coordinator: the session's coordinator, for hook events; None, by default, emits no events.

    Attributes:
        name: the mount name of the module. A host may mount an instance under another name.
        config: the settings.
        coordinator: the session's coordinator.
        default_model: the model to use if a call does not name one.
        priority: the rank among a host's providers; hosts prefer lower numbers.
        spent_usd: the cost, in US dollars, of all calls so far; responses without a known price are not counted.
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
        self._overrides = MergedOverrides(self._configured_options.model_info)
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
        """Return the description of the provider, with the limits of its model for context managers."""
        model = self.get_model_info()
        return ProviderInfo(
            id=self.name,
            display_name=self._backend.profile.display_name,
            credential_env_vars=list(self._backend.credential_env_vars),
            capabilities=[*_CAPABILITIES, *self._backend.capabilities],
            defaults={
                "model": self.default_model,
                "context_window": model.context_window,
                "max_output_tokens": self._configured_options.max_output_tokens or model.max_output_tokens,
                "timeout": self._configured_options.timeout_s,
            },
            config_fields=list(self._backend.config_fields),
        )

    def get_model_info(self) -> ModelInfo:
        """Return the facts about the default model, from the tables and the setting `model_info`."""
        profile = self._backend.profile
        settings = apply_tier_suffix(self._merge_model_info(), profile.tier_suffixes)
        info = describe(settings.model, settings.model_info, priced=profile.priced)
        full_name = {"id": self.default_model, "display_name": self.default_model}
        return info if settings.model == self.default_model else info.model_copy(update=full_name)

    async def list_models(self) -> list[ModelInfo]:
        """Return the models of this account, as the service lists them.

        Raises:
            LLMError: the service cannot be reached, or a setting is not valid.
        """
        self._check_settings()
        return await self._catalogue.get_models()

    async def complete(self, request: ChatRequest, **kwargs: Any) -> DecodedResponse:
        """Make one call and return its response.

        Args:
            request: the chat request.
            kwargs: options of this call; they win over the fields of the request and over the settings.

        Raises:
            LLMError: one of the kernel's classes.
        """
        return await self._make_call(request, kwargs, None)

    async def deltas(self, request: ChatRequest, **kwargs: Any) -> AsyncIterator[Delta | DecodedResponse]:
        """Make one call and yield its deltas as they arrive, and its response last.

        After an `Aborted` all earlier deltas are void, because the call begins again. To leave the iteration cancels
        the call.

        Args:
            request: the chat request.
            kwargs: options of this call; they win over the fields of the request and over the settings.

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
        """Return the tool calls that the host has to run."""
        return list(response.tool_calls or [])

    async def close(self) -> None:
        """Close the connections. May be called at any time, also before the first call and more than once."""
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

        async def send_to_sinks(batch: list[Delta]) -> None:
            for sink in sinks:
                await sink(batch)

        response = await engine.run_call(request, options, events, send_to_sinks if sinks else None)
        response_model = (response.metadata or {}).get("openai:model")
        if response_model and isinstance(response_model, str):
            self._backend.models.on_response_model(options.model, response_model)
        self._backend.models.on_headers(events.headers)
        return response

    def _merge_model_info(self) -> Options:
        """Return the settings with the model facts of the backend; the user's overrides win over these facts."""
        models, settings = self._backend.models, self._configured_options
        if not self.config.get("default_model"):
            settings = replace(settings, model=models.default() or settings.model)
        return replace(settings, model_info=self._overrides.merge(models.model_info()))

    async def _load_engine(self) -> Engine:
        """Return the engine.

        The first call imports it, in a thread, because hosts mount every provider of a session and call few of them.
        """
        if self._engine is None:
            engine_class = await asyncio.to_thread(_import_engine_class)
            engine = engine_class(self._backend.transport, self._backend.profile, on_cost=self._add_cost)
            self._engine = self._engine or engine  # another call may have been faster
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
