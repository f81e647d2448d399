"""Every secret holds one word, and that word turns up nowhere: no log, event, error, chain, repr, stdout or stderr."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError
from amplifier_module_provider_azure_openai_v2.__main__ import COMMANDS
from openai_responses_common.cli.commands import run_command
from responses_emulator import (
    Disconnect,
    Emulator,
    HttpReply,
    ResponseFailed,
    Turn,
    arm_error,
    entra_error,
    imds_error,
    missing_role,
    missing_token,
    redirect,
    write_azure_cli,
)

from tests.support.azure_cloud import CANARY, COGNITIVE, KEY, MINE, PASSWORD, Cloud
from tests.support.session import Recorder, tool
from tests.support.witness import CHATTY, Witness

pytestmark = pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security")

ECHO = f"upstream said: Bearer {CANARY} and {KEY} and client_secret={CANARY}~secret"


Set = Callable[["Scene"], dict[str, Any]]


@dataclass
class Scene:
    """What a way to a token needs."""

    cloud: Cloud
    machine: Emulator
    certificate: SimpleNamespace
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def az(self, says: Any = "token") -> dict[str, Any]:
        az = write_azure_cli(self.folder, self.cloud.directory, says=says)
        self.monkeypatch.setenv("PATH", f"{az.folder}:/usr/bin:/bin")
        return {"auth": "entra_azure_cli"}

    def app(self) -> dict[str, Any]:
        self.monkeypatch.setenv("IDENTITY_ENDPOINT", self.machine.base_url_of("app_service"))
        self.monkeypatch.setenv("IDENTITY_HEADER", f"{CANARY}-header")
        return {"auth": "entra_managed_identity"}

    def pem(self, name: str, **more: str) -> dict[str, Any]:
        self.cloud.directory.register_certificate(self.certificate.pem)
        (self.folder / name).write_bytes(self.certificate.files[name])
        path = {"client_certificate_path": str(self.folder / name)}
        return {**self.cloud.app, **path, "client_certificate_password": PASSWORD, **more}

    def workload(self) -> dict[str, Any]:
        self.cloud.directory.allow_federation("https://cluster.example/", "system:serviceaccount:default:app")
        (self.folder / "assertion").write_text(self.cloud.directory.federated_token())
        return {**self.cloud.app, "federated_token_file": str(self.folder / "assertion")}

    def person(self) -> dict[str, Any]:
        return {**self.cloud.sign_in(self.folder), "auth": "entra_device_code"}

    def login(self, *words: str) -> None:
        kept = {**self.cloud.local, **self.cloud.app, "token_file_path": str(self.folder / "sign-in.json")}
        chosen = [word for key, value in kept.items() for word in ("--set", f"{key}={value}")]
        run_command(
            COMMANDS,
            program="p",
            description="d",
            arguments=["login", *words, *chosen],
        )

    def object(self) -> dict[str, Any]:
        directory = self.cloud.directory

        class Mine:
            def get_token(self, *scopes: str) -> Any:
                token = directory.issue_access_token(COGNITIVE)
                return SimpleNamespace(token=token.text, expires_on=int(token.expires_s))

        return {"credential": Mine()}

    def ambient(self) -> dict[str, Any]:
        for name, value in self.cloud.environment().items():
            self.monkeypatch.setenv(name, value)
        return {}


WAYS: dict[str, Set] = {
    "key": lambda scene: {"api_key": KEY},
    "given token": lambda scene: {"azure_ad_token": scene.cloud.directory.issue_access_token(COGNITIVE).text},
    "secret": lambda scene: scene.cloud.secret,
    "environment": Scene.ambient,
    "certificate": lambda scene: scene.pem("locked.pem"),
    "pfx": lambda scene: scene.pem("locked.pfx"),
    "workload": Scene.workload,
    "machine": lambda scene: {"managed_identity_client_id": MINE.client_id},
    "app platform": Scene.app,
    "cli": Scene.az,
    "person": Scene.person,
    "object": Scene.object,
}


class Raising:
    def get_token(self, *scopes: str) -> Any:
        raise ValueError(ECHO) from RuntimeError(ECHO)


class Nonsense:
    def get_token(self, *scopes: str) -> Any:
        return SimpleNamespace(token=f"{CANARY}-AT", expires_on=f"{CANARY}")


def scripted(scene: Scene, answer: Any) -> dict[str, Any]:
    scene.cloud.directory.script(answer)
    return scene.cloud.secret


def at_the_machine(scene: Scene, answer: Any) -> dict[str, Any]:
    scene.cloud.directory.script(answer, at="identity")
    return {"managed_identity_client_id": MINE.client_id}


def forged(scene: Scene) -> dict[str, Any]:
    scene.cloud.directory.token_endpoint = "https://elsewhere.example/token"
    return scene.cloud.secret


def signed_out(scene: Scene) -> dict[str, Any]:
    scene.cloud.directory.expires_in = 200
    settings = scene.person()
    scene.cloud.directory.end_refresh_tokens()
    return settings


def damaged(scene: Scene) -> dict[str, Any]:
    settings = scene.person()
    path = Path(settings["token_file_path"])
    path.write_text(path.read_text()[:-40])
    return settings


# How a token cannot be had.
FAILS: dict[str, Set] = {
    "wrong secret": lambda scene: {**scene.cloud.secret, "client_secret": f"{CANARY}-wrong"},
    "entra echoes": lambda scene: scripted(scene, HttpReply(400, {"error": ECHO, "error_description": ECHO})),
    "entra echoes as text": lambda scene: scripted(scene, HttpReply(500, ECHO)),
    "entra echoes as html": lambda scene: scripted(scene, HttpReply(200, f"<html>{ECHO}</html>")),
    "entra redirects": lambda scene: scripted(scene, redirect("https://elsewhere.example/")),
    "entra hangs up": lambda scene: scripted(scene, Disconnect()),
    "entra gives half a token": lambda scene: scripted(scene, HttpReply(200, {"access_token": f"{CANARY}-half"})),
    "entra names the user": lambda scene: scripted(scene, entra_error(700016, {"client": CANARY})),
    "forged discovery": forged,
    "tenant unknown": lambda scene: {**scene.cloud.secret, "tenant_id": "elsewhere.example"},
    "wrong password": lambda scene: scene.pem("locked.pem", client_certificate_password=f"{CANARY}-no"),
    "wrong password of a pfx": lambda scene: scene.pem("locked.pfx", client_certificate_password=f"{CANARY}-no"),
    "half a set": lambda scene: {"client_secret": f"{CANARY}-half"},
    "key with a line break": lambda scene: {"api_key": f"{KEY}\n{CANARY}"},
    "token with a space": lambda scene: {"azure_ad_token": f"{CANARY} {CANARY}"},
    "cli leaks": lambda scene: scene.az("leak"),
    "cli garbage": lambda scene: scene.az("garbage"),
    "object raises": lambda scene: {"credential": Raising()},
    "object gives nonsense": lambda scene: {"credential": Nonsense()},
    "metadata echoes": lambda scene: at_the_machine(scene, imds_error(ECHO)),
    "metadata answers text": lambda scene: at_the_machine(scene, HttpReply(200, ECHO)),
    "metadata answers for another": lambda scene: at_the_machine(
        scene, HttpReply(200, {"access_token": f"{CANARY}-x", "expires_in": "9", "client_id": CANARY})
    ),
    "address with a password": lambda scene: {
        "azure_endpoint": f"https://u:{CANARY}@x.openai.azure.com",
        "api_key": KEY,
    },
    "person signed out": signed_out,
    "damaged store": damaged,
}

# How a call fails that has a token.
ANSWERS: dict[str, Any] = {
    "401": missing_token(),
    "401 echo": HttpReply(401, {"error": {"code": "401", "message": "{secret}"}}),
    "role": missing_role(),
    "400 echo": HttpReply(400, {"error": {"message": "bad {secret}", "code": "{secret}", "param": "{secret}"}}),
    "500 echo": HttpReply(500, "authorization: Bearer {secret}"),
    "redirect": redirect("https://elsewhere.example/"),
    "disconnect": Disconnect(),
    "failed": Turn(ResponseFailed(message="no {secret}", code="upstream")),
}


@pytest.fixture
def scene(
    cloud: Cloud,
    machine: Emulator,
    certificate: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    return Scene(cloud, machine, certificate, tmp_path, monkeypatch)


async def look(scene: Scene, settings: dict[str, Any], witness: Witness, *, fails: bool) -> None:
    """Make a call, list the models, and look everywhere."""
    session = await scene.cloud.open(**settings, **CHATTY, token_timeout=60)
    errors: list[BaseException] = []
    for call in (lambda: session.ask("hello", tools=[tool("look", "at")]), session.provider.list_models):
        try:
            await call()
        except LLMError as error:
            errors.append(error)
    assert bool(errors) is fails, errors
    recorder: Recorder = session.recorder
    assert recorder.events
    witness.check(CANARY, recorder.events, *errors, *reachable(session.provider))


def reachable(provider: Any) -> list[Any]:
    """What a debugger or a careless log line would print; the config is the user's own text and left out."""
    backend = provider._backend
    credential = backend.transport.http.endpoint.credential
    things = [provider, backend, backend.transport, backend.transport.http.endpoint, backend.models, credential]
    identity = getattr(credential, "identity", None)
    if identity is not None:
        things += [identity, identity.flow, credential.source, credential.token, vars(credential.source)["_fetch"]]
        things += [getattr(identity.flow, "_working_flow", None), getattr(backend.models, "_resource", None)]
    return things


@pytest.mark.parametrize("way", WAYS)
async def test_no_secret_leaks_from_calls_that_succeed(scene: Scene, witness: Witness, way: str) -> None:
    scene.cloud.directory.expires_in = 100
    await look(scene, WAYS[way](scene), witness, fails=False)
    assert CANARY in str(scene.cloud.sent), "it was sent at all"


@pytest.mark.promise("an Azure CLI that fails leaks no token, and no tenant becomes a command", area="security")
@pytest.mark.parametrize("fault", FAILS)
async def test_no_secret_leaks_if_no_token_can_be_obtained(scene: Scene, witness: Witness, fault: str) -> None:
    await look(scene, FAILS[fault](scene), witness, fails=True)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("way", ["key", "secret", "given token", "machine"])
async def test_no_secret_leaks_if_the_service_refuses_or_echoes_it(
    scene: Scene, witness: Witness, way: str, answer: str
) -> None:
    given = ANSWERS[answer]

    def filled(request: Any) -> Any:
        secret = request.headers.get("api-key") or request.headers["authorization"].removeprefix("Bearer ")
        if isinstance(given, HttpReply):
            body = json.loads(json.dumps(given.body).replace("{secret}", secret))
            return HttpReply(given.status, body, given.headers)
        if isinstance(given, Turn):
            return Turn(ResponseFailed(message=f"no {secret}", code="upstream"))
        return given

    scene.cloud.server.script(*[filled] * 4)
    await look(scene, WAYS[way](scene), witness, fails=True)


@pytest.mark.parametrize(
    "answer", [arm_error(403, "AuthorizationFailed", ECHO), HttpReply(500, ECHO), HttpReply(200, ECHO)]
)
async def test_no_secret_leaks_if_resource_manager_echoes_it(scene: Scene, witness: Witness, answer: Any) -> None:
    scene.cloud.directory.script(*[answer] * 3, at="arm")
    settings = {**scene.cloud.secret, "resource_id": "/subscriptions/x/accounts/y"}
    await look(scene, settings, witness, fails=True)


# Signing in.


@pytest.mark.parametrize("end", ["approved", "declined", "expired", "blocked", "echo", "nonsense"])
def test_no_secret_leaks_while_a_user_signs_in(scene: Scene, witness: Witness, end: str) -> None:
    directory = scene.cloud.directory
    match end:
        case "declined":
            directory.script(entra_error(70017))
        case "expired":
            directory.script(entra_error(70020))
        case "blocked":
            directory.script(entra_error(53003), at="devicecode")
        case "echo":
            directory.script(HttpReply(400, {"error": ECHO, "error_description": ECHO}))
        case "nonsense":
            directory.script(HttpReply(200, {"access_token": f"{CANARY}-AT"}))
        case _:
            pass
    directory.polls_until_approved = 0
    scene.login()
    code = directory.device_codes[0].user_code if directory.device_codes else "no code"
    witness.check(CANARY)
    assert not [line for line in witness.lines() if code in line]
    assert (code in witness.stderr) is (end != "blocked"), "it is on the screen, and nowhere else"


def test_no_secret_leaks_from_a_sign_in_in_a_browser(
    scene: Scene, witness: Witness, ca: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from responses_emulator import open_in_browser

    def browser(url: str, **_: Any) -> bool:
        threading.Thread(target=lambda: open_in_browser(url, trust=ca.client()), daemon=True).start()
        return True

    monkeypatch.setattr("msal.oauth2cli.authcode._browse", browser)
    scene.login("--browser")
    assert scene.cloud.directory.user in witness.stdout
    witness.check(CANARY)


# Copies.


@pytest.mark.promise("no copy, pickle or setting of the wrong type gives a secret away", area="security")
@pytest.mark.parametrize("way", WAYS)
async def test_nothing_with_a_secret_in_it_is_pickled_or_copied(scene: Scene, way: str) -> None:
    session = await scene.cloud.open(**WAYS[way](scene))
    await session.ask("hello")
    for thing in reachable(session.provider):
        for take in (pickle.dumps, lambda it: repr(vars(copy.deepcopy(it))).encode()):
            assert CANARY.encode() not in taken(take, thing), type(thing)


def taken(take: Callable[[Any], bytes], thing: Any) -> bytes:
    """A copy, or the refusal to make one."""
    try:
        return take(thing)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        return str(error).encode()


def test_the_file_of_a_sign_in_belongs_to_its_owner_alone(scene: Scene) -> None:
    path = Path(scene.person()["token_file_path"])
    assert CANARY in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
