"""`python -m responses_emulator` prints where it listens and what a client needs, serves, and ends when it should."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from emulator_clients.chatgpt import BODY
from emulator_clients.responses import AUTHORIZATION
from responses_emulator import Emulator
from responses_emulator.__main__ import main
from responses_emulator.chatgpt_plan.keys import first_key

COMMAND = [sys.executable, "-m", "responses_emulator"]
RESPONDER = """
from responses_emulator import Say

def respond(context):
    return [Say(f"{len(context.items)} item")]

NOT_A_FUNCTION = 1
"""


@contextlib.contextmanager
def served(*options: str, folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    command = [*COMMAND, *options]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=folder) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def settings_of(process: subprocess.Popen[str], count: int) -> dict[str, str]:
    assert process.stderr is not None
    pairs = (process.stderr.readline().strip().partition("=") for _ in range(count))
    return {name: value for name, _, value in pairs}


def test_the_command_line_serves_until_its_input_closes() -> None:
    with served() as process:
        base_url = line_of(process)
        settings = settings_of(process, 2)
        assert settings["OPENAI_BASE_URL"] == base_url
        headers = {"authorization": f"Bearer {settings['OPENAI_API_KEY']}"}
        reply = httpx.post(f"{base_url}/responses", json={"model": "gpt-5.5", "input": "hello"}, headers=headers)
        assert reply.status_code == 200
        process.communicate(timeout=60)
        assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_line_ends_by_a_signal(number: signal.Signals) -> None:
    with served() as process:
        line_of(process)
        process.send_signal(number)
        assert process.wait(60) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes an input")
def test_the_command_line_ends_if_it_has_no_input() -> None:
    command = f"exec {shlex.join(COMMAND)} <&-"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert "Traceback" not in ended.stderr


def test_the_command_line_serves_azure() -> None:
    with served("--surface", "azure") as process:
        base_url, settings = line_of(process), settings_of(process, 3)
        assert base_url == f"{settings['AZURE_OPENAI_ENDPOINT']}/openai/v1"
        headers = {"api-key": settings["AZURE_OPENAI_API_KEY"]}
        body = {"model": "gpt-5.4", "input": "hello"}
        classic = f"{settings['AZURE_OPENAI_ENDPOINT']}/openai/responses?api-version={settings['OPENAI_API_VERSION']}"
        for url in (f"{base_url}/responses", classic):
            assert httpx.post(url, json=body, headers=headers).status_code == 200


def test_the_command_line_serves_chatgpt_and_its_sign_in() -> None:
    with served("--surface", "chatgpt", "--json") as process:
        addresses, settings = json.loads(line_of(process)), settings_of(process, 4)
        assert addresses == {
            "base_url": settings["CHATGPT_OAUTH_BASE_URL"],
            "origin": settings["CHATGPT_OAUTH_ISSUER"],
            "issuer": settings["CHATGPT_OAUTH_ISSUER"],
        }
        headers = {
            "authorization": f"Bearer {settings['CHATGPT_ACCESS_TOKEN']}",
            "chatgpt-account-id": settings["CHATGPT_ACCOUNT_ID"],
            "originator": "tester",
            "user-agent": "tester/1.0",
        }
        reply = httpx.post(f"{settings['CHATGPT_OAUTH_BASE_URL']}/responses", json=BODY, headers=headers)
        assert reply.status_code == 200, reply.text
        assert httpx.get(f"{settings['CHATGPT_OAUTH_ISSUER']}/codex/device").status_code == 200


def test_the_command_line_serves_a_chatgpt_plan_and_its_sign_in() -> None:
    with served("--surface", "chatgpt-plan", "--json") as process:
        addresses, settings = json.loads(line_of(process)), settings_of(process, 4)
        assert addresses == {
            "base_url": settings["CHATGPT_OAUTH_PLAN_BASE_URL"],
            "origin": settings["CHATGPT_OAUTH_ISSUER"],
            "issuer": settings["CHATGPT_OAUTH_ISSUER"],
        }
        assert settings["CHATGPT_OAUTH_PLAN_BASE_URL"] == f"{settings['CHATGPT_OAUTH_ISSUER']}/v1"
        headers = {"authorization": f"Bearer {settings['CHATGPT_PLAN_ACCESS_TOKEN']}"}
        body = {**BODY, "instructions": None}
        assert (
            httpx.post(f"{settings['CHATGPT_OAUTH_PLAN_BASE_URL']}/responses", json=body, headers=headers).status_code
            == 200
        )
        assert httpx.get(f"{settings['CHATGPT_OAUTH_ISSUER']}/.well-known/jwks.json").json()["keys"]


def test_the_command_line_takes_a_responder(tmp_path: Path) -> None:
    (tmp_path / "own_responder.py").write_text(RESPONDER, encoding="utf-8")
    with served("--responder", "own_responder:respond", "--word-delay", "0.001", folder=tmp_path) as process:
        body = {"model": "gpt-4.1", "input": "hello"}
        reply = httpx.post(f"{line_of(process)}/responses", json=body, headers=AUTHORIZATION)
        assert reply.json()["output"][0]["content"][0]["text"] == "1 item"


def test_the_command_line_serves_all_services_on_one_port() -> None:
    with served("--surface", "all", "--json") as process:
        addresses, settings = json.loads(line_of(process)), settings_of(process, 12)
        assert addresses["base_urls"] == {
            "openai": settings["OPENAI_BASE_URL"],
            "azure": f"{settings['AZURE_OPENAI_ENDPOINT']}/openai/v1",
            "chatgpt": settings["CHATGPT_OAUTH_BASE_URL"],
            "chatgpt-plan": settings["CHATGPT_OAUTH_PLAN_BASE_URL"],
        }
        body = {"model": "gpt-4.1", "input": "hello"}
        for url, headers in (
            (settings["OPENAI_BASE_URL"], {"authorization": f"Bearer {settings['OPENAI_API_KEY']}"}),
            (addresses["base_urls"]["azure"], {"api-key": settings["AZURE_OPENAI_API_KEY"]}),
        ):
            assert httpx.post(f"{url}/responses", json=body, headers=headers).status_code == 200


def test_the_command_line_serves_all_services_that_it_has_packages_for() -> None:
    script = "import sys; sys.modules['jwt'] = None; from responses_emulator.__main__ import main; main(sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", script, "--surface", "all", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        output, errors = process.communicate(timeout=60)
    assert set(json.loads(output)["base_urls"]) == {"openai", "azure", "chatgpt"}
    assert "# Without chatgpt-plan: signed tokens need PyJWT and cryptography." in errors


def test_the_command_line_says_what_a_service_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    first_key.cache_clear()
    with pytest.raises(SystemExit, match="2"):
        main(["--surface", "chatgpt-plan"])
    assert "pip install 'responses-emulator[signing]'" in capsys.readouterr().err


def test_the_command_line_serves_two_services_in_the_order_of_their_names() -> None:
    with served("--surface", "azure", "openai") as process:
        assert line_of(process).endswith("/openai/v1")


def test_the_command_line_plays_a_script_and_records_requests(tmp_path: Path) -> None:
    script, record = tmp_path / "answers.yaml", tmp_path / "requests.jsonl"
    script.write_text("- It rains.\n- server_error:\n", encoding="utf-8")
    with served("--script", str(script), "--record", str(record)) as process:
        url = f"{line_of(process)}/responses"
        body = {"model": "gpt-4.1", "input": "hello"}
        first = httpx.post(url, json=body, headers={"authorization": "Bearer sk-secret-0123456789"})
        assert first.json()["output"][0]["content"][0]["text"] == "It rains."
        assert httpx.post(url, json=body, headers=AUTHORIZATION).status_code == 500
        assert httpx.post(url, json={"model": 1}, headers=AUTHORIZATION).status_code == 400
        _, errors = process.communicate(timeout=60)
    assert "POST /v1/responses: 400 Invalid type for 'model'" in errors
    lines = [json.loads(line) for line in record.read_text("utf-8").splitlines()]
    assert [line["status"] for line in lines] == [200, 500, 400]
    assert lines[0]["body"] == body
    assert lines[0]["headers"]["authorization"] == "Bearer sk-se…"
    assert (lines[0]["path"], lines[0]["surface"]) == ("/v1/responses", "openai")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_record_that_cannot_be_written_costs_no_request() -> None:
    with served("--record", "/dev/full") as process:
        body = {"model": "gpt-4.1", "input": "hello"}
        assert httpx.post(f"{line_of(process)}/responses", json=body, headers=AUTHORIZATION).status_code == 200
        _, errors = process.communicate(timeout=60)
    assert "POST /v1/responses is not in the record: cannot write to /dev/full: No space left on device" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("body", [b'{"input": "\\ud800"}', b"[" * 100_000], ids=["half a pair", "deep"])
def test_a_record_takes_any_body(tmp_path: Path, body: bytes) -> None:
    record = tmp_path / "requests.jsonl"
    with Emulator(record=record) as emulator:
        reply = httpx.post(f"{emulator.base_url}/responses", content=body, headers=AUTHORIZATION)
    (line,) = record.read_text("utf-8").splitlines()
    assert json.loads(line)["status"] == reply.status_code == 400


def test_the_command_line_says_why_a_responder_failed(tmp_path: Path) -> None:
    (tmp_path / "bad_responder.py").write_text("def respond(context):\n    return 1 / 0\n", encoding="utf-8")
    with served("--responder", "bad_responder:respond", folder=tmp_path) as process:
        body = {"model": "gpt-4.1", "input": "hello"}
        reply = httpx.post(f"{line_of(process)}/responses", json=body, headers=AUTHORIZATION)
        assert (reply.status_code, reply.json()["error"]["type"]) == (500, "server_error")
        _, errors = process.communicate(timeout=60)
    assert "POST /v1/responses: the script or the responder failed" in errors
    assert "ZeroDivisionError" in errors


def test_the_command_line_says_why_a_function_of_a_script_failed(tmp_path: Path) -> None:
    script = tmp_path / "answers.py"
    script.write_text("script = [lambda request: 'Hello!']\n", encoding="utf-8")
    with served("--script", str(script)) as process:
        body = {"model": "gpt-4.1", "input": "hello"}
        assert httpx.post(f"{line_of(process)}/responses", json=body, headers=AUTHORIZATION).status_code == 500
        _, errors = process.communicate(timeout=60)
    assert "a function of the script returned 'Hello!'; it returns a reply, such as Say('Hello!')" in errors


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--responder", f"{__name__}:absent"), "cannot import"),
        (("--responder", "one_word"), "Example: my_package.my_module:respond"),
        (("--responder", "json:__name__"), "is not a function"),
        (("--responder", "..relative:respond"), "cannot import"),
        (("--port", "65536"), "is not a number from 0 to 65535"),
        (("--port", "-1"), "is not a number from 0 to 65535"),
        (("--surface", "other"), "invalid choice: 'other'"),
        (("--word-delay", "nan"), "'nan' is not a number of seconds from 0 on"),
        (("--word-delay", "-1"), "'-1' is not a number of seconds from 0 on"),
        (("--word-delay", "inf"), "'inf' is not a number of seconds from 0 on"),
        (("--word-delay", "soon"), "'soon' is not a number of seconds from 0 on"),
        (("--script", "absent.yaml"), "cannot read absent.yaml"),
        (("--record", "absent/requests.jsonl"), "cannot write to 'absent/requests.jsonl'"),
    ],
)
def test_the_command_line_refuses_what_is_not_valid(
    options: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(options)
    assert error in capsys.readouterr().err


def test_the_command_line_says_that_a_port_is_taken(emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--port", str(emulator.port)])
    assert "Use --port 0 for a free port" in capsys.readouterr().err
