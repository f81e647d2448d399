"""Our own credentials, transport and stores pass the contracts that authors of backends inherit."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import pytest
from openai_responses_common.auth.api_key import ApiKey
from openai_responses_common.auth.bearer import BearerToken
from openai_responses_common.auth.store.base import SecretStore
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.memory import MemoryStore
from openai_responses_common.auth.token_source import Token, TokenSource
from openai_responses_common.failures.failure import CallFailure, Failure
from openai_responses_common.testing.credential_contract import CredentialContract
from openai_responses_common.testing.fake_transport import FakeReply
from openai_responses_common.testing.store_contract import SecretStoreContract
from openai_responses_common.testing.transport_contract import TransportContract
from openai_responses_common.transport.base import Document, Endpoint, Transport
from openai_responses_common.transport.client_transport import ClientTransport
from openai_responses_common.transport.credential import Credential, Headers


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


class TestClientTransport(TransportContract):
    """The transport over a client library that plays server-sent events."""

    def build(self, *script: FakeReply | Failure) -> Transport:
        endpoint = Endpoint(base_url="https://service.example/v1", credential=ApiKey(key="k"))
        return ClientTransport(endpoint, ScriptedLibrary(script))


class ScriptedLibrary:
    """A client library without a network; its client is a number."""

    def __init__(self, script: tuple[FakeReply | Failure, ...]) -> None:
        self._script = list(script)

    def build(self, endpoint: Endpoint) -> int:
        return 1

    async def close(self, client: int) -> None: ...

    async def post(self, client: int, content: bytes, headers: Headers, *, timeout_s: float) -> ScriptedResponse:
        reply = self._script.pop(0)
        if isinstance(reply, Failure):
            raise CallFailure(reply)
        return ScriptedResponse(reply)

    async def get(self, client: int, path: str, headers: Headers, *, timeout_s: float) -> Document:
        raise NotImplementedError

    def error_types(self) -> tuple[type[Exception], ...]:
        return (ConnectionError,)

    def read_failure(self, error: Exception, endpoint: Endpoint, *, response_started: bool) -> Failure:
        return Failure(kind="stream", message=str(error))


class ScriptedResponse:
    """A response whose body is the events of a reply, each in a chunk."""

    def __init__(self, reply: FakeReply) -> None:
        self._reply = reply
        self.headers: Mapping[str, str] = {name.title(): value for name, value in reply.headers.items()}

    async def aiter_raw(self) -> AsyncGenerator[bytes, None]:
        for batch in self._reply.batches:
            for event in batch:
                yield f"data: {json.dumps(event)}\n\n".encode()
        if self._reply.failure is not None:
            raise ConnectionError(self._reply.failure.message)

    aiter_bytes = aiter_raw

    async def aclose(self) -> None: ...
