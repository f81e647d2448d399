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
            threading.Thread(target=self.server.serve_forever, daemon=True).start()
            yield
            self.server.shutdown()

    def build(self, *script: FakeReply | Failure) -> Transport:
        ScriptedHandler.script = list(script)
        base_url = f"http://127.0.0.1:{self.server.server_port}/v1"
        return HttpTransport(Endpoint(base_url=base_url, credential=ApiKey(key="k")))


class ScriptedHandler(BaseHTTPRequestHandler):
    """Plays one reply or failure for each request, each event in a chunk."""

    script: ClassVar[list[FakeReply | Failure]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        reply = self.script.pop(0)
        if isinstance(reply, Failure):
            content = json.dumps({"error": {"message": reply.message}}).encode()
            self.send_response(reply.status or 500)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Location", self.path)  # read by a client that follows redirects
            self.end_headers()
            self.wfile.write(content)
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

    def log_message(self, *_: object) -> None:
        """Log nothing."""
