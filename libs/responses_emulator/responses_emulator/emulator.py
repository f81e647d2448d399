"""."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from responses_emulator.accounting.rate_limits import RateLimits
from responses_emulator.responder import Responder, fixed_output
from responses_emulator.script.rejected_parameters import RejectParameters
from responses_emulator.script.replies import Disconnect, HttpReply
from responses_emulator.script.turn import Part, Turn
from responses_emulator.service.dispatch import dispatch
from responses_emulator.service.surface import Surface
from responses_emulator.transport.server import HttpRequest, Reply, Server, StreamReply

from .service.state import RecordedRequest, ScriptedReply, ScriptEntry, ServiceState


class Emulator:
    """Run the service: `with Emulator() as emulator:` — then `emulator.base_url`."""

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        surfaces: tuple[Surface, ...] | None = None,
        limits: RateLimits | None = None,
        pace_s: float = 0.0,
        tls: ssl.SSLContext | None = None,
        responder: Responder = fixed_output,
    ) -> None:
        from responses_emulator.openai_api.surface import openai_surface

        self._surfaces = surfaces or (openai_surface(),)
        self._host, self._port, self._tls = host, port, tls
        self._changed = threading.Condition()
        self._requests: list[RecordedRequest] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: Server | None = None
        self.state = ServiceState(limits=limits or RateLimits(), pace_s=pace_s, responder=responder)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen; returns once connections are accepted."""
        ready = threading.Event()
        problem: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(ready, problem), name="emulator", daemon=True)
        self._thread.start()
        ready.wait()
        if problem:
            raise problem[0]
        return self

    def stop(self) -> None:
        """Close every connection and end the thread; safe to call twice."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)

    def _run(self, ready: threading.Event, problem: list[BaseException]) -> None:
        loop = asyncio.new_event_loop()
        self._server = Server(self._handle, host=self._host, tls=self._tls)
        self._server.changed = self._wake
        try:
            self._port = loop.run_until_complete(self._server.start(self._port))
            self._loop = loop
        except OSError as error:
            problem.append(error)
        ready.set()
        if problem:
            loop.close()
            return
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(self._server.stop())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    @property
    def port(self) -> int:
        return self._port

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    @property
    def base_url(self) -> str:
        """The base URL of the first surface."""
        return self.base_url_of(self._surfaces[0].name)

    def base_url_of(self, surface: str) -> str:
        """The base URL of one surface."""
        found = next(each for each in self._surfaces if each.name == surface)
        return self.origin + found.prefix

    def script(self, *behaviours: ScriptEntry) -> None:
        """Queue behaviours for the next model requests; a `RejectParams` stays in force until `reset`."""
        with self._changed:
            for behaviour in behaviours:
                if isinstance(behaviour, RejectParameters):
                    self.state.rejected_parameters.append(behaviour)
                else:
                    self.state.script.append(behaviour)

    def next_scripted_reply(self, request: RecordedRequest) -> ScriptedReply | None:
        """Take the next behaviour off the queue."""
        with self._changed:
            behaviour = self.state.script.popleft() if self.state.script else None
        if behaviour is None or isinstance(behaviour, Part | Turn | HttpReply | Disconnect):
            return behaviour
        return behaviour(request)

    def reset(self) -> None:
        """Forget the script, the standing rules and the recorded requests; keep ledger, cache and limits."""
        with self._changed:
            self.state.script.clear()
            self.state.rejected_parameters.clear()
            self._requests.clear()

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far."""
        with self._changed:
            return list(self._requests)

    @property
    def model_requests(self) -> list[RecordedRequest]:
        """The POSTs that ask for a response."""
        return [each for each in self.requests if each.method == "POST" and each.path.endswith("/responses")]

    @property
    def request_bodies(self) -> list[dict[str, Any]]:
        """The bodies of `model_requests`."""
        return [each.body for each in self.model_requests]

    @property
    def aborted_requests(self) -> list[RecordedRequest]:
        """Requests whose client left before the stream's end."""
        return [each for each in self.requests if each.client_left]

    @property
    def unused_script_entries(self) -> int:
        """Scripted behaviours that nothing has asked for yet."""
        with self._changed:
            return len(self.state.script)

    @property
    def open_connections(self) -> int:
        """TCP connections that are open now."""
        return len(self._server.open_connections) if self._server else 0

    @property
    def open_requests(self) -> int:
        """Requests that have come in whole and whose answer has neither ended nor been given up."""
        return len(self._server.answering) if self._server else 0

    def wait_until(self, predicate: Callable[[], object], timeout_s: float = 30.0) -> bool:
        """Block this thread until the predicate holds or the time is up; returns whether it holds."""
        end_s = time.monotonic() + timeout_s
        while not predicate():
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return bool(predicate())
            with self._changed:
                self._changed.wait(min(left_s, 0.02))
        return True

    async def wait_until_async(self, predicate: Callable[[], object], timeout_s: float = 30.0) -> bool:
        """The same for a test whose own event loop has to go on."""
        await asyncio.sleep(0)
        return bool(predicate()) or await asyncio.to_thread(self.wait_until, predicate, timeout_s)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    async def _handle(self, incoming: HttpRequest) -> Reply | StreamReply:
        recorded = RecordedRequest(
            method=incoming.method,
            path=incoming.path,
            query=incoming.query,
            headers=incoming.headers,
            raw_body=incoming.raw_body,
            connection=incoming.connection,
            at_s=time.monotonic(),
        )
        with self._changed:
            self._requests.append(recorded)
        self._wake()
        try:
            reply = await dispatch(self._surfaces, self, recorded)
        except asyncio.CancelledError:
            self._abort(recorded)
            raise
        recorded.status = reply.status
        if isinstance(reply, StreamReply):
            recorded.streamed = True
            reply = StreamReply(
                status=reply.status,
                pieces=reply.pieces,
                headers=reply.headers,
                on_client_left=lambda: self._abort(recorded),
            )
        self._wake()
        return reply

    def _abort(self, recorded: RecordedRequest) -> None:
        recorded.client_left = True
        self._wake()
