"""A sign-in in a file: nobody else can read it, and nothing else is taken for it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError
from amplifier_module_provider_chatgpt_oauth.account_settings import AccountSettings
from amplifier_module_provider_chatgpt_oauth.auth.account import Account
from amplifier_module_provider_chatgpt_oauth.auth.exported import export_sign_in, import_sign_in, read_sign_in
from amplifier_module_provider_chatgpt_oauth.auth.tokens import Tokens

SECRET = "CANARY-access"
ADA = Tokens(
    access_token=SECRET, refresh_token="CANARY-refresh", expires_at=time.time() + 86_400, account="ada", client_id="c"
)


def machine(folder: Path, **config: Any) -> Account:
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = {"auth_mode": "plan", "token_store": "file", "token_file_path": str(folder / "tokens.json"), **config}
    return Account(AccountSettings.from_config(settings))


@pytest.fixture
def account(tmp_path: Path) -> Account:
    account = machine(tmp_path / "one")
    account.saved_tokens.replace(ADA)
    return account


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sign-in.json"


@pytest.mark.parametrize("mode", [0o700, 0o1777], ids=["an own folder", "a folder of everybody"])
def test_a_sign_in_moves_into_a_file_and_out_of_it(account: Account, file: Path, mode: int) -> None:
    file.parent.chmod(mode)
    before = os.umask(0)
    try:
        assert export_sign_in(account, file) == ADA
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600
    assert account.load_tokens() is None, "two machines with one refresh token would end the sign-in"
    assert export_sign_in(account, file) is None
    other = machine(file.parent / "two")
    assert read_sign_in(file) == ("plan", ADA)
    import_sign_in(other, ADA)
    assert other.load_tokens() == ADA


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_that_exists_is_not_replaced_and_the_sign_in_stays(account: Account, file: Path, kind: str) -> None:
    other = file.with_name("other")
    other.write_text("mine", encoding="utf-8")
    file.symlink_to(other) if kind == "link" else file.write_text("mine", encoding="utf-8")
    with pytest.raises(AuthenticationError, match=r"cannot write .*: File exists"):
        export_sign_in(account, file)
    assert other.read_text(encoding="utf-8") == "mine"
    assert account.load_tokens() == ADA


@pytest.mark.parametrize("name", ["absent/sign-in.json", "\0"])
def test_a_path_that_cannot_be_written_keeps_the_sign_in(account: Account, tmp_path: Path, name: str) -> None:
    with pytest.raises(AuthenticationError, match="cannot write"):
        export_sign_in(account, tmp_path / name)
    assert account.load_tokens() == ADA


def test_another_person_is_not_imported(account: Account, file: Path) -> None:
    export_sign_in(account, file)
    import_sign_in(account, ADA)
    bob = Tokens(access_token="bob", refresh_token="bob", expires_at=time.time() + 600, account="bob")
    with pytest.raises(AuthenticationError, match="somebody else"):
        import_sign_in(account, bob)
    assert account.load_tokens() == ADA


RECORD = {
    "v": 1,
    "account": "ada",
    "saved_at": 1.0,
    "expires_at": time.time() + 86_400,  # longer than all tests take
    "tokens": {"access_token": SECRET},
}
VALID = {"kind": "amplifier-chatgpt-sign-in", "auth_mode": "plan", "record": json.dumps(RECORD)}


def record(**more: Any) -> dict[str, Any]:
    return {**VALID, "record": json.dumps({**RECORD, **more})}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "does not hold a sign-in"),
        (b"\xff\xfe", "does not hold a sign-in"),
        (b"[]", "does not hold a sign-in"),
        ({**VALID, "kind": "other"}, "does not hold a sign-in"),
        ({**VALID, "auth_mode": "browser"}, "does not hold a sign-in"),
        ({**VALID, "record": RECORD}, "does not hold a sign-in"),
        ({**VALID, "record": SECRET}, "is damaged"),
        (RECORD, "does not hold a sign-in"),
        (record(v=2), "another version"),
        (record(tokens={}), "is damaged"),
        (record(tokens={"access_token": f"{SECRET}\n"}), "is damaged"),
        (record(account=""), "is damaged"),
        (record(expires_at=5.0), "has expired"),
    ],
)
def test_another_file_is_refused_and_not_quoted(file: Path, content: Any, problem: str) -> None:
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    file.chmod(0o600)
    with pytest.raises(AuthenticationError, match=problem) as raised:
        read_sign_in(file)
    assert SECRET not in str(raised.value)
    assert str(file) in str(raised.value)


def test_files_that_others_could_have_written_are_refused(file: Path) -> None:
    with pytest.raises(AuthenticationError, match=r"cannot read .*: No such file"):
        read_sign_in(file)
    file.write_text(json.dumps(VALID), encoding="utf-8")
    file.chmod(0o644)
    with pytest.raises(AuthenticationError, match="chmod 600"):
        read_sign_in(file)
    file.chmod(0o600)
    link = file.with_name("link")
    link.symlink_to(file)
    with pytest.raises(AuthenticationError, match="symbolic link"):
        read_sign_in(link)
    assert read_sign_in(file)[1].access_token == SECRET
