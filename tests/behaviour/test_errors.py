"""Every failure of the service becomes one of the kernel's errors: the right class, with provider, model and status,
tried again exactly where that can help."""

from __future__ import annotations

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
    ErrorEvent,
    HttpReply,
    ResponseFailed,
    Say,
    Silence,
    Turn,
    bad_gateway,
    context_length_exceeded,
    insufficient_quota,
    rate_limit_exceeded,
    redirect,
    server_error,
    server_is_overloaded,
)

from tests.support.session import OpenSession, Session, asking, tool

CLOUDFLARE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>cloudflare</body></html>"
AZURE_FILTER = {
    "message": "The response was filtered due to the prompt triggering the content management policy.",
    "type": None,
    "param": "prompt",
    "code": "content_filter",
    "status": 400,
    "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}},
}
EVENT_STREAM = {"content-type": "text/event-stream"}


def refused(status: int, code: str | None, message: str = "No.", **fields: Any) -> HttpReply:
    """An error reply in the API's own form."""
    body = {"message": message, "type": "invalid_request_error", "param": None, "code": code, **fields}
    return HttpReply(status, {"error": body})


# What the service does, the kernel's class, and the status that the error carries.
FINAL: dict[str, tuple[Any, type[LLMError], int | None]] = {
    "wrong key": (refused(401, "invalid_api_key"), AuthenticationError, 401),
    "401 as text": (HttpReply(401, "Unauthorized"), AuthenticationError, 401),
    "no permission": (refused(403, "insufficient_permissions"), AccessDeniedError, 403),
    "wrong country": (refused(403, "unsupported_country_region_territory"), AccessDeniedError, 403),
    "no such model": (refused(404, "model_not_found"), NotFoundError, 404),
    "no such page": (HttpReply(404, "<html><title>404 Not Found</title></html>"), NotFoundError, 404),
    "quota": (insufficient_quota(), QuotaExceededError, 429),
    "credit": (refused(429, "credit_balance_exhausted"), QuotaExceededError, 429),
    "billing": (refused(400, "billing_hard_limit_reached"), QuotaExceededError, 400),
    "payment": (HttpReply(402, {"error": {"message": "Insufficient credits."}}), QuotaExceededError, 402),
    "context": (context_length_exceeded(), ContextLengthError, 400),
    "context in words": (
        refused(400, None, "Your input exceeds the context window of this model."),
        ContextLengthError,
        400,
    ),
    "context of other servers": (
        refused(400, None, "This model's maximum context length is 4096 tokens."),
        ContextLengthError,
        400,
    ),
    "body too large": (HttpReply(413, "Request Entity Too Large"), ContextLengthError, 413),
    "filter": (refused(400, "content_policy_violation"), ContentFilterError, 400),
    "filter with details": (HttpReply(400, {"error": AZURE_FILTER}), ContentFilterError, 400),
    "prompt": (refused(400, "invalid_prompt"), ContentFilterError, 400),
    "misalignment": (refused(403, "misalignment_policy_violation"), ContentFilterError, 403),
    "parameter named safety": (refused(400, None, "Invalid 'safety_identifier': too long"), InvalidRequestError, 400),
    "anything else": (refused(400, "integer_above_max_value", "Too much."), InvalidRequestError, 400),
    "validation": (HttpReply(422, {"detail": [{"loc": ["body", "input"], "msg": "wrong"}]}), InvalidRequestError, 422),
    "failed: context": (
        ResponseFailed("context_length_exceeded", "Your input exceeds the context window"),
        ContextLengthError,
        None,
    ),
    "failed: quota": (ResponseFailed("insufficient_quota", "You exceeded your quota."), QuotaExceededError, None),
    "failed: prompt": (ResponseFailed("invalid_prompt", "No."), ContentFilterError, None),
    "error event: context": (ErrorEvent("context_length_exceeded", "too long"), ContextLengthError, None),
    "flat error event: context": (
        ErrorEvent("context_length_exceeded", "too long", nested=False),
        ContextLengthError,
        None,
    ),
    "redirect": (redirect("http://127.0.0.1:9/v1/responses"), ConfigurationError, 307),
}

AGAIN: dict[str, tuple[Any, type[LLMError], int | None]] = {
    "rate limit": (rate_limit_exceeded(after_s=0.01), RateLimitError, 429),
    "slow down": (refused(429, "slow_down"), RateLimitError, 429),
    "429 as text": (HttpReply(429, "Too Many Requests"), RateLimitError, 429),
    "timeout of a gateway": (HttpReply(408, "Request Timeout"), LLMTimeoutError, 408),
    "conflict": (HttpReply(409, "Conflict"), ProviderUnavailableError, 409),
    "server error": (server_error(), ProviderUnavailableError, 500),
    "server error as text": (HttpReply(500, "Internal Server Error"), ProviderUnavailableError, 500),
    "bad gateway": (bad_gateway(), ProviderUnavailableError, 502),
    "overload": (server_is_overloaded(), ProviderUnavailableError, 503),
    "gateway timeout": (HttpReply(504, "<html><title>504</title></html>"), ProviderUnavailableError, 504),
    "529": (
        HttpReply(529, {"error": {"message": "Overloaded", "type": "overloaded_error"}}),
        ProviderUnavailableError,
        529,
    ),
    "challenge page": (HttpReply(403, CLOUDFLARE), ProviderUnavailableError, 403),
    "failed: server": (ResponseFailed(), ProviderUnavailableError, None),
    "failed: overload": (ResponseFailed("server_is_overloaded", "busy"), ProviderUnavailableError, None),
    "failed: rate": (ResponseFailed("rate_limit_exceeded", "Please try again in 10ms."), RateLimitError, None),
    "error event: server": (ErrorEvent(), ProviderUnavailableError, None),
    "error event, then failed": (ErrorEvent(then_failed=True), ProviderUnavailableError, None),
    "flat error event": (ErrorEvent(nested=False), ProviderUnavailableError, None),
    "disconnect": (Disconnect(), NetworkError, None),
    "disconnect by reset": (Disconnect(reset=True), NetworkError, None),
    "cut stream": (Turn(Say("half of"), CutStream(5)), StreamError, None),
    "stream cut in an event": (Turn(Say("half of"), CutStream(5, mid_event=True)), StreamError, None),
    "stream reset": (Turn(Say("half of"), CutStream(5, reset=True)), StreamError, None),
    "stream cut at once": (Turn(Say("nothing"), CutStream(0)), StreamError, None),
    "stream without end": (
        HttpReply(200, 'data: {"type":"response.in_progress"}\n\n', EVENT_STREAM),
        StreamError,
        None,
    ),
    "broken event": (HttpReply(200, "data: {oops\n\n", EVENT_STREAM), StreamError, None),
    "a page instead of a stream": (HttpReply(200, "<html>Please log in to this network</html>"), StreamError, None),
    "silence before the reply": (Turn(Silence(60, before_event=-1)), LLMTimeoutError, None),
    "silence in the reply": (Turn(Say("half of it"), Silence(60, before_event=5)), LLMTimeoutError, None),
}


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
async def test_a_final_failure_is_told_after_one_request(
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
@pytest.mark.parametrize(("fault", "kind", "status"), AGAIN.values(), ids=AGAIN)
async def test_a_passing_failure_is_tried_again(
    open_session: OpenSession, fault: Any, kind: type[LLMError], status: int | None
) -> None:
    silence = kind is LLMTimeoutError and status is None
    session = await open_session(max_retries="1", timeout=0.2 if silence else 60)
    session.emulator.script(*[fault] * 3)
    error = await failing(session)
    assert type(error) is kind
    assert error.status_code == status
    assert error.retryable
    assert session.sent == 2
    retry = session.recorder.one("provider:retry")
    assert (retry["attempt"], retry["max_retries"], retry["error_type"]) == (1, 1, kind.__name__)
    assert retry["error_message"]


@pytest.mark.parametrize(("fault", "kind", "status"), list(AGAIN.values())[:-2], ids=list(AGAIN)[:-2])
async def test_the_second_attempt_may_succeed(
    open_session: OpenSession, fault: Any, kind: type[LLMError], status: int | None
) -> None:
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
    session.emulator.script(refused(401, "invalid_api_key", "Incorrect API key provided."))
    error = await failing(session)
    assert "Incorrect API key provided" in str(error)
    assert any(word in str(error) for word in session.backend.remedies or session.backend.unset)


async def test_the_message_is_the_services_own_with_its_request_id(session: Session) -> None:
    session.emulator.script(refused(400, "x", "Something is odd about it."))
    error = await failing(session)
    assert re.fullmatch(r"Something is odd about it\. \[request (req_)?[0-9a-f-]{30,}\]", str(error))


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


async def test_what_the_service_really_refuses_is_refused(session: Session) -> None:
    """The emulator's own checks, not a script: an unknown model and too long a parameter."""
    with pytest.raises(NotFoundError, match="no-such-model"):
        await session.ask("hello", model="no-such-model")
    with pytest.raises(InvalidRequestError, match="metadata"):
        await session.provider.complete(asking("hello"), extra_body={"metadata": {"a": "x" * 600}})


async def test_the_error_hides_neither_cause_nor_place(session: Session) -> None:
    session.emulator.script(server_error(), refused(400, "x", "Odd."))
    error = await failing(session)
    assert type(error) is InvalidRequestError, "the last error counts"
    assert error.__cause__ is not None


async def test_a_failed_call_leaves_the_provider_usable(session: Session) -> None:
    session.emulator.script(refused(400, "x"), insufficient_quota(), Turn(Say("x"), CutStream(3)), Say("still here"))
    for _ in range(2):
        with pytest.raises(LLMError):
            await session.ask("hello")
    response = await session.ask("hello")
    assert response.text == "still here"
