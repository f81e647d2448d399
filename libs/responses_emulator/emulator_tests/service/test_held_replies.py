"""Held replies: sent when the test releases them."""

from __future__ import annotations

import asyncio

from responses_emulator.service.held_replies import HeldReplies


async def test_a_held_reply_waits_for_its_release_and_another_does_not() -> None:
    replies = HeldReplies()
    replies.hold("refresh")
    await replies.wait("poll")
    waiting = asyncio.create_task(replies.wait("refresh"))
    await asyncio.sleep(0)
    assert not waiting.done()
    replies.release("refresh")
    await waiting
