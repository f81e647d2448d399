"""Whether the items of a conversation belong together: calls and outputs, reasoning and what follows it, ciphertext.

Invariant: the first broken rule raises the error of the service; nothing is repaired here.
"""

from __future__ import annotations

from responses_emulator.contract.input_items import item_type
from responses_emulator.contract.refusal import Refusal, refuse
from responses_emulator.conversation import ciphertext
from responses_emulator.conversation.calls import CALL_TYPES, OUTPUT_TYPES, Item, is_model_output
from responses_emulator.conversation.ledger import Ledger
from responses_emulator.rules import conversations as rules


def check_conversation(
    items: list[Item],
    ledger: Ledger,
    *,
    account: str,
    endpoint: str,
    any_account: bool = False,
    kept: frozenset[int] = frozenset(),
    model: str | None = None,
) -> None:
    """Raise the service's error for the first rule that the conversation breaks.

    With `any_account`, another account's ciphertext is not an error here: the caller leaves it out. `kept` are the
    identities (`id()`) of items that the connection remembers, whose reasoning needs no ciphertext. With `model`,
    ciphertext of another model is an error.
    """
    _check_duplicates(items)
    claims = [
        None
        if id(item) in kept and not item.get("encrypted_content")
        else _check_reasoning(item, ledger, account=account, endpoint=endpoint, any_account=any_account)
        for item in items
    ]
    if model is not None and any(claim and claim.model != model for claim in claims):
        raise refuse(rules.OTHER_MODEL)
    _check_order(items, claims)
    for index, item in enumerate(items):
        if item.get("type") == "reasoning" and item.get("id"):
            _check_follower(items, index, ledger, account)
    for index in range(len(items)):
        _check_leader(items, index, claims, ledger, account)
    _check_calls(items)


def _check_duplicates(items: list[Item]) -> None:
    seen: set[str] = set()
    calls: set[tuple[str, str]] = set()
    for item in items:
        item_id = item.get("id")
        if isinstance(item_id, str):
            if item_id in seen:
                raise refuse(rules.DUPLICATE_ID, id=item_id)
            seen.add(item_id)
        key = (item_type(item), item.get("call_id") or "")
        if key[1] and (key[0] in CALL_TYPES or key[0] in OUTPUT_TYPES):
            if key in calls:
                raise refuse(rules.DUPLICATE_CALL_ID, id=key[1])
            calls.add(key)


def _unverified_ciphertext(item: Item) -> Refusal:
    blob = str(item["encrypted_content"])
    name = f"for item {item['id']}" if item.get("id") else ciphertext.abbreviate(blob)
    return refuse(rules.UNVERIFIED_CIPHERTEXT, name=name)


def _check_reasoning(
    item: Item, ledger: Ledger, *, account: str, endpoint: str, any_account: bool
) -> ciphertext.CiphertextClaims | None:
    """Verify one item's ciphertext; returns what it names."""
    if item.get("type") not in {"reasoning", "compaction"}:
        return None
    blob = item.get("encrypted_content")
    if not blob:
        entry = ledger.find(item.get("id"), account)
        if entry is None or not entry.is_stored:
            raise refuse(rules.ITEM_NOT_FOUND, id=item.get("id"))
        return None
    if (account, blob) in ledger.foreign_blobs:
        return None
    claim = ciphertext.unseal(blob)
    if (
        claim is None
        or not claim.final
        or claim.endpoint != endpoint
        or (claim.account != account and not any_account)
        or (item.get("id") is not None and item["id"] != claim.item_id)
        or (item["type"] == "reasoning" and claim.digest != ciphertext.summary_digest(item))
    ):
        raise _unverified_ciphertext(item)
    return claim


def _check_order(items: list[Item], claims: list[ciphertext.CiphertextClaims | None]) -> None:
    last: dict[str, int] = {}
    for item, claim in zip(items, claims, strict=True):
        if claim is None:
            continue
        if last.get(claim.response_id, -1) >= claim.position:
            raise _missing_follower(str(item.get("id") or claim.item_id))
        last[claim.response_id] = claim.position


def _missing_follower(item_id: str) -> Refusal:
    return refuse(rules.MISSING_FOLLOWER, id=item_id)


def _check_follower(items: list[Item], index: int, ledger: Ledger, account: str) -> None:
    """A reasoning item is followed by what the model made next."""
    item_id = str(items[index]["id"])
    rest = [item for item in items[index + 1 :] if item.get("type") != "reasoning"]
    if not rest or not is_model_output(rest[0]):
        raise _missing_follower(item_id)
    entry = ledger.find(item_id, account)
    if entry is None:
        return
    expected = entry.next_item
    if expected is None:
        raise _missing_follower(item_id)
    if expected.get("type") == "reasoning":
        return
    found = rest[0]
    same_kind = item_type(found) == expected.get("type")
    same_id = found.get("id") is None or found["id"] == expected.get("id")
    same_call = found.get("call_id") == expected.get("call_id")
    if not (same_kind and same_id and same_call):
        raise _missing_follower(item_id)


def _check_leader(
    items: list[Item], index: int, claims: list[ciphertext.CiphertextClaims | None], ledger: Ledger, account: str
) -> None:
    """An item that was sent after a reasoning item, and keeps its id, still has that reasoning before it."""
    item = items[index]
    entry = ledger.find(item.get("id"), account)
    if entry is None or entry.reasoning_id is None:
        return
    for before in range(index - 1, -1, -1):
        claim = claims[before]
        if items[before].get("id") == entry.reasoning_id or (claim and claim.item_id == entry.reasoning_id):
            return
        if item_type(items[before]) == "message" and items[before].get("role") != "assistant":
            break
    raise refuse(rules.MISSING_LEADER, id=item["id"], kind=entry.kind, reasoning=entry.reasoning_id)


def _awaits_client(item: Item) -> bool:
    match item.get("type"):
        case "tool_search_call":
            return item.get("execution") == "client"
        case "shell_call":
            return (item.get("environment") or {}).get("type", "local") == "local"
        case kind:
            return kind in CALL_TYPES


def _check_acknowledgements(call: Item, output: Item) -> None:
    """The output of a computer call acknowledges its safety checks."""
    acknowledged = {check.get("id") for check in output.get("acknowledged_safety_checks") or ()}
    pending = [str(check["id"]) for check in call.get("pending_safety_checks") or ()]
    if unacknowledged := [check_id for check_id in pending if check_id not in acknowledged]:
        raise refuse(rules.UNACKNOWLEDGED_CHECK, checks=unacknowledged)


def _check_calls(items: list[Item]) -> None:
    # A hosted tool search has outputs without a call id; those pair by nothing.
    open_calls: dict[tuple[str, str], Item] = {}
    answered: set[tuple[str, str]] = set()
    for item in items:
        kind = item_type(item)
        call_id = item.get("call_id")
        if not call_id:
            continue
        if kind in CALL_TYPES:
            open_calls[kind, call_id] = item
        elif kind in OUTPUT_TYPES:
            call_kind, name = OUTPUT_TYPES[kind]
            if (call_kind, call_id) not in open_calls:
                raise refuse(rules.NO_CALL, name=name, id=call_id)
            answered.add((call_kind, call_id))
            _check_acknowledgements(open_calls[call_kind, call_id], item)
    compacted = max((index for index, item in enumerate(items) if item_type(item) == "compaction"), default=0)
    # A compaction may hold the output of a call that stands before it (the compaction guide, seen 2026-11-30).
    held = set(map(id, items[:compacted]))
    for (kind, call_id), item in open_calls.items():
        if (kind, call_id) not in answered and _awaits_client(item) and id(item) not in held:
            raise refuse(rules.NO_CALL_OUTPUT, name=CALL_TYPES[kind][1], id=call_id)
