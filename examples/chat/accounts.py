"""Which account the chat uses: the one that the environment has, or an offline service if there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from amplifier_core.llm_errors import LLMError

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account that the chat uses.

    Attributes:
        module: the id of the provider module.
        config: the settings with which the module finds the account.
        description: what the chat calls it.
        preface: what the chat says before it starts. The default is nothing.
        emulated: the offline model responds, and nothing is paid. The default is False.
        needs_sign_in: the user signs in before the chat starts, unless somebody is signed in. The default is False.
        address_name: where the user has set the address of the service.
    """

    module: str
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    description: str
    preface: str = ""
    emulated: bool = False
    needs_sign_in: bool = False
    address_name: str = "base_url"

    @property
    def is_plan(self) -> bool:
        """Return whether a ChatGPT plan pays."""
        return self.module == _PLAN_MODULE

    def introduction(self, model: str) -> str:
        """Return the line that the chat begins with."""
        first = f"Using {self.description}, model {model}." if model else f"Using {self.description}."
        return f"{first} It responds by simple rules, and nothing is paid." if self.emulated else first


def _server(environment: Environment) -> Account | None:
    base_url = environment.get("OPENAI_BASE_URL", "").strip()
    if not base_url:
        return None
    key = " with OPENAI_API_KEY" if environment.get("OPENAI_API_KEY", "").strip() else ""
    return Account(
        module=_OPENAI_MODULE,
        config={"base_url": base_url},
        description=f"the server at {_without_secrets(base_url)}{key}",
        address_name="OPENAI_BASE_URL",
    )


def _openai(environment: Environment) -> Account | None:
    if not environment.get("OPENAI_API_KEY", "").strip():
        return None
    return Account(module=_OPENAI_MODULE, description="OpenAI with OPENAI_API_KEY")


def _azure(environment: Environment) -> Account | None:
    for name in ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL"):
        if address := environment.get(name, "").strip():
            description = f"Azure OpenAI at {_without_secrets(address)}"
            return Account(module="provider-azure-openai-v2", description=description, address_name=name)
    return None


def _chatgpt(environment: Environment) -> Account | None:
    """Return the ChatGPT plan. None if nobody is signed in."""
    try:
        from amplifier_module_provider_chatgpt_oauth import ChatgptOauthProvider

        account = ChatgptOauthProvider(config={}).require_account()
        signed_in = account.has_stored_files() and account.get_status() == "authenticated"
    except (ImportError, LLMError):
        return None
    return Account(module=_PLAN_MODULE, description=_PLAN) if signed_in else None


_OPENAI_MODULE = "provider-openai-v2"
_PLAN_MODULE = "provider-chatgpt-oauth"
_PLAN = "your ChatGPT plan"
_EMULATED_MODEL = "gpt-5.6-sol"


@contextmanager
def _signing_in(environment: Environment) -> Iterator[Account]:
    """Yield the ChatGPT plan, which needs a sign-in if nobody is signed in."""
    yield Account(module=_PLAN_MODULE, description=_PLAN, needs_sign_in=True)


@contextmanager
def _demonstration(environment: Environment) -> Iterator[Account]:
    """Yield an emulated ChatGPT plan with an empty token store; its sign-in is approved after four polls."""
    from responses_emulator import Emulator, SignInService, chatgpt_surfaces

    from .offline_model import respond

    sign_in = SignInService(interval="1", pending_polls=4, user_code="DEMO-12345")
    with Emulator(surfaces=chatgpt_surfaces(sign_in), word_delay_s=0.02, responder=respond) as emulator:
        yield Account(
            module=_PLAN_MODULE,
            config={"base_url": emulator.base_url, "issuer": emulator.origin, "token_store": "memory"},
            description="an offline service in place of ChatGPT",
            preface=(
                "This shows a sign-in to a ChatGPT plan. An offline service takes the place of ChatGPT, and approves "
                "the sign-in by itself within seconds."
            ),
            emulated=True,
            needs_sign_in=True,
        )


@contextmanager
def _plan_demonstration(environment: Environment) -> Iterator[Account]:
    """Yield an emulated ChatGPT plan with an empty token store, to which the user signs in with a browser."""
    from responses_emulator import Emulator, PlanSignIn, chatgpt_plan_surfaces

    from .offline_model import respond

    with Emulator(surfaces=chatgpt_plan_surfaces(PlanSignIn()), word_delay_s=0.02, responder=respond) as emulator:
        yield Account(
            module=_PLAN_MODULE,
            config={
                "auth_mode": "plan",
                "plan_base_url": emulator.base_url,
                "issuer": emulator.origin,
                "token_store": "memory",
            },
            description="an offline service in place of ChatGPT",
            preface=(
                "This shows Sign in with ChatGPT. An offline service takes the place of ChatGPT: press Continue on its "
                "page."
            ),
            emulated=True,
            needs_sign_in=True,
        )


@contextmanager
def _offline(environment: Environment, *, reason: str = "") -> Iterator[Account]:
    """Yield an account of the offline service."""
    from responses_emulator import Emulator

    from .offline_model import respond

    with Emulator(word_delay_s=0.02, responder=respond) as emulator:
        config = {"base_url": emulator.base_url, "api_key": "sk-emulator", "default_model": _EMULATED_MODEL}
        yield Account(module=_OPENAI_MODULE, config=config, description=f"an offline service{reason}", emulated=True)


KINDS: Mapping[str, Callable[[Environment], AbstractContextManager[Account]]] = {
    "offline": _offline,
    "chatgpt": _signing_in,
    "chatgpt-demo": _demonstration,
    "chatgpt-plan-demo": _plan_demonstration,
}
"""The accounts of `--account`, by name."""

ACCOUNTS: tuple[Callable[[Environment], Account | None], ...] = (_server, _azure, _openai, _chatgpt)
"""Where to look for an account, in this order; the chat uses the first that exists."""


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
    elif base_url and (server := _server({**environment, "OPENAI_BASE_URL": base_url})):
        yield replace(server, address_name="--base-url")
    elif configured := next((account for look in ACCOUNTS if (account := look(environment))), None):
        yield configured
    else:
        with _offline(environment, reason=" (no account is set up)") as account:
            yield account


def _without_secrets(url: str) -> str:
    """Return a URL without credentials and query."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
