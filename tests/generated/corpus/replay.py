"""One recording at a time through a real provider, and everything that can be lost on the way.

For each exchange the recorded request is asked again, the recorded answer is served for it, and the decoded answer is
sent back once more. The report counts what was compared and keeps a line for every loss.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from amplifier_core.llm_errors import AuthenticationError, LLMError
from amplifier_core.message_models import ChatRequest, Message
from openai_responses_common import DecodedResponse, Delta, ResponsesProvider

from tests.generated.corpus.by_sdk import BySdk, lost_to_sdk
from tests.generated.corpus.compare import lost_in_answer, lost_in_deltas, tally
from tests.generated.corpus.difference import Difference, compare_items
from tests.generated.corpus.followups import Conversation
from tests.generated.corpus.history import Asked, as_stored, by_model, rebuild
from tests.generated.corpus.independent import Reading, read
from tests.generated.corpus.reasons import Facts, reason_for
from tests.generated.corpus.recordings import Cassette, Exchange
from tests.generated.corpus.serve import ReplayServer

_PATIENCE_S = 30.0
_REFUSALS: dict[int, type[LLMError]] = {401: AuthenticationError}
_OPENING = {"type": "message", "role": "user", "content": "Hello"}
_RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "model": "any", "output": []}


@dataclass(slots=True)
class Report:
    """What was compared and what was lost.

    Attributes:
        counts: what was read and compared.
        passed: comparisons without a loss, by kind.
        explained: differences by the kind of comparison and the reason that accounts for them.
        losses: a line for each loss.
        failed: comparisons with a loss.
    """

    counts: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    explained: Counter[tuple[str, str]] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    failed: int = 0

    def check(self, kind: str, label: str, losses: Sequence[str]) -> None:
        """Enter the outcome of one comparison."""
        self.passed[kind] += not losses
        self.failed += bool(losses)
        self.losses += [f"{label} {kind}: {loss}" for loss in losses]


@dataclass(slots=True)
class Replay:
    """Plays recordings through one provider."""

    server: ReplayServer
    provider: ResponsesProvider
    report: Report
    sdk: BySdk
    refusal: Callable[[dict[str, Any]], str | None] | None
    facts: Facts = field(default_factory=Facts)

    async def play(self, cassette: Cassette) -> None:
        """Play one file, its exchanges in order: later ones continue earlier ones."""
        conversation = Conversation()
        self.report.counts["files"] += 1
        self.report.counts["ChatGPT files"] += any(exchange.backend == "chatgpt" for exchange in cassette.exchanges)
        self.report.counts["files with several requests"] += len(cassette.exchanges) > 1
        for exchange in cassette.exchanges:
            self.report.counts["exchanges"] += 1
            try:
                await self._exchange(exchange, conversation)
            except Exception as error:  # noqa: BLE001 - whatever breaks on one recording is a loss of that one
                self.report.check("exchange", exchange.label, [f"{type(error).__name__}: {error}"])

    async def _exchange(self, exchange: Exchange, conversation: Conversation) -> None:
        conversation.found = 0
        asked = rebuild(exchange.request, conversation.remembered_by_service(exchange.request), conversation.turn)
        if exchange.status >= 400:
            await self._refusal(exchange, asked)
            return
        deltas, answer = await self._ask(asked, exchange)
        reading = read(exchange)
        self._count(exchange, reading, conversation)
        self._requests(exchange, conversation)
        self.report.check("answer", exchange.label, lost_in_answer(reading, answer))
        if exchange.streamed:
            self.report.check("deltas", exchange.label, lost_in_deltas(reading, deltas))
        messages, stored = asked.request.messages, as_stored(answer)
        conversation.remember(exchange.request, messages, sent=self.server.received[0], reading=reading, answer=stored)
        self.facts.learn(reading)
        await self._send_back(exchange, reading, stored)
        if exchange.streamed:
            await self._beside_the_sdk(exchange, reading)

    async def _ask(self, asked: Asked, exchange: Exchange) -> tuple[list[Delta], DecodedResponse]:
        self.server.answer_next(exchange.status, exchange.content_type, exchange.body)
        async with asyncio.timeout(_PATIENCE_S):
            told = [delta async for delta in self.provider.deltas(asked.request, **asked.kwargs)]
        deltas = [delta for delta in told if not isinstance(delta, DecodedResponse)]
        (answer,) = (delta for delta in told if isinstance(delta, DecodedResponse))
        return deltas, answer

    async def _beside_the_sdk(self, exchange: Exchange, reading: Reading) -> None:
        """Hold our accumulator against the SDK's reading of the same stream."""
        async with asyncio.timeout(_PATIENCE_S):
            theirs = await self.sdk.read(exchange)
        self.report.counts["events as the SDK's types"] += theirs.events
        self.report.counts["streams that the SDK's accumulator gave up"] += theirs.final is None
        few = [] if theirs.events == reading.events else [f"the SDK gave {theirs.events} of {reading.events} events"]
        self.report.check("the SDK's types", exchange.label, lost_to_sdk(exchange, theirs) + few)

    async def _refusal(self, exchange: Exchange, asked: Asked) -> None:
        self.report.counts["refusals"] += 1
        said = json.loads(exchange.body)["detail"]
        try:
            await self._ask(asked, exchange)
        except LLMError as error:
            right = type(error) is _REFUSALS.get(exchange.status) and error.status_code == exchange.status
            lines = [] if right and said.rstrip(".") in str(error) else [f"{exchange.status} {said!r} became {error!r}"]
        else:
            lines = [f"{exchange.status} {said!r} raised nothing"]
        self.report.check("refusal", exchange.label, lines)

    def _requests(self, exchange: Exchange, conversation: Conversation) -> None:
        """Compare what arrived with what was recorded, and with what was sent before."""
        raw, *more = self.server.received
        differences = conversation.differences(exchange.request, json.loads(raw))
        same_input = not any(difference.place.startswith("input") for difference in differences)
        self.report.counts["requests with the recorded input"] += same_input
        self.report.counts["follow-ups with the recorded input"] += same_input and bool(conversation.found)
        if self.refusal is not None:
            refused = self.refusal(json.loads(raw))
            self.report.check("would be taken", exchange.label, [refused] if refused else [])
        lines = self._unexplained("asked", differences) + [f"{len(more)} more requests than recorded"] * bool(more)
        self.report.check("follow-up" if conversation.found else "other request", exchange.label, lines)
        for prefix in conversation.prefixes(exchange.request):
            self.report.counts["requests that continue another"] += 1
            broken = [] if raw.startswith(prefix) else ["the request does not begin with the one that it continues"]
            self.report.check("cache prefix", exchange.label, broken)

    async def _send_back(self, exchange: Exchange, reading: Reading, answer: Message) -> None:
        """Send the answer back, with a result for each call, and look at the items that arrive."""
        results = [Message(role="tool", tool_call_id=call.id, content="true") for call in reading.calls]
        messages = [Message(role="user", content=_OPENING["content"]), answer, *results]
        request = ChatRequest(messages=messages, model=exchange.request["model"])
        self.server.answer_next(200, "application/json", json.dumps(_RESPONSE).encode())
        async with asyncio.timeout(_PATIENCE_S):
            await self.provider.complete(request)
        arrived = json.loads(self.server.received[0])["input"]
        items = [item for item in arrived[1:] if by_model(item)]
        lines = self._unexplained("sent back", compare_items([_OPENING, *reading.items], [arrived[0], *items]))
        if len(arrived) - 1 - len(items) != len(reading.calls):
            lines.append(f"{len(reading.calls)} calls got {len(arrived) - 1 - len(items)} results")
        self.report.check("sent back", exchange.label, lines)

    def _unexplained(self, kind: str, differences: Sequence[Difference]) -> list[str]:
        lines: list[str] = []
        for difference in differences:
            if reason := reason_for(difference, self.facts):
                self.report.explained[kind, reason] += 1
            else:
                lines.append(str(difference))
        return lines

    def _count(self, exchange: Exchange, reading: Reading, conversation: Conversation) -> None:
        self.report.counts += tally(reading)
        self.report.counts["streams" if exchange.streamed else "whole responses"] += 1
        self.report.counts["ChatGPT streams"] += exchange.streamed and exchange.backend == "chatgpt"
        self.report.counts["follow-ups"] += bool(conversation.found)
