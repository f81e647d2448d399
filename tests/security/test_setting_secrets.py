"""Secrets in settings that hold objects, in hosted tools and in the tools of a host: sent, and shown nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError, LLMError
from amplifier_core.message_models import ToolSpec
from responses_emulator import Emulator, HttpReply, Say

from tests.support.backends import BackendUnderTest
from tests.support.session import OpenSession, Session, asking
from tests.support.witness import CHATTY, Witness

pytestmark = pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security")

CANARY = "canary7secret"
TOKEN = f"ghp_{CANARY}0123456789"
MCP: dict[str, Any] = {
    "type": "mcp",
    "server_label": "gh",
    "server_url": f"https://user:{CANARY}@mcp.example/sse?key={CANARY}#{CANARY}",
    "authorization": CANARY,
    "headers": {"X-GitHub-Token": CANARY, "Private-Token": CANARY, "X-Plain": CANARY, "Accept": CANARY},
    "require_approval": "never",
}
SHELL: dict[str, Any] = {
    "type": "code_interpreter",
    "container": {
        "type": "auto",
        "network_policy": {
            "type": "allowlist",
            "allowed_domains": ["api.example"],
            "domain_secrets": [{"domain": "api.example", "name": "KEY", "value": CANARY}],
        },
    },
}
EXTRA: dict[str, Any] = {
    "subscription_key": CANARY,
    "gatewayPassword": CANARY,
    "note": f"send {TOKEN} there",
    "url": f"https://hooks.example/in?sig={CANARY}",
    "headers": {"x-any": CANARY},
    "blob": TOKEN.partition("_")[2] + "0123456789",
}


async def check(session: Session, witness: Witness, *tools: ToolSpec) -> None:
    """Make a call, successful or not, and look for the canary in all that is shown of it."""
    errors: list[LLMError] = []
    try:
        await session.ask("hello", tools=list(tools) or None)
    except LLMError as error:
        errors.append(error)
    assert CANARY in json.dumps(session.body)
    assert session.recorder.named("llm:request")[-1]["raw"]
    witness.check(CANARY, session.recorder.events, session.provider._configured_options, *errors)


@pytest.mark.one_sign_in("a plan has neither of them")
@pytest.mark.parametrize("hosted_tool", [MCP, SHELL], ids=lambda hosted_tool: hosted_tool["type"])
async def test_secret_of_a_hosted_tool_is_sent_and_not_shown(
    open_session: OpenSession, witness: Witness, hosted_tool: dict[str, Any]
) -> None:
    session = await open_session(**CHATTY, hosted_tools=[hosted_tool], max_retries=0)
    session.emulator.script(Say("ok"))
    await check(session, witness)
    session.emulator.script(HttpReply(400, {"error": {"message": "no", "param": "tools[1]", "code": "invalid_value"}}))
    await check(session, witness)


async def test_secret_of_an_extra_field_is_sent_and_not_shown(open_session: OpenSession, witness: Witness) -> None:
    session = await open_session(**CHATTY, extra_body={"gateway": EXTRA, "api_token": CANARY}, max_retries=0)
    session.emulator.script(HttpReply(400, {"error": {"message": "no", "param": "input", "code": "invalid_value"}}))
    await check(session, witness)
    assert session.body["gateway"] == EXTRA


async def test_secret_of_a_tool_of_the_host_is_sent_and_not_shown(open_session: OpenSession, witness: Witness) -> None:
    """A host may hand over a hosted tool as a tool of its own, with the fields of the API beside the name."""
    session = await open_session(**CHATTY, max_retries=0)
    fields = {key: value for key, value in MCP.items() if key != "type"}
    if session.backend.takes("mcp"):
        hosted = ToolSpec(name="gh", description="Search.", parameters={}, **{"type": "mcp", **fields})
        await check(session, witness, hosted)
    description = f"Calls https://me:{CANARY}@tools.example/?k={CANARY} with {TOKEN}."
    await check(session, witness, ToolSpec(name="look", description=description, parameters={"type": "object"}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hosted_tools", [{"server_label": "gh", "authorization": CANARY}]),
        ("hosted_tools", f'[{{"type": "mcp", "authorization": "{CANARY}"'),
        ("hosted_tools", {"authorization": CANARY}),
        ("web_search", [{"api_key": CANARY}]),
        ("extra_body", [CANARY]),
        ("extra_body", f"Authorization: {CANARY}"),
        ("extra_body", {"x": {CANARY}}),
        ("reasoning", {"effort": [CANARY]}),
        ("model_info", {"gpt-x": {"context_window": CANARY}}),
        ("model_info", {"gpt-x": [CANARY]}),
        ("timeout", {"seconds": CANARY}),
        ("stop", {"seconds": CANARY}),
    ],
)
async def test_error_names_the_setting_and_not_its_value(
    backend: BackendUnderTest, open_session: OpenSession, witness: Witness, key: str, value: Any
) -> None:
    """As a setting, whose error the first call raises, and as a keyword of a call."""
    session = await open_session(**CHATTY, **({} if key == "stop" else {key: value}))
    errors: list[BaseException] = []
    with pytest.raises(ConfigurationError, match=key) as caught:
        await session.provider.complete(asking("hello"), **{key: value})
    errors.append(caught.value)
    witness.check(CANARY, session.recorder.events, *errors)


@pytest.mark.parametrize("value", [{"a": CANARY}, [CANARY], [{"a": CANARY}]], ids=["object", "list", "list of objects"])
async def test_object_in_place_of_a_text_is_not_shown(
    backend: BackendUnderTest, emulator: Emulator, witness: Witness, value: Any
) -> None:
    """Of every setting of the module."""
    own_keys = sorted(backend.provider_class(**backend.collected("", ""))._backend.own_keys)
    for key in own_keys:
        session = await Session(backend, emulator).mount(backend.settings(emulator, max_retries=0, **{key: value}))
        errors: list[BaseException] = []
        try:
            await session.ask("hello")
        except LLMError as error:
            errors.append(error)
        witness.check(CANARY, session.recorder.events, session.provider, *errors)
        await session.cleanup()
