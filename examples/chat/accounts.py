"""Which account the chat uses: the one that the environment has, or the built-in emulator if there is none."""

from __future__ import annotations

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
    """The account that the chat uses.

    Attributes:
        module: the id of the provider module.
        config: the settings with which the module finds the account.
        description: what the chat calls it.
        emulated: the offline model responds, and nothing is paid. The default is False.
        priced: its tokens have prices. The default is True.
    """

    module: str
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    description: str
    emulated: bool = False
    priced: bool = True

    def introduction(self, model: str) -> str:
        """Return the line that the chat begins with."""
        if self.emulated:
            prices = f"; prices are those of {model}" if self.priced else ""
            return f"Using {self.description}: an offline model responds by simple rules{prices}."
        return f"Using {self.description}, model {model}." if model else f"Using {self.description}."


def _server(environment: Environment) -> Account | None:
    base_url = environment.get("OPENAI_BASE_URL", "").strip()
    if not base_url:
        return None
    key = " with OPENAI_API_KEY" if environment.get("OPENAI_API_KEY", "").strip() else ""
    config = {"base_url": base_url}
    return Account(
        module="provider-openai-v2", config=config, description=f"the server at {_without_secrets(base_url)}{key}"
    )


def _openai(environment: Environment) -> Account | None:
    if not environment.get("OPENAI_API_KEY", "").strip():
        return None
    return Account(module="provider-openai-v2", description="OpenAI with OPENAI_API_KEY")


def _azure(environment: Environment) -> Account | None:
    addresses = (environment.get(name, "").strip() for name in ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL"))
    address = next(filter(None, addresses), None)
    if address is None:
        return None
    return Account(module="provider-azure-openai-v2", description=f"Azure OpenAI at {_without_secrets(address)}")


def _chatgpt(environment: Environment) -> Account | None:
    """Return the ChatGPT plan. None if nobody is signed in."""
    try:
        from amplifier_module_provider_chatgpt_oauth import ChatgptOauthProvider

        account = ChatgptOauthProvider(config={}).require_account()
        signed_in = account.has_stored_files() and account.get_status() == "authenticated"
    except (ImportError, LLMError):
        return None
    return Account(module=_PLAN_MODULE, description=_PLAN, priced=False) if signed_in else None


_PLAN_MODULE = "provider-chatgpt-oauth"
_PLAN = "your ChatGPT plan"


@contextmanager
def _signing_in(environment: Environment) -> Iterator[Account]:
    """Yield the ChatGPT plan; the module signs in first if nobody is signed in."""
    yield Account(module=_PLAN_MODULE, config={"login_on_mount": "true"}, description=_PLAN, priced=False)


@contextmanager
def _demonstration(environment: Environment) -> Iterator[Account]:
    """Yield an emulated ChatGPT plan with an empty token store; its sign-in is approved after four polls."""
    from responses_emulator import Emulator, SignInService, chatgpt_surfaces

    sign_in = SignInService(interval="1", pending_polls=4)
    with (
        TemporaryDirectory() as home,
        Emulator(surfaces=chatgpt_surfaces(sign_in), word_delay_s=0.02, responder=respond) as emulator,
    ):
        config = {
            "base_url": emulator.base_url,
            "issuer": emulator.origin,
            "token_store": "file",
            "token_file_path": f"{home}/tokens.json",
            "login_on_mount": "true",
        }
        description = "the built-in emulator, which approves the sign-in within seconds"
        yield Account(module=_PLAN_MODULE, config=config, description=description, emulated=True, priced=False)


KINDS: Mapping[str, Callable[[Environment], AbstractContextManager[Account]]] = {
    "chatgpt": _signing_in,
    "chatgpt-demo": _demonstration,
}
"""The accounts of `--account`, by name."""

ACCOUNTS: tuple[Callable[[Environment], Account | None], ...] = (_server, _azure, _openai, _chatgpt)
"""Where to look for an account, in this order; the chat uses the first that exists."""

_MISSING = "no account is set up"
_EMULATED_MODEL = "gpt-5.6-sol"


@contextmanager
def an_account(environment: Environment, *, base_url: str | None = None, kind: str | None = None) -> Iterator[Account]:
    """Yield the account to use.

    Args:
        environment: the environment variables to look at.
        base_url: a server that is used instead of every account. The default is none.
        kind: one of `KINDS`, which is used instead. The default is none.
    """
    if kind:
        with KINDS[kind](environment) as account:
            yield account
        return
    if base_url:
        environment = {**environment, "OPENAI_BASE_URL": base_url}
    configured = next((account for look in ACCOUNTS if (account := look(environment))), None)
    if configured is not None:
        yield configured
        return
    from responses_emulator import Emulator

    with Emulator(word_delay_s=0.02, responder=respond) as emulator:
        config = {"base_url": emulator.base_url, "api_key": "sk-emulator", "default_model": _EMULATED_MODEL}
        description = f"the built-in emulator ({_MISSING})"
        yield Account(module="provider-openai-v2", config=config, description=description, emulated=True)


def _without_secrets(url: str) -> str:
    """Return a URL without credentials and query."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
