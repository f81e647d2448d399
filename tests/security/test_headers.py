"""Secrets with a line break, a space or a letter that no header takes: refused by name, and never quoted."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, LLMError
from amplifier_module_provider_azure_openai_v2.models import ArmResource
from openai_responses_common import Token, TokenSource
from openai_responses_common.auth.bearer import BearerToken
from responses_emulator import Emulator

from tests.support import chatgpt_token_file as signed_in
from tests.support.backends import BACKENDS
from tests.support.session import Session
from tests.support.witness import CHATTY, Witness

pytestmark = [
    pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security"),
    pytest.mark.promise("no error quotes a secret that no header can carry", area="security"),
]

OPENAI, AZURE, CHATGPT = BACKENDS
CANARY = "header-canary-7"
BROKEN = ["{}\n", "{}\r\nX-Mine: 1", "{} {}", "{}\u00e9", "{}\x00", "{}\x7f"]


async def outcome(row: Any, emulator: Emulator, witness: Witness, **settings: Any) -> LLMError:
    """The error of a call; nothing of the secret is in it or in anything that was told, and nothing was sent."""
    session = await Session(row, emulator).mount(row.settings(emulator, max_retries=0, **CHATTY, **settings))
    with pytest.raises(LLMError) as caught:
        await session.ask("hello")
    witness.check(CANARY, caught.value, session.recorder.events, session.provider)
    await session.cleanup()
    assert emulator.model_requests == []
    return caught.value


@pytest.mark.parametrize("form", BROKEN, ids=repr)
async def test_a_key_that_no_header_takes(form: str, witness: Witness) -> None:
    """A key that was copied with its line break would else stand in the text of a connection error."""
    bad = form.format(CANARY, "x") + "x"  # what stands at an end is cut off, and harmless
    for row, key in ((OPENAI, "api_key"), (OPENAI, "organization"), (OPENAI, "project"), (AZURE, "api_key")):
        with row.emulator() as running:
            error = await outcome(row, running, witness, **{key: bad})
        assert isinstance(error, ConfigurationError)
        assert key in str(error)


@pytest.mark.parametrize(
    "form", ["X-Gate: {}\u00e9", "X-Gate: {}\x00", "X Gate: {}", ": {}", "X-G\u00e4te: {}"], ids=repr
)
async def test_a_header_of_the_environment_that_cannot_be_sent(
    form: str, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers for a gateway hold its key."""
    monkeypatch.setattr("os.environ", {**os.environ, "OPENAI_CUSTOM_HEADERS": form.format(CANARY)})
    with OPENAI.emulator() as running:
        error = await outcome(OPENAI, running, witness)
    assert "OPENAI_CUSTOM_HEADERS" in str(error)


@pytest.mark.parametrize("form", BROKEN, ids=repr)
async def test_a_token_that_somebody_gave_and_no_header_takes(form: str) -> None:
    """Whoever gives tokens (a metadata service, a command line, a stranger's object, a file) may give anything."""
    bad = form.format(CANARY, CANARY)
    source = TokenSource(lambda _: Token(value=bad, expires_at_s=9e9), description="w")
    with pytest.raises(AuthenticationError) as caught:
        await BearerToken(source, description="w").lease()
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("form", BROKEN, ids=repr)
async def test_a_token_file_that_was_edited(form: str, witness: Witness, tmp_path: Path) -> None:
    """The same out of the file of a sign-in, all the way to the call."""
    bad = form.format(CANARY, "x")
    tokens = {"access_token": bad, "refresh_token": "", "email": "", "plan": ""}
    record = {"v": 1, "account": "a-1", "saved_at": 1.0, "expires_at": 9e9, "tokens": tokens}
    path = tmp_path / "kept" / "tokens.json"
    path.parent.mkdir(mode=0o700)
    path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
    path.write_text(json.dumps(record), encoding="utf-8")
    with CHATGPT.emulator() as running:
        error = await outcome(CHATGPT, running, witness, token_file_path=str(path))
    assert isinstance(error, AuthenticationError)


@pytest.mark.parametrize("form", BROKEN, ids=repr)
async def test_a_token_for_the_manager_that_no_header_takes(form: str, witness: Witness) -> None:
    """The list of deployments is asked for without the library's transport."""
    source: Any = TokenSource(lambda _: Token(value=form.format(CANARY, "x") + "x", expires_at_s=9e9), description="w")
    resource = ArmResource(resource_id="/subscriptions/0", arm_host="localhost", token_source=source)
    with pytest.raises(AuthenticationError) as caught:
        await resource.list_deployments()
    witness.check(CANARY, caught.value)


async def test_a_sound_token_is_sent_as_it_is() -> None:
    """Every character that tokens have passes."""
    source = TokenSource(lambda _: Token(value=signed_in.TOKEN, expires_at_s=9e9), description="w")
    lease = await BearerToken(source, description="w").lease()
    assert lease.headers == {"Authorization": f"Bearer {signed_in.TOKEN}"}
