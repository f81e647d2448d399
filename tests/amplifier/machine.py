"""A computer with Amplifier on it, the offline service, and the person who types."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from amplifier_module_provider_chatgpt_oauth.auth.tokens import read_tokens
from openai_responses_common.auth.store.record import dump_token_record
from responses_emulator import (
    Emulator,
    RecordedRequest,
    SignInService,
    azure_surface,
    chatgpt_surfaces,
    openai_surface,
)

from examples.chat import offline_model
from examples.person import Person
from tests.amplifier.environments import Installation
from tests.support.backends import BACKENDS
from tests.support.foreign.table import NotThere, check

Body = dict[str, Any]

KEYS = {backend.name: backend.secret for backend in BACKENDS if backend.priced}
MODEL = "gpt-5.6-sol"
_GIT = "git+https://github.com/microsoft/"
_COLUMNS, _ROWS = 240, 400
_PATIENCE_S = 240.0
_TOKENS = ".amplifier/credentials/openai-chatgpt-oauth.json"
# After this time without output, a line that ends like a question is one.
_QUIET_S = 2.0
_VARIABLES_OF_KEYS = {"openai-v2": "OPENAI_API_KEY", "azure-openai-v2": "AZURE_OPENAI_API_KEY"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command did.

    Attributes:
        code: its exit code.
        seen: what its terminal shows.
        requests: the requests for model output that the service received meanwhile.
    """

    code: int
    seen: str
    requests: list[RecordedRequest]

    @property
    def bodies(self) -> list[Body]:
        return [each.body for each in self.requests]

    @property
    def words(self) -> str:
        """What the terminal shows without any space, as it breaks lines anywhere."""
        return "".join(self.seen.split())

    @property
    def session(self) -> str:
        """The id of Amplifier's session."""
        match = re.search(r"Session ID: ([0-9a-f-]{36})", self.seen)
        check(match, f"no id of a session in {self.seen!r}")
        return match[1] if match else ""

    def times(self, text: str) -> int:
        """Return how often the terminal shows a text, with any breaks of lines."""
        return self.words.count("".join(text.split()))


class Machine:
    """See above. Each row begins with the settings of a fresh installation, in an empty folder.

    Attributes:
        installation: Amplifier.
        emulator: the three services on one origin.
        sign_in: the sign-in of ChatGPT.
        folder: where the person is.
    """

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._rows = 0
        self._providers: list[Body] = []
        self.folder = installation.home

    @contextmanager
    def row(self) -> Iterator[None]:
        """Set everything up for a row, and run the service until the row ends."""
        self._rows += 1
        self.folder = self.installation.folder / "work" / str(self._rows)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "harbour.txt").write_text("three boats\n", encoding="utf-8")
        own = self.installation.home / ".amplifier"
        for name in ("settings.yaml", "keys.env", _TOKENS.removeprefix(".amplifier/")):
            (own / name).unlink(missing_ok=True)
        for name in ("routing", "projects"):
            shutil.rmtree(own / name, ignore_errors=True)
        shutil.copy(self.installation.settings, own / "settings.yaml")
        self.sign_in = SignInService()
        surfaces = (openai_surface(), azure_surface(), *chatgpt_surfaces(self.sign_in))
        with Emulator(surfaces=surfaces, responder=offline_model.respond) as self.emulator:
            yield

    # What is on the machine.

    def variables(self, *, keys: bool = True) -> dict[str, str]:
        """Return the addresses of the services and, by default, the keys, as variables."""
        addresses = {
            "OPENAI_BASE_URL": self.emulator.base_url_of("openai"),
            "AZURE_OPENAI_ENDPOINT": self.emulator.origin,
            "CHATGPT_OAUTH_BASE_URL": self.emulator.base_url_of("chatgpt"),
            "CHATGPT_OAUTH_ISSUER": self.emulator.origin,
            "CHATGPT_OAUTH_TOKEN_STORE": "file",  # never the keyring of the person who runs this
        }
        return {**addresses, **({_VARIABLES_OF_KEYS[name]: key for name, key in KEYS.items()} if keys else {})}

    @property
    def settings(self) -> str:
        """The settings file."""
        return (self.installation.home / ".amplifier" / "settings.yaml").read_text("utf-8")

    def configure(self, *names: str, **config: Any) -> None:
        """Write providers into the settings as `provider add` does, in the order of their priority.

        Args:
            names: mount names. `openai-v2=openai` gives the instance the id `openai`.
            config: further settings of each of them.
        """
        entries: list[Body] = []
        for priority, each in enumerate(names, start=1):
            name, _, identifier = each.partition("=")
            backend = next(row for row in BACKENDS if row.name == name)
            entry: Body = {"module": backend.module, "source": str(backend.folder)}
            if identifier:
                entry["id"] = identifier
            entries.append({**entry, "config": {"default_model": MODEL, "priority": priority, **config}})
        # JSON is YAML too, and a key of a mapping may not come twice.
        base = self.installation.settings.read_text("utf-8")
        text = f"{base}config: {json.dumps({'providers': entries})}\n"
        (self.installation.home / ".amplifier" / "settings.yaml").write_text(text, encoding="utf-8")

    def save_sign_in(self) -> None:
        """Save the tokens of an earlier sign-in to ChatGPT."""
        record = read_tokens(self.sign_in.token_response(self.sign_in.token_set())).to_record(time.time())
        file = self.installation.home / _TOKENS
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(dump_token_record(record), encoding="utf-8")

    def write_bundle(
        self,
        *,
        loop: str = "loop-streaming",
        hooks: Sequence[str] = (),
        tools: Sequence[Body] = (),
        includes: Sequence[str] = (),
    ) -> str:
        """Write a bundle without a provider into the folder, and return its address.

        Args:
            loop: the orchestrator.
            hooks: the hooks, beside the log of the session.
            tools: entries of tools, beside a shell and files.
            includes: addresses of bundles.
        """
        front = {
            "bundle": {"name": "plain", "version": "0.1.0", "description": "For one row"},
            "session": {"orchestrator": from_repository(loop), "context": from_repository("context-simple")},
            "tools": [from_repository("tool-bash"), from_repository("tool-filesystem"), *tools],
            "hooks": [from_repository(name) for name in ("hooks-logging", *hooks)],
            "includes": [{"bundle": address} for address in includes],
        }
        path = self.folder / "bundle.md"
        path.write_text(f"---\n{json.dumps(front, indent=1)}\n---\n\nYou are a helper.\n", encoding="utf-8")
        return f"file://{path}"

    # What the person does.

    @contextmanager
    def terminal(self, *command: str, variables: Mapping[str, str] | None = None) -> Iterator[Person]:
        """Run a command on a terminal until the context ends. What a terminal does not show in time is not there."""
        try:
            with Person(
                command,
                folder=self.folder,
                environment=self.installation.environment(**(self.variables() if variables is None else variables)),
                columns=_COLUMNS,
                rows=_ROWS,
                patience_s=_PATIENCE_S,
            ) as person:
                yield person
        except AssertionError as error:
            raise NotThere(f"{' '.join(command)}: {error}") from None

    def type(
        self, *command: str, variables: Mapping[str, str] | None = None, answers: Mapping[str, str] | None = None
    ) -> Answer:
        """Run a command, answer its questions, and wait for the end.

        Args:
            variables: variables beside those of the installation. The default is `variables()`.
            answers: by a text of the question; Enter for all other questions. An item of a menu is chosen by its name.
        """
        before = len(self.emulator.model_requests)
        with self.terminal(*command, variables=variables) as person:
            code = _answer(person, answers or {})
            return Answer(code=code, seen=person.seen, requests=self.emulator.model_requests[before:])

    def ask(self, question: str, *options: str, bundle: str, **details: Any) -> Answer:
        """Run `amplifier run` with a question; `details` are those of `type`."""
        return self.type("amplifier", "run", "--bundle", bundle, *options, question, **details)


def from_repository(module: str) -> Body:
    """Return the entry of a bundle for a module that has a repository of its own."""
    return {"module": module, "source": f"{_GIT}amplifier-module-{module}@main"}


def _answer(person: Person, answers: Mapping[str, str]) -> int:
    """Answer the questions of a command until it ends, and return its exit code."""
    end_s, written, since_s, read = time.monotonic() + _PATIENCE_S, 0, time.monotonic(), 0
    asked: list[str] = []
    while person.looks():
        now_s = time.monotonic()
        if now_s > end_s:
            raise AssertionError(f"it goes on: {person.seen!r}")
        if len(person.written) != written:
            written, since_s = len(person.written), now_s
        elif now_s - since_s > _QUIET_S:
            since_s = now_s
            question = person.seen[read:]
            if question.endswith((":", "?", "]")):
                if asked.count(question) > 1:
                    raise AssertionError(f"it asks again and again: {question!r}")
                asked.append(question)
                person.types(f"{find_answer(question, answers)}\r")
                read += len(question)
    return person.sees_the_end()


def find_answer(question: str, answers: Mapping[str, str]) -> str:
    """Return what a person types: the answer whose text the question holds, and for an item of a menu its number."""
    answer = next((value for text, value in answers.items() if text in question), "")
    item = re.search(rf"\[(\d+)\] {re.escape(answer)}(?= \(|$)", question, re.M) if answer else None
    return item[1] if item else answer
