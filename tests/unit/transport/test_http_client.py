"""What all HTTP clients share: dates of responses, the proxy, and blocking requests that fail."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from amplifier_core.llm_errors import ConfigurationError, LLMTimeoutError, NetworkError
from openai_responses_common.failures.durations import read_retry_after_s
from openai_responses_common.transport import http_client
from openai_responses_common.transport.http_client import BlockingHttp, find_proxy, read_headers
from responses_emulator import Authority


def _as_header(time: datetime) -> str:
    return format_datetime(time, usegmt=True)


@pytest.mark.parametrize("date", [{}, {"Date": "yesterday"}])
def test_retry_after_date_without_a_valid_date_header_counts_from_now(date: dict[str, str]) -> None:
    later = _as_header(datetime.now(UTC) + timedelta(hours=1))
    wait_s = read_retry_after_s(read_headers({"Retry-After": later, **date}))
    assert wait_s == pytest.approx(3600, abs=60)


def test_date_of_a_service_is_preferred_to_the_clock_of_this_machine() -> None:
    headers = read_headers({"Retry-After": "Sun, 01 Jan 2040 00:01:00 GMT", "Date": "Sun, 01 Jan 2040 00:00:00 GMT"})
    assert read_retry_after_s(headers) == 60


def _close(connection: ssl.SSLSocket) -> None:
    connection.unwrap()


def _damage(connection: ssl.SSLSocket) -> None:
    socket.socket.sendall(connection, b"\x17\x03\x03\x00\x40" + bytes(64))


def _damage_body(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    _damage(connection)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.mark.parametrize("behave", [_close, _damage, _damage_body])
def test_blocking_request_over_a_broken_connection_is_a_network_failure(
    listener: socket.socket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    behave: Callable[[ssl.SSLSocket], None],
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)

    def serve() -> None:
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), authority.context().wrap_socket(connection, server_side=True) as tls:
            tls.recv(65536)
            behave(tls)
            tls.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with pytest.raises(NetworkError, match="cannot reach localhost") as caught:
        BlockingHttp().send("GET", f"https://localhost:{listener.getsockname()[1]}/")
    assert caught.value.retryable
    thread.join(30)


def test_nothing_is_sent_after_the_time_to_connect(
    listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step may take as long as the timeout, and several come one after the other."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    clock_s = [0.0]
    monkeypatch.setattr(http_client, "time", SimpleNamespace(monotonic=lambda: clock_s[0]))
    # By how late the connection was. The client may end a late one before or after the handshake.
    received: dict[float, bytes] = {}

    def serve(late_s: float) -> None:
        connection, _ = listener.accept()
        clock_s[0] += late_s
        with contextlib.suppress(OSError), authority.context().wrap_socket(connection, server_side=True) as tls:
            received[late_s] = tls.recv(65536)
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    for late_s in (7.0, 9.0):
        thread = threading.Thread(target=serve, args=(late_s,), daemon=True)
        thread.start()
        with contextlib.suppress(LLMTimeoutError):
            BlockingHttp().send("GET", f"https://localhost:{listener.getsockname()[1]}/")
        thread.join(30)
    assert received[7.0]
    assert not received.get(9.0)


@pytest.mark.parametrize(
    ("value", "proxy"),
    [
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("HTTP://user:pass@proxy.example:3128", "http://user:pass@proxy.example:3128"),
        ("https://proxy.example", "https://proxy.example"),
        ("socks://proxy.example:1080", "socks5://proxy.example:1080"),
    ],
)
def test_proxy_of_a_variable_is_an_address(monkeypatch: pytest.MonkeyPatch, value: str, proxy: str) -> None:
    monkeypatch.setenv("https_proxy", value)
    assert find_proxy("https://service.test/v1") == proxy
    assert find_proxy("http://service.test/v1") is None


@pytest.mark.parametrize("value", ["ftp://canary@x", "socks4://canary:1", "http://", "http://canary:port", "://canary"])
def test_error_names_the_variable_of_a_proxy_and_not_its_value(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(ConfigurationError, match="ALL_PROXY") as caught:
        find_proxy("https://service.test/v1")
    assert "canary" not in str(caught.value)
