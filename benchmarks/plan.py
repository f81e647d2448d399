"""What is measured and what has to be reached: the table of scenarios, each with its figures."""

from __future__ import annotations

from dataclasses import dataclass

LIMIT = "limit"
SDK = "openai"
OURS = ("openai-v2", "azure-openai-v2", "chatgpt-oauth")
OTHERS = (SDK, "langchain-openai", "pydantic-ai")
SIBLINGS = 1.2
"""What the two other modules may take, as a factor on what openai-v2 has to reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a scenario.

    Attributes:
        what: in words.
        key: what the run calls it.
        over: the contender by whose number it is divided, each round on its own; none for a bare number.
        most: the most that openai-v2 may cost. A figure with None is printed and not judged.
        unit: of a bare number.
        grows: the number is by how much the run's own grew from its first round to its last.
        fixed: the same for the sibling modules.
    """

    what: str
    key: str
    over: str | None = LIMIT
    most: float | None = None
    unit: str = "×"
    grows: bool = False
    fixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way of using a provider.

    Attributes:
        name: for the command line.
        title: for people.
        run: see `runs.RUNS`; `cold` is a fresh process each time.
        port: see `service.answers`.
        hooks: who listens, `none` or the `kernel`'s registry.
        contenders: who takes part, in this order.
        rounds: how many count.
        short: the same where there is little time; 0 leaves the scenario out.
        warming: rounds before them that do not count.
    """

    name: str
    title: str
    run: str
    port: str
    hooks: str = "none"
    contenders: tuple[str, ...] = (LIMIT, *OURS)
    figures: tuple[Figure, ...]
    rounds: int = 7
    short: int = 5
    warming: int = 1


def _paced(count: int, rounds: int) -> Scenario:
    return Scenario(
        name=f"paced-{count}",
        title=f"{count} stream{'s' if count > 1 else ''} at once, 20 deltas a second each",
        run=f"{count} paced",
        port="paced",
        figures=(
            Figure(what="wall time", key="wall_ms", most=1.15),
            Figure(what="from the service's send to the hook, 95 %", key="p95_us", most=1.5),
            Figure(what="processor time per delta", key="cpu_us"),
        ),
        rounds=rounds,
        short=0,
    )


SCENARIOS = (
    Scenario(
        name="stream",
        title="A stream of 2,000 events, hooks that do nothing",
        run="stream",
        port="stream",
        contenders=(LIMIT, *OURS, *OTHERS),
        figures=(
            Figure(what="processor time per event", key="cpu_ms", most=1.6),
            Figure(what="the same over the SDK's typed stream", key="cpu_ms", over=SDK, most=0.2),
        ),
    ),
    Scenario(
        name="hooks",
        title="The same in bursts of 40 events, to the kernel's hook registry with a listener",
        run="stream",
        port="bursts",
        hooks="kernel",
        figures=(Figure(what="processor time per event", key="cpu_ms", most=6),),
    ),
    Scenario(
        name="history",
        title="A history of 750 items and 40 tools, a short answer",
        run="long history",
        port="short",
        contenders=(LIMIT, *OURS, *OTHERS),
        figures=(
            Figure(what="processor time", key="cpu_ms", most=2.5),
            Figure(what="longest block of the event loop", key="block_ms", over=None, most=10, unit="ms", fixed=True),
        ),
    ),
    Scenario(
        name="short",
        title="A short call with 40 tools, 20 in a row",
        run="short calls",
        port="short",
        contenders=(LIMIT, *OURS, *OTHERS),
        figures=(
            Figure(what="time per call", key="wall_ms", most=2),
            Figure(what="TCP connections", key="connections", over=None, most=1, unit="", fixed=True),
        ),
    ),
    Scenario(
        name="loop",
        title="A tool loop of 100 turns with results of 2 kB",
        run="tool loop",
        port="loop",
        figures=(
            Figure(what="processor time", key="cpu_ms", most=3),
            Figure(what="growth from the 55th to the 95th turn", key="growth", over=None, most=1.9, fixed=True),
            Figure(
                what="memory, from the first loop to the last",
                key="memory_kb",
                over=None,
                most=2048,
                unit="kB",
                grows=True,
                fixed=True,
            ),
        ),
        short=3,
    ),
    Scenario(
        name="cold",
        title="Cold start: import and mount() where amplifier_core is loaded",
        run="cold",
        port="short",
        contenders=(*OURS, SDK),
        figures=(
            Figure(what="processor time", key="cpu_ms", over=None, most=40, unit="ms"),
            Figure(what="the same over importing openai", key="cpu_ms", over=SDK, most=0.2),
            Figure(what="modules loaded", key="modules", over=None, unit=""),
            Figure(what="the SDK is loaded", key="sdk", over=None, most=0, unit="", fixed=True),
        ),
    ),
    _paced(1, rounds=5),
    _paced(20, rounds=5),
    _paced(100, rounds=9),
    Scenario(
        name="calls",
        title="10,000 calls by one provider",
        run="10000 calls",
        port="short",
        contenders=OURS,
        figures=(
            Figure(
                what="memory, from the 1,000th call to the last",
                key="growth_kb",
                over=None,
                most=1024,
                unit="kB",
                fixed=True,
            ),
            Figure(
                what="blocks of memory that Python holds, the same",
                key="blocks",
                over=None,
                most=100,
                unit="",
                fixed=True,
            ),
        ),
        rounds=1,
        short=0,
        warming=0,
    ),
)
