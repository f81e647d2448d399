"""."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from responses_emulator.entra.directory import Directory
from responses_emulator.entra.records import Endpoint
from responses_emulator.script.replies import Disconnect, HttpReply
from responses_emulator.service.create_response import http_reply
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.surface import Caller, Exchange
from responses_emulator.transport.server import CloseConnection, Reply


def anonymous_caller(request: RecordedRequest) -> Caller:
    """For surfaces whose routes are all open: they check who asks by themselves."""
    return Caller(key="", account="")


async def scripted_reply(directory: Directory, exchange: Exchange, at: Endpoint) -> Reply | None:
    """What a test has queued for an endpoint, after the directory's delay.

    Raises:
        HangUp: it queued the end of the connection.
    """
    answer = directory.next_scripted_reply(at)
    if directory.delay_s and at != "discovery":
        await asyncio.sleep(directory.delay_s)
    match answer:
        case Disconnect():
            raise CloseConnection(reset=answer.reset)
        case HttpReply():
            return await http_reply(answer, exchange)
        case None:
            return None


def query_parameters(exchange: Exchange) -> dict[str, str]:
    """The query of a request, one value for a name."""
    return {name: values[0] for name, values in parse_qs(exchange.request.query).items()}
