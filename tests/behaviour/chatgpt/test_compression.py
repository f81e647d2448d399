"""Long requests to OpenAI's own hosts are compressed with zstd, and nobody else's are."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError
from amplifier_module_provider_chatgpt_oauth import compression
from amplifier_module_provider_chatgpt_oauth.settings import SERVICE_HOSTS
from responses_emulator import HttpReply, Say

from tests.support.chatgpt_machine import Machine
from tests.support.session import Conversation, Session

pytestmark = pytest.mark.skipif(compression.find_compressor() is None, reason="this Python has no zstd")

TEXT = "All happy families are alike; each unhappy family is unhappy in its own way. " * 600


@pytest.fixture
def ready(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The service is at an address that counts as OpenAI's own."""
    monkeypatch.setitem(SERVICE_HOSTS, "base_url", ("chatgpt.com", "127.0.0.1"))
    machine.keep(machine.service.token_set())
    return machine


def sent(session: Session) -> list[tuple[str | None, int]]:
    """The encoding and the length of each request to a model."""
    headers = [each.headers for each in session.emulator.model_requests]
    return [(each.get("content-encoding"), int(each["content-length"])) for each in headers]


async def test_a_long_request_is_compressed(ready: Machine) -> None:
    session = await ready.session()
    chat = Conversation(session)
    await chat.say(TEXT)
    await chat.say("more")
    assert [encoding for encoding, _ in sent(session)] == ["zstd", "zstd"]
    assert all(length < len(TEXT) / 10 for _, length in sent(session))
    assert session.body["input"][0]["content"][0]["text"] == TEXT


async def test_a_very_long_request_is_compressed(ready: Machine) -> None:
    """In a thread."""
    session = await ready.session()
    await session.ask(TEXT * 10)
    ((encoding, length),) = sent(session)
    assert encoding == "zstd"
    assert length < 100_000
    assert session.body["input"][0]["content"][0]["text"] == TEXT * 10


@pytest.mark.parametrize(
    ("text", "settings"), [("short", {}), (TEXT, {"compress_requests": False}), (TEXT, {"compress_requests": "no"})]
)
async def test_other_requests_are_not(ready: Machine, text: str, settings: dict[str, Any]) -> None:
    session = await ready.session(**settings)
    await session.ask(text)
    assert [encoding for encoding, _ in sent(session)] == [None]


async def test_a_request_to_another_host_is_not_compressed(machine: Machine) -> None:
    machine.keep(machine.service.token_set())
    session = await machine.session()
    await session.ask(TEXT)
    assert [encoding for encoding, _ in sent(session)] == [None]


async def test_a_request_is_not_compressed_without_a_library(ready: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "find_compressor", lambda: None)
    session = await ready.session()
    await session.ask(TEXT)
    assert [encoding for encoding, _ in sent(session)] == [None]


REFUSALS = [
    HttpReply(415, {"detail": "Unsupported Media Type"}),
    HttpReply(400, {"detail": "Unsupported content encoding: zstd"}),
    HttpReply(400, {"error": {"message": "We could not parse the JSON body of your request."}}),
    HttpReply(400, {"detail": "The request body is not valid JSON"}),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_a_refusal_turns_compression_off(
    ready: Machine, refusal: HttpReply, caplog: pytest.LogCaptureFixture
) -> None:
    session = await ready.session()
    session.emulator.script(refusal, Say("a"), Say("b"))
    assert (await session.ask(TEXT)).text == "a"
    assert (await session.ask(TEXT)).text == "b"
    assert [encoding for encoding, _ in sent(session)] == ["zstd", None, None]
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert len([line for line in warnings if "compressed requests" in line]) == 1


@pytest.mark.parametrize(
    "reply", [HttpReply(400, {"detail": "Something odd"}), HttpReply(500, {"detail": "zstd"})], ids=str
)
async def test_another_error_is_no_refusal_of_it(ready: Machine, reply: HttpReply) -> None:
    session = await ready.session(max_retries=0)
    session.emulator.script(reply, Say("ok"))
    with pytest.raises(LLMError):
        await session.ask(TEXT)
    await session.ask(TEXT)
    assert [encoding for encoding, _ in sent(session)] == ["zstd", "zstd"]


async def test_a_request_that_is_refused_anyway_turns_nothing_off(ready: Machine) -> None:
    session = await ready.session(max_retries=0)
    session.emulator.script(REFUSALS[3], REFUSALS[3])
    with pytest.raises(LLMError, match="not valid JSON"):
        await session.ask(TEXT)
    await session.ask(TEXT)
    assert [encoding for encoding, _ in sent(session)] == ["zstd", None, "zstd"]
