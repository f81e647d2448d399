"""The fixtures of the pytest plugin start emulators, stop them after the test, and need nothing but one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
from emulator_clients.responses import post_response
from responses_emulator import Authority, Emulator, RateLimits, Say, openai_surface
from responses_emulator.pytest_plugin import StartEmulator

TESTS = """
import httpx

def test_one(emulator, start_emulator, certificate_authority, tmp_path_factory):
    second = start_emulator(tls=certificate_authority.context())
    origins = f"{emulator.origin} {second.origin}"
    (tmp_path_factory.getbasetemp() / "origins").write_text(origins)
    assert httpx.get(f"{emulator.base_url}/models").status_code == 401
"""


def test_the_plugin_stops_what_it_started(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["responses_emulator.pytest_plugin"]\n', encoding="utf-8")
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "base")]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout
    for origin in (tmp_path / "base" / "origins").read_text(encoding="utf-8").split():
        assert not _listens(origin)


def _listens(origin: str) -> bool:
    try:
        httpx.get(origin, verify=False)
    except httpx.ConnectError:
        return False
    return True


def test_the_plugin_starts_several_emulators(emulator: Emulator, start_emulator: StartEmulator) -> None:
    other = start_emulator(openai_surface(prefix="/api"), responder=lambda context: [Say("other")])
    assert other.port != emulator.port
    assert post_response(other).json()["output"][0]["content"][0]["text"] == "other"
    limited = start_emulator(limits=RateLimits(requests=0))
    assert post_response(limited).status_code == 429


def test_the_plugin_gives_certificates(start_emulator: StartEmulator, certificate_authority: Authority) -> None:
    secure = start_emulator(tls=certificate_authority.context())
    reply = httpx.get(f"{secure.base_url}/models", verify=certificate_authority.client())
    assert reply.status_code == 401
