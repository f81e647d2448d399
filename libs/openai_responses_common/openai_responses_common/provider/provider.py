"""Amplifier's provider protocol over the engine; a module passes the backend of its service.

The classes have no attribute `stream`, because hosts would take it for a way to call the model without tools.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from amplifier_core.llm_errors import ConfigurationError, LLMError
from amplifier_core.message_models import ChatRequest, ChatResponse, ToolCall
from amplifier_core.models import ModelInfo, ProviderInfo

from ..options.model_info import MergedOverrides
from ..options.options import (
    Options,
    apply_tier_suffix,
    find_conflict,
    list_unknown_settings,
    list_unknown_tiers,
    read_call_options,
    read_config,
    read_valid_config,
    state_model_defaults,
)
from .backend import Backend, note_response
from .catalogue import Catalogue
from .context_hooks import ContextHooks
from .context_methods import ContextMethods
from .default_model import read_default_model
from .description_methods import DescriptionMethods
from .document_fetch import DocumentFetch
from .host_cancellation import HostCancellation
from .model_list import describe
from .preparation import Preparation, load_engine_class
from .session_spending import FamilyMember
from .shutdowns import warn_of_shutdown

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.telemetry import Sink
    from ..translate.decode import DecodedResponse
    from ..translate.deltas import Delta

logger = logging.getLogger(__name__)

# `completion:auto_continue:v1` says that a call takes `request_options={"auto_continue": False}`. Source: Microsoft's
# provider modules and bundle-context-managed, seen 2026-12-01.
_CAPABILITIES = ("streaming", "tools", "thinking", "vision", "json_mode", "completion:auto_continue:v1")


class ResponsesProvider(ContextMethods, DescriptionMethods):
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
        default_model: the model to use if a call does not name one; empty if the settings name none and the list of
            the service, which the first call reads, does not tell.
        priority: the rank among a host's providers; hosts prefer lower numbers.
        spent_usd: the cost, in US dollars, of all calls so far; responses without a known price are not counted.
    """

    def __init__(self, backend: Backend, *, config: Mapping[str, Any] | None = None, coordinator: Any = None) -> None:
        self.config: dict[str, Any] = dict(config or {})
        self.coordinator = coordinator
        self.name = backend.profile.name
        self.spent_usd = Decimal(0)
        self._backend = backend
        problems = [backend.problem] if backend.problem else []
        try:
            self._configured_options = read_config(self.config, backend.defaults)
        except ConfigurationError:
            self._configured_options, own_problems = read_valid_config(self.config, backend.defaults)
            problems += own_problems
        if conflict := find_conflict(self._configured_options):
            problems.append(conflict)
        self._problems = tuple(problems)
        self._overrides = MergedOverrides(self._configured_options.model_info)
        lines = list_unknown_settings(self.config, backend.own_keys)
        if backend.profile.service_tiers is None:  # others are left out, and a call says so
            lines += list_unknown_tiers(self._configured_options)
        for line in lines:
            logger.warning("%s: %s", backend.profile.display_name, line)
        # Without a session, all calls of this object count as one conversation for a service that routes by it.
        self._conversation_key = str(uuid.uuid4()) if backend.profile.session_headers else None
        self._engine: Engine | None = None
        self._spending = FamilyMember(self)
        self._running: dict[HostCancellation, None] = {}
        self._preparation = Preparation(self._prepare, name=backend.profile.display_name)
        self._context = ContextHooks(backend, resolve_options=self._resolve_options, load_engine=self._load_engine)
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
        model, settings = self.get_model_info(), self._get_default_options()
        own = [name for name in _CAPABILITIES if name != "vision" or name in model.capabilities]
        return ProviderInfo(
            id=self.name,
            display_name=self._backend.profile.display_name,
            credential_env_vars=list(self._backend.credential_env_vars),
            capabilities=[*own, *self._context.list_capabilities(settings), *self._backend.capabilities],
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
        settings = self._get_default_options()
        info = describe(settings.model, settings.model_info, priced=profile.priced)
        full_name = {"id": self.default_model, "display_name": self.default_model}
        return info if settings.model == self.default_model else info.model_copy(update=full_name)

    def _get_default_options(self) -> Options:
        """Return the options of a call that sets none."""
        return apply_tier_suffix(self._merge_model_info(), self._backend.profile.tier_suffixes)

    async def list_models(self) -> list[ModelInfo]:
        """Return the models of this account, as the service lists them; an empty list is logged as a warning.

        Raises:
            LLMError: the service cannot be reached, or a setting is not valid.
        """
        self.check_settings()
        async with HostCancellation(self.coordinator, provider=self.name, running=self._running):
            models = await self._catalogue.get_models()
        if not models:
            name = self._backend.profile.display_name
            logger.warning("%s: the model list of the service has no model that can do agent work", name)
        return models

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

        After an `Aborted` all earlier deltas are void. If the call goes on, those that still count are yielded again.
        To leave the iteration cancels the call.

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
        await self._preparation.stop()
        self._spending.leave()
        await self._backend.transport.close()

    def register_session(self) -> None:
        """Note to which session the provider belongs, so that the spending limits of its sub-sessions count it."""
        self._spending.register()

    def start_preparation(self) -> None:
        """Begin to prepare the first call in the background, unless the settings forbid that or are not valid.

        Sends no request. Needs a running event loop; `close` ends it.
        """
        if self._configured_options.prepare and not self._problems:
            self._preparation.start()

    async def _prepare(self) -> None:
        await self._load_engine()
        await self._backend.transport.connect_ahead(self._configured_options.transport)

    async def _make_call(
        self, request: ChatRequest, kwargs: Mapping[str, Any], caller_sink: Sink | None
    ) -> DecodedResponse:
        engine = await self._load_engine()
        events = engine.create_events(self.coordinator, self.name, self._configured_options)
        async with (
            HostCancellation(self.coordinator, provider=self.name, running=self._running),
            AsyncExitStack() as stack,
        ):
            try:
                options = await self._choose_options(request, kwargs, stack)
            except LLMError as error:
                error.provider = error.provider or self.name
                await events.emit_failure(error)
                raise
            except asyncio.CancelledError:
                events.limit_end()
                await events.emit_cancellation()
                raise
            return await self._run_call(engine, request, options, caller_sink)

    async def _choose_options(self, request: ChatRequest, kwargs: Mapping[str, Any], stack: AsyncExitStack) -> Options:
        """Return the options of a call, after it has read what they need of the service.

        Args:
            request: the chat request.
            kwargs: options of this call.
            stack: ends, after the call, the reading of facts that the call did not wait for.

        Raises:
            LLMError: a setting or an option is not valid, or no model is chosen.
        """
        self.check_settings()
        options = self._resolve_options(request, kwargs)
        if not options.model:
            await read_default_model(
                self._backend, self._catalogue, timeout_s=options.call_timeout_s, provider=self.name
            )
            options = self._resolve_options(request, kwargs)
        reading = self._catalogue.read_during_call(wait_s=self._backend.models.list_wait_s(options))
        has_asked = await stack.enter_async_context(reading)
        return self._resolve_options(request, kwargs) if has_asked else options

    async def _run_call(
        self, engine: Engine, request: ChatRequest, options: Options, caller_sink: Sink | None
    ) -> DecodedResponse:
        warn_of_shutdown(options, self._backend.profile)
        events = engine.create_events(self.coordinator, self.name, options)
        await self._context.begin_call(request, events)
        emit_deltas = events.emit_deltas if options.use_streaming and events.has_listeners else None
        sinks = [sink for sink in (caller_sink, emit_deltas) if sink]  # the caller does not wait for the host's hooks

        async def send_to_sinks(batch: list[Delta]) -> None:
            for sink in sinks:
                await sink(batch)

        response = await engine.run_call(request, options, events, send_to_sinks if sinks else None)
        try:
            note_response(self._backend.models, options.model, response.metadata, events.headers)
        except Exception:  # code of a module, which must not cost a response that was paid for
            logger.exception("%s: the facts about the models could not be updated", self._backend.profile.display_name)
        return response

    def _resolve_options(self, request: ChatRequest, kwargs: Mapping[str, Any]) -> Options:
        cache_key = str(getattr(self.coordinator, "session_id", "") or "") or self._conversation_key
        options = read_call_options(self._merge_model_info(), request, kwargs, cache_key=cache_key)
        options = apply_tier_suffix(options, self._backend.profile.tier_suffixes)
        return state_model_defaults(options) if self._backend.profile.states_defaults else options

    def _merge_model_info(self) -> Options:
        """Return the settings with the model facts of the backend; the user's overrides win over these facts."""
        models, settings = self._backend.models, self._configured_options
        if not self.config.get("default_model"):
            settings = replace(settings, model=models.default() or settings.model)
        return replace(settings, model_info=self._overrides.merge(models.model_info()))

    async def _load_engine(self) -> Engine:
        """Return the engine.

        The first call loads it, because hosts mount every provider of a session and call few of them.
        """
        if self._engine is None:
            choice = self._configured_options.transport
            engine_class = await load_engine_class(self._backend.transport, choice)
            transport, profile = self._backend.transport, self._backend.profile
            engine = engine_class(transport, profile, on_cost=self._add_cost, get_spending=self._spending.join)
            self._engine = self._engine or engine  # another call may have been faster
        return self._engine

    def check_settings(self) -> None:
        """Check that the settings are valid; sends nothing.

        Raises:
            ConfigurationError: a setting is not valid. Every call raises the same.
        """
        if self._problems:
            raise ConfigurationError(self._problems[0], provider=self.name)

    def find_problems(self) -> tuple[str, ...]:
        """Return why every call fails: a text for each setting that is not valid; sends nothing."""
        return self._problems

    def _add_cost(self, cost_usd: Decimal) -> None:
        self.spent_usd += cost_usd
        self._spending.join()

    async def _fetch_models(self) -> list[ModelInfo]:
        fetch = DocumentFetch(self._backend, self._configured_options)
        try:
            models = await self._backend.models.list_models(fetch, self._configured_options)
            # The next call needs the facts of the list, and the event loop has other work meanwhile.
            await asyncio.to_thread(self._overrides.merge, self._backend.models.model_info())
            return models
        except LLMError as error:
            error.provider = error.provider or self.name
            raise
