"""OpenAI's own client: Codex runs `codex exec`, `codex login` and `codex logout` against the emulator.

It speaks only HTTPS to a ChatGPT plan, so every emulator here has a certificate. Nothing of Codex is changed: it reads
the address in its settings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from responses_emulator import (
    Authority,
    ChatGptOptions,
    Emulator,
    HttpReply,
    SignInService,
    Surface,
    TokenSet,
    azure_surface,
    chatgpt_surfaces,
    invalid_token,
    openai_surface,
    write_codex_file,
)
from responses_emulator.rules.websocket import CONNECTION_LIMIT

from tests.clients import answers
from tests.clients.failures import FAILURES, FAILURES_OVER_WEBSOCKET, Failure
from tests.clients.workplace import Workplace
from tests.support.foreign.environments import install_node_package
from tests.support.foreign.processes import EndedProgram, run_program
from tests.support.foreign.table import check

SurfaceName = Literal["chatgpt", "openai", "own", "azure"]
TITLES = {"chatgpt": "ChatGPT", "openai": "API key", "own": "a provider of one's own", "azure": "Azure"}
_KEYS = {"openai": "sk-codex-0123456789", "own": "sk-codex-0123456789", "azure": "azure-key-1"}
_SETTINGS = """\
model = "{model}"
cli_auth_credentials_store = "file"
check_for_update_on_startup = false
chatgpt_base_url = "{origin}/backend-api/"
{provider}
[analytics]
enabled = false
[features]
apps = false
plugins = false
"""
_PROVIDERS = {
    "chatgpt": 'openai_base_url = "{base_url}"',
    "openai": 'openai_base_url = "{base_url}"',
    "own": """\
model_provider = "own"
[model_providers.own]
name = "own"
base_url = "{base_url}"
env_key = "CLIENT_KEY"
wire_api = "responses"
supports_websockets = {websocket}
""",
    "azure": """\
model_provider = "azure"
[model_providers.azure]
name = "Azure"
base_url = "{base_url}"
env_http_headers = {{ "api-key" = "CLIENT_KEY" }}
wire_api = "responses"
""",
}
_LONGEST_S = 180.0
_EXPIRED = HttpReply(
    CONNECTION_LIMIT.status,
    {"error": {"type": CONNECTION_LIMIT.kind, "code": CONNECTION_LIMIT.code, "message": CONNECTION_LIMIT.text}},
)


@dataclass(slots=True, kw_only=True)
class Codex:
    """An installed Codex, and what a run of it needs.

    Attributes:
        surface: the service that it uses.
        websocket: the service speaks WebSocket, and the settings allow it. Without, the service refuses it.
    """

    version: str
    program: Path
    surface: SurfaceName
    workplace: Workplace
    websocket: bool = False

    @contextmanager
    def start(self, *, model: str = "gpt-5.6-sol", tokens: float | None = 864_000.0) -> Iterator[Session]:
        """Start an emulator, and yield a session of Codex with its own files.

        Args:
            tokens: seconds until the access token of a ChatGPT sign-in expires. None is not signed in.
        """
        home = self.workplace.new_home()
        authority = Authority(home)
        sign_in = SignInService(pending_polls=2, interval="1")
        surfaces: dict[SurfaceName, tuple[Surface, ...]] = {
            "chatgpt": chatgpt_surfaces(sign_in),
            "openai": (openai_surface(),),
            "own": (openai_surface(),),
            "azure": (azure_surface(),),
        }
        if not self.websocket:
            surfaces = {
                "chatgpt": chatgpt_surfaces(sign_in, options=ChatGptOptions(websocket=None)),
                "openai": (openai_surface(websocket=None),),
                "own": (openai_surface(websocket=None),),
                "azure": (azure_surface(websocket=None),),
            }
        emulator = Emulator(surfaces=surfaces[self.surface], tls=authority.context(), responder=answers.answer)
        with emulator:
            session = Session(codex=self, emulator=emulator, sign_in=sign_in, home=home, ca_file=authority.ca_file)
            session.write_settings(model)
            if self.surface == "chatgpt" and tokens is not None:
                session.tokens = sign_in.token_set(lifetime_s=tokens)
                write_codex_file(home / "auth.json", session.tokens)
            if self.surface == "openai":
                key = {"auth_mode": "apikey", "OPENAI_API_KEY": _KEYS["openai"]}
                (home / "auth.json").write_text(json.dumps(key), encoding="utf-8")
            yield session


@dataclass(slots=True, kw_only=True)
class Session:
    """One home of Codex and the emulator that it talks to."""

    codex: Codex
    emulator: Emulator
    sign_in: SignInService
    home: Path
    ca_file: str
    tokens: TokenSet | None = None

    def write_settings(self, model: str) -> None:
        websocket = str(self.codex.websocket).lower()
        provider = _PROVIDERS[self.codex.surface].format(base_url=self.emulator.base_url, websocket=websocket)
        settings = _SETTINGS.format(model=model, origin=self.emulator.origin, provider=provider)
        (self.home / "config.toml").write_text(settings, encoding="utf-8")

    def run(self, *arguments: str) -> EndedProgram:
        """Run Codex to its end."""
        work = self.home / "work"
        work.mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "CODEX_HOME": str(self.home),
            "CODEX_CA_CERTIFICATE": self.ca_file,
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE": f"{self.emulator.origin}/oauth/token",
            "CODEX_REVOKE_TOKEN_URL_OVERRIDE": f"{self.emulator.origin}/oauth/revoke",
            "CLIENT_KEY": _KEYS.get(self.codex.surface, ""),
        }
        return run_program(
            [str(self.codex.program), *arguments], environment=environment, folder=work, timeout_s=_LONGEST_S
        )

    def ask(self) -> EndedProgram:
        """Ask the question of `answers`."""
        options = ["--json", "--skip-git-repo-check", "--sandbox", "danger-full-access"]
        return self.run("exec", *options, answers.QUESTION)

    def check_answered(self, ended: EndedProgram) -> None:
        """Check that the shell ran and that the answer was shown."""
        statuses = [request.status for request in self.emulator.model_requests]
        check(ended.status == 0, f"status {ended.status}, replies {statuses}: {_last_error(ended)}")
        check(answers.ANSWER in ended.output, f"it shows {ended.output[-300:]!r}")
        items = self.emulator.request_bodies[-1]["input"]
        outputs = [item for item in items if str(item.get("type")).endswith("_call_output")]
        check(answers.SHELL_OUTPUT in json.dumps(outputs), f"the output of the tool is {outputs}")


def _last_error(ended: EndedProgram) -> str:
    lines = [line for line in [*ended.errors.splitlines(), *ended.output.splitlines()] if line.strip()]
    return lines[-1][:300] if lines else "it wrote nothing"


@contextmanager
def install_codex(
    workplace: Workplace, version: str, surface: SurfaceName, *, websocket: bool = False
) -> Iterator[Codex]:
    """Install Codex, and yield it for one service."""
    packages = install_node_package(workplace.environments / "codex", "@openai/codex", version)
    program = packages / ".bin" / "codex"
    yield Codex(version=version, program=program, surface=surface, workplace=workplace, websocket=websocket)


def call_a_tool(codex: Codex) -> None:
    with codex.start() as session:
        session.check_answered(session.ask())


def call_a_function(codex: Codex) -> None:
    """gpt-5.5 is offered functions in the plain shape; the other models get one tool that takes code."""
    with codex.start(model="gpt-5.5") as session:
        session.check_answered(session.ask())


def leave_websocket(codex: Codex) -> None:
    with codex.start() as session:
        session.check_answered(session.ask())
        upgrades = [each.status for each in session.emulator.requests if "upgrade" in each.headers]
        check(upgrades == [426], f"its WebSockets got {upgrades}")


def continue_over_one_websocket(codex: Codex) -> None:
    """It prepares the prompt, and then sends only what is new, over one connection."""
    with codex.start() as session:
        session.check_answered(session.ask())
        upgrades = [each.status for each in session.emulator.upgrades]
        check(upgrades == [101], f"its WebSockets got {upgrades}")
        requests = session.emulator.model_requests
        deltas = [each.is_delta for each in requests]
        check(deltas == [False, True, True], f"deltas: {deltas}")
        check(requests[0].sent["generate"] is False, "it did not prepare its prompt")
        sizes = [each.wire_bytes for each in requests]
        check(sizes[1] < len(requests[1].raw_body) / 2, f"its frames were not compressed: {sizes}")


def open_another_websocket(codex: Codex) -> None:
    """A connection that is past its 60 minutes is replaced, and the whole input is sent."""
    with codex.start() as session:
        session.emulator.script(_EXPIRED)
        session.check_answered(session.ask())
        upgrades = [each.status for each in session.emulator.upgrades]
        check(upgrades == [101, 101], f"its WebSockets got {upgrades}")


def sign_in_with_a_code(codex: Codex) -> None:
    with codex.start(tokens=None) as session:
        ended = session.run("login", "--device-auth", "--experimental_issuer", session.emulator.origin)
        check(ended.status == 0, _last_error(ended))
        polls = len(session.sign_in.requests_to("poll"))
        check(polls == 3, f"it polled {polls} times")
        session.check_answered(session.ask())


def refresh_before_the_end(codex: Codex) -> None:
    with codex.start(tokens=240) as session:
        session.check_answered(session.ask())
        _check_refreshed(session, "proactive_expiry")


def send_a_refused_token_again(codex: Codex) -> None:
    """A token that is refused once is read from the disk and sent again, without a refresh."""
    with codex.start() as session:
        session.emulator.script(invalid_token())
        session.check_answered(session.ask())
        statuses = [request.status for request in session.emulator.model_requests]
        check(statuses == [401, 200, 200], f"replies {statuses}")
        check(not session.sign_in.requests_to("refresh"), "it refreshed its token")


def end_with_the_sign_in(codex: Codex) -> None:
    """A refresh token that was used before ends the sign-in, and Codex says so."""
    with codex.start(tokens=240) as session:
        assert session.tokens is not None
        session.sign_in.end_sign_in(session.tokens, "refresh_token_reused")
        session.sign_in.reject_access_token(session.tokens.access_token)
        ended = session.ask()
        check(ended.status == 1, f"status {ended.status}")
        refreshes = len(session.sign_in.requests_to("refresh"))
        check(refreshes > 0, "it did not refresh its token")
        shown = ended.output + ended.errors
        check("sign in again" in shown.lower() or "log out and sign in" in shown.lower(), f"it shows {shown[-300:]!r}")


def refresh_a_refused_token(codex: Codex) -> None:
    with codex.start() as session:
        assert session.tokens is not None
        session.sign_in.reject_access_token(session.tokens.access_token)
        session.check_answered(session.ask())
        _check_refreshed(session, "unauthorized_recovery")


def _check_refreshed(session: Session, reason: str) -> None:
    assert session.tokens is not None
    reasons = [request.body.get("refresh_reason") for request in session.sign_in.requests_to("refresh")]
    check(reason in reasons, f"its refreshes say {reasons}")
    stored = json.loads((session.home / "auth.json").read_text("utf-8"))["tokens"]["refresh_token"]
    check(session.sign_in.is_live(stored), "its refresh token is not valid")
    check(stored != session.tokens.refresh_token, "it has the old refresh token")


def sign_out(codex: Codex) -> None:
    with codex.start() as session:
        assert session.tokens is not None
        ended = session.run("logout")
        check(ended.status == 0, _last_error(ended))
        check(not session.sign_in.is_live(session.tokens.refresh_token), "the sign-in has not ended")


def _meet(failure: Failure) -> Callable[[Codex], None]:
    def play(codex: Codex) -> None:
        with codex.start() as session:
            session.emulator.script(failure.reply)
            ended = session.ask()
            if failure.shown is not None:
                check(ended.status == 1, f"status {ended.status}")
                check(failure.shown in ended.output, f"it shows {ended.output[-300:]!r}")
                return
            if failure.answered:
                session.check_answered(ended)
            else:
                check(ended.status == 0, f"status {ended.status}: {_last_error(ended)}")
                check("Nobody" not in ended.output, f"it shows {ended.output[-300:]!r}")
            requests = len(session.emulator.model_requests)
            check(requests == failure.requests, f"it sent {requests} requests")

    return play


def _meet_over_websocket(failure: Failure) -> Callable[[Codex], None]:
    def play(codex: Codex) -> None:
        with codex.start() as session:
            session.emulator.script(failure.reply)
            ended = session.ask()
            if failure.shown is None:
                session.check_answered(ended)
            else:
                check(ended.status == 1, f"status {ended.status}")
                check(failure.shown in ended.output, f"it shows {ended.output[-300:]!r}")
            transports = {each.transport for each in session.emulator.model_requests}
            check(transports == {"websocket"}, f"its requests came over {transports}")

    return play


BEHAVIOURS: Mapping[str, Callable[[Codex], None]] = {
    "a tool call": call_a_tool,
    "a tool call in the plain shape": call_a_function,
}
WEBSOCKET_BEHAVIOURS: Mapping[str, Callable[[Codex], None]] = {
    **BEHAVIOURS,
    "deltas over one WebSocket": continue_over_one_websocket,
    "another WebSocket after 60 minutes": open_another_websocket,
}
CHATGPT_WEBSOCKET_BEHAVIOURS: Mapping[str, Callable[[Codex], None]] = {
    **WEBSOCKET_BEHAVIOURS,
    "a refresh after a refused token": refresh_a_refused_token,
    **{name: _meet_over_websocket(failure) for name, failure in FAILURES_OVER_WEBSOCKET.items()},
}
CHATGPT_BEHAVIOURS: Mapping[str, Callable[[Codex], None]] = {
    **BEHAVIOURS,
    "HTTP after a refused WebSocket": leave_websocket,
    "a sign-in with a code": sign_in_with_a_code,
    "a refresh before the token ends": refresh_before_the_end,
    "a token that is refused once": send_a_refused_token_again,
    "a refresh after a refused token": refresh_a_refused_token,
    "a sign-in that has ended": end_with_the_sign_in,
    "a sign-out": sign_out,
    **{name: _meet(failure) for name, failure in FAILURES.items()},
}
