"""Items in any order, of any kind: after the repair the service's rules of pairing hold."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.translate.repair import repair_calls
from openai_responses_common.wire.client_calls import (
    CLIENT_CALLS,
    call_output,
    find_client_call,
    read_call_key,
    read_output_key,
)
from responses_emulator.conversation.ledger import Ledger
from responses_emulator.conversation.pairing_rules import check_conversation

from tests.generated.fuzz.amount import examples
from tests.generated.fuzz.outputs import Item, outputs
from tests.generated.fuzz.strategies import CALL_IDS, spoiled

_KINDS = st.sampled_from(
    sorted(kind for kind in CLIENT_CALLS if kind not in {"mcp_approval_request", "tool_search_call"})
)


@st.composite
def histories(draw: st.DrawFn) -> list[Item]:
    """Outputs of several turns, results for some of their calls, then all of it mixed."""
    items: list[Item] = []
    for turn in range(draw(st.integers(1, 3))):
        made = draw(outputs(turn))
        items += [item for item in made if item["type"] not in {"reasoning", "compaction"}]
        items += [
            call_output(item, read_call_key(item), "ok")
            for item in made
            if find_client_call(item) and draw(st.booleans())
        ]
    for _ in range(draw(st.integers(0, 3))):
        kind, key = draw(_KINDS), draw(CALL_IDS)
        call = {"type": kind, "call_id": key, "name": "n", "arguments": "{}"}
        items.insert(draw(st.integers(0, len(items))), draw(st.sampled_from((call, call_output(call, key, "ok")))))
    return draw(st.permutations(items)) if draw(st.booleans()) else items


@given(histories())
@examples(200)
def test_the_service_pairs_what_was_mended(items: list[Item]) -> None:
    """By the rules of the emulated service, whatever was lost, moved or repeated; mending again changes nothing."""
    before = copy.deepcopy(items)
    mended, _ = repair_calls(items)
    assert items == before
    check_conversation(copy.deepcopy(mended), Ledger(), account="a", endpoint="")
    assert repair_calls(mended) == (mended, [])


@given(histories())
@examples(80)
def test_no_call_is_lost(items: list[Item]) -> None:
    """Every kind of call that was there is there; a result of its own is kept before one is made up."""
    mended, repairs = repair_calls(items)
    lost = {repair.call_id for repair in repairs if repair.kind == "missing_result"}
    given_results = {
        (read_output_key(item), item["type"]) for item in items if item["type"].endswith(("output", "response"))
    }
    for item in mended:
        row = find_client_call(item)
        if row and read_call_key(item) in lost:
            assert (read_call_key(item), row.output_type) not in given_results
    names = {item["type"] for item in items if find_client_call(item)}
    assert {item["type"] for item in mended if find_client_call(item)} <= names


@given(histories(), st.data())
@examples(100)
def test_items_that_are_not_what_they_were_do_no_harm(items: list[Item], data: st.DataObject) -> None:
    """A transcript may hold anything; repairing it raises nothing."""
    spoilt: list[Any] = [data.draw(spoiled(item)) for item in items]
    kept = [item for item in spoilt if isinstance(item, dict) and isinstance(item.get("type"), str)]
    mended, repairs = repair_calls(kept)
    assert len(mended) <= 2 * len(kept)
    assert all(isinstance(each.call_id, str) for each in repairs)
