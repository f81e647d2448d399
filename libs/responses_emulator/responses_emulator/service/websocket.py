"""A WebSocket of the Responses API: requests in lanes, their events and errors as frames.

Invariants: a request takes the same way as one over HTTP, from its body to its events; only what the two transports
frame differently is here. A lane answers one request after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from websockets.frames import Frame as WireFrame

from responses_emulator.contract.refusal import refuse
from responses_emulator.rules import websocket as rules
from responses_emulator.rules.catalogue import rule_name
from responses_emulator.script.replies import AcceptUpgrade, Disconnect, Frames, HttpReply
from responses_emulator.script.turn import CloseAfter, Framing
from responses_emulator.service.connection_memory import ConnectionMemory, Lane
from responses_emulator.service.create_response import end_of, http_reply, merge_headers, parse_body
from responses_emulator.service.dispatch import guard
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.surface import AnyReply, EventReply, Exchange, Frame, Handler, Surface
from responses_emulator.transport.delivery import Delivered, End, ExtraFrame, HalfEvent, Ping, deliver, split_bytes
from responses_emulator.transport.hang_up import CloseConnection
from responses_emulator.transport.server import Reply
from responses_emulator.transport.sse import event_text
from responses_emulator.transport.websocket import (
    Message,
    UpgradeReply,
    WebSocket,
    binary_frame,
    ping_frame,
    text_frame,
)

_LOG = logging.getLogger("responses_emulator")
_STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_ENVELOPE = ("type", "stream_id", "generate")
_CONTINUABLE = ("response.completed", "response.incomplete")
_TERMINAL = (*_CONTINUABLE, "response.done", "response.failed", "error")
_INTERNAL_ERROR = 1011
_CONNECTION_LIMIT = rule_name(rules.CONNECTION_LIMIT)
# Headers that say how a body was sent; a frame has none.
_HTTP_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})
_DATA_LINE = re.compile(rb"^data: ?([^\r\n]*)", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketRules:
    """How a service speaks WebSocket. The defaults are those of api.openai.com.

    Attributes:
        lanes: requests may name a lane. Without lanes, one response is under way at a time.
        max_active: how many responses are under way at once; further ones wait.
        max_lanes: how many names of lanes a connection takes.
        compression: permessage-deflate is accepted if a client offers it.
        lifetime_s: seconds after which a connection takes no further request. The default is an hour.
        max_message_bytes: a longer message ends the connection with 1009. The default None is no limit.
        headers_in_error: error frames have their headers inside `error`; without, beside it.
        cache_per_connection: prompts are cached for their connection, and not under their key.
        ignored_types: frames of these types get no answer.
        steering: `response.steer` is known; it is refused by a separate event.
    """

    lanes: bool = True
    max_active: int = 16
    max_lanes: int = 32
    compression: bool = True
    lifetime_s: float = 3600.0
    max_message_bytes: int | None = None
    headers_in_error: bool = True
    cache_per_connection: bool = False
    ignored_types: frozenset[str] = field(default_factory=frozenset[str])
    steering: bool = True


def websocket_handler(websocket: WebSocketRules, create: Handler) -> Handler:
    """Return the handler of an upgrade; `create` handles each request of the WebSocket."""

    async def upgrade(exchange: Exchange) -> AnyReply:
        scripted = exchange.state.next_upgrade_reply()
        match scripted:
            case HttpReply():
                return await http_reply(scripted, exchange)
            case Disconnect():
                raise end_of(scripted)
            case AcceptUpgrade():
                return UpgradeReply(
                    serve=_Session(exchange, websocket, create).serve,
                    headers=merge_headers(exchange.surface.headers(exchange), dict(scripted.headers)),
                    compression=websocket.compression and scripted.compression,
                    max_message_bytes=websocket.max_message_bytes,
                )

    return upgrade


class _Session:
    def __init__(self, upgrade: Exchange, websocket: WebSocketRules, create: Handler) -> None:
        self._upgrade = upgrade
        self._surface: Surface = upgrade.surface
        self._state = upgrade.state
        self._rules = websocket
        self._create = create
        self._opened_s = time.monotonic()
        self._epoch = self._state.websocket_epoch
        cache_key = f"connection {upgrade.request.connection}" if websocket.cache_per_connection else None
        self._memory = ConnectionMemory(cache_key=cache_key)
        self._lanes: dict[Lane, asyncio.Lock] = {}
        self._active = asyncio.Semaphore(websocket.max_active)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[CloseConnection]
        self._client_left = False

    async def serve(self, socket: WebSocket) -> None:
        """Answer requests until the client leaves or something ends the connection."""
        loop = asyncio.get_running_loop()

        def end_from_any_thread(how: CloseConnection) -> None:
            loop.call_soon_threadsafe(self._end, how)

        self._ended = loop.create_future()
        self._state.websockets.add(end_from_any_thread)
        reader = asyncio.ensure_future(self._read(socket))
        try:
            await asyncio.wait({reader, self._ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._state.websockets.discard(end_from_any_thread)
            self._client_left = not self._ended.done()
            for task in (reader, *self._tasks):
                task.cancel()
            await asyncio.gather(reader, *self._tasks, return_exceptions=True)
        if self._ended.done():
            await socket.end(self._ended.result())

    def _end(self, how: CloseConnection) -> None:
        if not self._ended.done():
            self._ended.set_result(how)

    async def _read(self, socket: WebSocket) -> None:
        async for message in socket.messages():
            task = asyncio.ensure_future(self._answer(socket, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            # A task that has begun stands in its lane, so that requests keep their order.
            await asyncio.sleep(0)

    async def _answer(self, socket: WebSocket, message: Message) -> None:
        request = self._record(message)
        exchange = self._exchange(request)
        frame = _object(message)
        lane = frame.get("stream_id") if isinstance(frame.get("stream_id"), str) else None
        try:
            async with contextlib.AsyncExitStack() as place:
                place.enter_context(socket.track_request())
                try:
                    reply = await guard(exchange, lambda each: self._reply(each, message, place))
                    await self._send(socket, exchange, reply, lane)
                except CloseConnection as how:
                    await socket.write(how.raw_bytes)
                    await asyncio.sleep(how.open_s)
                    self._end(how)
        except ConnectionError:
            request.client_left = True
        except asyncio.CancelledError:
            request.client_left = self._client_left
            raise
        except Exception:  # noqa: BLE001  (logged with its trace; without an end the client would wait for ever)
            _LOG.exception("WEBSOCKET %s: the script or the responder failed", request.path)
            self._end(CloseConnection(close_code=_INTERNAL_ERROR))
        finally:
            self._state.on_reply(request, is_last=True)

    def _record(self, message: Message) -> RecordedRequest:
        upgrade = self._upgrade.request
        request = RecordedRequest(
            method="WEBSOCKET",
            path=upgrade.path,
            query=upgrade.query,
            headers=upgrade.headers,
            raw_body=message.data.encode() if isinstance(message.data, str) else message.data,
            connection=upgrade.connection,
            at_s=time.monotonic(),
            surface=self._surface.name,
            transport="websocket",
            wire_bytes=message.wire_bytes,
        )
        self._state.on_request(request)
        return request

    def _exchange(self, request: RecordedRequest) -> Exchange:
        return Exchange(
            state=self._state,
            surface=self._surface,
            request=request,
            started_s=time.monotonic(),
            request_id=f"req_{secrets.token_hex(16)}",
            caller=self._upgrade.caller,
            params=dict(self._upgrade.params),
        )

    async def _reply(self, exchange: Exchange, message: Message, place: contextlib.AsyncExitStack) -> AnyReply:
        """Return the reply to one frame; `place` gets its place in the lane, which it leaves after the last event."""
        if isinstance(message.data, bytes):
            raise refuse(rules.FRAME_NOT_TEXT)
        frame = parse_body(message.data.encode())
        kind = frame.get("type")
        if kind in self._rules.ignored_types:
            return Frames()
        if kind == "response.steer" and self._rules.steering:
            return Frames([_failed_steer(frame)])
        if kind != "response.create":
            raise refuse(rules.UNKNOWN_FRAME, type=kind)
        await place.enter_async_context(self._lock_of(frame.get("stream_id")))
        await place.enter_async_context(self._active)
        if self._epoch != self._state.websocket_epoch or time.monotonic() - self._opened_s >= self._rules.lifetime_s:
            raise refuse(rules.CONNECTION_LIMIT)
        if frame.get("background"):
            raise refuse(rules.NO_BACKGROUND)
        # What has to be asked for over HTTP goes without saying here.
        body = {key: value for key, value in frame.items() if key not in _ENVELOPE} | {"stream": True}
        parent = self._memory.find(str(frame.get("previous_response_id")))
        generate = frame.get("generate") is not False
        exchange.frame = Frame(body=body, memory=self._memory, generate=generate, parent=parent)
        exchange.request.whole_body = _whole_body(exchange.frame)
        return await self._create(exchange)

    def _lock_of(self, lane: object) -> asyncio.Lock:
        """Return the lock of a lane, or refuse the lane."""
        if lane is None:
            lock = self._lanes.setdefault(None, asyncio.Lock())
            if not self._rules.lanes and lock.locked():
                raise refuse(rules.ONE_IN_FLIGHT)
            return lock
        if not self._rules.lanes:
            raise refuse(rules.NO_LANES)
        if not (isinstance(lane, str) and _STREAM_ID.fullmatch(lane)):
            raise refuse(rules.WRONG_STREAM_ID)
        if lane not in self._lanes and len(self._lanes.keys() - {None}) >= self._rules.max_lanes:
            raise refuse(rules.STREAM_LIMIT)
        return self._lanes.setdefault(lane, asyncio.Lock())

    async def _send(self, socket: WebSocket, exchange: Exchange, reply: AnyReply, lane: Lane) -> None:
        request = exchange.request
        match reply:
            case EventReply():
                request.status, request.streamed = reply.status, True
                self._state.on_reply(request, is_last=False)
                await self._send_events(socket, reply, lane)
                self._remember(exchange, reply, lane)
                for close in reply.turn.parts_of_type(CloseAfter):
                    raise CloseConnection(close_code=close.close_code)
            case Frames():
                request.status, request.streamed = 200, True
                await socket.send([_scripted_frame(each) for each in reply.frames])
                if reply.then_close is not None:
                    raise end_of(reply.then_close)
            case Reply(status=200):
                request.status, request.streamed = 200, True
                frames = _frames_of_body(reply)
                await socket.send(frames)
                if not any(_is_terminal(frame) for frame in frames):  # over HTTP the body ends here
                    raise CloseConnection(close_code=1000)
            case Reply():
                request.status = reply.status
                self._memory.forget_parent(lane, request.sent.get("previous_response_id"))
                frame = error_frame(reply, in_error=self._rules.headers_in_error)
                await socket.send([text_frame(_dump(_in_lane(frame, lane)))])
                if request.rule == _CONNECTION_LIMIT:
                    raise CloseConnection(close_code=1000)
            case _:
                raise TypeError(f"no frame is made of {reply!r}")

    async def _send_events(self, socket: WebSocket, reply: EventReply, lane: Lane) -> None:
        framing = next(iter(reply.turn.parts_of_type(Framing)), Framing())
        async with contextlib.aclosing(deliver(reply.turn, reply.events, word_delay_s=reply.word_delay_s)) as bursts:
            async for burst in bursts:
                frames = [frame for each in burst if (frame := _frame(each, framing, lane)) is not None]
                await socket.send(frames, lambda data: split_bytes(data, reply.turn))
                for each in burst:
                    if isinstance(each, HalfEvent):
                        await socket.send_half(text_frame(event_text(_in_lane(each.event, lane), framing)))

    def _remember(self, exchange: Exchange, reply: EventReply, lane: Lane) -> None:
        assert exchange.frame is not None
        made = exchange.frame.made
        if made is not None and any(event["type"] in _CONTINUABLE for event in reply.events):
            self._memory.newest[lane] = made
        else:
            self._memory.forget_parent(lane, exchange.request.sent.get("previous_response_id"))


def error_frame(reply: Reply, *, in_error: bool) -> dict[str, Any]:
    """Return a refused request as the frame of its service: the status, the body of the reply, and its headers."""
    body = _json_object(reply.body)
    if body is None:
        kind = "server_error" if reply.status >= 500 else "invalid_request_error"
        body = {"error": {"type": kind, "code": None, "message": reply.body.decode("utf-8", "replace"), "param": None}}
    headers = {name: value for name, value in reply.headers if name not in _HTTP_HEADERS}
    error = body.get("error")
    if in_error and isinstance(error, dict):
        return {"type": "error", "status": reply.status, **body, "error": {**error, "headers": headers}}
    return {"type": "error", "status": reply.status, **body, "headers": headers}


def _whole_body(frame: Frame) -> dict[str, Any]:
    """Return the request as it would be over HTTP; its items are copies, for a surface may take keys away."""
    new = frame.body.get("input")
    items = [dict(item) if isinstance(item, dict) else item for item in new] if isinstance(new, list) else new
    if frame.parent is None:
        return frame.body if items is None else {**frame.body, "input": items}
    message = [{"type": "message", "role": "user", "content": items}]
    whole = {key: value for key, value in frame.body.items() if key != "previous_response_id"}
    return {**whole, "input": [*frame.parent.sent_items, *(message if isinstance(items, str) else items or [])]}


def _failed_steer(frame: dict[str, Any]) -> dict[str, Any]:
    rule = rules.NO_STEERING
    steer = {key: frame[key] for key in ("input", "previous_response_id") if key in frame}
    error = {"type": rule.kind, "code": rule.code, "message": rule.text}
    return {"type": "response.steer.failed", "sequence_number": 0, "steer": steer, "error": error}


def _frame(delivered: Delivered, framing: Framing, lane: Lane) -> WireFrame | None:
    match delivered:
        case Ping(comment=True):
            return ping_frame()
        case Ping(number=number):
            return text_frame(_dump(_in_lane({"type": "keepalive", "sequence_number": number}, lane)))
        case HalfEvent() | End():
            return None
        case ExtraFrame():
            return _scripted_frame(delivered.data)
        case event:
            return text_frame(event_text(_in_lane(event, lane), framing))


def _scripted_frame(data: Mapping[str, Any] | str | bytes) -> WireFrame:
    match data:
        case bytes():
            return binary_frame(data)
        case str():
            return text_frame(data)
        case _:
            return text_frame(_dump(data))


def _frames_of_body(reply: Reply) -> list[WireFrame]:
    """Return the events of a recorded stream, or any other body as one frame."""
    if not any(name == "content-type" and "event-stream" in value for name, value in reply.headers):
        return [text_frame(reply.body)]
    events = re.split(rb"\r\n\r\n|\n\n|\r\r", reply.body)
    data = [b"\n".join(_DATA_LINE.findall(event)) for event in events]
    return [text_frame(each) for each in data if each and each != b"[DONE]"]


def _is_terminal(frame: WireFrame) -> bool:
    event = _json_object(bytes(frame.data)) or {}
    return event.get("type") in _TERMINAL or "error" in event


def _in_lane(event: dict[str, Any], lane: Lane) -> dict[str, Any]:
    return event if lane is None else {"stream_id": lane, **event}


def _object(message: Message) -> dict[str, Any]:
    return (_json_object(message.data.encode()) if isinstance(message.data, str) else None) or {}


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):  # RecursionError: it is nested too deeply for the parser
        return None
    return value if isinstance(value, dict) else None


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
