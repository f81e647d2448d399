"""The tests that every transport has to pass."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager

from ..failures.failure import CallFailure, Failure
from ..transport.base import Reply, Transport, TransportChoice
from ..wire.types import Event
from .fake_transport import FakeReply, build_body, build_text_reply

_REFUSAL = Failure(kind="status", status=400, message="the request is not valid")
_REDIRECT = Failure(kind="status", status=307, message="the address has moved")


class TransportContract:
    """Inherit it and define `build`.

    Attributes:
        choice: the setting `transport` of the requests. The default is "auto".
    """

    choice: TransportChoice = "auto"

    def build(self, *script: FakeReply | Failure) -> Transport:
        """Return a transport to a service that plays this script, one reply or failure for each request.

        A failure with a status from 300 to 399 is a redirect to the address of the service.
        """
        raise NotImplementedError

    def test_events_arrive_in_their_order(self) -> None:
        transport = self.build(build_text_reply("a", "b", "c"))
        events = asyncio.run(self._read_and_close(transport))
        assert _deltas(events) == ["a", "b", "c"]
        assert events[-1]["type"] == "response.completed"

    def test_header_names_are_in_lower_case(self) -> None:
        async def check() -> None:
            transport = self.build(FakeReply(batches=build_text_reply("a").batches, headers={"x-request-id": "r-1"}))
            async with self._open(transport) as reply:
                headers = reply.headers
            await transport.close()
            assert headers["x-request-id"] == "r-1"
            assert [name for name in headers if name != name.lower()] == []

        asyncio.run(check())

    def test_refusal_is_a_call_failure(self) -> None:
        raised = asyncio.run(self._catch_failure(self.build(_REFUSAL)))
        assert raised.failure.status == _REFUSAL.status
        assert raised.failure.message == _REFUSAL.message

    def test_redirect_is_a_call_failure_and_is_not_followed(self) -> None:
        async def check() -> None:
            transport = self.build(_REDIRECT, build_text_reply("a"))
            raised = await self._catch_failure(transport)
            assert raised.failure.status == _REDIRECT.status
            assert _deltas(await self._read_and_close(transport)) == ["a"], "the reply was taken by a second request"

        asyncio.run(check())

    def test_failure_comes_after_the_events_before_it(self) -> None:
        broken = Failure(kind="stream", message="the connection broke off")

        async def check() -> None:
            events: list[Event] = []
            transport = self.build(FakeReply(batches=build_text_reply("a", "b").batches[:3], failure=broken))
            kind = ""
            try:
                async with self._open(transport) as reply:
                    async for batch in reply.batches:
                        events += batch
            except CallFailure as raised:
                kind = raised.failure.kind
            await transport.close()
            assert _deltas(events) == ["a", "b"]
            assert kind == "stream"

        asyncio.run(check())

    def test_leaving_early_leaves_no_task_and_the_next_request_works(self) -> None:
        async def check() -> None:
            transport = self.build(build_text_reply(*"abc"), build_text_reply("d"))
            async with self._open(transport) as reply:
                async for _ in reply.batches:
                    break
            assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left"
            events = await self._read_and_close(transport)
            assert _deltas(events) == ["d"]

        asyncio.run(check())

    def test_cancelled_request_leaves_no_task_and_the_next_request_works(self) -> None:
        async def check(steps: int) -> None:
            transport = self.build(build_text_reply("a"), build_text_reply("b"))
            request = asyncio.create_task(self._read(transport))
            for _ in range(steps):  # each lets the request go on to its next await
                await asyncio.sleep(0)
            request.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await request
            # The first reply is left if the request had not been sent.
            assert _deltas(await self._read_and_close(transport)) in (["a"], ["b"])
            assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left"

        for steps in (0, 1, 2, 4, 8, 16):
            asyncio.run(check(steps))

    def test_transport_can_be_closed_at_any_time_and_used_again(self) -> None:
        async def check() -> None:
            transport = self.build(build_text_reply("a"), build_text_reply("b"))
            await transport.close()
            await self._read_and_close(transport)
            await transport.close()
            assert await self._read_and_close(transport) != []

        asyncio.run(check())

    def test_origin_is_stable(self) -> None:
        async def check() -> None:
            transport = self.build()
            await transport.prepare()
            origin = transport.origin
            await transport.prepare()
            assert origin != ""
            assert transport.origin == origin
            await transport.close()

        asyncio.run(check())

    def _open(self, transport: Transport) -> AbstractAsyncContextManager[Reply]:
        return transport.open(build_body(), timeout_s=30, choice=self.choice)

    async def _read(self, transport: Transport) -> list[Event]:
        events: list[Event] = []
        async with self._open(transport) as reply:
            async for batch in reply.batches:
                events += batch
        return events

    async def _read_and_close(self, transport: Transport) -> list[Event]:
        events = await self._read(transport)
        await transport.close()
        return events

    async def _catch_failure(self, transport: Transport) -> CallFailure:
        try:
            await self._read_and_close(transport)
        except CallFailure as failure:
            await transport.close()
            return failure
        raise AssertionError("the failure of the service was not raised")


def _deltas(events: list[Event]) -> list[str]:
    return [event["delta"] for event in events if "delta" in event]
