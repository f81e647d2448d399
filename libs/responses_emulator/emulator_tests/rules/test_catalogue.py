"""Every refusal is a row with a source or a mark, and the reply to a refused request names its row."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import httpx
import pytest
import responses_emulator
from emulator_clients.responses import AUTHORIZATION
from responses_emulator import Emulator
from responses_emulator.rules import entra
from responses_emulator.rules.assumptions import ASSUMPTIONS
from responses_emulator.rules.catalogue import RULES
from responses_emulator.rules.rule import Rule

PACKAGE = Path(responses_emulator.__file__).parent
CODE = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
# What a comment or docstring says of a behaviour that no source supports.
_MARKS = re.compile(r"\bours\b|\bno recording (has|exists)|in no recording|wording not checked", re.I)
# A new rule needs a source. If you find one for an old rule, these numbers get smaller.
MADE_UP = 21
MADE_UP_IN_PART = 105


def test_the_number_of_rules_without_a_full_source_is_known() -> None:
    made_up = sorted(name for name, rule in RULES.items() if rule.is_made_up)
    in_part = sorted(name for name, rule in RULES.items() if rule.is_made_up_in_part)
    assert len(made_up) == MADE_UP, made_up
    assert len(in_part) == MADE_UP_IN_PART, in_part


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_names_its_source_or_what_is_made_up(rule: Rule) -> None:
    if rule.source.kind == "none":
        assert rule.ours, "say what is made up"
        assert (rule.source.where, rule.source.seen) == ("", "")
    else:
        assert rule.source.where
        assert rule.source.kind == "types" or re.fullmatch(r"2026-\d\d-\d\d", rule.source.seen)


def test_no_file_but_those_of_other_services_words_a_refusal_itself() -> None:
    assert [path for path, text in CODE.items() if re.search(r"\bRefusal\(\s*f?\"", text)] == []


def test_every_rule_is_used() -> None:
    users = "\n".join(text for path, text in CODE.items() if path.parent.name != "rules")
    constants = {
        name
        for path, text in CODE.items()
        if path.parent.name == "rules"
        for name in re.findall(r"^([A-Z_]+) = Rule\(", text, re.MULTILINE)
    }
    scripted = {
        name for name, value in vars(entra).items() if isinstance(value, Rule) and value.code
    }  # by their numbers
    assert {name for name in constants - scripted if not re.search(rf"\.{name}\b", users)} == set()


def test_every_assumption_names_a_file() -> None:
    assert [row.path for row in ASSUMPTIONS if not (PACKAGE / row.path).is_file()] == []


def test_a_file_that_says_so_of_itself_has_an_assumption() -> None:
    marked = {path.relative_to(PACKAGE).as_posix() for path, text in CODE.items() if _MARKS.search(text)}
    rules = {path.relative_to(PACKAGE).as_posix() for path in CODE if path.parent.name == "rules"}
    assert marked - {row.path for row in ASSUMPTIONS} - rules - {"service/refusal_notes.py"} == set()


def test_a_refused_request_names_its_rule(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="responses_emulator")
    reply = httpx.post(f"{emulator.base_url}/responses", json={"model": "gpt-5.5"}, headers=AUTHORIZATION)
    assert reply.status_code == 400
    assert reply.headers["x-emulator-rule"].startswith("missing-parameter; report microsoft/autogen#6935")
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    assert emulator.requests[-1].rule == "missing-parameter"
    assert "POST /v1/responses: 400 Missing required parameter: 'input'." in caplog.text
    assert "[missing-parameter; report microsoft/autogen#6935" in caplog.text


def test_a_path_that_nobody_serves_names_its_rule(emulator: Emulator) -> None:
    reply = httpx.get(f"{emulator.origin}/nowhere")
    assert reply.headers["x-emulator-rule"].startswith("no-such-path; ")


def test_a_request_that_is_answered_names_no_rule(emulator: Emulator) -> None:
    body = {"model": "gpt-5.5", "input": "hello"}
    reply = httpx.post(f"{emulator.base_url}/responses", json=body, headers=AUTHORIZATION)
    assert "x-emulator-rule" not in reply.headers
    assert emulator.requests[-1].rule is None
