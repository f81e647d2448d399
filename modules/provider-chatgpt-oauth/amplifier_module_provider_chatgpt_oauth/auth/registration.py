"""What this machine keeps of Sign in with ChatGPT beside the tokens: its id, and the client id that it got.

Neither is a secret, and a sign-out deletes neither: the next sign-in of the account uses them again.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.wire.json_values import loads_object_or_none

from ..account_settings import AccountSettings
from .tokens import Tokens

_memory: dict[Path, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The registration of one account.

    Attributes:
        client_id: the client id that the issuer gave out; empty before the first sign-in.
        subject: whose account it is for; empty until a sign-in was completed.
        declined_plan: the user did not let us use the plan, so the next sign-in asks for it.
    """

    client_id: str = ""
    subject: str = ""
    declined_plan: bool = False


def load_registration(settings: AccountSettings) -> Registration:
    """Return the saved registration; an empty one if there is none at this issuer. Raises `StoreError`."""
    fields = _load(settings, settings.registration_file)
    if fields.get("issuer") != settings.issuer:
        return Registration()
    client_id, subject = fields.get("client_id"), fields.get("subject")
    return Registration(
        client_id=client_id if isinstance(client_id, str) else "",
        subject=subject if isinstance(subject, str) else "",
        declined_plan=fields.get("declined_plan") is True,
    )


def check_subject(registration: Registration, tokens: Tokens) -> None:
    """Check that the same person signed in as before.

    Raises:
        AuthenticationError: somebody else did.
    """
    if registration.subject not in ("", tokens.account):
        raise AuthenticationError(
            "somebody else signed in than before: sign in with the same account, or choose another label with the "
            "setting 'account'"
        )


def save_registration(settings: AccountSettings, registration: Registration) -> None:
    """Save a registration with its issuer, because no other one may get its client id. Raises `StoreError`."""
    _save(settings, settings.registration_file, {"issuer": settings.issuer, **asdict(registration)})


def describe_reset(settings: AccountSettings) -> str:
    """Return how the user gets a new client id; empty if none is saved. Raises `StoreError`."""
    if settings.is_in_memory or not load_registration(settings).client_id:
        return ""
    return (
        f". If it fails again, delete {settings.registration_file} before you sign in: it holds the client id, which "
        "the service may have forgotten"
    )


def load_host_id(settings: AccountSettings) -> str:
    """Return the id of this machine, which is made at the first call. Raises `StoreError`."""
    host_id = _load(settings, settings.host_file).get("ext_agent_host_id")
    if not isinstance(host_id, str):
        host_id = f"urn:uuid:{uuid.uuid4()}"
        _save(settings, settings.host_file, {"ext_agent_host_id": host_id})
    return host_id


def _load(settings: AccountSettings, file: Path) -> dict[str, Any]:
    content = _memory.get(file, "").encode() if settings.is_in_memory else FileStore(file).load()
    return loads_object_or_none(content or b"{}") or {}


def _save(settings: AccountSettings, file: Path, fields: dict[str, Any]) -> None:
    if settings.is_in_memory:
        _memory[file] = json.dumps(fields)
    else:
        FileStore(file).save(json.dumps(fields))
