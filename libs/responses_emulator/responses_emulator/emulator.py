"""The emulator: a server on loopback in a separate thread, the script of its next replies, and what it received."""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from responses_emulator.accounting.rate_limits import RateLimits
from responses_emulator.openai_api.surface import openai_surface
from responses_emulator.responders.fixed_output import fixed_output
from responses_emulator.responders.responder import Responder
from responses_emulator.service.dispatch import dispatch
from responses_emulator.service.request_log import request_line
from responses_emulator.service.state import RecordedRequest, ScriptEntry, ServiceState
from responses_emulator.service.surface import Surface
from responses_emulator.transport.hang_up import CloseConnection
from responses_emulator.transport.server import HttpRequest, Reply, Server, StreamReply
from responses_emulator.transport.websocket import UpgradeReply

_LOG = logging.getLogger("responses_emulator")


class Emulator:
    """Serves one or more surfaces: `with Emulator() as emulator:`, then `emulator.base_url`.

    Any thread may use it. Entries of the script, `requests` and the waits work while it runs.

    Args:
        surfaces: the services. The default is that of api.openai.com.
        port: the port to listen on. The default 0 takes a free one.
        host: the address to listen on. The default is 127.0.0.1.
        tls: serve HTTPS with this context. The default is HTTP.
        limits: the rate limits of each caller. The default allows 10,000 requests per minute.
        word_delay_s: seconds between two deltas of a responder's output. The default is 0.
        responder: makes the output of requests for which nothing is scripted. The default is `fixed_output`.
        record: the file to which a line of JSON is added for each request. The default None writes no file.

    Raises:
        ValueError: `word_delay_s` is not a time.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        surfaces: tuple[Surface, ...] | None = None,
        limits: RateLimits | None = None,
        word_delay_s: float = 0.0,
        tls: ssl.SSLContext | None = None,
        responder: Responder = fixed_output,
        record: Path | None = None,
    ) -> None:
        if not (math.isfinite(word_delay_s) and word_delay_s >= 0):
            raise ValueError(f"word_delay_s is {word_delay_s}, which is not a number of seconds from 0 on")
        self._surfaces = surfaces or (openai_surface(),)
        self._host, self._port, self._tls = host, port, tls
        self._changed = threading.Condition()
        self._requests: list[RecordedRequest] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: Server | None = None
        self._record = record
        self.state = ServiceState(
            limits=limits or RateLimits(),
            word_delay_s=word_delay_s,
            responder=responder,
            on_request=self._add_request,
            on_reply=self._note_reply,
        )

    # Start and stop.

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen, and return when connections are accepted.

        Raises:
            OSError: the address cannot be used.
            OverflowError: no port has this number.
        """
        ready = threading.Event()
        errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(ready, errors), name="emulator", daemon=True)
        self._thread.start()
        ready.wait()
        if errors:
            raise errors[0]
        return self

    def stop(self) -> None:
        """Close every connection and end the thread. It is safe to call this twice."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)

    def _run(self, ready: threading.Event, errors: list[BaseException]) -> None:
        loop = asyncio.new_event_loop()
        self._server = Server(self._handle, host=self._host, tls=self._tls)
        self._server.changed = self._wake
        try:
            self._port = loop.run_until_complete(self._server.start(self._port))
            self.state.origin = self.origin
            self._loop = loop
        except (OSError, OverflowError) as error:  # a port above 65535 overflows
            errors.append(error)
        ready.set()
        if errors:
            loop.close()
            return
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(self._server.stop())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    # Addresses.

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return self._port

    @property
    def origin(self) -> str:
        """Return scheme, host and port as a URL without a path."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    @property
    def base_url(self) -> str:
        """Return the base URL of the first surface."""
        return self.base_url_of(self._surfaces[0].name)

    def base_url_of(self, surface: str) -> str:
        """Return the base URL of the surface with this name."""
        return self.origin + next(each for each in self._surfaces if each.name == surface).prefix

    # The script.

    def script(self, *entries: ScriptEntry) -> None:
        """Queue replies for the next model requests, one entry per request.

        An entry is a part, a `Turn`, an `HttpReply`, a `Disconnect`, or a function that takes the request and returns
        one of these. A standing rule, such as `RejectParameters`, is not queued; it applies to every request until
        `reset`.
        """
        self.state.add_to_script(entries)

    def reset(self) -> None:
        """Remove the script, the standing rules and the recorded requests; ledger, cache and limits stay."""
        self.state.clear_script()
        with self._changed:
            self._requests.clear()

    @property
    def unused_script_entries(self) -> int:
        """Return the number of entries that no request has used yet."""
        return self.state.script_length

    # What it received.

    @property
    def requests(self) -> list[RecordedRequest]:
        """Return every request so far."""
        with self._changed:
            return list(self._requests)

    @property
    def model_requests(self) -> list[RecordedRequest]:
        """Return the requests for a response, over HTTP or in a frame."""
        return [each for each in self.requests if each.is_create]

    @property
    def upgrades(self) -> list[RecordedRequest]:
        """Return the requests for a WebSocket; the status 101 is one that was accepted."""
        return [each for each in self.requests if each.is_upgrade]

    @property
    def request_bodies(self) -> list[dict[str, Any]]:
        """Return the bodies of `model_requests`; of a frame, the whole request with the items that it continues."""
        return [each.body for each in self.model_requests]

    @property
    def aborted_requests(self) -> list[RecordedRequest]:
        """Return the requests whose client left before the end of the reply."""
        return [each for each in self.requests if each.client_left]

    @property
    def open_connections(self) -> int:
        """Return the number of TCP connections that are open now."""
        return len(self._server.open_connections) if self._server else 0

    @property
    def open_requests(self) -> int:
        """Return the number of complete requests whose reply has not ended yet."""
        return len(self._server.open_requests) if self._server else 0

    def close_websockets(self, close_code: int | None = 1001, *, reset: bool = False) -> None:
        """End every WebSocket that is open.

        Args:
            close_code: the code of the close frame. None ends the connections without one.
            reset: end them with a TCP RST.
        """
        for end in list(self.state.websockets):
            end(CloseConnection(close_code=None if reset else close_code, reset=reset))

    def expire_websockets(self) -> None:
        """Let every WebSocket that is open be past its 60 minutes: it refuses the next request."""
        self.state.websocket_epoch += 1

    def wait_until(self, predicate: Callable[[], object], timeout_s: float = 30.0) -> bool:
        """Block this thread until the predicate holds or the time is up; return whether it holds.

        Args:
            timeout_s: the longest time to wait, in seconds. The default is 30.
        """
        end_s = time.monotonic() + timeout_s
        while not predicate():
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return bool(predicate())
            with self._changed:
                self._changed.wait(min(left_s, 0.02))
        return True

    async def wait_until_async(self, predicate: Callable[[], object], timeout_s: float = 30.0) -> bool:
        """Do the same as `wait_until` without blocking the event loop of the caller."""
        await asyncio.sleep(0)
        return bool(predicate()) or await asyncio.to_thread(self.wait_until, predicate, timeout_s)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _add_request(self, recorded: RecordedRequest) -> None:
        with self._changed:
            self._requests.append(recorded)
            self._changed.notify_all()

    def _note_reply(self, recorded: RecordedRequest, *, is_last: bool) -> None:
        if is_last:
            self._write_record(recorded)
        self._wake()

    async def _handle(self, incoming: HttpRequest) -> Reply | StreamReply | UpgradeReply:
        recorded = RecordedRequest(
            method=incoming.method,
            path=incoming.path,
            query=incoming.query,
            headers=incoming.headers,
            raw_body=incoming.raw_body,
            connection=incoming.connection,
            wire_bytes=len(incoming.raw_body),
            at_s=time.monotonic(),
        )
        self._add_request(recorded)
        try:
            reply = await dispatch(self._surfaces, self.state, recorded)
        except asyncio.CancelledError:
            self._mark_aborted(recorded)
            self._write_record(recorded)
            raise
        except CloseConnection:
            self._write_record(recorded)
            raise
        recorded.status = reply.status
        if isinstance(reply, StreamReply):
            recorded.streamed = True
            reply = StreamReply(
                status=reply.status,
                pieces=reply.pieces,
                headers=reply.headers,
                on_client_left=lambda: self._mark_aborted(recorded),
            )
        self._write_record(recorded)
        self._wake()
        return reply

    def _write_record(self, recorded: RecordedRequest) -> None:
        if self._record is not None:
            try:
                # JSON writes half of a surrogate pair, which UTF-8 has not, as this does.
                with self._record.open("a", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(request_line(recorded) + "\n")
            except OSError as error:
                _LOG.warning(
                    "%s %s is not in the record: cannot write to %s: %s",
                    recorded.method,
                    recorded.path,
                    self._record,
                    error.strerror,
                )

    def _mark_aborted(self, recorded: RecordedRequest) -> None:
        recorded.client_left = True
        self._wake()
