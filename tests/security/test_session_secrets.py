"""One sweep over everything that a real session of the kernel leaves behind, on disk too, in which no secret stands.

Each module's ways to a token and their failures are swept in tests/behaviour/azure/test_azure_secrets.py and
tests/behaviour/chatgpt/test_chatgpt_secrets.py, faults of the call in tests/security/test_call_secrets.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.utils import redact_secrets
from responses_emulator import (
    Call,
    Disconnect,
    Emulator,
    HttpReply,
    ResponseFailed,
    Say,
    Turn,
    rate_limit_exceeded,
    server_is_overloaded,
)

from tests.support.backends import BackendUnderTest
from tests.support.kernels import Kernel
from tests.support.witness import CHATTY, Witness

pytestmark = pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security")

ANSWERS: dict[str, Any] = {
    "tool": Turn(Call("calculate", {"expression": "17 * 23"})),
    "said": Turn(Say("391")),
    "overloaded": server_is_overloaded(),
    "limited": rate_limit_exceeded(after_s=0.01),
    "broken": Disconnect(),
    "failed": Turn(Say("half"), ResponseFailed(code="server_error")),
    "refused": lambda secret: HttpReply(401, {"error": {"message": f"Bearer {secret}", "code": secret}}),
    "forbidden": lambda secret: HttpReply(403, {"detail": f"key {secret} may not"}),
    "page": lambda secret: HttpReply(400, f"<html><title>{secret}</title>{secret}</html>"),
}


async def test_a_session_from_beginning_to_end_leaves_no_secret(
    backend: BackendUnderTest,
    emulator: Emulator,
    witness: Witness,
    tmp_path: Path,
) -> None:
    """Logs of everybody at DEBUG, both output streams, events and metadata as a host writes them, and the history."""
    secret = backend.secret
    config = backend.settings(emulator, max_retries=2, **CHATTY)
    kernel = await Kernel([{"module": backend.module, "config": config}]).start()
    for answer in ANSWERS.values():
        scripted: Any = answer(secret) if callable(answer) else answer
        emulator.script(scripted)
    outcomes: list[str | BaseException] = []
    while emulator.unused_script_entries:
        outcomes.append(await turn(kernel))
    await kernel.providers[backend.name].list_models()
    write(tmp_path, kernel, outcomes)
    await kernel.session.cleanup()

    assert secret in str(emulator.model_requests[0].headers), "it was sent at all"
    assert len(outcomes) >= 4
    assert len(kernel.recorder.events) > 30
    assert {"llm:request:raw", "llm:response:raw", "provider:retry"} <= set(kernel.recorder.names)
    witness.check(secret, kernel.recorder.events, *outcomes)
    assert [name for name, text in kept(tmp_path).items() if secret in text] == []


async def turn(kernel: Kernel) -> str | BaseException:
    """What comes of one question."""
    try:
        return str(await kernel.session.execute("What is 17 * 23?"))
    except Exception as error:  # noqa: BLE001 - whatever a loop lets through is looked at
        return error


def kept(folder: Path) -> dict[str, str]:
    """Every file of a folder."""
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def write(folder: Path, kernel: Kernel, outcomes: list[str | BaseException]) -> None:
    """What hosts keep of a session: its events, its plan with secrets redacted by the kernel, and its history."""
    lines = [json.dumps({"event": each.name, "data": each.data}) for each in kernel.recorder.events]
    (folder / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")
    plan = redact_secrets(dict(kernel.coordinator.config))
    (folder / "metadata.json").write_text(json.dumps(plan, default=str), encoding="utf-8")
    (folder / "transcript.json").write_text(json.dumps([str(each) for each in outcomes]), encoding="utf-8")
    assert "providers" in plan
