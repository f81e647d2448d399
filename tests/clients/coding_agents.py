"""pi and opencode, two coding agents of other makers, against the emulator.

opencode sends requests for a ChatGPT plan to chatgpt.com whatever its settings say. A proxy leads them to the emulator,
which has a certificate for that name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from responses_emulator import Authority, Emulator, SignInService, chatgpt_surfaces, openai_surface

from tests.clients import answers
from tests.clients.workplace import Workplace
from tests.support.foreign.environments import install_node_package
from tests.support.foreign.processes import run_program
from tests.support.foreign.table import check
from tests.support.relay_proxy import RelayProxy

Provider = Literal["openai", "openai-codex"]
_MODEL = "gpt-5.5"
_KEY = "sk-agent-0123456789"
_LONGEST_S = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingAgent:
    """An installed agent.

    Attributes:
        command: the program with its arguments, without the question.
        write_settings: writes its settings into its home, for an emulator and its sign-in.
        through_proxy: its requests to the service go through a proxy to the emulator.
    """

    version: str
    command: tuple[str, ...]
    write_settings: Callable[[Path, Emulator, SignInService], None]
    workplace: Workplace
    through_proxy: bool = False


@contextmanager
def install_pi(workplace: Workplace, version: str, provider: Provider) -> Iterator[CodingAgent]:
    """Install pi, and yield it for a key or for a ChatGPT plan."""
    packages = install_node_package(workplace.environments / "pi", "@mariozechner/pi-coding-agent", version)

    def write_settings(home: Path, emulator: Emulator, sign_in: SignInService) -> None:
        settings = {"baseUrl": emulator.base_url_of("openai"), "apiKey": _KEY}
        if provider == "openai-codex":
            settings = {"baseUrl": f"{emulator.origin}/backend-api"}
            tokens = sign_in.token_set()
            entry = {
                "type": "oauth",
                "access": tokens.access_token,
                "refresh": tokens.refresh_token,
                "expires": tokens.expires_at * 1000,
                "accountId": tokens.account.account_id,
            }
            (home / "auth.json").write_text(json.dumps({provider: entry}), encoding="utf-8")
        (home / "models.json").write_text(json.dumps({"providers": {provider: settings}}), encoding="utf-8")

    options = ("--provider", provider, "--model", _MODEL, "--mode", "json", "--no-session", "-p")
    yield CodingAgent(
        version=version,
        command=(str(packages / ".bin" / "pi"), *options),
        write_settings=write_settings,
        workplace=workplace,
    )


@contextmanager
def install_opencode(workplace: Workplace, version: str, provider: Provider) -> Iterator[CodingAgent]:
    """Install opencode, and yield it for a key or for a ChatGPT plan."""
    packages = install_node_package(workplace.environments / "opencode", "opencode-ai", version)
    # The program of the machine is in a package of its own, which an install script would copy.
    program = next(packages.glob("opencode-*-*/bin/opencode"))

    def write_settings(home: Path, emulator: Emulator, sign_in: SignInService) -> None:
        options = {"baseURL": emulator.base_url_of("openai"), "apiKey": _KEY}
        if provider == "openai-codex":
            options = {}
            tokens = sign_in.token_set()
            entry = {
                "type": "oauth",
                "access": tokens.access_token,
                "refresh": tokens.refresh_token,
                "expires": tokens.expires_at * 1000,
                "accountId": tokens.account.account_id,
            }
            data = home / ".local" / "share" / "opencode"
            data.mkdir(parents=True)
            (data / "auth.json").write_text(json.dumps({"openai": entry}), encoding="utf-8")
        model = f"openai/{_MODEL}"
        settings = {
            "autoupdate": False,
            "share": "disabled",
            "model": model,
            "small_model": model,
            "provider": {"openai": {"options": options}},
        }
        (home / "opencode.json").write_text(json.dumps(settings), encoding="utf-8")

    yield CodingAgent(
        version=version,
        command=(str(program), "run", "--format", "json", "-m", f"openai/{_MODEL}"),
        write_settings=write_settings,
        workplace=workplace,
        through_proxy=provider == "openai-codex",
    )


def call_a_tool(agent: CodingAgent) -> None:
    home = agent.workplace.new_home()
    sign_in = SignInService()
    authority = Authority(home)
    emulator = Emulator(
        surfaces=(*chatgpt_surfaces(sign_in), openai_surface()),
        tls=authority.context("chatgpt.com") if agent.through_proxy else None,
        responder=answers.answer,
    )
    with emulator, RelayProxy(emulator.port) as proxy:
        agent.write_settings(home, emulator, sign_in)
        settings = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NODE_EXTRA_CA_CERTS": authority.ca_file}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PI_CODING_AGENT_DIR": str(home),
            "PI_OFFLINE": "1",
            "PI_TELEMETRY": "0",
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            **(settings if agent.through_proxy else {}),
        }
        ended = run_program(
            [*agent.command, answers.QUESTION], environment=environment, folder=home, timeout_s=_LONGEST_S
        )
    statuses = [request.status for request in emulator.model_requests]
    check(set(statuses) == {200}, f"replies {statuses}")
    check(ended.status == 0, f"status {ended.status}: {ended.errors[-300:]}")
    check(answers.ANSWER in ended.output, f"it shows {ended.output[-300:]!r}")
    outputs = [item for body in emulator.request_bodies for item in body["input"] if "output" in item]
    check(answers.SHELL_OUTPUT in json.dumps(outputs), f"the output of the tool is {outputs}")


BEHAVIOURS: Mapping[str, Callable[[CodingAgent], None]] = {"a tool call": call_a_tool}
