"""Several processes and one account whose refresh tokens are good for one use, while processes are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.backends import ROOT
from tests.support.chatgpt_machine import Machine
from tests.support.run_clock import Lived

pytestmark = [
    pytest.mark.promise("processes that refresh one token at once keep it, even if killed", area="security"),
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and SIGSTOP are not of Windows"),
]

PROCESSES = 8
CALLS = 1_000
RENEWALS = 8
CALLS_PER_KILL = 40  # not so many seconds: a slow machine would start processes and do nothing else
STANDSTILL_S = 60
LOGIN = "python -m amplifier_module_provider_chatgpt_oauth login"


class Crew:
    """Processes that work on one account."""

    def __init__(self, machine: Machine, **settings: Any) -> None:
        self.machine = machine
        self.stop = machine.home / "stop"
        self.killed = 0
        self._settings = json.dumps(machine.settings(max_retries=3, **settings))
        self._running: list[subprocess.Popen[str]] = []

    def start(self, count: int = 1, *, calls: int = -1) -> list[subprocess.Popen[str]]:
        words = [sys.executable, "-m", "tests.support.chatgpt_worker", self._settings, str(self.stop), str(calls)]
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

        It is stopped first. What it has sent is answered by then, so the file and the service agree unless it is the
        one that has to make them agree.
        """
        victim = random.choice(self._running)
        victim.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
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
        """Let them finish; what they complained of."""
        self.stop.touch()
        told: list[str] = []
        for each in self._running:
            out, err = each.communicate(timeout=300)
            told += out.splitlines() + err.splitlines()
            assert each.returncode == (1 if out else 0)
        return told


@pytest.fixture
def crew(machine: Machine) -> Iterator[Crew]:
    """A crew, of which nobody is left at the end."""
    one = Crew(machine)
    yield one
    one.dismiss()


def test_a_thousand_calls_over_many_expiries_with_processes_killed(machine: Machine, crew: Crew) -> None:
    # Renewed from 300 s before its end on: every second.
    machine.service.lifetime_s = 301
    tokens = machine.keep(machine.service.token_set())
    crew.start(PROCESSES)
    with Lived() as lived:
        calls = killed_at = renewals = 0
        since_s = 0.0
        while calls < CALLS or renewals < RENEWALS:
            time.sleep(random.uniform(0.05, 0.2))
            before, calls, renewals = calls, len(machine.sent), len(machine.service.requests_to("refresh"))
            since_s = since_s if calls == before else lived.s
            assert lived.s - since_s < STANDSTILL_S, f"no call after {calls} calls and {renewals} renewals"
            if calls >= killed_at + CALLS_PER_KILL and crew.kill_one():
                crew.start()
                killed_at = calls
    assert crew.end() == []
    spent = [each.body["refresh_token"] for each in machine.service.requests_to("refresh")]
    assert len(set(spent)) == len(spent), "a token was spent twice"
    assert machine.service.is_live(machine.kept["refresh_token"]), "the sign-in was lost"
    assert not machine.service.is_live(tokens.refresh_token)
    assert crew.killed >= 5
    assert not [path for path in machine.home.iterdir() if path.suffix == ".tmp" and path.stat().st_size > 5_000]


def test_the_one_moment_that_cannot_be_saved(machine: Machine, crew: Crew) -> None:
    """Killed after the service has given a new token and before it was kept: told once, known to all."""
    machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.delay_s = {"refresh": 5.0}  # the token is spent at once, the answer comes later
    (victim,) = crew.start()
    assert machine.emulator.wait_until(lambda: machine.service.requests_to("refresh"), 120)
    time.sleep(0.1)
    victim.kill()
    victim.communicate()
    machine.service.delay_s = {}
    (first,) = crew.start(calls=2)
    told, _ = first.communicate(timeout=300)
    assert told.count("refresh_token_reused") == 2
    assert LOGIN in told
    assert len(machine.service.requests_to("refresh")) == 2, "one request found it out"
    for each in crew.start(3, calls=3):
        told, _ = each.communicate(timeout=300)
        assert told.count(LOGIN) == 3
        assert each.returncode == 1
    assert len(machine.service.requests_to("refresh")) == 2, "and nobody asked again"
    assert not machine.sent


def test_a_process_that_dies_with_the_lock_holds_nobody_up(machine: Machine, crew: Crew) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(machine.file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    (worker,) = crew.start(calls=1)
    time.sleep(1.0)
    assert worker.poll() is None, "it waits for the lock"
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
