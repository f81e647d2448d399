"""Writes docs/faults.md from the rows that the tests check: `python -m docs.faults`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.generated.faults.fault import Fault, Group, Outcome
from tests.generated.faults.tables import MATRIX

PAGE = Path(__file__).with_suffix(".md")
_SERVICES = {"openai-v2": "OpenAI", "azure-openai-v2": "Azure", "chatgpt-oauth": "ChatGPT"}

_HEAD = """\
<!-- Written by `nox -s docs` from tests/support/error_rows.py and tests/generated/faults; change those. -->
# What happens if …

… the service fails, or the network, or a response is not what it should be. Every entry is tested. `nox --
tests/generated/faults` runs one entry of each kind over real sockets, against a service on this machine: the errors of
one service with its module, and all others with the three modules in turn. They run over HTTP and over WebSocket. The
unit test of the error table covers the other errors, with every module. An entry with *(HTTP)* does not happen over
WebSocket: it is about the body of a reply, or about what is lost before the first event of a response, and what a
WebSocket loses then travels over HTTP. [Errors](errors.md) says what to do about each.

- **result**: the class of the error that a call raises, or an answer with its finish reason.
- **again**: whether the error is `retryable`. The provider then made a second attempt, because the tests set
  `max_retries: 1`. If the second attempt succeeds, the call returns its response as usual.
- **requests**: the number of requests that the service received, or of connection attempts.
- **events**: the hook events in their order, one word each. `request` and `response` stand for `llm:request` and
  `llm:response`; `start`, `delta`, `end` and `aborted` for those of `llm:stream_…`; `retry` and `throttle` for
  `provider:retry` and `provider:throttle`; `continuation` for `provider:incomplete_continuation`. The deltas of a block
  count as one `delta`. What was `aborted` is void, and is shown again if it is still valid.

A call that raises an error returns no content. An answer is complete: its tokens are those that the service counted,
every tool call has all its arguments, and the costs of the session include every attempt that was paid for. After each
entry the provider makes the next call; no task, request or slot of the limiter remains, and no error and no event holds
the credential.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([_HEAD, *map(_section, MATRIX)])


def _section(group: Group) -> str:
    lines = [f"| {group.about} … | result | again | requests | events |", "|---|---|---|---|---|"]
    for outcome, names in _merged(group.rows):
        lines.append(f"| {' | '.join(['<br>'.join(names), *outcome])} |")
    table = "".join(f"{line}\n" for line in lines)
    return f"## {group.title}\n\n{table}"


def _merged(rows: Iterable[Fault]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield each outcome with the names of all faults that have it."""
    names_by_outcome: dict[tuple[str, ...], list[str]] = {}
    for fault in rows:
        names_by_outcome.setdefault(_cells(fault), []).append(_name(fault))
    yield from names_by_outcome.items()


def _name(fault: Fault) -> str:
    name = fault.name.replace("|", "\\|")
    return f"{name} *(HTTP)*" if fault.http_only else name


def _cells(fault: Fault) -> tuple[str, ...]:
    outcome = fault.outcome
    result = _result(outcome)
    for backend, other in fault.differs.items():
        result += f"; {_SERVICES[backend]}: {_result(other)}"
    again = ("yes" if outcome.retryable else "no") if outcome.error else ""
    return result, again, str(outcome.requests), f"`{outcome.events}`"


def _result(outcome: Outcome) -> str:
    return f"`{outcome.error}`" if outcome.error else f"an answer, `{outcome.finish}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name} is written")
