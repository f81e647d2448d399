"""Connections that resume only what was paused, and lose nothing by that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openai_responses_common.transport._connection import Connection

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Idle(asyncio.Transport):
    """A transport of which a connection needs nothing but that it pauses and resumes."""

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@pytest.mark.parametrize("count", [1, 16_383, 16_384, 16_385, 16_386, 40_000])
@pytest.mark.parametrize("size", [1, 100])
async def test_a_reader_that_was_late_gets_the_whole_response(count: int, size: int) -> None:
    """aiohttp pauses at half a megabyte, and at 16,384 pieces; and its parser then needs two pushes."""
    connection: Any = Connection(asyncio.get_running_loop())
    connection.connection_made(Idle())
    connection.set_response_params(read_until_eof=True)
    connection.data_received(HEAD + b"%x\r\n%s\r\n" % (size, b"x" * size) * count)
    _, content = await connection.read()
    left = count * size
    while left:
        left -= len(await content.readany())
    connection.data_received(b"4\r\nlast\r\n3\r\nend\r\n0\r\n\r\n")
    async with asyncio.timeout(20):
        assert await content.read() == b"lastend"
