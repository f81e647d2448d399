"""Tools that the service runs itself: shown where they can be, kept whole, and never handed to the loop."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.message_models import ImageBlock, Message
from responses_emulator import HostedItem, Say, Think, Turn, WebSearch

from tests.support.session import (
    KEEPERS,
    PIXEL,
    Conversation,
    OpenSession,
    Session,
    asking,
    items,
    sent_items,
    sent_tools,
    tool,
)

API_TOOLS = pytest.mark.one_sign_in("a plan has web search alone; its own test is in chatgpt_plan")
SOURCES = ["https://example.com/a", "https://example.com/b"]
SEARCH = Turn(Think(["Search."]), WebSearch(["oslo weather"], SOURCES, text="It is cold."))
MCP_CALL = {"type": "mcp_call", "server_label": "wiki", "name": "ask", "arguments": '{"q":1}', "output": "yes"}
HOSTED: dict[str, list[dict[str, Any]]] = {
    "mcp_list_tools": [{"type": "mcp_list_tools", "server_label": "wiki", "tools": []}],
    "mcp_call": [MCP_CALL],
    "mcp_call that failed": [
        {
            "type": "mcp_call",
            "server_label": "wiki",
            "name": "ask",
            "arguments": "{}",
            "error": {"type": "http_error", "code": 503, "message": "no such page"},
            "status": "failed",
        }
    ],
    "code_interpreter_call": [
        {
            "type": "code_interpreter_call",
            "code": "print(2)",
            "container_id": "cntr_1",
            "outputs": [{"type": "logs", "logs": "2"}],
        }
    ],
    "file_search_call": [
        {
            "type": "file_search_call",
            "queries": ["x"],
            "results": [{"file_id": "file-1", "filename": "a.md", "score": 0.5, "text": "found"}],
        }
    ],
    "shell_call in a container": [
        {
            "type": "shell_call",
            "call_id": "call_hosted",
            "action": {"commands": ["ls"], "max_output_length": None, "timeout_ms": None},
            "environment": {"type": "container_reference", "container_id": "cntr_1"},
        },
        {
            "type": "shell_call_output",
            "id": "sho_1",
            "call_id": "call_hosted",
            "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
        },
    ],
    "tool_search of the service": [
        {"type": "tool_search_call", "execution": "server", "arguments": {"query": "weather"}, "call_id": None},
        {"type": "tool_search_output", "execution": "server", "tools": [], "call_id": None},
    ],
}


@pytest.mark.promise("citations are lost", area="hazard")
async def test_a_search_shows_its_text_with_citations_and_sources(open_session: OpenSession) -> None:
    session = await open_session(web_search="true")
    session.emulator.script(SEARCH)
    response = await session.ask("weather in Oslo?")
    assert [item["type"] for item in sent_tools(session.body)] == ["web_search"]
    assert "web_search_call.action.sources" in session.body["include"]
    text = next(block for block in response.content if block.type == "text")
    assert [citation["type"] for citation in text.citations] == ["url_citation"] * 2
    first = text.citations[0]
    assert "example.com/a" in text.text[first["start_index"] : first["end_index"]]
    assert [source["url"] for source in text.sources] == SOURCES
    assert not response.tool_calls
    assert response.finish_reason == "stop"


@pytest.mark.promise("a tool search is passed to the host as a client call", area="hazard")
@pytest.mark.parametrize("keep", KEEPERS)
async def test_a_search_goes_back_whole(open_session: OpenSession, keep: Callable[[Any], Message]) -> None:
    session = await open_session(web_search=True)
    chat = Conversation(session, keep=keep)
    session.emulator.script(SEARCH)
    await chat.say("weather in Oslo?")
    made = session.made(0)["output"]
    await chat.say("and Rome?")
    assert items(session.body, "web_search_call") == [made[1]]
    message = next(item for item in session.body["input"] if item.get("role") == "assistant")
    assert message["content"][0]["annotations"] == made[2]["content"][0]["annotations"]
    assert [item["type"] for item in sent_items(session.body)[1:4]] == ["reasoning", "web_search_call", "message"]


@API_TOOLS
@pytest.mark.promise("hosted items are lost", area="hazard")
@pytest.mark.parametrize("made", HOSTED.values(), ids=HOSTED)
@pytest.mark.parametrize("keep", KEEPERS[1:])
async def test_every_hosted_item_goes_back_as_it_came(
    session: Session, made: list[dict[str, Any]], keep: Callable[[Any], Message]
) -> None:
    chat = Conversation(session, keep=keep)
    session.emulator.script(Turn(Think(["Use it."]), *[HostedItem(item) for item in made], Say("Done.")))
    response = await chat.say("go")
    assert not response.tool_calls, "the service runs it, not the loop"
    assert response.text == "Done."
    given = session.made(0)["output"]
    await chat.say("more")
    kinds = [item["type"] for item in made]
    assert without_none(items(session.body, *kinds)) == without_none(given[1 : 1 + len(made)])
    assert len(items(session.body, "reasoning")) == 1


def without_none(value: Any) -> Any:
    """The same without what is null at any depth."""
    if isinstance(value, dict):
        return {key: without_none(each) for key, each in value.items() if each is not None}
    return [without_none(each) for each in value] if isinstance(value, list) else value


@API_TOOLS
async def test_a_generated_image_is_shown_and_goes_back(session: Session) -> None:
    chat = Conversation(session)
    made = {"type": "image_generation_call", "result": PIXEL, "output_format": "webp"}
    session.emulator.script(Turn(Think([]), HostedItem(made), Say("A red dot.")))
    response = await chat.say("draw")
    image = next(block for block in response.content if isinstance(block, ImageBlock))
    assert image.source == {"type": "base64", "media_type": "image/webp", "data": PIXEL}
    await chat.say("nice")
    assert items(session.body, "image_generation_call")[0]["result"] == PIXEL


@API_TOOLS
@pytest.mark.one_transport("a WebSocket does not send an item back")
async def test_an_item_that_nobody_knows_goes_back_until_the_service_refuses_it(session: Session) -> None:
    chat = Conversation(session)
    unknown = {"type": "sparkle_call", "id": "sp_1", "glitter": {"colour": "gold"}, "status": "completed"}
    session.emulator.script(Turn(HostedItem(unknown), Say("Sparkled.")))
    response = await chat.say("go")
    assert response.text == "Sparkled."
    await chat.say("more")  # this service does not know its own item
    refused, accepted = session.emulator.request_bodies[-2:]
    assert items(refused, "sparkle_call") == [unknown]
    assert items(accepted, "sparkle_call") == []
    await chat.say("still more")
    assert session.sent == 4, "the lesson holds for the next call"


@pytest.mark.promise("hosted items open empty text blocks", area="hazard")
async def test_hosted_items_open_no_blocks(session: Session) -> None:
    session.emulator.script(Turn(HostedItem(MCP_CALL), WebSearch(["q"], SOURCES), Say("Done.")))
    await session.ask("go")
    starts = session.recorder.named("llm:stream_block_start")
    assert [(start["block_index"], start["block_type"]) for start in starts] == [(0, "text")]


@API_TOOLS
async def test_hosted_tools_come_from_settings_and_arguments_as_text_or_objects(open_session: OpenSession) -> None:
    shown = [{"type": "file_search", "vector_store_ids": ["vs_1"]}]
    session = await open_session(hosted_tools=json.dumps(shown), web_search={"search_context_size": "low"})
    await session.ask("go")
    assert sent_tools(session.body) == [{"type": "web_search", "search_context_size": "low"}, *shown]
    assert {"web_search_call.action.sources", "file_search_call.results"} <= set(session.body["include"])


HOSTED_TOOLS = [
    {"type": "web_search"},
    {"type": "file_search", "vector_store_ids": ["vs_1"]},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "image_generation", "quality": "low"},
    {"type": "mcp", "server_label": "wiki", "server_url": "https://example.com/mcp", "require_approval": "never"},
    {"type": "shell"},
    {"type": "local_shell"},
    {"type": "apply_patch"},
    {"type": "tool_search"},
]


@API_TOOLS
@pytest.mark.promise("hosted tools are dropped", area="hazard")
@pytest.mark.parametrize("native", HOSTED_TOOLS, ids=lambda each: each["type"])
async def test_every_kind_of_hosted_tool_passes(session: Session, native: dict[str, Any]) -> None:
    session.emulator.script(Say("ok"))
    await session.provider.complete(asking("go"), tools=[native])
    assert sent_tools(session.body) == [native]


@API_TOOLS
@pytest.mark.promise("a native tool stays with the provider after its request", area="hazard")
async def test_a_native_tool_of_one_request_is_not_kept_for_the_next(session: Session) -> None:
    patch = tool("apply_patch", "diff")
    for extra in ({"type": "apply_patch"}, {}):
        session.emulator.script(Say("ok"))
        await session.ask("hello", tools=[patch.model_copy(update=extra)])
    assert [sent_tools(body)[0]["type"] for body in session.emulator.request_bodies] == ["apply_patch", "function"]
