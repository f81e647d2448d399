"""Which account the environment offers; without one, the built-in emulator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import LLMError

from examples.chat.offline_model import respond

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who answers.

    Attributes:
        module: id of the provider module.
        config: what the module needs to find the account.
        words: how to name it to a person.
        emulated: the answers are scripted and nothing is paid.
        priced: its tokens have prices.
    """

    module: str
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    words: str
    emulated: bool = False
    priced: bool = True

    def introduction(self, model: str) -> str:
        """One line that says who answers."""
        if self.emulated:
            prices = f", prices are what {model} would cost" if self.priced else ""
            return f"Using {self.words}: answers are scripted{prices}."
        return f"Using {self.words}, model {model}."


def _server(environment: Environment) -> Account | None:
    base_url = environment.get("OPENAI_BASE_URL", "").strip()
    if not base_url:
        return None
    key = " with OPENAI_API_KEY" if environment.get("OPENAI_API_KEY", "").strip() else ""
    config = {"base_url": base_url}
    return Account(module="provider-openai-v2", config=config, words=f"the server at {_shown(base_url)}{key}")


def _openai(environment: Environment) -> Account | None:
    if not environment.get("OPENAI_API_KEY", "").strip():
        return None
    return Account(module="provider-openai-v2", words="OpenAI with OPENAI_API_KEY")


def _azure(environment: Environment) -> Account | None:
    places = (environment.get(name, "").strip() for name in ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL"))
    address = next(filter(None, places), None)
    if address is None:
        return None
    return Account(module="provider-azure-openai-v2", words=f"Azure OpenAI at {_shown(address)}")


def _chatgpt(environment: Environment) -> Account | None:
    """A plan, where somebody is signed in."""
    try:
        from amplifier_module_provider_chatgpt_oauth import ChatgptOauthProvider

        account = ChatgptOauthProvider(config={}).require_account()
        signed_in = account.has_stored_files() and account.get_status() == "authenticated"
    except (ImportError, LLMError):
        return None
    return Account(module=_PLAN_MODULE, words=_PLAN, priced=False) if signed_in else None


_PLAN_MODULE = "provider-chatgpt-oauth"
_PLAN = "your ChatGPT plan"


@contextmanager
def _signing_in(environment: Environment) -> Iterator[Account]:
    """A plan, with a sign-in first where nobody is signed in."""
    yield Account(module=_PLAN_MODULE, config={"login_on_mount": "true"}, words=_PLAN, priced=False)


@contextmanager
def _demonstration(environment: Environment) -> Iterator[Account]:
    """The same on an empty machine and with the built-in service, where a person approves every code."""
    from responses_emulator import Emulator, SignInService, chatgpt_surfaces

    _reach_this_machine_directly()
    people = SignInService(interval="1", pending_polls=4)
    with (
        TemporaryDirectory() as home,
        Emulator(surfaces=chatgpt_surfaces(people), word_delay_s=0.02, responder=respond) as emulator,
    ):
        config = {
            "base_url": emulator.base_url,
            "issuer": emulator.origin,
            "token_store": "file",
            "token_file_path": f"{home}/tokens.json",
            "login_on_mount": "true",
        }
        words = "the built-in emulator, whose Ada approves every code within seconds"
        yield Account(module=_PLAN_MODULE, config=config, words=words, emulated=True, priced=False)


KINDS: Mapping[str, Callable[[Environment], AbstractContextManager[Account]]] = {
    "chatgpt": _signing_in,
    "chatgpt-demo": _demonstration,
}
"""Accounts that are asked for by name."""

ACCOUNTS: tuple[Callable[[Environment], Account | None], ...] = (_server, _azure, _openai, _chatgpt)
"""What to look for, in this order; the first that is there is used."""

_MISSING = "no account is set up"


@contextmanager
def an_account(environment: Environment, *, base_url: str | None = None, kind: str | None = None) -> Iterator[Account]:
    """The account to use, as long as the context lasts.

    Args:
        environment: where to look.
        base_url: a server that was asked for; it wins.
        kind: one of `KINDS`.
    """
    if kind:
        with KINDS[kind](environment) as account:
            yield account
        return
    if base_url:
        environment = {**environment, "OPENAI_BASE_URL": base_url}
    found = next((account for look in ACCOUNTS if (account := look(environment))), None)
    if found is not None:
        yield found
        return
    from responses_emulator import Emulator

    _reach_this_machine_directly()
    with Emulator(word_delay_s=0.02, responder=respond) as emulator:
        config = {"base_url": emulator.base_url, "api_key": "sk-emulator"}
        words = f"the built-in emulator ({_MISSING})"
        yield Account(module="provider-openai-v2", config=config, words=words, emulated=True)


def _reach_this_machine_directly() -> None:
    """A proxy that is set up for the internet cannot reach a server inside this machine."""
    direct = [os.environ.get(name, "") for name in ("NO_PROXY", "no_proxy")]
    os.environ["NO_PROXY"] = ",".join(["127.0.0.1", *filter(None, direct)])


def _shown(url: str) -> str:
    """A URL without what may be secret in it."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
