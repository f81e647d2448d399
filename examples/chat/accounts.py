"""Which account the environment offers; without one, the built-in emulator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who answers.

    Attributes:
        module: id of the provider module.
        config: what the module needs to find the account.
        words: how to name it to a person.
        emulated: the answers are scripted and nothing is paid.
    """

    module: str
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    words: str
    emulated: bool = False

    def introduction(self, model: str) -> str:
        """One line that says who answers."""
        if self.emulated:
            return f"Using {self.words}: answers are scripted, prices are what {model} would cost."
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


ACCOUNTS: tuple[Callable[[Environment], Account | None], ...] = (_server, _openai)
"""What to look for, in this order; the first that is there is used."""

_MISSING = "no OPENAI_API_KEY is set"


@contextmanager
def an_account(environment: Environment, *, base_url: str | None = None) -> Iterator[Account]:
    """The account to use, as long as the context lasts.

    Args:
        environment: where to look.
        base_url: a server that was asked for; it wins.
    """
    if base_url:
        environment = {**environment, "OPENAI_BASE_URL": base_url}
    found = next((account for look in ACCOUNTS if (account := look(environment))), None)
    if found is not None:
        yield found
        return
    from tests.emulator import Emulator

    # A proxy that is set up for the internet cannot reach a server inside this machine.
    direct = [os.environ.get(name, "") for name in ("NO_PROXY", "no_proxy")]
    os.environ["NO_PROXY"] = ",".join(["127.0.0.1", *filter(None, direct)])
    with Emulator(pace_s=0.02) as emulator:
        config = {"base_url": emulator.base_url, "api_key": "sk-emulator"}
        words = f"the built-in emulator ({_MISSING})"
        yield Account(module="provider-openai-v2", config=config, words=words, emulated=True)


def _shown(url: str) -> str:
    """A URL without what may be secret in it."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "OPENAI_BASE_URL"
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
