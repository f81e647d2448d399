"""Every failure of the service becomes one of the kernel's errors: the right class, with provider, model and status,
tried again exactly where that can help."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from amplifier_core.llm_errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ContentFilterError,
    ContextLengthError,
    InvalidRequestError,
    InvalidToolCallError,
    LLMError,
    LLMTimeoutError,
    NetworkError,
    NotFoundError,
    ProviderUnavailableError,
    QuotaExceededError,
    RateLimitError,
    StreamError,
)
from responses_emulator import (
    Call,
    CutStream,
    Disconnect,
    HttpReply,
    ResponseFailed,
    Say,
    Turn,
    bad_gateway,
    context_length_exceeded,
    insufficient_quota,
    rate_limit_exceeded,
    redirect,
    server_error,
)

from tests.support.error_rows import refusal
from tests.support.session import OpenSession, Session, asking, tool

# One script for each class: what the service does, the kernel's class, and the status that the error carries. The unit
# test of the error table and the fault matrix hold the other failures.
FINAL: dict[str, tuple[Any, type[LLMError], int | None]] = {
    "wrong key": (refusal(401, "invalid_api_key"), AuthenticationError, 401),
    "no permission": (refusal(403, "insufficient_permissions"), AccessDeniedError, 403),
    "no such model": (refusal(404, "model_not_found"), NotFoundError, 404),
    "quota": (insufficient_quota(), QuotaExceededError, 429),
    "quota in a failed response": (ResponseFailed("insufficient_quota", "No."), QuotaExceededError, None),
    "context": (context_length_exceeded(), ContextLengthError, 400),
    "filter": (refusal(400, "content_policy_violation"), ContentFilterError, 400),
    "anything else": (refusal(400, "integer_above_max_value", "Too much."), InvalidRequestError, 400),
    "redirect": (redirect("http://127.0.0.1:9/v1/responses"), ConfigurationError, 307),
}

RETRIED: dict[str, tuple[Any, type[LLMError], int | None]] = {
    "rate limit": (rate_limit_exceeded(after_s=0.01), RateLimitError, 429),
    "timeout of a gateway": (HttpReply(408, "Request Timeout"), LLMTimeoutError, 408),
    "server error": (server_error(), ProviderUnavailableError, 500),
    "disconnect": (Disconnect(), NetworkError, None),
    "cut stream": (Turn(Say("half of"), CutStream(5)), StreamError, None),
}


def _row(name: str) -> Any:
    """Return the row; a WebSocket that is lost before its first event is no failure, for the request goes over HTTP."""
    marks = [pytest.mark.one_transport("HTTP takes what a WebSocket loses")] if name == "disconnect" else []
    return pytest.param(*RETRIED[name], marks=marks)


async def failing(session: Session) -> LLMError:
    """The error of a call, checked for what every error carries and for the events around it."""
    with pytest.raises(LLMError) as caught:
        await session.ask("hello")
    error = caught.value
    assert error.provider == session.backend.name
    assert error.model == session.backend.model
    response = session.recorder.one("llm:response")
    assert (response["status"], response["error_type"]) == ("error", type(error).__name__)
    assert response["error"] == str(error)
    assert session.recorder.names.count("llm:request") == 1
    return error


@pytest.mark.promise("a failed response loses its code", area="hazard")
@pytest.mark.promise("an exhausted quota is retried", area="hazard")
@pytest.mark.promise("a context overflow is retried", area="hazard")
@pytest.mark.parametrize(("fault", "kind", "status"), FINAL.values(), ids=FINAL)
async def test_final_failure_is_raised_after_one_request(
    session: Session, fault: Any, kind: type[LLMError], status: int | None
) -> None:
    session.emulator.script(*[fault] * 3)
    error = await failing(session)
    assert type(error) is kind
    assert error.status_code == status
    assert not error.retryable
    assert session.sent == 1
    assert not session.recorder.named("provider:retry")


@pytest.mark.promise("a cut stream is a finished answer", area="hazard")
@pytest.mark.parametrize(("fault", "kind", "status"), [_row(name) for name in RETRIED], ids=RETRIED)
async def test_passing_failure_is_retried(
    open_session: OpenSession, fault: Any, kind: type[LLMError], status: int | None
) -> None:
    session = await open_session(max_retries="1")
    session.emulator.script(*[fault] * 3)
    error = await failing(session)
    assert type(error) is kind
    assert error.status_code == status
    assert error.retryable
    assert session.sent == 2
    retry = session.recorder.one("provider:retry")
    assert (retry["attempt"], retry["max_retries"], retry["error_type"]) == (1, 1, kind.__name__)
    assert retry["error_message"]


@pytest.mark.parametrize("fault", [fault for fault, _, _ in RETRIED.values()], ids=RETRIED)
async def test_retry_may_succeed(open_session: OpenSession, fault: Any) -> None:
    session = await open_session(max_retries=1)
    session.emulator.script(fault, Say("At last."))
    response = await session.ask("hello")
    assert response.text == "At last."
    assert session.recorder.shown() == "At last."
    assert session.recorder.one("llm:response")["status"] == "ok"


async def test_a_server_that_is_not_there(open_session: OpenSession) -> None:
    session = await open_session(max_retries=1)
    session.emulator.stop()
    error = await failing(session)
    assert type(error) is NetworkError
    assert error.retryable
    assert "cannot reach" in str(error)
    assert len(session.recorder.named("provider:retry")) == 1


@pytest.mark.promise("a missing credential is reported without a remedy", area="hazard")
async def test_without_credentials_the_first_call_says_what_to_set(session: Session) -> None:
    naked = await Session(session.backend, session.emulator).mount({"default_model": session.backend.model})
    error = await failing(naked)
    assert type(error) is AuthenticationError
    assert not error.retryable
    assert any(word in str(error) for word in session.backend.remedies or session.backend.unset)
    assert "\n" not in str(error)
    await naked.cleanup()


async def test_a_refused_credential_says_what_to_set(session: Session) -> None:
    session.emulator.script(refusal(401, "invalid_api_key", "Incorrect API key provided."))
    error = await failing(session)
    assert "Incorrect API key provided" in str(error)
    assert any(word in str(error) for word in session.backend.remedies or ["the key in the setting api_key"])


async def test_the_message_is_the_services_own_with_its_request_id(session: Session) -> None:
    session.emulator.script(refusal(400, "x", "Something is odd about it."))
    error = await failing(session)
    assert re.fullmatch(rf"Something is odd about it\. \[request {session.backend.request_id}\]", str(error))


@pytest.mark.promise("whole pages of HTML are the message", area="hazard")
async def test_pages_are_reduced_to_their_title(open_session: OpenSession) -> None:
    session = await open_session(max_retries=0)
    session.emulator.script(bad_gateway())
    error = await failing(session)
    assert "502 Bad Gateway" in str(error)
    assert "<" not in str(error)
    assert len(str(error)) < 300


@pytest.mark.promise("broken arguments run a tool", area="hazard")
@pytest.mark.parametrize("arguments", ['{"city": "Os', '["Oslo"]', '"Oslo"', "not json", "null"])
async def test_malformed_arguments_are_an_error_and_never_a_call(session: Session, arguments: str) -> None:
    session.emulator.script(Call("get_weather", arguments))
    with pytest.raises(InvalidToolCallError, match="get_weather") as caught:
        await session.ask("weather?", tools=[tool("get_weather", "city")])
    assert caught.value.raw_arguments == arguments
    assert (caught.value.provider, caught.value.model) == (session.backend.name, session.backend.model)
    assert session.sent == 1
    assert session.recorder.one("llm:response")["error_type"] == "InvalidToolCallError"


async def test_what_the_service_really_refuses_is_refusal(session: Session) -> None:
    """The emulator's own checks, not a script: an unknown model and too long a parameter."""
    with pytest.raises(NotFoundError, match="no-such-model"):
        await session.ask("hello", model="no-such-model")
    with pytest.raises(InvalidRequestError, match="metadata"):
        await session.provider.complete(asking("hello"), extra_body={"metadata": {"a": "x" * 600}})


async def test_the_error_hides_neither_cause_nor_place(session: Session) -> None:
    session.emulator.script(server_error(), refusal(400, "x", "Odd."))
    error = await failing(session)
    assert type(error) is InvalidRequestError, "the last error counts"
    assert error.__cause__ is not None


async def test_a_failed_call_leaves_the_provider_usable(session: Session) -> None:
    session.emulator.script(refusal(400, "x"), insufficient_quota(), Turn(Say("x"), CutStream(3)), Say("still here"))
    for _ in range(2):
        with pytest.raises(LLMError):
            await session.ask("hello")
    response = await session.ask("hello")
    assert response.text == "still here"


@pytest.mark.promise("a failure is shown once", area="hazard")
@pytest.mark.parametrize(
    "reply",
    [
        refusal(401, "invalid_api_key"),
        server_error(),
        pytest.param(Disconnect(), marks=pytest.mark.one_transport("a change of transport is logged")),
    ],
)
async def test_a_failure_is_raised_and_not_logged(
    open_session: OpenSession, caplog: pytest.LogCaptureFixture, reply: Any
) -> None:
    """A host prints every warning and every error of the log, and then the error that the call raises."""
    session = await open_session(max_retries=0)
    session.emulator.script(*[reply] * 4)
    with pytest.raises(LLMError):
        await session.ask("hello")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
