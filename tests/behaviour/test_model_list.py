"""The model list: what the service offers, with what the tables know of it; errors as everywhere."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from amplifier_core.llm_errors import (
    AuthenticationError,
    ConfigurationError,
    LLMError,
    LLMTimeoutError,
    NotFoundError,
    ProviderUnavailableError,
)
from amplifier_core.models import ModelInfo
from openai_responses_common import Backend, BackendProfile, Document, Options, ResponsesProvider
from openai_responses_common.testing.fake_transport import FakeTransport
from responses_emulator import Emulator
from responses_emulator.service.surface import AnyReply, Exchange, Surface, json_reply
from responses_emulator.transport.server import Reply

from tests.support.backends import BackendUnderTest
from tests.support.jump_clock import run_on_jump_clock
from tests.support.session import OpenSession, Session

pytestmark = pytest.mark.one_transport("a list of models comes over HTTP")


async def test_models_are_listed_with_what_is_known_of_them(session: Session) -> None:
    models = {model.id: model for model in await session.provider.list_models()}
    assert all(isinstance(model, ModelInfo) for model in models.values())
    known = models[session.backend.model]
    assert known.context_window > 200_000
    assert known.max_output_tokens > 10_000
    assert {"tools", "streaming", "thinking", "vision"} <= set(known.capabilities)
    if session.backend.priced:
        assert known.pricing is not None
        assert known.pricing.input_per_million > 0


@pytest.mark.promise("the model list has models that cannot work", area="hazard")
async def test_only_models_that_can_work_are_listed(session: Session) -> None:
    ids = [model.id for model in await session.provider.list_models()]
    useless = ("embedding", "tts", "whisper", "image", "dall-e", "realtime", "audio", "sora", "moderation", "instruct")
    assert not [name for name in ids if any(word in name for word in useless)]
    assert len(ids) == len(set(ids))


@pytest.mark.promise("a menu of models begins with the oldest", area="hazard")
async def test_the_list_begins_with_what_most_people_want(open_session: OpenSession, backend: BackendUnderTest) -> None:
    """A catalogue of the service's own has an order of its own, and its default is first there."""
    session = await open_session(model_info=json.dumps({"ft:gpt-4.1:acme::x": {}, "gpt-99-sol": {}}))
    ids = [model.id for model in await session.provider.list_models()]
    assert ids[0] == backend.model or backend.catalogue
    if backend.catalogue:
        assert ids[-2:] == ["ft:gpt-4.1:acme::x", "gpt-99-sol"]
        return
    assert ids[1] == "gpt-99-sol"
    assert {model for model in ids if model.startswith("ft:")} == {*ids[-2:]} - {"gpt-99-sol", "gpt-4o-2024-08-06"}
    dated = [bool(re.search(r"-\d{4}-\d{2}-\d{2}$", model)) for model in ids if not model.startswith("ft:")]
    assert dated == sorted(dated), "snapshots come after all others"


async def test_dated_models_can_be_hidden(open_session: OpenSession, backend: BackendUnderTest) -> None:
    every = await (await open_session()).provider.list_models()
    few = await (await open_session(hide_dated_models="true")).provider.list_models()
    assert {model.id for model in few} <= {model.id for model in every}
    assert len(few) < len(every) or backend.catalogue or backend.lists_deployments
    assert not [model.id for model in few if re.search(r"-\d{4}-\d{2}-\d{2}$", model.id)]


async def test_the_list_is_kept_for_a_while(session: Session) -> None:
    for _ in range(5):
        await session.provider.list_models()
    assert len(session.emulator.requests) == 1


async def test_a_list_that_was_given_out_can_be_changed(session: Session) -> None:
    (await session.provider.list_models()).clear()
    assert await session.provider.list_models()


async def test_own_models_are_listed_too(open_session: OpenSession) -> None:
    session = await open_session(model_info=json.dumps({"gpt-77": {"context_window": 1000}}))
    models = {model.id: model for model in await session.provider.list_models()}
    assert models["gpt-77"].context_window == 1000


class Listing:
    """The backend's own service, whose model list first answers what a test says, once each."""

    def __init__(self, backend: BackendUnderTest, *replies: Reply) -> None:
        self.replies = list(replies)
        self.usual = backend.surface()
        self.route = next(route for route in self.usual.routes if route.method == "GET" and route.path == "/models")

    async def _next(self, exchange: Exchange) -> AnyReply:
        return self.replies.pop(0) if self.replies else await self.route.handler(exchange)

    def surface(self) -> Surface:
        return replace(self.usual, routes=(replace(self.route, handler=self._next), *self.usual.routes))


def error(status: int, body: Any) -> Reply:
    """An error reply: an object as JSON, a string as it stands."""
    return json_reply(body, status=status) if isinstance(body, dict) else Reply(status=status, body=body.encode())


FAULTS: dict[str, tuple[Reply, type[LLMError]]] = {
    "wrong key": (error(401, {"error": {"message": "no", "code": "invalid_api_key"}}), AuthenticationError),
    "no such page": (error(404, "<html>Not Found</html>"), NotFoundError),
    "not a list": (json_reply({"hello": "world"}), ProviderUnavailableError),
    "not JSON": (Reply(status=200, body=b"<html>Please log in</html>"), ProviderUnavailableError),
    "half a JSON": (
        Reply(status=200, headers=[("content-type", "application/json")], body=b'{"data": ['),
        ProviderUnavailableError,
    ),
    "redirect": (Reply(status=302, headers=[("location", "http://127.0.0.1:9/")]), ConfigurationError),
}


async def listing(backend: BackendUnderTest, replies: list[Reply], **settings: Any) -> tuple[Any, Emulator]:
    """What `list_models` gives or raises, and the service."""
    with Emulator(surfaces=(Listing(backend, *replies).surface(),)) as emulator:
        session = await Session(backend, emulator).mount(backend.settings(emulator, **settings))
        try:
            return await session.provider.list_models(), emulator
        except LLMError as caught:
            return caught, emulator
        finally:
            await session.cleanup()


@pytest.mark.promise("errors of the model list are those of an SDK", area="hazard")
@pytest.mark.parametrize(("reply", "kind"), FAULTS.values(), ids=FAULTS)
async def test_errors_are_the_kernels(backend: BackendUnderTest, reply: Reply, kind: type[LLMError]) -> None:
    outcome, emulator = await listing(backend, [reply] * 5)
    assert type(outcome) is kind
    assert outcome.provider == backend.name
    assert backend.secret not in str(outcome)
    if kind is not ProviderUnavailableError:
        assert len(emulator.requests) == 1


async def test_a_passing_failure_is_tried_again(backend: BackendUnderTest) -> None:
    outcome, emulator = await listing(backend, [error(503, "busy")])
    assert backend.model in {model.id for model in outcome}
    assert len(emulator.requests) == 2


async def test_a_lasting_failure_is_told(backend: BackendUnderTest) -> None:
    outcome, _ = await listing(backend, [error(500, "down")] * 9)
    assert type(outcome) is ProviderUnavailableError
    assert outcome.status_code == 500


async def test_an_empty_list_is_a_list(backend: BackendUnderTest) -> None:
    outcome, _ = await listing(backend, [json_reply(backend.no_models)])
    assert [model.id for model in outcome] == ([backend.model] if backend.lists_deployments else [])


@pytest.mark.promise("a service that is down holds up the start of a session for minutes", area="hazard")
@pytest.mark.parametrize("status", [401, 503])
async def test_a_failure_is_shared_and_remembered(backend: BackendUnderTest, status: int) -> None:
    """The routing hook asks for every role and agent at once, and again for each of its patterns."""
    replies = [error(status, {"error": {"message": "no"}})] * 99
    with Emulator(surfaces=(Listing(backend, *replies).surface(),)) as emulator:
        session = await Session(backend, emulator).mount(backend.settings(emulator))
        for _ in range(3):
            outcomes = await asyncio.gather(
                *[session.provider.list_models() for _ in range(16)], return_exceptions=True
            )
            assert all(isinstance(outcome, LLMError) and outcome.status_code == status for outcome in outcomes)
        assert len([each for each in emulator.requests if "/models" in each.path]) <= 2
        await session.cleanup()


async def test_callers_that_wait_share_one_request(session: Session) -> None:
    lists = await asyncio.gather(*[session.provider.list_models() for _ in range(16)])
    assert all(each == lists[0] for each in lists)
    assert len(session.emulator.requests) == 1


LISTS: dict[str, Any] = {
    "ids without objects": ["gpt-4o", "gpt-5.6-sol"],
    "rows that are none": [None, 5, [], {}, {"id": None}, {"id": 7}, "gpt-4o", {"id": "gpt-5.6-sol"}],
    "an object by id": {"gpt-4o": None, "gpt-5.6-sol": {"max_model_len": 5000}},
    "a list in a list": {"object": "list", "data": [{"id": "gpt-4o"}, {"id": "gpt-5.6-sol"}, {"id": "gpt-4o"}]},
    "facts that are none": [{"id": "gpt-4o", "max_model_len": "many"}, {"id": "gpt-5.6-sol", "meta": 5}],
}


@pytest.mark.promise("one bad row of a model list hides the others", area="hazard")
@pytest.mark.parametrize("rows", LISTS.values(), ids=LISTS)
async def test_a_row_that_cannot_be_read_hides_no_other(backend: BackendUnderTest, rows: Any) -> None:
    if backend.catalogue or backend.lists_deployments:
        pytest.skip("it makes its list from something else, with tests of its own")
    outcome, _ = await listing(backend, [json_reply({"data": rows})])
    assert [model.id for model in outcome] == ["gpt-5.6-sol", "gpt-4o"]


def test_a_list_that_never_comes_costs_half_a_minute() -> None:
    """Two attempts of at most 15 seconds, whatever `timeout` is. The clock jumps, because nobody waits for that."""
    fetches: list[float] = []

    class Silence(FakeTransport):
        async def fetch(self, path: str, *, timeout_s: float, etag: str | None = None) -> Document:
            fetches.append(timeout_s)
            await asyncio.sleep(3600)
            raise AssertionError

    async def ask() -> None:
        transport = Silence()
        provider = ResponsesProvider(
            Backend(
                profile=BackendProfile(name="p", display_name="P"), transport=transport, defaults=Options(model="m")
            ),
            config={"timeout": 600},
        )
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        with pytest.raises(LLMTimeoutError, match="/models within 15 s"):
            await provider.list_models()
        assert loop.time() - started_s < 33
        with pytest.raises(LLMTimeoutError):
            await provider.list_models()
        assert fetches == [15.0, 15.0]

    run_on_jump_clock(ask())
