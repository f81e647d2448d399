"""Writes docs/contract.md from the rules of the emulator: `python -m docs.contract`."""

from __future__ import annotations

from pathlib import Path

from responses_emulator.contract.accepted_differences import ACCEPTED_DIFFERENCES
from responses_emulator.rules.assumptions import ASSUMPTIONS
from responses_emulator.rules.catalogue import RULES, SECTIONS
from responses_emulator.rules.rule import Rule, Source

PAGE = Path(__file__).with_suffix(".md")

_HEAD = """\
<!-- Written by `nox -s docs` from responses_emulator/rules and contract/accepted_differences.py; change those. -->
# What the emulator refuses

The [offline service](../libs/responses_emulator/README.md) refuses what the real services refuse. Each row is one rule:
what is refused, the status and the text of the reply, and who says so. The text in the table is the text that is sent,
with a name in braces for each value. A reply to a refused request names its rule in the header `x-emulator-rule`, and
the log of the emulator names the source too.

The source of a rule is recorded traffic, the vendor's documentation, a public report, the request of a real client, or
the types of the `openai` package, with the day on which it was seen. The last column says what nobody is known to have
seen: of {total} rules, {made_up} are made up, and {in_part} in part.
"""


def page() -> str:
    """Return the whole page."""
    made_up = sum(rule.is_made_up for rule in RULES.values())
    in_part = sum(rule.is_made_up_in_part for rule in RULES.values())
    head = _HEAD.format(total=len(RULES), made_up=made_up, in_part=in_part)
    sections = (_section(title, rules) for title, rules in SECTIONS.items())
    return "\n".join([head, *sections, _differences(), _assumptions()])


def _section(title: str, rules: dict[str, Rule]) -> str:
    rows = [(f"`{name}`", rule.when, _reply(rule), _source(rule.source), rule.ours) for name, rule in rules.items()]
    return f"## {title}\n\n{_table(('rule', 'the service refuses …', 'reply', 'source', 'made up'), rows)}"


def _source(source: Source) -> str:
    """Return a source as a page writes it: a number with # would be one of this repository."""
    return "" if source.kind == "none" else str(source).replace("#", " ")


def _reply(rule: Rule) -> str:
    code = f" `{rule.code}`" if rule.code else ""
    return f"{rule.status}{code}: {' '.join(rule.text.split())}"


def _differences() -> str:
    rows = [(f"`{shape.__name__}`", row.what, _source(row.source)) for shape, row in ACCEPTED_DIFFERENCES.items()]
    about = "The shapes of requests are the parameter types of the `openai` package, with these differences:"
    return f"## What is accepted\n\n{about}\n\n{_table(('type', 'difference', 'source'), rows)}"


def _assumptions() -> str:
    rows = [(f"`{row.path}`", row.rule, row.known) for row in ASSUMPTIONS]
    about = "If you see what the real service does, correct the rule and take its row out of `rules/assumptions.py`."
    return f"## What else it makes up\n\n{about}\n\n{_table(('file', 'the emulator', 'what is known'), rows)}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
