"""Our own credentials, transport and stores pass the contracts that authors of backends inherit."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from openai_responses_common.auth.api_key import ApiKey
from openai_responses_common.auth.bearer import BearerToken
from openai_responses_common.auth.store.base import SecretStore
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.memory import MemoryStore
from openai_responses_common.auth.token_source import Token, TokenSource
from openai_responses_common.failures.failure import Failure
from openai_responses_common.testing.credential_contract import CredentialContract
from openai_responses_common.testing.fake_transport import FakeReply
from openai_responses_common.testing.store_contract import SecretStoreContract
from openai_responses_common.testing.transport_contract import TransportContract
from openai_responses_common.transport.base import Endpoint, Transport
from openai_responses_common.transport.credential import Credential
from openai_responses_common.transport.http_transport import HttpTransport
from openai_responses_common.transport.switching_transport import SwitchingTransport
from openai_responses_common.transport.websocket_transport import WebSocketTransport
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CLOSED
from websockets.server import ServerProtocol


class TestApiKey(CredentialContract):
    secret = "key-1"

    def build(self) -> Credential:
        return ApiKey(key=self.secret)


class TestBearerToken(CredentialContract):
    secret = "token-1"

    def build(self) -> Credential:
        numbers = iter(range(1, 100))
        source = TokenSource(
            lambda _: Token(value=f"token-{next(numbers)}", expires_at_s=time.time() + 3600),
            description="getting a token",
        )
        return BearerToken(source, description="a token")


class TestMemoryStore(SecretStoreContract):
    @pytest.fixture(autouse=True)
    def _store(self) -> None:
        self.store = MemoryStore()

    def build(self) -> SecretStore:
        return self.store


class TestFileStore(SecretStoreContract):
    @pytest.fixture(autouse=True)
    def _path(self, tmp_path: Path) -> None:
        self.path = tmp_path / "home" / "secret"

    def build(self) -> SecretStore:
        return FileStore(self.path)


class TestHttpTransport(TransportContract):
    """The transport over HTTP, to a server that plays the script."""

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        with ThreadingHTTPServer(("127.0.0.1", 0), ScriptedHandler) as self.server:
            threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()
            yield
            self.server.shutdown()

    def build(self, *script: FakeReply | Failure) -> Transport:
        ScriptedHandler.script = list(script)
        base_url = f"http://127.0.0.1:{self.server.server_port}/v1"
        return HttpTransport(Endpoint(base_url=base_url, credential=ApiKey(key="k")))


class TestSwitchingTransport(TestHttpTransport):
    """The transport over WebSocket, with the one over HTTP to fall back to."""

    choice = "websocket"

    def build(self, *script: FakeReply | Failure) -> Transport:
        http = super().build(*script)
        assert isinstance(http, HttpTransport)
        return SwitchingTransport(http, WebSocketTransport(http.endpoint))


class ScriptedHandler(BaseHTTPRequestHandler):
    """Plays one reply or failure for each request, each event in a chunk or in a frame."""

    script: ClassVar[list[FakeReply | Failure]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        reply = self.script.pop(0)
        if isinstance(reply, Failure):
            self._refuse(reply)
            return
        self.send_response(200)
        for name, value in {**reply.headers, "Transfer-Encoding": "chunked"}.items():
            self.send_header(name.title(), value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the client may leave early
            for event in [event for batch in reply.batches for event in batch]:
                content = f"data: {json.dumps(event)}\n\n".encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
            self.close_connection = reply.failure is not None
            if reply.failure is None:
                self.wfile.write(b"0\r\n\r\n")

    def do_GET(self) -> None:
        """Open a WebSocket, unless the next request is redirected."""
        self.close_connection, script = True, self.script
        if isinstance(script[0], Failure) and script[0].status == 307:
            self._refuse(script[0])
            return
        websocket = ServerProtocol(max_size=None)
        websocket.receive_data(f"{self.requestline}\r\n{self.headers}".encode())
        (request,) = websocket.events_received()
        assert isinstance(request, Request)
        response = websocket.accept(request)
        if isinstance(script[0], FakeReply):
            response.headers.update(script[0].headers)
        websocket.send_response(response)
        with contextlib.suppress(ConnectionError):
            self._serve_frames(websocket, script)

    def _serve_frames(self, websocket: ServerProtocol, script: list[FakeReply | Failure]) -> None:
        self._send(websocket)
        while websocket.state is not CLOSED and (data := self.connection.recv(65536)):
            websocket.receive_data(data)
            for frame in websocket.events_received():
                if not isinstance(frame, Frame) or frame.opcode is not Opcode.TEXT:
                    continue
                reply = script.pop(0)
                if isinstance(reply, Failure):
                    error = {"type": "error", "status": reply.status, "error": {"message": reply.message}}
                    websocket.send_text(json.dumps(error).encode())
                    continue
                for event in [event for batch in reply.batches for event in batch]:
                    websocket.send_text(json.dumps(event).encode())
                if reply.failure is not None:
                    self._send(websocket)
                    return
            self._send(websocket)

    def _send(self, websocket: ServerProtocol) -> None:
        for data in websocket.data_to_send():
            self.wfile.write(data)

    def _refuse(self, failure: Failure) -> None:
        content = json.dumps({"error": {"message": failure.message}}).encode()
        self.send_response(failure.status or 500)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Location", self.path)  # read by a client that follows redirects
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""
