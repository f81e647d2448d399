"""A small HTTP/1.1 server over asyncio and h11: keep-alive, chunked bodies, WebSockets, and clients that leave.

Invariants: it knows nothing about the services. One task serves a connection; a reply is either whole (`Reply`) or a
stream of byte pieces (`StreamReply`), and each piece is sent before the next is requested. A client that leaves during
a stream cancels it at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import itertools
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import h11

from responses_emulator.transport import websocket
from responses_emulator.transport.hang_up import CloseConnection, hang_up
from responses_emulator.transport.websocket import UpgradeReply, WebSocket

READ_SIZE = 65536
_STANDARD_STATUSES = frozenset(http.HTTPStatus)
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One complete request. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    raw_body: bytes
    connection: int

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> str:
        return urlsplit(self.target).query


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole reply."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReply:
    """A reply in pieces. `on_client_left` is called if the client leaves before the last of them."""

    status: int
    pieces: AsyncIterator[bytes]
    headers: Headers = field(default_factory=list)
    on_client_left: Callable[[], None] = lambda: None


Handler = Callable[[HttpRequest], Awaitable[Reply | StreamReply | UpgradeReply]]


class Server:
    """Listens on one socket and passes every request to `handler`; `changed` is called after each change of state."""

    def __init__(self, handler: Handler, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._host = host
        self._tls = tls
        self._listener: asyncio.Server | None = None
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self.open_connections: set[int] = set()
        self.open_requests: set[object] = set()
        self.changed: Callable[[], None] = lambda: None

    async def start(self, port: int) -> int:
        """Listen, and return the port. Port 0 takes a free one."""
        self._listener = await asyncio.start_server(
            self._serve_connection, self._host, port, ssl=self._tls, backlog=512
        )
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._listener is not None:
            self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number = next(self._numbers)
        self.open_connections.add(number)
        self.changed()
        try:
            await _Connection(self._handler, reader, writer, number, self._track_request).serve()
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            # Raised by `stop`; asyncio's own stream callback would log it as an unhandled error.
            writer.transport.abort()
        finally:
            self.open_connections.discard(number)
            self._tasks.discard(task)
            self.changed()

    @contextlib.contextmanager
    def _track_request(self) -> Iterator[None]:
        """Count a request as open."""
        request = object()
        self.open_requests.add(request)
        try:
            yield
        finally:
            self.open_requests.discard(request)
            self.changed()


class _Connection:
    def __init__(
        self,
        handler: Handler,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        number: int,
        track_request: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        self._handler = handler
        self._track_request = track_request
        self._reader = reader
        self._writer = writer
        self._number = number
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        if (sock := writer.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def serve(self) -> None:
        try:
            while await self._one_request():
                self._h11.start_next_cycle()
        except h11.RemoteProtocolError as problem:
            await self._refuse(problem)
        except asyncio.CancelledError:
            # A polite end of TLS waits for the client's, up to half a minute.
            self._writer.transport.abort()
            raise
        finally:
            self._writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await self._writer.wait_closed()

    async def _one_request(self) -> bool:
        request = await self._next_event()
        if not isinstance(request, h11.Request):
            return False
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
        if not isinstance(event, h11.EndOfMessage):
            return False
        incoming = HttpRequest(
            method=request.method.decode(),
            target=request.target.decode("latin-1"),
            headers={name.decode().lower(): value.decode("latin-1") for name, value in request.headers},
            raw_body=bytes(body),
            connection=self._number,
        )
        with self._track_request():
            outcome = await self._reply_to(incoming)
        if isinstance(outcome, UpgradeReply):
            await self._serve_websocket(request, outcome)
            return False
        return outcome

    async def _reply_to(self, incoming: HttpRequest) -> bool | UpgradeReply:
        """Send the reply to a request; return whether the connection may be used again, or how it is upgraded."""
        handler = asyncio.ensure_future(self._handler(incoming))
        if not await self._unless_client_leaves(handler):
            return False
        try:
            reply = handler.result()
        except CloseConnection as end:
            self._writer.write(end.raw_bytes)
            await self._writer.drain()
            if end.open_s:
                await self._unless_client_leaves(asyncio.ensure_future(asyncio.sleep(end.open_s)))
            hang_up(self._writer, reset=end.reset)
            return False
        match reply:
            case UpgradeReply():
                return reply
            case Reply():
                await self._send_reply(reply, head=incoming.method == "HEAD")
            case StreamReply():
                if not await self._send_stream(reply):
                    return False
        return self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            event = self._h11.next_event()
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value]
            if self._h11.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._h11.receive_data(await self._reader.read(READ_SIZE))

    async def _send(self, event: h11.Event) -> None:
        if data := self._h11.send(event):
            self._writer.write(data)
            await self._writer.drain()

    async def _start(self, status: int, headers: Headers) -> None:
        reason = http.HTTPStatus(status).phrase if status in _STANDARD_STATUSES else ""
        await self._send(h11.Response(status_code=status, headers=headers, reason=reason.encode()))

    async def _send_reply(self, reply: Reply, *, head: bool) -> None:
        await self._start(reply.status, [*reply.headers, ("content-length", str(len(reply.body)))])
        if reply.body and not head:
            await self._send(h11.Data(data=reply.body))
        await self._send(h11.EndOfMessage())

    async def _unless_client_leaves(self, work: asyncio.Future[Any]) -> bool:
        """Wait for `work`, and cancel it if the client leaves; return whether it is done."""
        watcher = asyncio.ensure_future(self._wait_for_client_leaving())
        try:
            await asyncio.wait({work, watcher}, return_when=asyncio.FIRST_COMPLETED)
            return work.done()
        finally:
            for task in (work, watcher):
                task.cancel()
            await asyncio.gather(work, watcher, return_exceptions=True)

    async def _send_stream(self, stream: StreamReply) -> bool:
        """Send the pieces; return whether the connection may be used again."""
        sender = asyncio.ensure_future(self._send_pieces(stream))
        finished = False
        try:
            if finished := await self._unless_client_leaves(sender):
                sender.result()
            return finished
        except CloseConnection as end:
            finished = True
            hang_up(self._writer, reset=end.reset)
            return False
        except ConnectionError:
            finished = False
            return False
        finally:
            if not finished:
                stream.on_client_left()

    async def _send_pieces(self, stream: StreamReply) -> None:
        await self._start(stream.status, [*stream.headers, ("transfer-encoding", "chunked")])
        async with contextlib.aclosing(stream.pieces) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                if piece:
                    await self._send(h11.Data(data=piece))
        await self._send(h11.EndOfMessage())

    async def _wait_for_client_leaving(self) -> None:
        """Return when the client closes the connection. What it sends before that belongs to the next request."""
        while data := await self._reader.read(READ_SIZE):
            self._h11.receive_data(data)

    async def _serve_websocket(self, request: h11.Request, reply: UpgradeReply) -> None:
        lines = [b"GET " + request.target + b" HTTP/1.1", *(name + b": " + value for name, value in request.headers)]
        head = b"\r\n".join([*lines, b"", b""])
        protocol, answer = websocket.accept(head, self._h11.trailing_data[0], reply)
        self._writer.write(answer)
        await self._writer.drain()
        if protocol.state is websocket.OPEN:
            await reply.serve(WebSocket(protocol, self._reader, self._writer, self._track_request))

    async def _refuse(self, problem: h11.RemoteProtocolError) -> None:
        if self._h11.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            with contextlib.suppress(h11.LocalProtocolError, ConnectionError):
                body = str(problem).encode()
                reply = Reply(status=problem.error_status_hint, body=body, headers=[("connection", "close")])
                await self._send_reply(reply, head=False)
