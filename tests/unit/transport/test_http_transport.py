"""Tests of `HttpTransport`: what it says about a timeout, what it reads before an error, and how it leaves a reply."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import ssl
import threading
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from weakref import ref

import pytest
from amplifier_core.llm_errors import AbortError, ConfigurationError
from openai_responses_common import ApiKey, Endpoint, HttpTransport
from openai_responses_common.failures.failure import CallFailure, Failure
from openai_responses_common.testing.fake_transport import build_body
from openai_responses_common.transport.aiohttp_session import _build_ssl_context
from openai_responses_common.wire.request_body import RequestBody
from responses_emulator import Authority

from tests.generated.sweeps.replay_server import ReplayServer, Reply
from tests.support.clock_leap import let_time_pass
from tests.support.session import PATIENCE_S

DELTA = b'data: {"type": "response.output_text.delta", "delta": "a"}\n\n'
END = b'data: {"type": "response.completed", "response": {"output": []}}\n\n'
LATE_S = 0.05
"""A timeout for what never comes."""


def build(base_url: str) -> HttpTransport:
    return HttpTransport(Endpoint(base_url=base_url, credential=ApiKey(key="key-1")))


async def fail(base_url: str, body: RequestBody | None = None, *, timeout_s: float = LATE_S) -> Failure:
    """Return the failure of a request."""
    transport = build(base_url)
    try:
        with pytest.raises(CallFailure) as caught:
            await read(transport, body or build_body(), timeout_s)
    finally:
        await transport.close()
    assert caught.value.__cause__ is caught.value.__context__ is None, "the error of a session holds the request"
    return caught.value.failure


async def read(transport: HttpTransport, body: RequestBody, timeout_s: float) -> None:
    async with transport.open(body, timeout_s=timeout_s) as reply:
        async for _ in reply.batches:
            pass


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and does nothing with them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
async def server() -> AsyncIterator[ReplayServer]:
    async with ReplayServer(lambda _, __: Reply(pieces=(END,))) as running:
        yield running


async def test_connection_that_is_not_made_in_time_names_the_address_and_no_setting(silent_port: int) -> None:
    failure = await fail(f"https://127.0.0.1:{silent_port}/v1")
    assert failure == Failure(
        kind="timeout", message=f"timed out: cannot connect to https://127.0.0.1:{silent_port}/v1"
    )


async def test_silent_service_names_the_setting_of_the_timeout(silent_port: int) -> None:
    failure = await fail(f"http://127.0.0.1:{silent_port}/v1")
    assert failure.kind == "timeout"
    assert "setting 'timeout'" in failure.message


async def test_service_that_takes_no_more_of_a_body_is_silent(silent_port: int) -> None:
    failure = await fail(f"http://127.0.0.1:{silent_port}/v1", RequestBody({"x": "a" * 40_000_000}))
    assert failure.kind == "timeout"
    assert "setting 'timeout'" in failure.message


async def test_error_response_that_does_not_end_names_the_setting_of_the_timeout(server: ReplayServer) -> None:
    server.script = lambda _, __: Reply(pieces=(b"{",), ending="hang", status=500)
    failing = asyncio.ensure_future(fail(server.base_url, timeout_s=60))
    await server.wait_until(lambda: server.silent_calls)
    while not failing.done():
        let_time_pass(60)
        await asyncio.sleep(0.01)
    failure = await failing
    assert failure.kind == "timeout"
    assert "setting 'timeout'" in failure.message


@pytest.mark.parametrize("ending", ["fin", "reset"])
async def test_what_arrived_before_an_error_is_read_first(server: ReplayServer, ending: str) -> None:
    """The consumer is busy while the connection breaks, and aiohttp reports the error first."""
    server.script = lambda _, __: Reply(pieces=(DELTA, DELTA, DELTA), ending=ending)  # type: ignore[arg-type]
    transport, deltas = build(server.base_url), 0

    async def read_late() -> None:
        nonlocal deltas
        async with transport.open(build_body(), timeout_s=60) as reply:
            await server.wait_until(lambda: not server.connections)
            async for batch in reply.batches:
                deltas += len(batch)

    with pytest.raises(CallFailure) as caught:
        await read_late()
    await transport.close()
    assert deltas == 3
    assert caught.value.failure.kind == "stream"
    assert "the connection broke off (the server closed the connection)" in caught.value.failure.message


async def test_garbage_behind_what_was_read_ends_a_response_at_once() -> None:
    """aiohttp notes it, and leaves the reader of the response waiting."""
    was_read = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(DELTA), DELTA))
        await was_read.wait()
        writer.write(b"oops\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as running, asyncio.timeout(PATIENCE_S):
        transport = build(f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}")
        async with transport.open(build_body(), timeout_s=600) as reply:
            assert len(await anext(reply.batches)) == 1
            was_read.set()
            with pytest.raises(CallFailure, match="does not speak HTTP") as caught:
                await anext(reply.batches)
        await transport.close()
    assert caught.value.failure.kind == "stream"


async def test_request_of_a_transport_that_was_closed_meanwhile_is_an_abort(server: ReplayServer) -> None:
    server.script = lambda _, __: Reply(ending="hang", head_bytes=0)
    transport = build(server.base_url)

    async def send() -> None:
        async with transport.open(build_body(), timeout_s=600):
            raise AssertionError("the request was answered")

    sending = asyncio.ensure_future(send())
    await server.wait_until(lambda: server.bodies)
    await transport.close()
    with pytest.raises(AbortError, match="closed during this call"):
        await sending


async def test_reader_of_a_transport_that_is_closed_meanwhile_is_woken(server: ReplayServer) -> None:
    server.script = lambda _, __: Reply(pieces=(DELTA,), ending="hang")
    transport = build(server.base_url)
    reading = asyncio.ensure_future(read(transport, build_body(), 600))
    await server.wait_until(lambda: server.silent_calls or server.open_exchanges)
    for _ in range(10):
        await asyncio.sleep(0.001)
    await transport.close()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(AbortError, match="closed during this call"):
            await reading


async def test_complete_response_is_left_without_an_error_if_the_provider_is_closed_meanwhile(
    server: ReplayServer,
) -> None:
    server.script = lambda _, __: Reply(pieces=(END,), ending="hang")
    transport = build(server.base_url)
    async with transport.open(build_body(), timeout_s=600) as reply:
        events = await anext(reply.batches)
        await transport.close()
    assert [event["type"] for event in events] == ["response.completed"]


async def test_complete_response_is_left_without_an_error_if_its_rest_is_garbage(server: ReplayServer) -> None:
    server.script = lambda _, __: Reply(pieces=(END, b"data: {\n\n"), ending="fin")
    transport = build(server.base_url)
    async with transport.open(build_body(), timeout_s=600) as reply:
        await anext(reply.batches)
    await transport.close()


async def test_several_headers_of_one_name_are_one(server: ReplayServer) -> None:
    server.script = lambda _, __: Reply(pieces=(END,), headers={"X-Odd": "1\r\nX-ODD: 2", "X-Long": "a" * 90_000})
    transport = build(server.base_url)
    async with transport.open(build_body(), timeout_s=60) as reply:
        assert reply.headers["x-odd"] == "1, 2"
        assert len(reply.headers["x-long"]) == 90_000
    await transport.close()


@pytest.mark.parametrize("charset", ["utf-8", "none-such", "hex", "idna", "undefined"])
async def test_error_response_of_any_charset_is_read(server: ReplayServer, charset: str) -> None:
    headers = {"content-type": f"application/json; charset={charset}"}
    server.script = lambda _, __: Reply(status=400, headers=headers, pieces=(b'{"error": {"message": "bad"}}',))
    failure = await fail(server.base_url, timeout_s=PATIENCE_S)
    assert (failure.status, failure.message) == (400, "bad")


@pytest.mark.parametrize("status", [101, 199])
async def test_status_that_is_no_answer_is_a_failure_of_the_connection(server: ReplayServer, status: int) -> None:
    server.script = lambda _, __: Reply(status=status, headers={"Upgrade": "x", "Connection": "upgrade"})
    assert (await fail(server.base_url, timeout_s=5)).kind in {"network", "timeout"}


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("is_complete", [True, False], ids=["complete", "cut"])
def test_loop_that_ends_without_its_generators_leaves_no_session(
    caplog: pytest.LogCaptureFixture, is_complete: bool
) -> None:
    """A host may run single steps on a loop that it closes itself."""
    reply = Reply(pieces=(END,), ending="complete" if is_complete else "hang")
    transports: list[HttpTransport] = []

    async def call() -> None:
        async with ReplayServer(lambda _, __: reply) as running:
            transports.append(build(running.base_url))
            async with transports[-1].open(build_body(), timeout_s=60) as opened:
                await anext(opened.batches)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(call())
    loop.close()
    asyncio.run(transports.pop().close())
    with caplog.at_level(logging.WARNING, "asyncio"):
        gc.collect()
    assert not caplog.records


def _serve_connect(listener: socket.socket, requests: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        request = b""
        while b"\r\n\r\n" not in request and (more := connection.recv(65536)):
            request += more
        requests.append(request)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("base_url", ["https://service.test/v1", "http://service.test/v1"])
async def test_login_of_a_proxy_is_sent_as_utf_8(monkeypatch: pytest.MonkeyPatch, base_url: str) -> None:
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve_connect, args=(listener, requests), daemon=True)
        thread.start()
        monkeypatch.setenv("ALL_PROXY", f"http://us%C3%A9r:p%40:%2F@127.0.0.1:{listener.getsockname()[1]}")
        failure = await fail(base_url, timeout_s=PATIENCE_S)
        thread.join(PATIENCE_S)
    assert failure.status == 407
    (line,) = [each for each in requests[0].split(b"\r\n") if each.lower().startswith(b"proxy-authorization: basic ")]
    assert b64decode(line.rpartition(b" ")[2]) == "usér:p@:/".encode()


async def test_proxy_whose_user_has_a_colon_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://canary%3Ax:canary@127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="colon") as caught:
        await fail("https://service.test/v1")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_certificates_of_the_environment_replace_those_of_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    authority = Authority(tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, authority.ca_file if variable == "SSL_CERT_FILE" else str(folder))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    running = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=authority.context())
    transport = build(f"https://localhost:{running.sockets[0].getsockname()[1]}")
    try:
        body = (await transport.fetch("/models", timeout_s=60)).body
    except CallFailure as refusal:
        body = str(refusal)
    await transport.close()
    running.close()
    assert body == {} if variable == "SSL_CERT_FILE" else "its certificate is not trusted" in str(body)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_certificates_that_cannot_be_used_name_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "canary"))
    if variable == "SSL_CERT_FILE":
        with pytest.raises(ConfigurationError, match=variable):
            await fail("https://localhost:9/v1")
    else:  # OpenSSL looks into a folder only when it needs a certificate
        assert (await fail("https://localhost:9/v1")).kind in {"network", "timeout"}


def test_system_certificates_are_found_without_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    context = _build_ssl_context("https://service.test", None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_certificates_are_read_once_for_all_sessions_until_they_change(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """HTTP and WebSocket of one provider have a session each."""
    monkeypatch.setenv("SSL_CERT_FILE", Authority(tmp_path).ca_file)
    first = _build_ssl_context("https://service.test", None)
    assert _build_ssl_context("https://other.test", None) is first
    os.utime(Authority(tmp_path).ca_file, (1, 1))
    assert _build_ssl_context("https://service.test", None) is not first
    is_gone = ref(first)
    del first
    gc.collect()
    assert is_gone() is None
