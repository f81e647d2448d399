"""Measure and print: `python -m benchmarks [--rounds N]`. The ratios count; absolute times are those of the machine."""

from __future__ import annotations

import argparse
import asyncio
import platform
from importlib.metadata import version

from .measure import side_by_side, table
from .service import EVENTS, service
from .subjects import calling, encoding, reading, turning


async def measure(rounds: int) -> None:
    """Run all subjects, one table each."""
    with service() as base_url:
        rows = await side_by_side(await reading(base_url), rounds=rounds * 2)
        print(table(f"Reading a stream of {EVENTS} events from memory", rows), end="\n\n", flush=True)
        async with calling(base_url) as contenders:
            rows = await side_by_side(contenders, rounds=rounds)
            print(table(f"A whole call with 40 tools and {EVENTS} events", rows), end="\n\n", flush=True)
        for count in (750, 3000):
            async with encoding(count) as contenders:
                rows = await side_by_side(contenders, rounds=rounds)
                print(table(f"Encoding {count} messages and 40 tools", rows), end="\n\n", flush=True)
        async with turning(base_url) as contenders:
            rows = await side_by_side(contenders, rounds=rounds * 2)
            print(table("A short call", rows), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each contender runs (default: 7)")
    rounds = parser.parse_args().rounds
    print(f"Python {platform.python_version()}, openai {version('openai')}; medians, ratios of processor time\n")
    asyncio.run(measure(rounds))


if __name__ == "__main__":
    main()
