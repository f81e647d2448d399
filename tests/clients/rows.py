"""The clients: which version of each is installed, how it runs, and what is played on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients import codex, coding_agents, python_clients
from tests.clients.workplace import Workplace

CODEX, PI, OPENCODE = "0.171.0", "0.73.1", "1.18.33"
OPENAI, AGENTS, LANGCHAIN, PYDANTIC, LITELLM = "3.57.0", "0.24.0", "1.7.4", "2.68.0", "1.110.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A column of the table.

    Attributes:
        name: what it is called.
        version: the version that is installed.
        run: installs it, and starts what it needs.
        behaviours: what is played on it, by name.
        limits: the behaviours that it does not have, each with the reason.
    """

    name: str
    version: str
    run: Callable[[Workplace], AbstractContextManager[Any]]
    behaviours: Mapping[str, Callable[[Any], None]]
    limits: Mapping[str, str] = field(default_factory=dict[str, str])


def _codex(
    surface: codex.SurfaceName, behaviours: Mapping[str, Callable[[Any], None]], *, websocket: bool = False
) -> Client:
    def run(workplace: Workplace) -> AbstractContextManager[codex.Codex]:
        return codex.install_codex(workplace, CODEX, surface, websocket=websocket)

    name = f"Codex, {codex.TITLES[surface]}" + (" over WebSocket" if websocket else "")
    return Client(name=name, version=CODEX, run=run, behaviours=behaviours)


def _pi(provider: coding_agents.Provider) -> Client:
    def run(workplace: Workplace) -> AbstractContextManager[coding_agents.CodingAgent]:
        return coding_agents.install_pi(workplace, PI, provider)

    title = "ChatGPT" if provider == "openai-codex" else "API key"
    return Client(name=f"pi, {title}", version=PI, run=run, behaviours=coding_agents.BEHAVIOURS)


def _opencode(provider: coding_agents.Provider) -> Client:
    def run(workplace: Workplace) -> AbstractContextManager[coding_agents.CodingAgent]:
        return coding_agents.install_opencode(workplace, OPENCODE, provider)

    title = "ChatGPT" if provider == "openai-codex" else "API key"
    return Client(name=f"opencode, {title}", version=OPENCODE, run=run, behaviours=coding_agents.BEHAVIOURS)


def _python(
    name: str,
    version: str,
    requirement: str,
    behaviours: Mapping[str, Callable[[Any], None]] = python_clients.BEHAVIOURS,
) -> Client:
    program = Path(__file__).with_name("programs") / f"{name.replace('-', '_').replace(' ', '_').lower()}.py"

    def run(workplace: Workplace) -> AbstractContextManager[python_clients.PythonClient]:
        return python_clients.install_python_client(workplace, program, requirement)

    return Client(name=name, version=version, run=run, behaviours=behaviours)


CLIENTS = (
    _codex("chatgpt", codex.CHATGPT_BEHAVIOURS),
    _codex("openai", codex.BEHAVIOURS),
    _codex("own", codex.BEHAVIOURS),
    _codex("azure", codex.BEHAVIOURS),
    _codex("chatgpt", codex.CHATGPT_WEBSOCKET_BEHAVIOURS, websocket=True),
    _codex("openai", codex.WEBSOCKET_BEHAVIOURS, websocket=True),
    _codex("own", codex.WEBSOCKET_BEHAVIOURS, websocket=True),
    _pi("openai-codex"),
    _pi("openai"),
    _opencode("openai-codex"),
    _opencode("openai"),
    _python("openai SDK", OPENAI, f"openai=={OPENAI}"),
    _python("openai SDK over WebSocket", OPENAI, f"openai[realtime]=={OPENAI}", python_clients.WEBSOCKET_BEHAVIOURS),
    _python("openai-agents", AGENTS, f"openai-agents=={AGENTS}"),
    _python("langchain-openai", LANGCHAIN, f"langchain-openai=={LANGCHAIN}"),
    _python("pydantic-ai", PYDANTIC, f"pydantic-ai-slim[openai]=={PYDANTIC}"),
    _python("LiteLLM SDK", LITELLM, f"litellm=={LITELLM}"),
)
