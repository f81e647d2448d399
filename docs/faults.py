"""Writes the page of what can go wrong from the rows that the tests check: `python -m docs.faults`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.generated.faults.fault import Fault, Group, Outcome
from tests.generated.faults.tables import MATRIX

PAGE = Path(__file__).with_suffix(".md")
_SERVICES = {"openai-v2": "OpenAI", "azure-openai-v2": "Azure", "chatgpt-oauth": "ChatGPT"}

_HEAD = """\
<!-- Written by `nox -s docs` from the tables in tests/generated/faults; change those. -->
# What happens if …

… the service fails, or the network, or an answer is not what it should be. Every entry is a test that runs with all
three modules against a service on this machine, over real sockets: `nox -- tests/generated/faults`. What to do about
an error
stands in [errors](errors.md).

- **comes of it**: the class of the error that a call raises, or an answer, with its finish reason.
- **again**: whether the error is `retryable`. Such a call was tried once more, since the tests set `max_retries: 1`;
  where the second attempt succeeds, its answer is returned as if nothing had been.
- **requests**: how many the service got, or how often it was tried to be reached.
- **events**: in their order, one word each. `request` and `response` stand for `llm:request` and `llm:response`;
  `start`, `delta`, `end` and `aborted` for those of `llm:stream_…`; `retry` and `throttle` for `provider:retry` and
  `provider:throttle`; `continuation` for `provider:incomplete_continuation`. The fragments of a block count as one
  `delta`. What was `aborted` is taken back, and shown again as far as it still holds.

An error returns nothing, and an answer is whole: its tokens are those that the service counted, no tool is asked for
with half its arguments, and what was paid for is in the costs of the session even if it came to nothing. The provider
goes on with the next call; no task, no exchange and no place in the limiter is left; the credential is in no error and
in no event.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *map(_section, MATRIX)])


def _section(group: Group) -> str:
    lines = [f"| {group.about} … | comes of it | again | requests | events |", "|---|---|---|---|---|"]
    for outcome, names in _merged(group.rows):
        lines.append(f"| {' | '.join(['<br>'.join(names), *outcome])} |")
    table = "".join(f"{line}\n" for line in lines)
    return f"## {group.title}\n\n{table}"


def _merged(rows: Iterable[Fault]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """What comes of a fault, and all faults of which the same comes."""
    found: dict[tuple[str, ...], list[str]] = {}
    for fault in rows:
        found.setdefault(_cells(fault), []).append(fault.name.replace("|", "\\|"))
    yield from found.items()


def _cells(fault: Fault) -> tuple[str, ...]:
    outcome = fault.outcome
    said = _result(outcome)
    for backend, other in fault.differs.items():
        said += f"; {_SERVICES[backend]}: {_result(other)}"
    again = ("yes" if outcome.retryable else "no") if outcome.error else ""
    return said, again, str(outcome.requests), f"`{outcome.events}`"


def _result(outcome: Outcome) -> str:
    return f"`{outcome.error}`" if outcome.error else f"an answer, `{outcome.finish}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name} is written")
