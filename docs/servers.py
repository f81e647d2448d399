"""Writes docs/servers.md from the rows that `nox -s servers` checks: `python -m docs.servers`."""

from __future__ import annotations

from pathlib import Path

from tests.servers.behaviours import BEHAVIOURS
from tests.servers.rows import SERVERS, Server

PAGE = Path(__file__).with_suffix(".md")

_HEAD = """\
<!-- Written by `nox -s docs` from tests/servers/rows.py; change that. -->
# Other servers

`provider-openai-v2` works with servers of other makers that speak the Responses API. Set `base_url`, and `api_key` if
the server asks for one. [Choosing](choosing.md#your-own-server) shows the settings.

This table is a promise for these versions. `nox -s servers` installs each server, starts it with a tiny model, makes
calls with the module, and fails if a cell is wrong. It last ran on {date}. Other servers may
work as well. Nobody has tried these here: {others}.
"""

_TAIL = """\
## What no table shows

- These servers ignore most of what they do not know instead of refusing it. A forced tool (`tool_choice`), a JSON
  schema, `truncation` or a hosted tool such as `web_search` may have no effect, and no error says so.
- If a server refuses a field, the provider sends the request again without it, logs a warning, and leaves the field out
  for an hour.
- transformers serve stops after 1,024 tokens if `max_output_tokens` is not set. Set it there.
- vLLM with a reasoning parser takes everything for reasoning if the model does not think. Start it without the parser
  for such a model.
- A model that our tables do not know has no price: its `cost_usd` is the cost that the gateway reports, and otherwise
  `None`.
"""
_TRIED = [server for server in SERVERS if server.verified]
_UNTRIED = [server.name for server in SERVERS if not server.verified]


def page() -> str:
    """Return the whole page."""
    date = max(server.verified for server in _TRIED)
    head = _HEAD.format(date=date, others=", ".join([*_UNTRIED, "Ollama"]))
    return f"{head}\n{_table()}\n{_limits()}\n{_setups()}\n{_TAIL}"


def _table() -> str:
    notes = _number_limits()
    lines = [["", *(f"{server.name} {server.version}" for server in _TRIED)], ["---"] * (len(_TRIED) + 1)]
    lines += [[behaviour, *(_cell(server, behaviour, notes) for server in _TRIED)] for behaviour in BEHAVIOURS]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(server: Server, behaviour: str, notes: dict[str, int]) -> str:
    limit = server.limits.get(behaviour)
    return f"no ({notes[limit]})" if limit else "yes"


def _number_limits() -> dict[str, int]:
    reasons = [server.limits[each] for each in BEHAVIOURS for server in _TRIED if each in server.limits]
    return {reason: number for number, reason in enumerate(dict.fromkeys(reasons), 1)}


def _limits() -> str:
    return "".join(f"{number}. {reason}\n" for reason, number in _number_limits().items())


def _setups() -> str:
    return "## How they were started\n\n" + "".join(f"- {server.name}: {server.setup}\n" for server in _TRIED)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
