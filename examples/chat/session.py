"""The Amplifier session behind the chat: what is mounted, and where its modules come from.

Everything goes through the kernel's own loader: it validates the modules of `examples/modules` as it does any other.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from amplifier_core import AmplifierSession, module_sources
from amplifier_core.llm_errors import ConfigurationError
from amplifier_core.models import ModelInfo

from .accounts import Account
from .screen import Screen

_ROOT = Path(__file__).resolve().parents[2]
_OWN_MODULES = _ROOT / "examples" / "modules"
_PROVIDERS = _ROOT / "modules"
_LIBRARY = _ROOT / "libs" / "openai_responses_common"

_SYSTEM = (
    "You answer questions in a terminal. Your tools see the folder that the user is in, and nothing else. "
    "Use them instead of guessing, several at once where that helps. Answer briefly and in plain text."
)


class CannotStart(Exception):
    """The session cannot start; the message says why."""


async def open_session(account: Account, screen: Screen, options: Mapping[str, Any]) -> AmplifierSession:
    """Start a session that talks to an account and shows on the screen what happens.

    Args:
        account: the account to use.
        screen: shows the events.
        options: settings of the provider; they replace those of the account.

    Raises:
        CannotStart: the provider did not load. The kernel has logged the reason.
        ConfigurationError: a setting is not valid.
    """
    session = AmplifierSession(_mount_plan({"module": account.module, "config": {**account.config, **options}}))
    coordinator = session.coordinator
    await coordinator.mount("module-source-resolver", _Checkout())
    screen.listen(coordinator.hooks)
    await session.initialize()
    if not coordinator.get("providers"):
        await session.cleanup()
        raise CannotStart(_did_not_load(account))
    try:
        for provider in coordinator.get("providers").values():
            provider.check_settings()
    except ConfigurationError:
        await session.cleanup()
        raise
    return session


def sign_in(account: Account) -> bool:
    """Sign in to a ChatGPT plan, unless somebody is signed in; return whether somebody is. Blocks, and reports itself.

    The module can also sign in during a session, but then it cannot count the time that is left.

    Raises:
        CannotStart: the module is not installed.
        LLMError: the saved tokens cannot be read.
    """
    try:
        from amplifier_module_provider_chatgpt_oauth import ChatgptOauthProvider
    except ImportError as error:
        raise CannotStart(_did_not_load(account)) from error
    provider = ChatgptOauthProvider(config=account.config)
    return provider.auth_status() == "authenticated" or provider.login()


def _did_not_load(account: Account) -> str:
    install = f"`nox -s chat` installs what it needs, and so does `pip install -e modules/{account.module}`"
    return f"the module {account.module} did not load. {install}"


class Choice:
    """The model and the effort of the next requests. The module loop-chat reads them from the session state.

    Without a choice, the settings of the provider apply.
    """

    def __init__(self, session: Any) -> None:
        self._provider = next(iter(session.coordinator.get("providers").values()))
        self._state: dict[str, Any] = session.coordinator.session_state.setdefault("loop-chat", {})
        self._request: dict[str, Any] = self._state.setdefault("request", {})

    @property
    def model(self) -> str:
        """Return the model of the next request."""
        return self._request.get("model") or self._provider.default_model

    @property
    def effort(self) -> str | None:
        """Return the effort of the next request. None is the default of the model."""
        return self._request.get("reasoning_effort") or self._provider.config.get("reasoning_effort")

    async def models(self) -> list[ModelInfo]:
        """Return the models of the account.

        Raises:
            LLMError: the service does not list them.
        """
        return await self._provider.list_models()

    def take_model(self, name: str, info: ModelInfo | None = None) -> None:
        """Choose a model. `info` limits the history to what it takes beside its output; None has no limit."""
        self._request["model"] = name
        budget = info and info.context_window - min(info.max_output_tokens, info.context_window // 2)
        self._state["token_budget"] = budget

    def take_effort(self, level: str) -> None:
        """Choose an effort."""
        self._request["reasoning_effort"] = level


async def close_session(session: AmplifierSession) -> None:
    """End a session and close its connections."""
    await session.cleanup()


def _mount_plan(provider: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "session": {
            "orchestrator": {"module": "loop-chat"},
            "context": {"module": "context-chat", "config": {"system": _SYSTEM}},
        },
        "providers": [dict(provider)],
        "tools": [{"module": "tool-folder"}, {"module": "tool-calculate"}],
    }


class _Folder(module_sources.ModuleSource):
    def __init__(self, path: Path) -> None:
        self._path = path

    def resolve(self) -> Path:
        return self._path


class _Checkout:
    """Installed modules by their entry point; those of this checkout that are not installed by their folder."""

    def resolve(
        self, module_id: str, source_hint: object = None, profile_hint: object = None
    ) -> module_sources.ModuleSource:
        if not any(point.name == module_id for point in entry_points(group="amplifier.modules")):
            package = f"amplifier_module_{module_id.replace('-', '_')}"
            for folder in (_OWN_MODULES, _PROVIDERS / module_id):
                if (folder / package).is_dir():
                    _add_library()
                    return _Folder(folder)
        # The kernel goes on to look for an entry point.
        raise module_sources.ModuleNotFoundError(module_id)


def _add_library() -> None:
    """Let a provider that is not installed find the library of this checkout, as an editable install would."""
    if str(_LIBRARY) not in sys.path:
        sys.path.append(str(_LIBRARY))
