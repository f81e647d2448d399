"""What the decoding of one call's responses has seen so far: it names tools as the host does, and tells calls apart."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ..wire.client_calls import CLIENT_CALLS, read_call_key
from ..wire.json_values import dumps
from ..wire.types import Item
from .replay_state import ReplayState
from .tool_names import ToolNames

_NEW_ID_PREFIXES = {"call_id": "call", "id": "mcpr"}


@dataclass(slots=True, kw_only=True)
class Decoding:
    """The state of the decoding.

    Attributes:
        maker: the part of the replay state that all blocks of the current response share.
        tool_names: the names of the tools of the request; by default no tool has an alias.
        call_ids: the ids of the client calls so far.
    """

    maker: ReplayState
    tool_names: ToolNames = field(default_factory=ToolNames)
    call_ids: set[str] = field(default_factory=set[str])

    def choose_call_id(self, call: Item) -> str:
        """Return the id by which the host pairs a client call with its result.

        It is the service's own id. A call without one, and a further call with the id of an earlier one, get a digest:
        some servers give empty ids, or the same id to parallel calls (pi#4854, Switchyard#502, seen 2026-11-30).
        """
        call_id = read_call_key(call) or str(call.get("id") or "")
        if not call_id or call_id in self.call_ids:
            prefix = _NEW_ID_PREFIXES[CLIENT_CALLS[call["type"]].id_key]
            digest = hashlib.sha256(f"{len(self.call_ids)}{dumps(call)}".encode("utf-8", "surrogatepass"))
            call_id = f"{prefix}_{digest.hexdigest()[:32]}"
        self.call_ids.add(call_id)
        return call_id
