"""Measuring side by side: every contender in a separate process, each once per round.

So a noisy machine disturbs all of them alike.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .cold import RUNS as COLD_RUNS
from .contenders import SETTINGS, key_settings
from .plan import OTHERS, OURS, SDK, SIBLINGS, Figure, Scenario
from .service import service


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure of one contender: the median over the rounds and the quartiles; of a ratio, those of the ratios."""

    scenario: str
    contender: str
    figure: Figure
    median: float
    low: float
    high: float
    most: float | None

    @property
    def missed(self) -> bool:
        return self.most is not None and self.median > self.most


@dataclass(frozen=True, slots=True)
class Worker:
    """A contender's process."""

    name: str
    process: subprocess.Popen[str]

    def run(self, scenario: Scenario, url: str) -> dict[str, float]:
        """One round."""
        assert self.process.stdin
        assert self.process.stdout
        command = {"run": scenario.run, "url": url, "hooks": scenario.hooks, "settings": dict(scenario.settings)}
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            raise RuntimeError(f"the process of {self.name} has ended")
        return json.loads(line)


class Bench:
    """The service, and the contenders as they are needed.

    Args:
        urls: see `service`.
        peers: contenders from elsewhere, each with the Python that has it installed.
    """

    def __init__(self, urls: Mapping[str, str], peers: Mapping[str, str]) -> None:
        self._urls = urls
        self._peers = peers
        self._workers: dict[str, Worker] = {}

    def _start(self, name: str) -> Worker:
        command = [self._peers.get(name, sys.executable), "-m", "benchmarks.worker", name]
        return Worker(name, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def _round(self, scenario: Scenario, name: str) -> dict[str, float]:
        url = self._urls[scenario.port]
        if scenario.run in COLD_RUNS:
            return self._run_cold(scenario.run, name, url)
        if scenario.is_alone:
            worker = self._start(name)
            record = worker.run(scenario, url)
            worker.process.communicate()
            return record
        if name not in self._workers:
            self._workers[name] = self._start(name)
        return self._workers[name].run(scenario, url)

    def _run_cold(self, run: str, name: str, url: str) -> dict[str, float]:
        settings = json.dumps(SETTINGS.get(f"provider-{name}", key_settings)(url))
        command = [self._peers.get(name, sys.executable), "-m", "benchmarks.cold", run, name, url, settings]
        compiled = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # as everywhere, from the second start on
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=compiled)
        if not done.stdout:
            raise RuntimeError(f"the process of {name} has ended")
        return json.loads(done.stdout)  # whatever the process's status: the kernel may abort at exit

    def measure(self, scenario: Scenario, *, rounds: int, slack: float | None, others: bool) -> list[Result]:
        """Run a scenario.

        Args:
            scenario: which one.
            rounds: how many count.
            slack: a factor on what has to be reached, where milliseconds do not count; None demands all as it stands.
            others: also what people use who have no provider module; of these the SDK takes part anyway.
        """
        names = [name for name in scenario.contenders if others or name == SDK or name not in OTHERS]
        names += [name for name in self._peers if scenario.takes_peers]
        records: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        for number in range(scenario.warming + rounds):
            for name in names:
                record = self._round(scenario, name)
                if number >= scenario.warming:
                    records[name].append(record)
        return [
            result
            for figure in scenario.figures
            for name in names
            if (result := _result(scenario, figure, name, records, slack)) is not None
        ]

    def close(self) -> None:
        for worker in self._workers.values():
            worker.process.communicate()


@contextmanager
def bench(peers: Mapping[str, str]) -> Iterator[Bench]:
    """A service in its own process, and all others' when they are asked for."""
    with service() as urls:
        running = Bench(urls, peers)
        try:
            yield running
        finally:
            running.close()


def _result(
    scenario: Scenario,
    figure: Figure,
    name: str,
    records: Mapping[str, Sequence[Mapping[str, Any]]],
    slack: float | None,
) -> Result | None:
    """None for a figure by which a contender would be compared with itself, or that it does not have."""
    if name == figure.over or (figure.over in OTHERS and name in OTHERS) or figure.key not in records[name][0]:
        return None
    numbers = [float(record[figure.key]) for record in records[name]]
    if figure.grows:
        numbers = [numbers[-1] - numbers[0]]
    if figure.over is not None:
        numbers = [own / base[figure.key] for own, base in zip(numbers, records[figure.over], strict=True)]
    low, _, high = statistics.quantiles(numbers, n=4, method="inclusive") if len(numbers) > 1 else (numbers[0],) * 3
    most = None
    if figure.most is not None and name in OURS and not (slack and figure.unit == "ms"):
        most = figure.most * (slack or 1) * (1 if name == OURS[0] or figure.fixed else SIBLINGS)
    return Result(
        scenario=scenario.name,
        contender=name,
        figure=figure,
        median=statistics.median(numbers),
        low=low,
        high=high,
        most=most,
    )
