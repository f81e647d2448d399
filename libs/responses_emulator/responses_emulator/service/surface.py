"""A surface: the API of one service as a table of routes, with its own authentication, headers and error bodies.

Invariant: a surface holds no data of its callers; what it shares with others is in `ServiceState`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from responses_emulator.contract.create_request import RequestRules
from responses_emulator.contract.refusal import Refusal, openai_error_body
from responses_emulator.script.replies import Frames
from responses_emulator.script.turn import Part, Turn
from responses_emulator.service.connection_memory import ConnectionMemory, RememberedResponse
from responses_emulator.service.state import RecordedRequest, ServiceState
from responses_emulator.transport.server import Headers, Reply, StreamReply
from responses_emulator.transport.websocket import UpgradeReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request: `key` counts for rate limits, `account` owns the data."""

    key: str
    account: str
    organization: str | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReply:
    """A response as events, which each transport frames in its own way."""

    turn: Turn
    events: list[dict[str, Any]]
    headers: Headers = field(default_factory=list)
    word_delay_s: float = 0.0
    status: int = 200


@dataclass(slots=True, kw_only=True)
class Frame:
    """A create request that came over a WebSocket.

    Attributes:
        body: the request as it would be over HTTP, with the items that are new.
        memory: what its connection remembers.
        generate: false only prepares the prompt.
        parent: the response that it continues, if the connection remembers that one.
        made: the response to it, once it is made.
    """

    body: dict[str, Any]
    memory: ConnectionMemory
    generate: bool = True
    parent: RememberedResponse | None = None
    made: RememberedResponse | None = None


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request on its way through a surface; `caller` and `params` are set when a route is found.

    Attributes:
        frame: what a WebSocket adds. None for a request over HTTP.
    """

    state: ServiceState
    surface: Surface
    request: RecordedRequest
    started_s: float
    request_id: str
    caller: Caller | None = None
    params: dict[str, str] = field(default_factory=dict)
    frame: Frame | None = None


AnyReply = Reply | StreamReply | EventReply | Frames | UpgradeReply
Handler = Callable[[Exchange], Awaitable[AnyReply]]
# The method of a route that an upgrade to a WebSocket takes.
WEBSOCKET = "WEBSOCKET"


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path below the prefix of the surface (a regular expression), and the handler.

    A public route is served without authentication.
    """

    method: str
    path: str
    handler: Handler
    is_public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One service.

    Attributes:
        prefix: the path below which its routes lie.
        authenticate: returns the caller of a request, or raises `Refusal`.
        error_body: the JSON body of a refusal, in the dialect of the service.
        rules: what a request body may contain.
        headers: the headers of every reply.
        turn_parts: parts of every turn of this service: fields that it adds to a Response, for example.
        endpoint: what ciphertext is bound to besides the account.
        template_roles: the roles that its chat template renders; messages of another role do not reach the model. None
            renders every role.
        shares_ciphertext: each model reads what another one encrypted, as OpenAI's do. Behind a gateway none does.
    """

    name: str
    prefix: str
    routes: tuple[Route, ...]
    authenticate: Callable[[RecordedRequest], Caller]
    error_body: Callable[[Refusal], dict[str, Any]] = openai_error_body
    rules: RequestRules = field(default_factory=RequestRules)
    headers: Callable[[Exchange], Headers] = lambda exchange: []
    turn_parts: tuple[Part, ...] = ()
    endpoint: str = ""
    template_roles: frozenset[str] | None = None
    shares_ciphertext: bool = True


def json_reply(value: Any, *, status: int = 200, headers: Headers | None = None) -> Reply:
    """Return a JSON reply, indented as the service does it."""
    body = json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"  # a shell writes its prompt after it
    return Reply(status=status, body=body, headers=[("content-type", "application/json"), *(headers or [])])
