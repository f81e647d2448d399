"""Several processes and one account whose refresh tokens can be used once, while processes are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from amplifier_module_provider_chatgpt_oauth.settings import LOGIN_COMMAND
from responses_emulator import Emulator, PlanSignIn, SignInService, chatgpt_plan_surfaces, chatgpt_surfaces

from tests.support.backends import ROOT
from tests.support.chatgpt_machine import Machine
from tests.support.chatgpt_plan_machine import PlanMachine
from tests.support.run_clock import RunClock

pytestmark = [
    pytest.mark.promise("processes that refresh one token at once keep it, even if killed", area="security"),
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and SIGSTOP are not of Windows"),
]

STANDSTILL_S = 60


class Crew:
    """Processes that work on one account."""

    def __init__(self, machine: Machine, **settings: Any) -> None:
        self.machine = machine
        self.stop = machine.home / "stop"
        self.killed = 0
        self._settings = json.dumps(machine.settings(max_retries=3, **settings))
        self._running: list[subprocess.Popen[str]] = []

    def start(self, count: int = 1, *, calls: int = -1, report_locks: bool = False) -> list[subprocess.Popen[str]]:
        words = [sys.executable, "-m", "tests.support.chatgpt_worker", self._settings, str(self.stop), str(calls)]
        words += ["--report-locks"] if report_locks else []
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
        begun = [
            subprocess.Popen(
                words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for _ in range(count)
        ]
        self._running += begun
        return begun

    def kill_one(self) -> bool:
        """Kill a random one, unless it is in the one moment that cannot be saved: between the exchange and the store.

        It is stopped first. Then the service has handled what it had sent, so the file and the service agree unless the
        victim is the process that has to make them agree.
        """
        victim = random.choice(self._running)
        victim.send_signal(signal.SIGSTOP)
        for _ in range(3):  # the service reads its connections in turn, so the victim's requests come before these
            urllib.request.urlopen(self.machine.public_page, timeout=STANDSTILL_S).read()
        if not self.machine.service.is_live(self.machine.kept["refresh_token"]):
            victim.send_signal(signal.SIGCONT)
            return False
        victim.kill()
        victim.communicate()
        self._running.remove(victim)
        self.killed += 1
        return True

    def dismiss(self) -> None:
        """End all that are left."""
        for each in self._running:
            each.kill()
            each.communicate()

    def end(self) -> list[str]:
        """Let them finish; return what they printed about failures."""
        self.stop.touch()
        problems: list[str] = []
        for each in self._running:
            out, err = each.communicate(timeout=300)
            problems += out.splitlines() + err.splitlines()
            assert each.returncode == (1 if out else 0)
        return problems


@pytest.fixture(params=["device_code", "plan"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A machine for each way to sign in."""
    if request.param == "plan":
        plan = PlanSignIn()
        with Emulator(surfaces=chatgpt_plan_surfaces(plan)) as running:
            yield PlanMachine(tmp_path / "home", running, plan)
        return
    service = SignInService()
    with Emulator(surfaces=chatgpt_surfaces(service)) as running:
        yield Machine(tmp_path / "home", running, service)


@pytest.fixture
def crew(machine: Machine) -> Iterator[Crew]:
    """A crew, of which nobody is left at the end."""
    one = Crew(machine)
    yield one
    one.dismiss()


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much the processes do.

    Attributes:
        processes: how many run at once.
        calls, refreshes: how many there are at least.
        calls_per_kill: a process is killed after this many calls. It is not a time, because a slow machine would start
            processes and do nothing else.
        kills: how many processes are killed at least.
    """

    processes: int
    calls: int
    refreshes: int
    calls_per_kill: int
    kills: int


FEW = Load(processes=3, calls=60, refreshes=2, calls_per_kill=30, kills=1)
LOADS = [  # the way to sign in, and the load
    pytest.param("device_code", FEW, id="device_code, 60 calls"),
    pytest.param("plan", FEW, id="plan, 60 calls"),
    pytest.param(
        "device_code",
        Load(processes=8, calls=1_000, refreshes=8, calls_per_kill=40, kills=5),
        id="device_code, 1000 calls",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        "plan",
        Load(processes=8, calls=300, refreshes=8, calls_per_kill=40, kills=5),
        id="plan, 300 calls",
        marks=pytest.mark.slow,
    ),
]


def check_spent_tokens(machine: Machine) -> list[str]:
    """Check that no refresh token was spent twice so far; return them in order."""
    spent = [each.body["refresh_token"] for each in machine.service.requests_to("refresh")]
    assert len(set(spent)) == len(spent), "a token was spent twice"
    return spent


@pytest.mark.parametrize(("machine", "load"), LOADS, indirect=["machine"])
def test_no_token_is_spent_twice_while_processes_are_killed(machine: Machine, crew: Crew, load: Load) -> None:
    # A token is refreshed from 300 s before it expires: every second.
    machine.service.lifetime_s = 301
    tokens = machine.keep(machine.service.token_set())
    crew.start(load.processes)
    with RunClock() as run_clock:
        calls = killed_at = refreshes = 0
        since_s = 0.0
        while calls < load.calls or refreshes < load.refreshes or crew.killed < load.kills:
            time.sleep(random.uniform(0.05, 0.2))
            before, calls, refreshes = calls, len(machine.sent), len(check_spent_tokens(machine))
            since_s = since_s if calls == before else run_clock.elapsed_s
            assert run_clock.elapsed_s - since_s < STANDSTILL_S, (
                f"no call after {calls} calls and {refreshes} refreshes"
            )
            if calls >= killed_at + load.calls_per_kill and crew.kill_one():
                crew.start()
                killed_at = calls
    assert crew.end() == []
    check_spent_tokens(machine)
    assert machine.service.is_live(machine.kept["refresh_token"]), "the sign-in was lost"
    assert not machine.service.is_live(tokens.refresh_token)
    assert not [path for path in machine.home.iterdir() if path.suffix == ".tmp" and path.stat().st_size > 5_000]


def test_a_process_killed_before_it_saves_a_new_token_costs_the_sign_in_once(machine: Machine, crew: Crew) -> None:
    """The one moment that cannot be saved: one request finds it out, and every process reports it."""
    tokens = machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.hold("refresh")  # the token is spent, but the response does not arrive
    (victim,) = crew.start()
    assert machine.emulator.wait_until(lambda: not machine.service.is_live(tokens.refresh_token), 120)
    victim.kill()
    victim.communicate()
    machine.service.release("refresh")
    (first,) = crew.start(calls=2)
    output, _ = first.communicate(timeout=300)
    assert output.count("refresh_token_reused") == 2
    assert LOGIN_COMMAND in output
    assert len(machine.service.requests_to("refresh")) == 2, "one request found it out"
    for each in crew.start(3, calls=3):
        output, _ = each.communicate(timeout=300)
        assert output.count(LOGIN_COMMAND) == 3
        assert each.returncode == 1
    assert len(machine.service.requests_to("refresh")) == 2, "and nobody asked again"
    assert not machine.sent


def test_a_process_that_dies_with_the_lock_does_not_block_another(machine: Machine, crew: Crew) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(machine.file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    (worker,) = crew.start(calls=1, report_locks=True)
    assert worker.stderr is not None
    assert worker.stderr.readline() == "waiting for the lock\n"
    assert not machine.service.requests_to("refresh")
    holder.kill()
    holder.communicate()
    out, err = worker.communicate(timeout=300)
    assert (out, worker.returncode) == ("", 0), err
    assert len(machine.service.requests_to("refresh")) == 1


HOLD = """
import sys, time
from pathlib import Path
from openai_responses_common.auth.store.open import open_store
with open_store("file", service="chatgpt-oauth", path=Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


LEAVE = """
import asyncio, json, sys
from amplifier_module_provider_chatgpt_oauth.provider import ChatgptOauthProvider
from tests.support.chatgpt_machine import ask
for _ in range(2):
    ask(ChatgptOauthProvider(config=json.loads(sys.argv[1])))
print("done", flush=True)
"""


@pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")
def test_a_process_that_ends_saves_the_tokens_of_a_refresh_under_way(machine: Machine) -> None:
    """Calls go on with the old token, and are over before the refresh."""
    machine.keep(machine.service.token_set(lifetime_s=250))
    machine.service.hold("refresh")
    command = [sys.executable, "-c", LEAVE, json.dumps(machine.settings())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert machine.emulator.wait_until(lambda: machine.service.requests_to("refresh"))
        assert process.stdout.readline() == "done\n"
        time.sleep(0.5)
        machine.service.release("refresh")
        assert process.wait(300) == 0
    assert machine.service.is_live(machine.kept["refresh_token"])
    assert len(machine.service.requests_to("refresh")) == 1
