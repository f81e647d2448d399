"""The ledger: every item that the service sent, with the response and the account that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Any

from responses_emulator.conversation import ciphertext
from responses_emulator.conversation.calls import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One item that the service sent.

    Attributes:
        reasoning_id: the reasoning item before it in the same response, if there is one.
        next_item: for reasoning, the item that followed it in the response; a message without text, which cannot be
            sent back, does not count.
    """

    kind: str
    response_id: str
    account: str
    is_stored: bool
    reasoning_id: str | None
    next_item: Item | None


@dataclass(slots=True)
class Ledger:
    """All items that the service sent, by id, and ciphertext that a script made up."""

    items: dict[str, LedgerEntry] = field(default_factory=dict)
    foreign_blobs: set[tuple[str, str]] = field(default_factory=set)

    def record(self, response_id: str, output: list[Item], *, account: str, stored: bool) -> None:
        """Add the output of one response."""
        reasoning_id: str | None = None
        for index, item in enumerate(output):
            kind = str(item.get("type"))
            follower = next(filterfalse(_is_blank, output[index + 1 :]), None) if kind == "reasoning" else None
            if isinstance(item.get("id"), str):
                self.items[item["id"]] = LedgerEntry(
                    kind=kind,
                    response_id=response_id,
                    account=account,
                    is_stored=stored,
                    reasoning_id=None if kind == "reasoning" else reasoning_id,
                    next_item=follower,
                )
            if kind == "reasoning":
                reasoning_id = item.get("id")
            blob = item.get("encrypted_content")
            if isinstance(blob, str) and ciphertext.unseal(blob) is None:
                self.foreign_blobs.add((account, blob))

    def find(self, item_id: Any, account: str) -> LedgerEntry | None:
        """Return the entry of an item that this account received. None for any other id."""
        entry = self.items.get(item_id) if isinstance(item_id, str) else None
        return entry if entry is not None and entry.account == account else None


def _is_blank(item: Item) -> bool:
    parts: list[dict[str, Any]] = item.get("content") or []
    return item.get("type") == "message" and not any(
        str(part.get("text") or part.get("refusal") or "").strip() for part in parts
    )
