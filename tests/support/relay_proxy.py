"""A proxy that speaks HTTP `CONNECT` and SOCKS 5, and connects to this machine whatever host it is asked for."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Any, Self

from responses_emulator import Emulator

from tests.support.backends import BackendUnderTest

LOOPBACK = "127.0.0.1"


class RelayProxy:
    """Relays connections: `with RelayProxy() as proxy:`.

    Args:
        service_port: the port on loopback that gets every connection. The default None is the port that is asked for.

    Attributes:
        port: where it listens on loopback.
        targets: host and port of every connection that it was asked for.
        requests: the first bytes of every connection.
    """

    def __init__(self, service_port: int | None = None) -> None:
        self.service_port = service_port
        self.targets: list[str] = []
        self.requests: list[bytes] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            start = connection.recv(65536)
            self.requests.append(start)
            target = self._read_socks(connection) if start[:1] == b"\x05" else self._read_connect(connection, start)
            self.targets.append(target)
            port = self.service_port or int(target.rpartition(":")[2])
            with socket.create_connection((LOOPBACK, port)) as service:
                back = threading.Thread(target=_copy, args=(service, connection), daemon=True)
                back.start()
                _copy(connection, service)
                back.join(5)

    def _read_connect(self, connection: socket.socket, start: bytes) -> str:
        while b"\r\n\r\n" not in start:
            start += connection.recv(65536)
        method, target, _ = start.split(maxsplit=2)
        assert method == b"CONNECT", start[:100]
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        return target.decode()

    def _read_socks(self, connection: socket.socket) -> str:
        """Read a request to connect to a name (RFC 1928)."""
        connection.sendall(b"\x05\x00")
        request = connection.recv(65536)
        assert request[:4] == b"\x05\x01\x00\x03", request
        name = request[5 : 5 + request[4]].decode()
        connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
        return f"{name}:{int.from_bytes(request[-2:], 'big')}"


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def remote_settings(backend: BackendUnderTest, emulator: Emulator, **settings: Any) -> dict[str, Any]:
    """Return a config that reaches an emulator over https under the name of another machine, so only by a proxy."""
    url = f"https://{backend.remote_host}:{emulator.port}{backend.surface().prefix}"
    config = backend.config(url, backend.secret)
    return {**config, "default_model": backend.model, "allowed_hosts": "chatgpt.com", "max_retries": 0, **settings}
