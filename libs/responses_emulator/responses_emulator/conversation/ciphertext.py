"""Ciphertext of reasoning: opaque text that only the account and endpoint that received it can send back.

Invariants: ciphertext names what it was made for and is authenticated as a whole; sealing the same claims twice gives
two different texts (recorded: the copies in `added`, `done` and `completed` all differ); the copy in `added` is not
final and is never accepted in a replay.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from dataclasses import asdict, dataclass
from typing import Any

_SECRET = b"offline service, not a secret"
_MARK = b"\x80\x00\x00\x00\x00"
_COUNTER = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class CiphertextClaims:
    """What one ciphertext is valid for; the copy that is not `final` is never accepted."""

    account: str
    endpoint: str
    response_id: str
    item_id: str
    position: int
    digest: str
    model: str
    prefix: str = ""
    end_user: str = ""
    final: bool = True


def summary_digest(item: dict[str, Any]) -> str:
    """Return a digest of the summary.

    An empty part does not count (recorded: [] replayed as one empty part is accepted).
    """
    texts = [str(part.get("text", "")) for part in item.get("summary") or [] if part.get("text")]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]


def seal(claims: CiphertextClaims, *, bulk: int) -> str:
    """Return new ciphertext of about `bulk` bytes."""
    nonce = hashlib.sha256(str(next(_COUNTER)).encode()).digest()[:16]
    plain = json.dumps(asdict(claims)).encode()
    plain += b" " * max(0, bulk - len(plain))
    cipher = bytes(a ^ b for a, b in zip(plain, _keystream(nonce, len(plain)), strict=True))
    body = _MARK + nonce + cipher
    return base64.urlsafe_b64encode(body + _tag(body)).decode()


def unseal(blob: str) -> CiphertextClaims | None:
    """Return the claims inside. None for a text that was not sealed here or was changed since."""
    try:
        body = base64.b64decode(blob.encode(), altchars=b"-_", validate=True)
    except (ValueError, UnicodeEncodeError):
        return None
    body, tag = body[:-32], body[-32:]
    if not body.startswith(_MARK) or not hmac.compare_digest(tag, _tag(body)):
        return None
    nonce, cipher = body[len(_MARK) : len(_MARK) + 16], body[len(_MARK) + 16 :]
    plain = bytes(a ^ b for a, b in zip(cipher, _keystream(nonce, len(cipher)), strict=True))
    return CiphertextClaims(**json.loads(plain))


def abbreviate(blob: str) -> str:
    """Return ciphertext as the service quotes it in an error."""
    return blob if len(blob) <= 12 else f"{blob[:4]}...{blob[-4:]}"


def _keystream(nonce: bytes, length: int) -> bytes:
    return hashlib.shake_256(_SECRET + nonce).digest(length)


def _tag(body: bytes) -> bytes:
    return hmac.new(_SECRET, body, hashlib.sha256).digest()
