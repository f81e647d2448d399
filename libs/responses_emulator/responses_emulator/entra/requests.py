"""What the surfaces over one `Directory` have in common: anonymous callers, scripted replies, query parameters."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from responses_emulator.entra.directory import Directory
from responses_emulator.entra.records import Endpoint
from responses_emulator.script.replies import Disconnect, HttpReply
from responses_emulator.service.create_response import http_reply
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.surface import Caller, Exchange
from responses_emulator.transport.hang_up import CloseConnection
from responses_emulator.transport.server import Reply


def anonymous_caller(request: RecordedRequest) -> Caller:
    """Return a caller without an account, for surfaces whose handlers check the caller themselves."""
    return Caller(key="", account="")


async def scripted_reply(directory: Directory, exchange: Exchange, at: Endpoint) -> Reply | None:
    """Return the next scripted reply for an endpoint, after the delay of the directory. None if nothing is scripted.

    Raises:
        CloseConnection: the script ends the connection.
    """
    answer = directory.next_scripted_reply(at)
    if directory.delay_s and at != "discovery":
        await asyncio.sleep(directory.delay_s)
    await directory.held_replies.wait(at)
    match answer:
        case Disconnect():
            raise CloseConnection(reset=answer.reset)
        case HttpReply():
            return await http_reply(answer, exchange)
        case None:
            return None


def query_parameters(exchange: Exchange) -> dict[str, str]:
    """Return the query of a request with the first value of each name."""
    return {name: values[0] for name, values in parse_qs(exchange.request.query).items()}
