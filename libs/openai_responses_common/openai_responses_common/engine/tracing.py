"""One OpenTelemetry span for each call, if the setting asks for it; a span holds no content of the conversation.

Names: the semantic conventions for generative AI, version 0.66b2 of the package of that name, seen 2026-12-01. The
package `opentelemetry-api` is imported by the first call that has the setting. Nothing here costs a call its response.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from ..facts.backend_profile import BackendProfile
from ..installation import install_command
from ..options.options import Options
from ..version import __version__
from .redact import redact

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from ..translate.decode import DecodedResponse

logger = logging.getLogger(__name__)

NoteResponse: TypeAlias = "Callable[[DecodedResponse], None]"
"""Takes the response of a call that succeeded."""

_REQUIREMENT = "opentelemetry-api>=1.27"
_MAX_CHARACTERS = 200


@contextmanager
def trace_call(
    options: Options, profile: BackendProfile, warn_once: Callable[[list[str]], None], scrub: Callable[[str], str]
) -> Generator[NoteResponse, None, None]:
    """Put a span round the block below, as a child of the current one, and yield what takes the response.

    Without the setting, or without the package, there is no span.

    Args:
        options: the options of the call.
        profile: the facts about the service.
        warn_once: logs each sentence that was not logged before.
        scrub: removes the credential from a text.
    """
    span = _start_span(options, profile, warn_once) if options.opentelemetry else None
    if span is None:
        yield lambda response: None
        return
    scope = ExitStack()
    try:
        with _guard("a span could not become the current one"):
            from opentelemetry.trace import use_span

            scope.enter_context(
                use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False)
            )
        yield lambda response: _set_attributes(span, _describe_response(response, scrub))
    except BaseException as error:
        with _guard("a span lacks its error"):
            from opentelemetry.trace import Status, StatusCode

            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
        raise
    finally:
        with _guard("a span is still the current one"):
            scope.close()
        with _guard("a span has no end"):
            span.end()


def _start_span(options: Options, profile: BackendProfile, warn_once: Callable[[list[str]], None]) -> Span | None:
    """Return a new span; None if the package is absent or fails."""
    try:
        from opentelemetry.trace import SpanKind, get_tracer
    except ImportError:
        command = install_command(_REQUIREMENT)
        warn_once([f"setting 'opentelemetry' needs the package opentelemetry-api: run `{command}`"])
        return None
    except Exception as error:  # noqa: BLE001 - code of a package, which must not cost a call
        warn_once([f"setting 'opentelemetry': opentelemetry-api cannot be imported ({type(error).__name__}: {error})"])
        return None
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": profile.trace_name,
        "gen_ai.request.model": options.model,
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": options.max_output_tokens,
        "gen_ai.request.temperature": options.temperature,
        "gen_ai.request.top_p": options.top_p,
        "gen_ai.conversation.id": options.prompt_cache_key,
        "openai.api.type": "responses",
        "openai.request.service_tier": options.service_tier,
    }
    known = {key: value for key, value in attributes.items() if value is not None}
    try:
        tracer = get_tracer("openai_responses_common", __version__)
        return tracer.start_span(f"chat {options.model}", kind=SpanKind.CLIENT, attributes=known)
    except Exception:  # code of an SDK, which must not cost a call
        logger.exception("no span could be started")
        return None


def _set_attributes(span: Span, attributes: dict[str, Any]) -> None:
    with _guard("a span lacks its attributes"):
        span.set_attributes({key: value for key, value in attributes.items() if value is not None})


@contextmanager
def _guard(problem: str) -> Generator[None, None, None]:
    """Log a failure of the block below: code of an SDK must not cost a response that was paid for."""
    try:
        yield
    except Exception:
        logger.exception(problem)


def _describe_response(response: DecodedResponse, scrub: Callable[[str], str]) -> dict[str, Any]:
    """Return the attributes of a response. The conventions count what was written to the cache as input."""
    metadata, usage = redact(response.metadata or {}, scrub=scrub, max_characters=_MAX_CHARACTERS), response.usage
    attributes: dict[str, Any] = {
        "gen_ai.response.id": metadata.get("openai:response_id"),
        "gen_ai.response.model": metadata.get("openai:model"),
        "gen_ai.response.finish_reasons": [response.finish_reason] if response.finish_reason else None,
        "openai.response.service_tier": metadata.get("openai:service_tier"),
    }
    if usage is None:
        return attributes
    return attributes | {
        "gen_ai.usage.input_tokens": usage.input_tokens + (usage.cache_write_tokens or 0),
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }
