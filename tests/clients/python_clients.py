"""Clients in Python, each in its own environment, against the emulator as its users get it.

The emulator is built into a wheel, installed into an empty environment, and started with its command line. So these
runs also prove that the package names everything that it needs.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.workplace import Workplace
from tests.support.backends import ROOT
from tests.support.foreign.environments import build_wheel, install, read_version
from tests.support.foreign.processes import find_free_port, run_program, run_server
from tests.support.foreign.table import check

KEY = "sk-python-0123456789"
_SCRIPTS = {
    "stream": "- think: Counting.\n  say: One two three.\n",
    "tool": "- think: Looking it up.\n  call: {weather: {city: Oslo}}\n- It rains in Oslo.\n",
}
_TEXTS = {"stream": "One two three.", "tool": "It rains in Oslo."}
_LONGEST_S = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonClient:
    """An installed client.

    Attributes:
        python: the interpreter of its environment.
        program: the file that uses it; see `programs`.
        emulator: the interpreter of the environment of the emulator.
    """

    version: str
    python: Path
    program: Path
    emulator: Path
    workplace: Workplace


@contextmanager
def install_python_client(workplace: Workplace, program: Path, requirement: str) -> Iterator[PythonClient]:
    """Install a client and the emulator, and yield the client."""
    programs = install(workplace.environments / program.stem, [[requirement]])
    emulator = _install_emulator(workplace.environments)
    package = requirement.partition("==")[0].partition("[")[0]
    yield PythonClient(
        version=read_version(programs, package),
        python=programs / "python",
        program=program,
        emulator=emulator / "python",
        workplace=workplace,
    )


@functools.cache
def _install_emulator(environments: Path) -> Path:
    wheel = build_wheel(ROOT / "libs" / "responses_emulator", environments / "wheels")
    return install(environments / "emulator", [[str(wheel)]], renew=True)


def _play(client: PythonClient, task: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run a program for a task; return what it printed, and the bodies that the emulator recorded."""
    home = client.workplace.new_home()
    script, record = home / "script.yaml", home / "requests.jsonl"
    script.write_text(_SCRIPTS[task], encoding="utf-8")
    port = find_free_port()
    origin = f"http://127.0.0.1:{port}"
    options = ["--surface", "all", "--port", str(port), "--script", str(script), "--record", str(record)]
    # -I: nothing of this checkout is importable.
    command = [str(client.emulator), "-I", "-m", "responses_emulator", *options]
    log = home / "emulator.log"
    with run_server(command, f"{origin}/v1/models", environment={}, folder=home, log=log):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "OPENAI_BASE_URL": f"{origin}/v1",
            "OPENAI_API_KEY": KEY,
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        command = [str(client.python), "-I", str(client.program), task]
        ended = run_program(command, environment=environment, folder=home, timeout_s=_LONGEST_S)
    refusals = log.read_text("utf-8", "replace")
    check(ended.status == 0, f"{ended.errors[-300:]!r}, and the emulator: {refusals[-300:]!r}")
    records = [json.loads(line) for line in record.read_text("utf-8").splitlines()]
    bodies = [each["body"] for each in records if each["path"].endswith("/responses") and each["status"] != 101]
    return json.loads(ended.output.splitlines()[-1]), bodies


def read_a_stream(client: PythonClient) -> None:
    result, bodies = _play(client, "stream")
    check(result["text"] == _TEXTS["stream"], f"its text is {result['text']!r}")
    check(result["pieces"] > 1, f"the text came in {result['pieces']} pieces")
    kinds = [(body.get("stream"), body.get("type")) for body in bodies]
    check(kinds in ([(True, None)], [(None, "response.create")]), f"it sent {bodies}")


def call_a_tool(client: PythonClient) -> None:
    result, bodies = _play(client, "tool")
    check(result == {"text": _TEXTS["tool"], "arguments": {"city": "Oslo"}}, f"it reports {result}")
    sent = [item for body in bodies for item in body["input"] if isinstance(item, dict)]
    outputs = [item["output"] for item in sent if item.get("type") == "function_call_output"]
    check(len(bodies) == 2 and len(outputs) == 1, f"it sent {bodies}")
    check("rain" in json.dumps(outputs), f"the output of the tool is {outputs}")


def continue_a_response(client: PythonClient) -> None:
    _, bodies = _play(client, "tool")
    types = [[item.get("type") for item in body["input"]] if isinstance(body["input"], list) else [] for body in bodies]
    check(types == [[], ["function_call_output"]], f"it sent {bodies}")
    check([body["stream_id"] for body in bodies] == ["forecast"] * 2, f"it sent {bodies}")


BEHAVIOURS: Mapping[str, Callable[[PythonClient], None]] = {"a stream": read_a_stream, "a tool call": call_a_tool}
WEBSOCKET_BEHAVIOURS: Mapping[str, Callable[[PythonClient], None]] = {
    **BEHAVIOURS,
    "only the new items": continue_a_response,
}
