"""Locations without a working service: ports that refuse, listeners that hang, proxies, untrusted certificates.

A location is what a provider connects to: a base URL, and the environment variables that lead there. Nothing here
speaks more HTTP than the refusal of a proxy. What needs a whole request is a script of the emulator.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

from responses_emulator import Authority, Emulator, Say, Turn

from tests.support.backends import BackendUnderTest
from tests.support.relay_proxy import LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """What a provider connects to.

    Attributes:
        url: its base URL.
        environment: the environment variables to set while it is open.
        emulator: the service; None, the default, if there is none.
    """

    url: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    emulator: Emulator | None = None


OpenLocation = Callable[[BackendUnderTest, Authority], AbstractContextManager[Location]]
Behaviour = Callable[[socket.socket], None]


class Listener:
    """Accepts connections and does the same with each; `close` closes those that are still open."""

    def __init__(self, behave: Behaviour) -> None:
        self._socket = socket.create_server((LOOPBACK, 0))
        self.port = int(self._socket.getsockname()[1])
        self._behave = behave
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, name="listener", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._open.append(connection)
                with contextlib.suppress(OSError):
                    self._behave(connection)

    def close(self) -> None:
        # Only a shutdown wakes a thread that waits in `accept`.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)
        for connection in self._open:
            connection.close()


def stay_silent(connection: socket.socket) -> None:
    """Leave the connection open and send nothing."""


def close(connection: socket.socket) -> None:
    """End the connection before a byte was read."""
    connection.close()


def reset(connection: socket.socket) -> None:
    """The same by TCP RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reply_with(words: bytes) -> Behaviour:
    """Read once, say this, and end."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)

    return behave


def make_base_url(backend: BackendUnderTest, port: int, *, scheme: str = "http", host: str = LOOPBACK) -> str:
    """The base URL of a backend's service at this port."""
    return f"{scheme}://{host}:{port}{backend.surface().prefix}"


def listen(behave: Behaviour, *, scheme: str = "http") -> OpenLocation:
    """Return a location that does the same with each connection."""

    @contextmanager
    def opens(backend: BackendUnderTest, authority: Authority) -> Iterator[Location]:
        listener = Listener(behave)
        try:
            yield Location(url=make_base_url(backend, listener.port, scheme=scheme))
        finally:
            listener.close()

    return opens


@contextmanager
def refuse_connections(backend: BackendUnderTest, authority: Authority) -> Iterator[Location]:
    """A port where nobody listens; it is bound, so that nobody else begins to."""
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        yield Location(url=make_base_url(backend, bound.getsockname()[1]))


@contextmanager
def use_unresolvable_name(backend: BackendUnderTest, authority: Authority) -> Iterator[Location]:
    """A host whose name is longer than names can be, so that no resolver is asked; below a domain that the backend
    would send its credential to."""
    host = ".".join([*["x" * 63] * 4, backend.remote_host])
    yield Location(url=f"https://{host}{backend.surface().prefix}")


@contextmanager
def fill_queue(backend: BackendUnderTest, authority: Authority) -> Iterator[Location]:
    """A listener that accepts nobody, and whose queue is full: the next connection stays unanswered."""
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind((LOOPBACK, 0))
        full.listen(0)
        for _ in range(4):
            each = waiting.enter_context(socket.socket())
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        yield Location(url=make_base_url(backend, full.getsockname()[1]))


def use_proxy(behave: Behaviour | None, *, scheme: str) -> OpenLocation:
    """A service on another machine, behind a proxy that does this, or is not there."""

    @contextmanager
    def opens(backend: BackendUnderTest, authority: Authority) -> Iterator[Location]:
        place = listen(behave) if behave else refuse_connections
        with place(backend, authority) as proxy:
            origin = proxy.url.removesuffix(backend.surface().prefix)
            variable = f"{scheme}_proxy"
            url = make_base_url(backend, 9, scheme=scheme, host=backend.remote_host)
            yield Location(url=url, environment={variable: origin, "no_proxy": ""})

    return opens


def serve_tls(
    context: Callable[[Authority], ssl.SSLContext | None], *, scheme: str = "https", trusted: bool = True
) -> OpenLocation:
    """The real service, over TLS of some kind; without any where there is no context."""

    @contextmanager
    def opens(backend: BackendUnderTest, authority: Authority) -> Iterator[Location]:
        environment = {"SSL_CERT_FILE": authority.ca_file} if trusted else {}
        with backend.emulator(tls=context(authority)) as emulator:
            emulator.script(*[Turn(Say("hello"))] * 3)
            yield Location(
                url=make_base_url(backend, emulator.port, scheme=scheme), environment=environment, emulator=emulator
            )

    return opens


def damage_tls(before: bytes) -> OpenLocation:
    """A TLS server that reads a request, sends some bytes, and in the same packet a record that was changed."""

    @contextmanager
    def opens(backend: BackendUnderTest, authority: Authority) -> Iterator[Location]:
        context = authority.context()

        def behave(connection: socket.socket) -> None:
            connection.settimeout(30)
            with context.wrap_socket(connection, server_side=True) as tls:
                _read_request(tls)
                if cork := getattr(socket, "TCP_CORK", None):  # all in one packet
                    tls.setsockopt(socket.IPPROTO_TCP, cork, 1)
                tls.sendall(before)
                # Past the encryption: the client cannot decrypt it.
                socket.socket.sendall(tls, b"\x17\x03\x03\x00\x40" + bytes(64))
                if cork:
                    tls.setsockopt(socket.IPPROTO_TCP, cork, 0)
                tls.recv(1)

        with listen(behave, scheme="https")(backend, authority) as location:
            yield replace(location, environment={"SSL_CERT_FILE": authority.ca_file})

    return opens


def _read_request(connection: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(65536)
    head, _, body = head.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)


def make_old_tls_context(authority: Authority) -> ssl.SSLContext:
    """The right certificate, in a version of TLS that no client takes any more."""
    context = authority.context()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context
