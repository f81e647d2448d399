"""What is measured and what has to be reached: the table of scenarios, each with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LIMIT = "limit"
AIOHTTP = "aiohttp"
WEBSOCKETS = "websockets"
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
        run: see `runs.RUNS`, or `cold.RUNS`, which take a fresh process each time.
        port: see `service.answers`.
        hooks: who listens, `none` or the `kernel`'s registry.
        settings: further settings of our modules.
        contenders: who takes part, in this order.
        rounds: how many count.
        short: the same where there is little time; 0 leaves the scenario out.
        warming: rounds before them that do not count.
        is_alone: every round has a fresh process of each contender, of which nothing is left from other scenarios.
        takes_peers: providers from elsewhere take part.
    """

    name: str
    title: str
    run: str
    port: str
    hooks: str = "none"
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    contenders: tuple[str, ...] = (LIMIT, AIOHTTP, *OURS)
    figures: tuple[Figure, ...]
    rounds: int = 7
    short: int = 5
    warming: int = 1
    is_alone: bool = False
    takes_peers: bool = True


OVER_WEBSOCKET = {"transport": "websocket"}


def _paced(count: int, *, port: str, rate: int, rounds: int, most: float | None, **more: Any) -> Scenario:
    """Streams at once; `most` limits the delay over bare aiohttp."""
    figures = (
        Figure(what="wall time", key="wall_ms", most=1.15),
        Figure(what="from the service's send to the hook, 95 %", key="p95_us", over=AIOHTTP, most=most),
        Figure(what="the same", key="p95_us", over=None, unit="µs"),
        Figure(what="processor time per delta", key="cpu_us", over=AIOHTTP),
        Figure(what="the same", key="cpu_us", over=None, unit="µs"),
    )
    return Scenario(
        name=f"{port}-{count}",
        title=f"{count:,} stream{'s' if count > 1 else ''} at once, {rate} deltas a second each",
        run=f"{count} paced",
        port=port,
        rounds=rounds,
        short=0,
        **{"figures": figures, **more},
    )


def _loop(name: str, title: str, port: str, *figures: Figure, **more: Any) -> Scenario:
    return Scenario(name=name, title=title, run="tool loop", port=port, figures=figures, **more)


def _first(
    name: str, title: str, run: str, most_ms: float, contenders: tuple[str, ...], *, key: str, sdk_ms: float
) -> Scenario:
    """A first answer in a fresh process, also over that of the SDK, since milliseconds depend on the machine.

    `sdk_ms` is what the SDK takes on the machine for which `most_ms` was chosen.
    """
    return Scenario(
        name=name,
        title=title,
        run=run,
        port="short",
        contenders=contenders,
        figures=(
            Figure(what="time", key=key, over=None, most=most_ms, unit="ms", fixed=True),
            Figure(what="the same over the first answer of openai", key=key, over=SDK, most=most_ms / sdk_ms),
            Figure(what="the SDK is loaded", key="sdk", over=None, most=0, unit="", fixed=True),
        ),
        short=2,
        takes_peers=False,
    )


SCENARIOS = (
    Scenario(
        name="stream",
        title="A stream of 2,000 events, hooks that do nothing",
        run="stream",
        port="stream",
        contenders=(LIMIT, AIOHTTP, *OURS, *OTHERS),
        figures=(
            Figure(what="processor time per event", key="cpu_ms", most=0.55),
            Figure(what="the same over bare aiohttp", key="cpu_ms", over=AIOHTTP, most=1.9),
            Figure(what="the same over the SDK's typed stream", key="cpu_ms", over=SDK, most=0.1),
        ),
    ),
    Scenario(
        name="stream-websocket",
        title="The same stream over a WebSocket",
        run="stream",
        port="stream",
        settings=OVER_WEBSOCKET,
        contenders=(LIMIT, WEBSOCKETS, *OURS),
        figures=(
            Figure(what="processor time per event", key="cpu_ms", over=WEBSOCKETS, most=1.5),
            Figure(what="the same over bare httpx2", key="cpu_ms"),
        ),
        short=3,
        takes_peers=False,
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
        contenders=(LIMIT, AIOHTTP, *OURS, *OTHERS),
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
        contenders=(LIMIT, AIOHTTP, *OURS, *OTHERS),
        figures=(
            Figure(what="time per call", key="wall_ms", most=2),
            Figure(what="TCP connections", key="connections", over=None, most=1, unit="", fixed=True),
        ),
    ),
    _loop(
        "loop",
        "A tool loop of 100 turns with results of 2 kB and 40 tools",
        "loop",
        Figure(what="processor time", key="cpu_ms", most=3),
        Figure(what="the last ten turns over the first ten", key="growth", over=None, most=1.7, fixed=True),
        Figure(what="sent on the wire", key="sent_mb", over=None, unit="MB"),
        Figure(
            what="memory, from the first loop to the last",
            key="memory_kb",
            over=None,
            most=2048,
            unit="kB",
            grows=True,
            fixed=True,
        ),
        short=3,
    ),
    _loop(
        "loop-websocket",
        "The same loop over a WebSocket with permessage-deflate",
        "loop",
        Figure(what="processor time", key="cpu_ms", over=WEBSOCKETS),
        Figure(what="the last ten turns over the first ten", key="growth", over=None, most=1.3, fixed=True),
        Figure(what="sent on the wire", key="sent_mb", over=None, most=0.5, unit="MB", fixed=True),
        settings=OVER_WEBSOCKET,
        contenders=(WEBSOCKETS, *OURS),
        short=3,
        takes_peers=False,
    ),
    _loop(
        "loop-uncompressed",
        "The same where the service does not take permessage-deflate",
        "uncompressed loop",
        Figure(
            what="sent in a turn beside tools and instructions", key="new_kb", over=None, most=3, unit="kB", fixed=True
        ),
        Figure(what="the last ten turns over the first ten", key="growth", over=None, fixed=True),
        Figure(what="sent on the wire", key="sent_mb", over=None, unit="MB"),
        settings=OVER_WEBSOCKET,
        contenders=(WEBSOCKETS, *OURS),
        rounds=3,
        short=1,
        takes_peers=False,
    ),
    Scenario(
        name="link",
        title="A turn with 20 calls of tools, 300 items before it, over a link of 80 ms and 10 Mbit/s up",
        run="turn over a link",
        port="link",
        contenders=(WEBSOCKETS, *OURS),
        figures=(
            Figure(what="time over a WebSocket, as a share of HTTP", key="share", over=None, most=0.45, fixed=True),
            Figure(what="time over HTTP", key="http_ms", over=None, unit="ms"),
            Figure(what="time over a WebSocket", key="websocket_ms", over=None, unit="ms"),
        ),
        rounds=3,
        short=1,
        warming=0,
        takes_peers=False,
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
    _first(
        "first",
        "Cold start: from a call right after mount() to its first delta",
        "first delta",
        200,
        (LIMIT, AIOHTTP, *OURS, SDK),
        key="delta_ms",
        sdk_ms=500,
    ),
    _first(
        "prepared",
        "The same half a second after the session was ready",
        "prepared delta",
        100,
        (*OURS, SDK),
        key="delta_ms",
        sdk_ms=500,
    ),
    _first(
        "models",
        "Cold start: the first model list right after mount()",
        "model list",
        100,
        (*OURS, SDK),
        key="wall_ms",
        sdk_ms=454,
    ),
    _paced(1, port="paced", rate=20, rounds=5, most=1.5),
    _paced(20, port="paced", rate=20, rounds=5, most=1.5),
    _paced(100, port="paced", rate=20, rounds=5, most=2),
    _paced(100, port="fast", rate=200, rounds=5, most=2),
    _paced(
        1000,
        port="slow",
        rate=10,
        rounds=3,
        most=None,
        warming=0,
        is_alone=True,
        figures=(
            Figure(what="wall time, of which 6 s are the service's", key="wall_ms", over=None, most=7500, unit="ms"),
            Figure(what="processor time per delta", key="cpu_us", over=AIOHTTP, most=2),
            Figure(what="the same", key="cpu_us", over=None, unit="µs"),
            Figure(what="peak memory", key="memory_mb", over=AIOHTTP, most=1.5),
            Figure(what="the same", key="memory_mb", over=None, unit="MB"),
            Figure(what="what the streams add to the memory", key="added_mb", over=None, unit="MB"),
        ),
    ),
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
        takes_peers=False,
    ),
)
