"""What real servers sent is read whole, shown once, sent back whole, and their refusals end no conversation."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError, InvalidRequestError, NotFoundError
from amplifier_core.message_models import Message

from tests.generated.exchanges.recording import Recording, read_recordings
from tests.generated.faults.fault import sse
from tests.generated.sweeps.replay_server import ReplayServer, Reply
from tests.support.mounted_provider import MountedProvider, mount_at
from tests.support.session import items, result, stored, user

RECORDINGS = {recording.name: recording for recording in read_recordings()}
CONTINUED = [f"vllm-0.32.0-continued-{number}" for number in (1, 2, 3)]
STREAMS = [name for name, recording in RECORDINGS.items() if recording.status == 200 and name not in CONTINUED]
JSON = {"content-type": "application/json"}

_MESSAGE = {
    "type": "message",
    "id": "msg_end",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Done.", "annotations": []}],
}
_USAGE = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
_RESPONSE = {"id": "resp_end", "status": "completed", "output": [_MESSAGE], "usage": _USAGE}
DONE = Reply(pieces=(sse({"type": "response.completed", "response": _RESPONSE}),))
_FORGOTTEN = {"code": "previous_response_not_found", "message": "No."}
FORGOTTEN = Reply(status=400, pieces=(json.dumps({"error": _FORGOTTEN}).encode(),), headers=JSON)
NO_SUCH_PATH = Reply(status=404, pieces=(b'{"detail":"Not Found"}',), headers=JSON)

Body = dict[str, Any]


def make_reply(recording: Recording) -> Reply:
    return Reply(status=recording.status, pieces=(recording.body,), headers=recording.headers)


class Server(ReplayServer):
    """Replies with a recording while a condition on the request holds, and then with a short text.

    It has forgotten each response that a request over WebSocket goes on from, so that the whole request follows.

    Attributes:
        replies: the replies to the first requests; the last one is sent again.
    """

    def __init__(self, recording: Recording, holds: Callable[[Server], bool]) -> None:
        super().__init__(self._choose_reply, url_prefix="/v1")
        self.replies = [make_reply(recording)]
        self._holds = holds

    @property
    def requests(self) -> list[Body]:
        """The whole bodies of all requests to the model; a list of models may be asked for beside them."""
        return [body for body in self._read_bodies() if "previous_response_id" not in body]

    @property
    def continuations(self) -> list[Body]:
        """The requests that hold only what is new since an earlier response."""
        return [body for body in self._read_bodies() if "previous_response_id" in body]

    def _read_bodies(self) -> list[Body]:
        return [json.loads(body) for body in self.bodies if body]

    def _choose_reply(self, number: int, attempt: int) -> Reply:
        if not self.bodies[-1]:
            return NO_SUCH_PATH
        if "previous_response_id" in json.loads(self.bodies[-1]):
            return FORGOTTEN
        if not self._holds(self):
            return DONE
        return self.replies[min(len(self.requests), len(self.replies)) - 1]


Connect = Callable[..., AbstractAsyncContextManager[MountedProvider]]


@pytest.fixture(params=["http", "websocket"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Mounts the module on a server, for the model of a recording; over WebSocket its events come as frames."""

    @asynccontextmanager
    async def mount(server: Server, recording: Recording, **settings: Any) -> AsyncIterator[MountedProvider]:
        own = {"api_key": "sk-none", "default_model": recording.request["model"], "max_continuations": 0}
        async with mount_at(server.base_url, **{**own, "transport": request.param, **settings}) as client:
            yield client
        over_websocket = len(server.requests) + len(server.continuations) if request.param == "websocket" else 0
        assert server.frame_count == over_websocket

    return mount


def is_first_request(server: Server) -> bool:
    return len(server.requests) == 1


def replay(name: str) -> tuple[Recording, Server]:
    """Return a recording, and a server that replies with it to the first request."""
    return RECORDINGS[name], Server(RECORDINGS[name], is_first_request)


@pytest.mark.parametrize("name", STREAMS)
async def test_a_response_holds_what_the_server_sent(connect: Connect, name: str) -> None:
    recording, server = replay(name)
    async with server, connect(server, recording) as client:
        response = await client.ask(recording.rebuild_request())
    assert [(call.id, call.name, call.arguments) for call in response.tool_calls or []] == recording.calls
    assert [block.text for block in response.content if block.type == "text" and block.text.strip()] == recording.texts
    assert [block.thinking for block in response.content if block.type == "thinking"] == recording.reasoning
    assert response.finish_reason == recording.finish_reason
    kinds = {"message": "text", "reasoning": "thinking", "function_call": "tool_call"}
    empty = [item for item in recording.items if item["type"] == "message" and not item["content"][0]["text"].strip()]
    order = [kinds[item["type"]] for item in recording.items if item not in empty]
    assert [block.type for block in response.content] == order
    usage = recording.response["usage"]
    assert response.usage.input_tokens == usage["input_tokens"]
    assert response.usage.output_tokens == usage["output_tokens"]


@pytest.mark.promise("a block of a real server is shown twice or does not end", area="hazard")
@pytest.mark.parametrize("name", STREAMS)
async def test_a_user_sees_each_block_once_and_to_its_end(connect: Connect, name: str) -> None:
    recording, server = replay(name)
    async with server, connect(server, recording) as client:
        await client.ask(recording.rebuild_request())
    assert client.recorder.shown("thinking") == "".join(recording.reasoning)
    assert client.recorder.shown("text").strip() == "".join(recording.texts).strip()
    started = [event["block_index"] for event in client.recorder.named("llm:stream_block_start")]
    ended = [event["block_index"] for event in client.recorder.named("llm:stream_block_end")]
    assert sorted(started) == sorted(ended) == sorted(set(started)), "each block starts once and ends once"
    kinds = [event["block_type"] for event in client.recorder.named("llm:stream_block_start")]
    assert kinds.count("tool_use") == len(recording.calls)


@pytest.mark.parametrize("name", STREAMS)
async def test_the_next_request_holds_the_whole_response(connect: Connect, name: str) -> None:
    recording, server = replay(name)
    async with server, connect(server, recording) as client:
        request = recording.rebuild_request()
        response = await client.ask(request)
        results = [result(call, "rain") for call in response.tool_calls or []]
        follow_up: list[Message] = [*request.messages, stored(response), *(results or [user("Go on.")])]
        await client.ask(request.model_copy(update={"messages": follow_up}))
    before, after = server.requests
    added: Body = {"input": after["input"][len(before["input"]) :]}
    assert after["input"][: len(before["input"])] == before["input"]
    for body in server.continuations:
        assert body["previous_response_id"] == recording.response["id"]
        assert body["input"] == after["input"][-len(results or [""]) :]
    assert [part["text"] for item in items(added, "message") for part in item["content"]][: len(recording.texts)] == (
        recording.texts
    )
    assert [(item["call_id"], item["name"]) for item in items(added, "function_call")] == [
        (call_id, name) for call_id, name, _ in recording.calls
    ]
    assert [item["call_id"] for item in items(added, "function_call_output")] == [call[0] for call in recording.calls]
    reasoning = items(added, "reasoning")
    assert ["\n\n".join(part["text"] for part in each.get("summary") or each["content"]) for each in reasoning] == (
        recording.reasoning
    )
    assert [each["encrypted_content"] for each in reasoning if each.get("encrypted_content")] == recording.ciphertexts


async def test_the_parts_of_a_continued_response_join_in_the_middle_of_a_word(connect: Connect) -> None:
    """A server goes on where it stopped if the last item of the request is incomplete."""
    parts = [RECORDINGS[name] for name in CONTINUED]
    server = Server(parts[0], lambda server: len(server.requests) <= len(parts))
    server.replies = [make_reply(part) for part in parts]
    limit = parts[0].request["max_output_tokens"]
    async with server, connect(server, parts[0], max_output_tokens=limit, max_continuations=2) as client:
        response = await client.ask(parts[0].rebuild_request().model_copy(update={"max_output_tokens": None}))
    whole = "".join(text for part in parts for text in part.texts)
    assert "with two cores. Every day" in whole
    assert response.text == client.recorder.shown() == whole
    for request, part in zip(server.requests[1:], parts[1:], strict=True):
        assert request["input"][-1]["status"] == part.request["input"][-1]["status"] == "incomplete"


def has_pictures(body: Body, **lacks: None) -> bool:
    """Return whether a body has a picture; with `detail=None`, one without `detail`."""
    pictures = [part for part in _parts(body) if part.get("type") == "input_image"]
    return any("detail" not in part for part in pictures) if lacks else bool(pictures)


def _parts(body: Body) -> list[Mapping[str, Any]]:
    lists = [item.get("content") or item.get("output") for item in body["input"]]
    return [part for parts in lists if isinstance(parts, list) for part in parts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a server refused.

    Attributes:
        holds: whether a body holds what the server refused.
        requests: the number of requests that the first call may take.
        settings: the settings of the user who met it.
        error: the error that the user gets; None, the default, if the call succeeds.
    """

    holds: Callable[[Body], bool]
    requests: int
    settings: Mapping[str, Any]
    error: type[Exception] | None = None


def always(body: Body) -> bool:
    return True


REFUSALS = {
    "litellm-1.108.7-unknown-model": Refusal(holds=always, requests=1, settings={}, error=NotFoundError),
    "litellm-1.108.7-wrong-key": Refusal(holds=always, requests=1, settings={}, error=AuthenticationError),
    "transformers-5.24.0-unknown-model": Refusal(holds=always, requests=1, settings={}, error=NotFoundError),
    "litellm-1.108.7-top_p-refused": Refusal(
        holds=lambda body: "top_p" in body, requests=2, settings={"top_p": 0.9, "temperature": None}
    ),
    "llama.cpp-0.6.0-dev-image-500": Refusal(holds=has_pictures, requests=1, settings={}, error=InvalidRequestError),
    "vllm-0.32.0-image-detail-refused": Refusal(
        holds=lambda body: has_pictures(body, detail=None), requests=1, settings={}
    ),
    "llama.cpp-0.6.0-dev-wrong-key": Refusal(holds=always, requests=1, settings={}, error=AuthenticationError),
    "vllm-0.32.0-picture-refused": Refusal(holds=has_pictures, requests=2, settings={}),
    "vllm-0.32.0-unknown-model": Refusal(holds=always, requests=1, settings={}, error=NotFoundError),
    "vllm-0.32.0-wrong-key": Refusal(holds=always, requests=1, settings={}, error=AuthenticationError),
    "vllm-0.32.0-include-refused": Refusal(
        holds=lambda body: "web_search_call.action.sources" in body.get("include", []),
        requests=2,
        settings={"web_search": True},
    ),
}


def test_every_recorded_refusal_has_a_row() -> None:
    assert set(REFUSALS) == {name for name, recording in RECORDINGS.items() if recording.status != 200}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_is_met_once(connect: Connect, name: str) -> None:
    """The first call finds out what to leave out, and the second knows it."""
    recording, refusal = RECORDINGS[name], REFUSALS[name]
    server = Server(recording, lambda server: refusal.holds(server.requests[-1]))
    async with server, connect(server, recording, **refusal.settings) as client:
        for number in range(2):
            before = len(server.requests)
            if refusal.error:
                with pytest.raises(refusal.error):
                    await client.ask(recording.rebuild_request())
            else:
                assert (await client.ask(recording.rebuild_request())).text == "Done."
            assert len(server.requests) - before <= (1 if number else refusal.requests)
