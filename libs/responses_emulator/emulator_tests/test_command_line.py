"""."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
from emulator_clients.responses import AUTHORIZATION


def test_served_on_its_own() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "responses_emulator", "--port", "0", "--pace", "0"]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        base_url = process.stdout.readline().strip()
        reply = httpx.post(f"{base_url}/responses", json={"model": "gpt-5.5", "input": "hello"}, headers=AUTHORIZATION)
        assert reply.status_code == 200
        process.stdin.close()
        assert process.wait(60) == 0
