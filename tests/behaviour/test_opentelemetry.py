"""Spans of OpenTelemetry: one for each call, by the conventions, without content."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import types
from collections.abc import Iterator

import pytest
from amplifier_core.llm_errors import RateLimitError
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from responses_emulator import ResponseFields, Say, Silence, Think, Turn, rate_limit_exceeded

from tests.support.session import OpenSession, Session

pytestmark = pytest.mark.one_transport("a span does not tell how a request travelled")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


async def test_a_call_is_one_span_by_the_conventions(open_session: OpenSession, spans: InMemorySpanExporter) -> None:
    session = await open_session(opentelemetry="true", max_retries=1)
    session.emulator.script(rate_limit_exceeded(after_s=0.01), Turn(Think(["Hm."]), Say("the answer")))
    tracer = trace.get_tracer("host")
    with tracer.start_as_current_span("turn") as parent:
        response = await session.ask("a secret question", temperature=1)
        assert trace.get_current_span() is parent, "and nothing else is current afterwards"
    span, _ = spans.get_finished_spans()
    assert (span.name, span.kind) == (f"chat {session.backend.model}", SpanKind.CLIENT)
    assert span.parent is not None
    assert span.parent.span_id == parent.get_span_context().span_id
    assert span.status.status_code is StatusCode.UNSET
    attributes = dict(span.attributes or {})
    made = session.made()
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.provider.name"] in ("openai", "azure.ai.openai")
    assert attributes["gen_ai.request.model"] == session.backend.model
    assert attributes["gen_ai.response.model"] == made["model"]
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert attributes["gen_ai.usage.input_tokens"] == made["usage"]["input_tokens"]
    assert attributes["gen_ai.usage.output_tokens"] == response.usage.output_tokens
    assert attributes["gen_ai.usage.reasoning.output_tokens"] == 64
    assert attributes["gen_ai.response.id"] == made["id"]
    assert attributes["openai.response.service_tier"] == made["service_tier"]
    assert "secret" not in span.to_json()
    assert "answer" not in span.to_json()


async def test_a_failure_and_a_cancellation_have_their_class(
    open_session: OpenSession, spans: InMemorySpanExporter
) -> None:
    session = await open_session(opentelemetry=True, max_retries=0)
    session.emulator.script(rate_limit_exceeded(after_s=0.01))
    with pytest.raises(RateLimitError):
        await session.ask("hello")
    session.emulator.script(Turn(Say("never"), Silence(60)))
    call = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.sent == 2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    found = [((span.attributes or {})["error.type"], span.status.status_code) for span in spans.get_finished_spans()]
    assert found == [("RateLimitError", StatusCode.ERROR), ("CancelledError", StatusCode.ERROR)]
    assert not any(span.events or span.status.description for span in spans.get_finished_spans()), "no text of an error"


async def test_without_the_setting_there_is_no_span(session: Session, spans: InMemorySpanExporter) -> None:
    await session.ask("hello")
    assert spans.get_finished_spans() == ()


async def test_without_the_package_calls_work_and_the_log_says_what_to_run(
    open_session: OpenSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    session = await open_session(opentelemetry=True)
    for _ in range(2):
        await session.ask("hello")
    assert caplog.text.count("setting 'opentelemetry' needs the package opentelemetry-api: run `") == 1


async def test_a_broken_sdk_costs_no_response(
    open_session: OpenSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trace, "get_tracer", lambda *_: None)
    session = await open_session(opentelemetry=True)
    assert (await session.ask("hello")).text
    assert "no span could be started" in caplog.text


class BrokenProcessor(SpanProcessor):
    """Fails at the end of each span."""

    def on_end(self, span: ReadableSpan) -> None:
        raise RuntimeError(f"the end of {span.name}")


async def test_a_broken_processor_changes_no_end_of_a_call(
    open_session: OpenSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    provider = TracerProvider()
    provider.add_span_processor(BrokenProcessor())
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    session = await open_session(opentelemetry=True, max_retries=0)
    assert (await session.ask("hello")).text
    assert "a span has no end" in caplog.text
    session.emulator.script(Turn(Say("never"), Silence(60)))
    call = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.sent == 2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_package_that_fails_on_import_costs_no_call(
    open_session: OpenSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(f"no {name} here")

    monkeypatch.setitem(sys.modules, "opentelemetry.trace", Broken("opentelemetry.trace"))
    session = await open_session(opentelemetry=True)
    for _ in range(2):
        assert (await session.ask("hello")).text
    assert caplog.text.count("opentelemetry-api cannot be imported (RuntimeError: ") == 1


async def test_an_echoed_credential_is_in_no_span(open_session: OpenSession, spans: InMemorySpanExporter) -> None:
    session = await open_session(opentelemetry=True)
    echo = f"sent with {session.backend.secret}"
    fields = {"id": echo, "model": echo, "service_tier": echo}
    session.emulator.script(Turn(Say("ok"), ResponseFields(fields)))
    await session.ask("hello")
    (span,) = spans.get_finished_spans()
    assert "gen_ai.response.id" in (span.attributes or {})
    assert session.backend.secret not in span.to_json()


def test_nothing_is_imported_while_the_setting_is_off() -> None:
    code = (
        "import sys; from openai_responses_common.engine.engine import Engine;"
        "from openai_responses_common.engine.tracing import trace_call;"
        "from openai_responses_common.facts.backend_profile import BackendProfile;"
        "from openai_responses_common.options.options import Options\n"
        "with trace_call(Options(), BackendProfile(name='p', display_name='P'), print, str): pass\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
