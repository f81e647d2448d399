"""How the chat lays out text, cleans it, and puts sums into words."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from examples.chat.accounts import Account
from examples.chat.block import Block
from examples.chat.remedies import find_remedies
from examples.chat.screen import Screen
from examples.chat.terminal import LogLines, Terminal, clean
from examples.chat.totals import Totals, dollars, limits


@pytest.fixture(autouse=True, scope="module")
def some_terminal() -> Iterator[None]:
    """A terminal that takes all, whatever these tests were started from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.delenv("NO_COLOR", raising=False)
        yield


class Paper(io.StringIO):
    """A terminal that keeps all that is written."""

    def isatty(self) -> bool:
        return True

    @property
    def encoding(self) -> str:
        return "utf-8"


def terminal(width: int, paper: io.StringIO) -> Terminal:
    made = Terminal(paper)
    made.width = width
    return made


def written(pieces: list[str], width: int, gutter: str = "") -> list[str]:
    """The lines of a block that came in pieces."""
    paper = Paper()
    block = Block(terminal(width, paper), gutter=gutter)
    for piece in pieces:
        block.feed(piece)
    block.finish()
    return paper.getvalue().splitlines()


@given(st.lists(st.text(st.sampled_from("ab c\n文`|é🙂"), max_size=12), max_size=30), st.integers(8, 40))
def test_wrapping_loses_nothing_however_the_text_comes(pieces: list[str], width: int) -> None:
    lines = written(pieces, width, "> ")
    assert all(line.startswith("> ") for line in lines)
    assert "".join("".join(line[2:] for line in lines).split()) == "".join("".join(pieces).split())
    # A word that no line has room for is cut where it happens to be.
    if all(cell_len(word) < width - 3 for word in "".join(pieces).split()):
        assert written(["".join(pieces)], width, "> ") == lines


@given(st.lists(st.text(st.sampled_from("ab文é🙂"), min_size=1, max_size=60), min_size=1), st.integers(8, 40))
def test_wrapped_lines_fit(words: list[str], width: int) -> None:
    assert max(map(cell_len, written([word + " " for word in words], width))) < width


def test_words_stay_whole_and_code_stays_as_it_is() -> None:
    text = "a few words to break\n```\ncode that is far too long for it\n```\nand again some words"
    code = ["```", "code that is far too long for it", "```"]
    assert written(list(text), 14) == ["a few words", "to break", *code, "and again", "some words"]
    assert written(list(text), 14) == written([text], 14)
    table = "| a table | is not broken |"
    assert written([f"{table}\nnot a | table"], 10) == [table, "not a |", "table"]


def test_where_nobody_looks_text_is_written_at_once_and_as_it_is() -> None:
    paper = io.StringIO()
    block = Block(Terminal(paper), gutter="> ")
    block.feed("\n\nsome")
    assert paper.getvalue() == "> some"
    block.feed(" words\n\n")
    assert paper.getvalue() == "> some words"
    block.feed("and " * 60)
    block.finish()
    assert paper.getvalue() == "> some words\n> \n> " + "and " * 60 + "\n"


async def test_log_lines_do_not_tear_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = Paper()
    monkeypatch.setattr(sys, "stderr", paper)
    screen, log = Screen(terminal(40, paper)), LogLines()
    show = await listening(screen)
    with screen.turn():
        await show("llm:stream_block_start", {"block_type": "text"})
        await show("llm:stream_block_delta", {"block_type": "text", "text": "one half "})
        log.emit(logging.makeLogRecord({"levelname": "WARNING", "msg": "something\nhappened"}))
        await show("llm:stream_block_delta", {"block_type": "text", "text": "and the other"})
    window = pyte.Screen(40, 10)
    pyte.Stream(window).feed(paper.getvalue().replace("\n", "\r\n"))
    lines = [line.rstrip() for line in window.display]
    assert lines[:4] == ["", "Warning: something happened", "one half and the other", ""]
    assert sys.stderr is paper


async def test_calls_wait_side_by_side_and_end_with_a_mark() -> None:
    paper = Paper()
    screen = Screen(terminal(50, paper))
    show = await listening(screen)
    long = {"path": "a/very/long/path/" * 4}
    calls = [{"tool_call_id": str(n), "tool_name": f"tool_{n}", "tool_input": long} for n in range(3)]
    with screen.turn():
        for call in calls:
            await show("tool:pre", call)
        for call, result in zip(calls[:2], [{"output": "x\n" * 40}, {"success": False, "output": "no"}], strict=True):
            await show("tool:post", {**call, "result": result})
        await show("tool:error", {**calls[2], "error": {"msg": "forbidden"}})
    window = pyte.Screen(50, 10)
    pyte.Stream(window).feed(paper.getvalue().replace("\n", "\r\n"))
    lines = [line.rstrip() for line in window.display]
    assert lines[1] == "✓ tool_0(a/very/long/path/… → x x x x… (40 lines)"
    assert lines[2] == "✗ tool_1(a/very/long/path/… → no"
    assert lines[3] == "✗ tool_2(a/very/long/path/… → forbidden"
    assert not any(lines[4:])


async def listening(screen: Screen) -> Any:
    """Emits to a screen as hooks do."""
    handlers: dict[str, Any] = {}

    class Hooks:
        def register(self, event: str, handler: Any, name: str) -> None:
            handlers[event] = handler

    screen.listen(Hooks())

    async def show(event: str, data: dict[str, Any]) -> None:
        await handlers[event](event, data)

    return show


def test_control_characters_are_taken_out() -> None:
    assert clean("a\x1b[31mb\x1b]0;title\x07c\rd\x08\x7f\x9be\tf\r\ng") == "abcde\tf\ng"


def test_money_and_tokens_are_added_up() -> None:
    totals = Totals()
    counts = {"input_tokens": 800, "cache_read_tokens": 750, "cache_write_tokens": 200, "output_tokens": 5}
    totals.add({"usage": {**counts, "cost_usd": "0.0012345"}})
    totals.add({"status": "error"})
    assert totals.parts(emulated=False) == ["1,000 tokens in (75% cached)", "5 out", "$0.001234", "2 requests"]
    assert "would cost $0.001234" in totals.parts(emulated=True)
    unpriced = {"usage": {"input_tokens": 1, "output_tokens": 1, "cost_usd": None}}
    totals.add(unpriced)
    assert "price unknown" in totals.parts(emulated=True)


@pytest.mark.parametrize(("module", "price"), [("chatgpt-oauth", "paid by the plan"), ("openai-v2", "price unknown")])
async def test_a_plan_pays_also_if_the_service_reports_no_limits(module: str, price: str) -> None:
    account = Account(module=f"provider-{module}", description="an account")
    paper = io.StringIO()
    screen = Screen(terminal(200, paper), plan=account.is_plan)
    show = await listening(screen)
    usage = {"input_tokens": 1, "output_tokens": 1, "cost_usd": None}
    with screen.turn():
        await show("llm:response", {"model": "m", "status": "ok", "usage": usage})
    assert f" · {price} · 1 request" in paper.getvalue()
    assert price in screen.spent["m"].parts(emulated=False)


async def test_totals_of_a_response_that_broke_off_are_the_least_that_it_cost() -> None:
    paper = Paper()
    screen = Screen(terminal(200, paper))
    show = await listening(screen)
    usage = {"input_tokens": 800, "output_tokens": 5, "cost_usd": "0.0012345"}
    broken = {"error": {"type": "StreamError", "msg": "cut"}}
    retry = {"delay": 1, "attempt": 1, "max_retries": 5, "error_message": "cut"}
    with screen.turn():
        await show("llm:stream_aborted", broken)
        await show("provider:retry", retry)
        await show("llm:response", {"model": "m", "status": "ok", "usage": usage})
    assert "at least 800 tokens in (0% cached) · 5 out · at least $0.001234 · 1 request" in paper.getvalue()
    for response in ({"status": "ok", "usage": usage}, {"status": "cancelled"}):
        with screen.turn():
            await show("llm:response", {"model": "n", **response})
    assert " · 800 tokens in (0% cached) · 5 out · $0.001234 · 1 request" in paper.getvalue()
    last = paper.getvalue().splitlines()[-1]
    assert " · tokens and cost unknown · 1 request · " in last
    assert last.endswith("at least $0.002469 so far" + last.partition("so far")[2])


@pytest.mark.parametrize(
    ("in_conversation", "message", "words"),
    [
        (True, "no: choose a model that the service lists [x]", "no: choose another with /model, which lists them [x]"),
        (False, "no: choose a model that the service lists", "no: choose another with --model"),
        (False, "no model is chosen: set default_model; more", "no model is chosen: choose one with --model; more"),
        (False, "setting 'base_url' is not an address", "--base-url is not an address"),
        (
            True,
            "bad: set api_key in the provider's config, or KEY in the environment",
            "bad: set KEY in the environment",
        ),
        (True, "nobody: run `python -m x login` (no)", "nobody: start the chat with --account chatgpt (no)"),
    ],
)
def test_remedies_are_those_of_the_chat(in_conversation: bool, message: str, words: str) -> None:
    paper = io.StringIO()
    remedies = find_remedies(address_name="--base-url", in_conversation=in_conversation)
    Screen(Terminal(paper), remedies=remedies).error_note(message)
    assert paper.getvalue().strip() == f"Error: {words}"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, []),
        ({"requests_limit": 100, "requests_remaining": 90, "tokens_limit": 50, "tokens_remaining": 20}, [60]),
        ({"requests_limit": 0, "requests_remaining": 0, "tokens_limit": "n/a", "tokens_remaining": 20}, []),
        (
            {
                "secondary_used_percent": 12.4,
                "secondary_window_minutes": 10080,
                "primary_used_percent": 40,
                "primary_window_minutes": 300,
            },
            ["5-hour limit 40% used", "7-day limit 12% used"],
        ),
        ({"primary_used_percent": 40}, []),
    ],
)
def test_limits(told: dict[str, Any], words: list[Any]) -> None:
    assert limits(told) == [word if isinstance(word, str) else f"rate limit {word}% used" for word in words]


@pytest.mark.parametrize(
    ("amount", "words"), [("0", "$0"), ("12.3456", "$12.35"), ("1.5", "$1.500"), ("1234.5", "$1,234.50")]
)
def test_dollars(amount: str, words: str) -> None:
    assert dollars(Decimal(amount)) == words
