"""What this machine keeps of Sign in with ChatGPT beside the tokens: its id, and the client id that it got.

Neither is a secret, and a sign-out deletes neither: the next sign-in of the account uses them again.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.wire.json_values import loads_object_or_none

from ..settings import AccountSettings

_memory: dict[str, str] = {}


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
    declined_plan: bool = field(default=False)


def load_registration(settings: AccountSettings) -> Registration:
    """Return the saved registration; an empty one if there is none. Raises `StoreError`."""
    fields = _load(settings, settings.registration_file.name)
    client_id, subject = fields.get("client_id"), fields.get("subject")
    return Registration(
        client_id=client_id if isinstance(client_id, str) else "",
        subject=subject if isinstance(subject, str) else "",
        declined_plan=fields.get("declined_plan") is True,
    )


def save_registration(settings: AccountSettings, registration: Registration) -> None:
    """Save a registration. Raises `StoreError`."""
    _save(settings, settings.registration_file.name, asdict(registration))


def load_host_id(settings: AccountSettings) -> str:
    """Return the id of this machine, which is made at the first call. Raises `StoreError`."""
    name = settings.host_file.name
    host_id = _load(settings, name).get("ext_agent_host_id")
    if not isinstance(host_id, str):
        host_id = f"urn:uuid:{uuid.uuid4()}"
        _save(settings, name, {"ext_agent_host_id": host_id})
    return host_id


def _load(settings: AccountSettings, name: str) -> dict[str, Any]:
    if settings.token_store == "memory":
        return loads_object_or_none(_memory.get(name, "{}").encode()) or {}
    return loads_object_or_none(FileStore(settings.token_file.with_name(name)).load() or b"{}") or {}


def _save(settings: AccountSettings, name: str, fields: dict[str, Any]) -> None:
    if settings.token_store == "memory":
        _memory[name] = json.dumps(fields)
    else:
        FileStore(settings.token_file.with_name(name)).save(json.dumps(fields))
