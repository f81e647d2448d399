"""What somebody else may have put where a sign-in keeps its files: whole sign-ins against it, not the store alone.

The store's own defences, one by one, are in tests/unit/auth/store/test_file.py and tests/unit/auth/store/test_lock.py.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from amplifier_module_provider_azure_openai_v2.__main__ import COMMANDS as AZURE_COMMANDS
from amplifier_module_provider_chatgpt_oauth.__main__ import COMMANDS as CHATGPT_COMMANDS
from openai_responses_common.auth import device_code as flow
from openai_responses_common.cli.commands import run_command
from responses_emulator import Authority, Directory, Emulator, SignInService, chatgpt_surfaces, entra_surface
from responses_emulator.transport.tls import LOOPBACK

pytestmark = [
    pytest.mark.promise(
        "planted links, pipes, owners and modes give nobody the token store",
        area="security",
        without={"openai-v2": "an API key is neither requested nor refreshed nor stored by us"},
    ),
    pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of POSIX"),
]
CANARY = "store-canary-7"


class Login:
    """A module's `login`, with a person who approves at once.

    Attributes:
        file: where the tokens go.
        emulator: the sign-in service.
    """

    def __init__(self, commands: Any, file: Path, emulator: Emulator, settings: dict[str, str]) -> None:
        self.file, self.emulator = file, emulator
        self._commands = commands
        self._settings = {**settings, "token_file_path": str(file)}

    def __call__(self, word: str = "login", **more: str) -> int:
        given = [part for key, value in {**self._settings, **more}.items() for part in ("--set", f"{key}={value}")]
        words = [word, *given]
        return run_command(self._commands, program="p", description="d", arguments=words)

    @property
    def requests(self) -> int:
        return len(self.emulator.requests)


@pytest.fixture(params=["azure-openai-v2", "chatgpt-oauth"])
def login(
    request: pytest.FixtureRequest, home: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Login]:
    """Both modules that keep tokens; keys of the third lie where the user put them."""
    monkeypatch.setattr(flow, "_MIN_POLL_INTERVAL_S", 0.01)
    monkeypatch.setattr(flow, "_POLL_INTERVAL_FACTOR", 0.01)
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    file = home / ".amplifier" / "tokens.json"
    if request.param == "chatgpt-oauth":
        service = SignInService(interval="0.01")
        service.pending_polls = 0
        monkeypatch.setattr(service, "canary", CANARY)
        with Emulator(surfaces=chatgpt_surfaces(service)) as running:
            settings = {"base_url": running.base_url, "issuer": running.origin, "token_store": "file"}
            yield Login(CHATGPT_COMMANDS, file, running, settings)
        return
    directory = Directory(canary=CANARY)
    directory.polls_until_approved = 0
    with Emulator(surfaces=(entra_surface(directory),), tls=authority.context(*LOOPBACK)) as running:
        settings = {
            "azure_endpoint": "https://contoso.openai.azure.com",
            "authority_host": f"https://localhost:{running.port}",
            "tenant_id": directory.tenant,
            "client_id": directory.client_id,
            "token_store": "file",
        }
        yield Login(AZURE_COMMANDS, file, running, settings)


def modes(folder: Path) -> dict[str, int]:
    return {str(each.relative_to(folder)): stat.S_IMODE(each.lstat().st_mode) for each in folder.rglob("*")}


@pytest.mark.parametrize("mode", ["file", "auto"])
def test_whatever_the_umask_all_that_is_written_is_the_owners(login: Login, home: Path, mode: str) -> None:
    """Tokens, locks, notes, catalogues and every folder on the way; nothing else is left."""
    before = os.umask(0)
    try:
        assert login(token_store=mode) == 0
    finally:
        os.umask(before)
    found = modes(home)
    assert CANARY in login.file.read_text()
    assert found.pop(".amplifier") == 0o700
    assert found
    assert set(found.values()) == {0o600}, found
    assert not [name for name in found if name.endswith(".tmp")]


def test_nobody_else_on_this_machine_can_read_it(login: Login, home: Path) -> None:
    """Asked of the system itself, as the user `nobody`, with every folder above open to all."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        top.chmod(0o755)
        (top / "open").mkdir(mode=0o755)
        login._settings["token_file_path"] = str(top / "open" / "tokens.json")
        assert login() == 0
        kept = sorted((top / "open").iterdir())
        assert kept
        words = ["cat", "--", *map(str, kept)]
        done = subprocess.run(words, user=65534, group=65534, extra_groups=[], capture_output=True, check=False)
        assert done.stdout == b""
        assert done.stderr.count(b"Permission denied") == len(kept), done.stderr


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file of the user's that an attacker wants overwritten or given away."""
    path = tmp_path / "victim"
    path.write_text("mine", encoding="utf-8")
    path.chmod(0o644)
    return path


def untouched(victim: Path) -> bool:
    return (victim.read_text(), stat.S_IMODE(victim.stat().st_mode)) == ("mine", 0o644)


BESIDE = {
    "file": "tokens.json",
    "choice": "tokens.json.choice",
    "catalogue": "tokens.json.models",
    "temporary": ".tokens.json.00000000.tmp",
}


@pytest.mark.parametrize("where", BESIDE)
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_in_a_files_place_is_replaced_and_not_followed(
    login: Login, victim: Path, where: str, dangling: bool
) -> None:
    """Nothing is written to what it points to, and nothing is made there."""
    login.file.parent.mkdir(mode=0o700)
    target = victim.with_name("new") if dangling else victim
    (login.file.parent / BESIDE[where]).symlink_to(target)
    login(token_store="auto")
    assert untouched(victim)
    assert not victim.with_name("new").exists()
    if login.file.exists():
        assert not login.file.is_symlink()
        assert stat.S_IMODE(login.file.stat().st_mode) == 0o600


def test_a_link_in_the_locks_place_stops_the_sign_in_before_it_begins(
    login: Login, victim: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lock that lies elsewhere locks nothing; the person is not sent to the page for nothing."""
    login.file.parent.mkdir(mode=0o700)
    login.file.with_name("tokens.json.lock").symlink_to(victim)
    assert login() == 1
    assert "symbolic link" in capsys.readouterr().err
    assert login.requests == 0
    assert untouched(victim)


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_a_pipe_or_a_folder_in_the_locks_place_does_not_hang_it(login: Login, kind: str) -> None:
    """Opening a pipe waits for ever, where it is not told otherwise."""
    login.file.parent.mkdir(mode=0o700)
    path = login.file.with_name("tokens.json.lock")
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    assert login() == 1
    assert login.requests == 0


FOLDERS: dict[str, Callable[[Path, Path], Any]] = {
    "others may write": lambda folder, _: (folder.mkdir(), folder.chmod(0o777)),
    "its group may write": lambda folder, _: (folder.mkdir(), folder.chmod(0o770)),
    "a link to where others may write": lambda folder, other: (other.chmod(0o777), folder.symlink_to(other)),
    "a link to nowhere": lambda folder, other: folder.symlink_to(other / "nowhere"),
    "a file": lambda folder, _: folder.write_text("x"),
}


@pytest.mark.parametrize("how", FOLDERS)
def test_a_folder_that_others_command_is_not_used(
    login: Login, tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said before the sign-in begins, and nothing is left there."""
    other = tmp_path / "other"
    other.mkdir()
    FOLDERS[how](login.file.parent, other)
    assert login() == 1
    assert str(login.file.parent) in capsys.readouterr().err
    assert login.requests == 0
    assert list(other.iterdir()) == []


def test_a_folder_that_belongs_to_somebody_else_is_not_used(login: Login, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is one whose owner could take it back at any time."""
    if os.geteuid() != 0:
        pytest.skip("only root gives folders away")
    login.file.parent.mkdir(mode=0o700)
    os.chown(login.file.parent, 65534, 65534)
    assert login() == 1
    assert "another user" in capsys.readouterr().err
    assert login.requests == 0


def test_a_sign_out_removes_all_that_holds_a_token(login: Login, home: Path) -> None:
    """Also what a killed process left; and no file that stays behind holds a word of it."""
    assert login() == 0
    (login.file.parent / ".tokens.json.abc.tmp").write_text(CANARY)
    assert login("logout") == 0
    for path in home.rglob("*"):
        assert not path.is_file() or CANARY not in path.read_text(), path
    assert not login.file.exists()


def test_tokens_are_in_no_command_line_and_no_environment_of_a_child(
    login: Login, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody on a machine can list command lines."""
    seen = SimpleNamespace(words=[])
    real = subprocess.Popen.__init__

    def watch(self: Any, *words: Any, **named: Any) -> None:
        seen.words.append(f"{words} {named}")
        real(self, *words, **named)

    monkeypatch.setattr(subprocess.Popen, "__init__", watch)
    assert login() == 0
    login("status")
    assert CANARY not in str(seen.words)
    assert CANARY not in str(dict(os.environ))
