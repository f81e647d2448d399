"""What holds a secret can be neither copied nor printed, and a secret in the wrong place is not repeated."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError
from amplifier_module_provider_chatgpt_oauth.auth.tokens import Tokens
from openai_responses_common import ApiKey, Token, TokenSource
from openai_responses_common.auth.bearer import BearerToken
from openai_responses_common.auth.device_code import DeviceCode
from openai_responses_common.auth.store.record import TokenRecord
from openai_responses_common.transport.credential import Lease

from tests.support.backends import BackendUnderTest
from tests.support.session import OpenSession, Session
from tests.support.witness import leaks

pytestmark = [
    pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security"),
    pytest.mark.promise("no copy, pickle or setting of the wrong type gives a secret away", area="security"),
]

CANARY = "copy-canary-7"
HOLDERS: dict[str, Any] = {
    "key": ApiKey(key=CANARY),
    "token": Token(value=CANARY, expires_at_s=9e9),
    "source": TokenSource(lambda _: Token(value=CANARY, expires_at_s=9e9), description="w"),
    "bearer": BearerToken(
        TokenSource(lambda _: Token(value=CANARY, expires_at_s=9e9), description="w"), description="w"
    ),
    "lease": Lease(headers={"Authorization": f"Bearer {CANARY}"}, token=CANARY),
    "record": TokenRecord(account="a", saved_at=1.0, tokens={"access_token": CANARY}),
    "tokens": Tokens(access_token=CANARY, refresh_token=CANARY, expires_at=9e9, account="a"),
}
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": pickle.dumps,
    "old pickle": lambda thing: pickle.dumps(thing, 0),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("what", HOLDERS)
def test_a_holder_of_a_secret_refuses_to_be_copied(what: str, how: str) -> None:
    """A pickle or a copy would carry it into a file, another process, or a host's snapshot of its state."""
    if (what, how) == ("bearer", "copy"):
        return  # a shallow copy of it shares the source, and holds nothing of its own
    with pytest.raises(TypeError, match=r"not pickled|cannot pickle"):
        COPIES[how](HOLDERS[what])


@pytest.mark.parametrize("what", HOLDERS)
def test_a_holder_of_a_secret_does_not_show_it(what: str) -> None:
    """Neither as text nor in any format."""
    thing = HOLDERS[what]
    assert CANARY not in f"{thing} {thing!r} {[thing]} {thing!s:>5}"


def test_a_code_that_is_shown_on_a_screen_is_in_no_text_of_its_own() -> None:
    """Whoever reads it within a quarter of an hour can be signed in by a stranger."""
    assert CANARY not in repr(DeviceCode(url="https://x.example", user_code=CANARY, expires_in_s=900))


async def test_no_part_of_a_provider_shows_or_gives_away_its_credential(session: Session) -> None:
    """From the provider down to the HTTP session; its config is what the host itself gave it."""
    await session.ask("hello")
    secret, provider = session.backend.secret, session.provider
    backend = provider._backend
    parts = [provider, backend, backend.transport, backend.transport.http.endpoint, backend.models, provider._engine]
    parts += [backend.transport.http.endpoint.credential, provider._configured_options, provider._catalogue]
    for part in [*parts, await backend.transport.http._sessions.get()]:
        assert leaks(secret, part) == [], type(part)
    assert secret not in str({key: value for key, value in vars(provider).items() if key != "config"})
    for part in parts:
        for copied in COPIES.values():
            try:
                taken = copied(part)
            except (TypeError, AttributeError, pickle.PicklingError) as refusal:
                taken = refusal
            if isinstance(taken, bytes):
                assert secret.encode() not in taken, type(part)
            else:
                assert secret not in repr(taken), type(part)


async def test_the_http_session_keeps_no_credential(session: Session) -> None:
    """A debugger or an error report would show it."""
    await session.ask("hello")
    client = await session.provider._backend.transport.http._sessions.get()
    held = [(type(each).__name__, repr(vars(each))) for each in reachable(client)]
    assert len(held) > 5
    assert [name for name, text in held if session.backend.secret in text] == []


def reachable(thing: Any) -> list[Any]:
    """All objects below one that have attributes, each once."""
    found: dict[int, Any] = {}
    waiting = [thing]
    while waiting and len(found) < 5000:
        each = waiting.pop()
        if id(each) in found or isinstance(each, str | bytes | int | float | type):
            continue
        found[id(each)] = each
        waiting += getattr(each, "__dict__", {}).values()
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list | tuple | set) else []
    return [each for each in found.values() if hasattr(each, "__dict__")]


# As a file of settings or a careless script may have them.
WRONG = [[CANARY], {"value": CANARY}, CANARY.encode(), (CANARY,), {CANARY: True}]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
async def test_a_secret_of_the_wrong_type_is_not_repeated(open_session: OpenSession, value: Any) -> None:
    """A validation error that shows what it rejected would show the secret."""
    keys = (
        "api_key",
        "azure_ad_token",
        "client_secret",
        "credential",
        "credentials",
        "token_file_path",
        "allowed_hosts",
    )
    for key in keys:
        session = await open_session(**{key: value}, max_retries=0)
        outcome: Any = None
        try:
            outcome = await session.ask("hello")
        except LLMError as error:
            outcome = error
        assert leaks(CANARY, outcome) == [], key
        assert leaks(CANARY, session.recorder.events) == [], key
        assert leaks(CANARY, session.provider) == [], key


async def test_a_host_that_shows_what_a_provider_is_shows_no_secret(
    session: Session, backend: BackendUnderTest
) -> None:
    """What wizards and `provider list` read, and the fields that they hide while they are typed."""
    info = session.provider.get_info()
    assert backend.secret not in info.model_dump_json() + session.provider.get_model_info().model_dump_json()
    for field in info.config_fields:
        secret = any(word in field.id for word in ("key", "secret", "password")) or field.id.endswith("token")
        assert (field.field_type == "secret") is secret, field.id
