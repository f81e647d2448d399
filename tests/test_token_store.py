"""The token store in every mode, under attack, and with processes that die."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import stat
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keyring
import pytest
from openai_responses_common import keyring_store, token_store
from openai_responses_common.file_store import FileStore
from openai_responses_common.memory_store import MemoryStore
from openai_responses_common.token_record import Record, StoreError, decode_record, encode_record
from openai_responses_common.token_store import TokenStore, open_store

from tests.keyrings import Crash, DictKeyring, HangingKeyring, LockedKeyring, ReadOnlyKeyring

CANARY = "canary-9e41"

posix = pytest.mark.skipif(sys.platform == "win32", reason="looks at modes")


@pytest.fixture(autouse=True)
def _one_process_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a fresh process."""
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    monkeypatch.setattr(keyring_store, "_was_late", threading.Event())
    monkeypatch.setattr(token_store, "_warned", set())
    monkeypatch.setattr(token_store, "_memory", {})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "tokens.json"


@pytest.fixture
def backend() -> DictKeyring:
    backend = DictKeyring()
    keyring.set_keyring(backend)
    return backend


def new(number: int = 1, **tokens: Any) -> Record:
    """The record number so many."""
    return Record(
        account="someone@example.org",
        saved_at=1_700_000_000.5 + number,
        expires_at=1_700_003_600.0 + number,
        tokens={"refresh_token": f"{CANARY}-{number}", **tokens},
    )


def opened(path: Path, mode: str = "auto", **options: Any) -> TokenStore:
    return open_store(mode, service="test", path=path, **options)


def refused(store: TokenStore, *words: str) -> StoreError:
    with pytest.raises(StoreError) as caught:
        store.load()
    told = "".join(traceback.format_exception(caught.value))
    assert CANARY not in told
    assert [word for word in words if word not in str(caught.value)] == []
    return caught.value


def plant(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)


class Conformance:
    """What holds in every mode."""

    mode = "auto"
    words = ""

    @pytest.fixture(autouse=True)
    def _place(self, path: Path) -> None:
        self.path = path

    def open(self, account: str = "default", **options: Any) -> TokenStore:
        return opened(self.path, self.mode, account=account, **options)

    def test_nothing_at_first(self) -> None:
        assert self.open().load() is None
        assert self.open().delete() == []

    def test_a_record_is_there_for_the_next_store(self) -> None:
        self.open().probe()
        self.open().save(new(1))
        assert self.open().load() == new(1)
        self.open().save(new(2, id_token="x" * 8000, claims={"plan": ["ü", None, 1.5]}))
        assert self.open().load() == new(2, id_token="x" * 8000, claims={"plan": ["ü", None, 1.5]})

    def test_what_is_removed_is_gone(self) -> None:
        self.open().save(new())
        (place,) = self.open().delete()
        assert self.words in place
        assert self.open().load() is None
        assert self.open().delete() == []
        self.open().save(new(3))
        assert self.open().load() == new(3)

    def test_the_place_in_words(self) -> None:
        store = self.open()
        assert self.words in store.place()
        store.save(new())
        assert self.words in store.place()
        assert self.words in self.open().place()

    def test_accounts_are_apart(self) -> None:
        self.open().save(new(1))
        self.open("work@example.org").save(new(2))
        assert self.open("work@example.org").load() == new(2)
        self.open().delete()
        assert self.open("work@example.org").load() == new(2)

    @pytest.mark.parametrize("account", ["", "a/b", "..\\x", "a b", "ä", "x" * 65, "a\n"])
    def test_a_bad_label_is_refused(self, account: str) -> None:
        with pytest.raises(StoreError, match="no name for an account"):
            self.open(account)

    def test_everything_works_under_the_lock_and_from_any_thread(self) -> None:
        store = self.open()
        with store.lock():
            assert store.load() is None
            thread = threading.Thread(target=store.save, args=[new()])
            thread.start()
            thread.join(5)
            assert store.load() == new()
            assert store.delete() != []

    def test_a_save_waits_for_the_lock_of_another_store(self) -> None:
        with self.open().lock():
            thread = threading.Thread(target=self.open().save, args=[new()])
            thread.start()
            thread.join(0.1)
            assert thread.is_alive()
        thread.join(10)
        assert self.open().load() == new()

    def test_a_change_after_the_save_stays_outside(self) -> None:
        tokens: dict[str, Any] = {"refresh_token": "one"}
        self.open().save(Record(account="a", saved_at=1, tokens=tokens))
        tokens["refresh_token"] = "two"
        loaded = self.open().load()
        assert loaded is not None
        assert loaded.tokens == {"refresh_token": "one"}

    def test_what_is_no_json_is_not_saved(self) -> None:
        self.open().save(new())
        for record in (
            Record(account="a", saved_at=1, tokens={"key": object()}),
            Record(account="a", saved_at=float("nan"), tokens={}),
            Record(account="a", saved_at=1e13, tokens={}),
        ):
            with pytest.raises(StoreError, match="cannot be kept"):
                self.open().save(record)
        assert self.open().load() == new()

    def test_nothing_shows_a_token(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        caplog.set_level(logging.DEBUG)
        store = self.open()
        store.probe(patient=True)
        store.save(new())
        loaded = store.load()
        shown = [
            repr(loaded),
            str(store),
            repr(store),
            store.place(),
            *store.delete(),
            caplog.text,
            *capfd.readouterr(),
        ]
        assert [text for text in shown if CANARY in text] == []


class TestMemory(Conformance):
    mode = "memory"
    words = "memory only"

    def test_nothing_is_written(self) -> None:
        self.open().save(new())
        assert not self.path.parent.exists()

    def test_services_are_apart(self) -> None:
        self.open().save(new())
        assert open_store("memory", service="other", path=self.path).load() is None

    def test_the_lock_has_a_deadline(self) -> None:
        memory = MemoryStore()
        with memory.lock(), pytest.raises(StoreError, match="lock"), memory.lock(deadline_s=0.01):
            pass


class TestFile(Conformance):
    mode = "file"
    words = "tokens.json (mode 0600)"

    @pytest.fixture(autouse=True)
    def _no_keyring(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)


class TestKeyring(Conformance):
    mode = "keyring"
    words = "the system keyring (keyrings)"

    @pytest.fixture(autouse=True)
    def _keyring(self, backend: DictKeyring) -> None:
        self.backend = backend

    def test_no_token_is_in_a_file(self) -> None:
        self.open().save(new())
        assert [each.name for each in self.path.parent.iterdir()] == ["tokens.json.lock"]

    def test_homes_are_apart(self, tmp_path: Path) -> None:
        self.open().save(new(1))
        opened(tmp_path / "other" / "tokens.json", "keyring").save(new(2))
        assert self.open().load() == new(1)

    def test_a_home_is_the_same_through_a_link(self, tmp_path: Path) -> None:
        self.open().save(new(1))
        (tmp_path / "link").symlink_to(self.path.parent)
        assert opened(tmp_path / "link" / "tokens.json", "keyring").load() == new(1)

    def test_without_a_keyring_it_fails_before_the_sign_in(self) -> None:
        keyring.set_keyring(LockedKeyring())
        for action in (self.open().probe, self.open().load, self.open().delete, lambda: self.open().save(new())):
            with pytest.raises(StoreError, match="Unlock or set up a keyring"):
                action()
        assert not self.path.exists()


class TestAutoWithKeyring(Conformance):
    words = "the system keyring (keyrings)"

    @pytest.fixture(autouse=True)
    def _keyring(self, backend: DictKeyring) -> None:
        self.backend = backend


class TestAutoWithoutKeyring(Conformance):
    words = "tokens.json (mode 0600)"

    @pytest.fixture(autouse=True)
    def _keyring(self) -> None:
        keyring.set_keyring(LockedKeyring())


# -- the record --


def test_a_record_is_not_pickled_or_copied() -> None:
    for act in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            act(new())


def test_the_form_on_disk(path: Path) -> None:
    opened(path, "file").save(new())
    document = json.loads(path.read_text())
    assert list(document) == ["v", "account", "saved_at", "expires_at", "tokens"]
    assert document["v"] == 1
    assert Record(account="a", saved_at=1, tokens={}).expires_at is None


@pytest.mark.parametrize("version", ["2", "0", '"1"', "null", "[1]", '"canary-9e41"'])
def test_another_version_is_refused_and_kept(path: Path, version: str) -> None:
    content = f'{{"v":{version},"tokens":{{"refresh_token":"{CANARY}"}}}}'
    plant(path, content)
    refused(opened(path, "file"), str(path), "another version", "sign in again")
    assert path.read_text() == content


@pytest.mark.parametrize(
    "content",
    [
        "",
        CANARY,
        f'{{"v":1,"refresh_token":"{CANARY}',
        f'["{CANARY}"]',
        "null",
        "[" * 100_000,
        f"{CANARY}\xff".encode("latin-1"),
        f'{{"v":1,"account":"a","saved_at":"{CANARY}","expires_at":null,"tokens":{{}}}}',
        '{"v":1,"account":"a","saved_at":NaN,"expires_at":null,"tokens":{}}',
        '{"v":1,"account":"a","saved_at":1' + "0" * 400 + ',"expires_at":null,"tokens":{}}',
        '{"v":1,"account":"a","saved_at":true,"expires_at":null,"tokens":{}}',
        '{"v":1,"account":"a","saved_at":1,"expires_at":null,"tokens":[]}',
        '{"v":1,"account":"a","saved_at":1,"tokens":{}}',
    ],
    ids=range(13),
)
def test_damage_is_refused_and_kept(path: Path, content: str | bytes) -> None:
    plant(path, content)
    error = refused(opened(path, "file"), str(path), "damaged", "sign in again")
    assert error.__cause__ is None
    assert error.__context__ is None
    assert path.exists()
    opened(path, "file").save(new())
    assert opened(path, "file").load() == new()


def test_any_record_comes_back(path: Path) -> None:
    for tokens in ({}, {"": ""}, {"a": "\ud800\x00\u2028"}, {"n": 10**20, "f": 0.1, "t": [True, None]}):
        record = Record(account="", saved_at=0, tokens=tokens)
        assert decode_record(encode_record(record), "here") == record


# -- files of another program --


def adopt(document: Mapping[str, Any]) -> Record | None:
    if document.get("kind") != "theirs":
        return None
    return Record(account="theirs", saved_at=float(document["at"]), tokens={"refresh_token": document["token"]})


@pytest.mark.parametrize("mode", ["file", "auto"])
def test_another_programs_file_is_taken_over(path: Path, mode: str, backend: DictKeyring) -> None:
    content = json.dumps({"kind": "theirs", "at": 5, "token": CANARY})
    plant(path, content)
    taken = Record(account="theirs", saved_at=5.0, tokens={"refresh_token": CANARY})
    assert opened(path, mode, adopt=adopt).load() == taken
    assert path.read_text() == content, "until there is a newer record"
    opened(path, mode, adopt=adopt).save(new())
    assert opened(path, mode, adopt=adopt).load() == new()
    assert path.exists() == (mode == "file")


@pytest.mark.parametrize(
    "document", [{"kind": "ours"}, {"kind": "theirs", "token": CANARY}, {"kind": "theirs", "at": CANARY}]
)
def test_what_cannot_be_taken_over_is_refused_and_kept(path: Path, document: dict[str, Any]) -> None:
    plant(path, json.dumps(document))
    error = refused(opened(path, "file", adopt=adopt), str(path), "not written by this program", "sign in again")
    assert error.__context__ is None
    refused(opened(path, "file"), "not written by this program")
    assert json.loads(path.read_text()) == document


# -- attacks on the file --


@posix
def test_it_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        opened(path.parent / "deep" / "er" / "tokens.json", "file").save(new())
    finally:
        os.umask(before)
    found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in [path.parent, *path.parent.rglob("*")]}
    assert found == {"home": 0o700, "deep": 0o700, "er": 0o700, "tokens.json": 0o600, "tokens.json.lock": 0o600}


@posix
def test_a_directory_that_others_may_read_is_accepted(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o755)
    opened(path, "file").save(new())
    assert opened(path, "file").load() == new()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o775, 0o1777])
def test_a_directory_where_others_write_is_refused(path: Path, mode: int) -> None:
    plant(path, encode_record(new()))
    path.parent.chmod(mode)
    for action in (opened(path, "file").probe, lambda: opened(path, "file").save(new(2)), opened(path, "file").load):
        with pytest.raises(StoreError, match=f"chmod go-w {path.parent}"):
            action()
    path.parent.chmod(0o700)
    assert opened(path, "file").load() == new(), "and nothing was written"


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_may_open_is_refused(path: Path, mode: int) -> None:
    plant(path, encode_record(new()), mode)
    refused(opened(path, "file"), f"chmod 600 {path}")
    path.chmod(0o600)
    assert opened(path, "file").load() == new()


@posix
def test_a_link_is_not_read_and_its_target_not_written(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    plant(victim, encode_record(new()))
    path.parent.mkdir(mode=0o700)
    path.symlink_to(victim)
    refused(opened(path, "file"), str(path), "symbolic link")
    opened(path, "file").save(new(2))
    assert not path.is_symlink()
    assert victim.read_text() == encode_record(new())
    path.unlink()
    path.symlink_to(victim)
    opened(path, "file").delete()
    assert victim.exists()
    assert not path.is_symlink()


@posix
def test_a_second_name_is_refused_and_not_written(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    plant(victim, encode_record(new()))
    path.parent.mkdir(mode=0o700)
    os.link(victim, path)
    refused(opened(path, "file"), str(path), "hard link")
    opened(path, "file").save(new(2))
    assert victim.read_text() == encode_record(new())
    assert opened(path, "file").load() == new(2)


@posix
def test_pipes_and_directories_are_refused_without_waiting(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    began = time.monotonic()
    os.mkfifo(path, 0o600)
    refused(opened(path, "file"), "not a plain file")
    path.unlink()
    path.mkdir()
    refused(opened(path, "file"), "not a plain file")
    with pytest.raises(StoreError, match="cannot write"):
        opened(path, "file").save(new())
    with pytest.raises(StoreError, match="cannot remove"):
        opened(path, "file").delete()
    assert [each.name for each in path.parent.iterdir() if each.suffix == ".tmp"] == []
    path.rmdir()
    path.parent.rename(path.parent.with_name("away"))
    plant(path.parent, "a file")
    for action in (opened(path, "file").load, lambda: opened(path, "file").save(new())):
        with pytest.raises(StoreError, match="not a directory"):
            action()
    assert time.monotonic() - began < 2


def test_too_much_is_neither_read_nor_written(path: Path) -> None:
    plant(path, "x" * (2 << 20))
    refused(opened(path, "file"), str(path), "1 MiB")
    opened(path, "file").save(new())
    with pytest.raises(StoreError, match="1 MiB"):
        opened(path, "file").save(new(2, junk="x" * (1 << 20)))
    assert opened(path, "file").load() == new()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_what_belongs_to_another_user_is_refused(path: Path, tmp_path: Path) -> None:
    plant(path, encode_record(new()))
    os.chown(path, 65534, 65534)
    refused(opened(path, "file"), str(path), "another user")
    os.chown(path, 0, 0)
    os.chown(path.parent, 65534, 65534)
    refused(opened(path, "file"), str(path.parent), "another user")
    os.chown(path.parent, 0, 0)
    link = tmp_path / "link"
    link.symlink_to(path.parent)
    assert opened(link / "tokens.json", "file").load() == new()
    os.chown(link, 65534, 65534, follow_symlinks=False)
    refused(opened(link / "tokens.json", "file"), str(link), "another user")


@posix
def test_nothing_is_written_through_planted_temporary_names(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    plant(victim, "mine", 0o644)
    path.parent.mkdir(mode=0o700)
    for number in range(50):
        (path.parent / f".tokens.json.{number:08}.tmp").symlink_to(victim)
    opened(path, "file").save(new())
    assert opened(path, "file").load() == new()
    assert (victim.read_text(), stat.S_IMODE(victim.stat().st_mode)) == ("mine", 0o644)
    assert {each.name for each in path.parent.iterdir()} == {"tokens.json", "tokens.json.lock"}


@posix
def test_a_hostile_choice_beside_the_file_is_refused(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new())
    choice = path.with_name("tokens.json.choice")
    choice.unlink()
    os.mkfifo(choice, 0o600)
    refused(opened(path), str(choice), "not a plain file")
    choice.unlink()
    plant(choice, "nonsense")
    assert opened(path).load() == new()


# -- processes that die --


@pytest.mark.parametrize("step", ["mkstemp", "fsync", "replace"])
def test_a_failing_disk_keeps_the_old_record_and_no_rest(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    opened(path, "file").save(new())

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tempfile.mkstemp" if step == "mkstemp" else f"os.{step}", full)
        with pytest.raises(StoreError, match="No space left on device") as caught:
            opened(path, "file").save(new(2))
        assert str(path) in str(caught.value)
    assert opened(path, "file").load() == new()
    assert {each.name for each in path.parent.iterdir()} == {"tokens.json", "tokens.json.lock"}


def test_what_a_killed_process_left_goes_with_the_next_save_and_with_the_deletion(path: Path) -> None:
    opened(path, "file").save(new())
    opened(path, "file", account="work").save(new(7))
    rest = path.parent / ".tokens.json.abcd1234.tmp"
    theirs = path.parent / ".tokens.work.json.abcd1234.tmp"
    plant(rest, encode_record(new(3)))
    plant(theirs, "")
    opened(path, "file").save(new(2))
    assert not rest.exists()
    plant(rest, encode_record(new(3)))
    opened(path, "file").delete()
    assert not rest.exists()
    assert theirs.exists()


ROTATION = """
import os, signal, sys, time
from pathlib import Path
from openai_responses_common.token_store import Record, open_store

path, ledger, rounds, victims = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")

def note(word, value):
    descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{word} {value}\\n".encode())
    os.close(descriptor)

def renew(me, last):
    store = open_store("file", service="test", path=path)
    with store.lock():
        value = store.load().tokens["value"]
        if last and me == "before":
            note(me, value)
            os.kill(os.getpid(), signal.SIGKILL)
        note("spent", value)
        if last and me == "between":
            note(me, value)
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.001)
        store.save(Record(account="a", saved_at=float(value + 1), tokens={"value": value + 1}))
        if last and me == "after":
            note(me, value)
            os.kill(os.getpid(), signal.SIGKILL)

open_store("file", service="test", path=path).save(Record(account="a", saved_at=0.0, tokens={"value": 0}))
children = {}
for me in victims:
    if not (child := os.fork()):
        for number in range(rounds):
            renew(me, number == rounds - 1)
        os._exit(0)
    children[child] = me
for child, me in children.items():
    assert os.waitpid(child, 0)[1] == (signal.SIGKILL if me else 0), me
"""


@posix
def test_eight_processes_spend_each_value_once_though_some_are_killed_under_the_lock(
    path: Path, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    rounds, workers = 4, ["", "before", "", "between", "", "after", "", ""]
    command = [sys.executable, "-c", ROTATION, path, ledger, str(rounds), ",".join(workers)]
    began = time.monotonic()
    subprocess.run(command, check=True, timeout=60)
    assert time.monotonic() - began < 15, "the lock of a killed process is free at once"
    lines = [line.split() for line in ledger.read_text().splitlines()]
    spent = Counter(int(value) for word, value in lines if word == "spent")
    (lost,) = [int(value) for word, value in lines if word == "between"]
    loaded = opened(path, "file").load()
    assert loaded is not None
    last = loaded.tokens["value"]
    # Nobody can know of a value that was spent and never replaced: the next process tries it once more, and only it.
    assert {value: times for value, times in spent.items() if times > 1} == ({lost: 2} if lost < last else {})
    assert sorted(spent) == list(range(last + (lost == last)))
    assert spent.total() == rounds * len(workers) - 1, "all but the one that was killed before"
    assert {word for word, _ in lines} == {"spent", "before", "between", "after"}


# -- keyring or file --


def names(path: Path) -> set[str]:
    return {each.name.removeprefix(path.name) for each in path.parent.iterdir()} - {".lock"}


def test_without_a_keyring_the_file_is_chosen_with_one_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keyring.set_keyring(LockedKeyring())
    opened(path).save(new(1))
    opened(path).save(new(2))
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert str(path) in record.message
    assert "Failed to unlock the collection!" in record.message
    assert CANARY not in caplog.text
    assert names(path) == {"", ".choice"}
    assert CANARY not in path.with_name("tokens.json.choice").read_text()


def test_the_choice_is_remembered_and_the_keyring_not_asked_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keyring_store, "ASK_S", 0.05)
    hanging = HangingKeyring()
    keyring.set_keyring(hanging)
    opened(path).save(new(1))
    hanging.answered.set()
    monkeypatch.setattr(keyring_store, "_was_late", threading.Event())
    monkeypatch.setattr(token_store, "_warned", set())
    hanging.calls.clear()
    caplog.clear()
    assert opened(path).load() == new(1)
    opened(path).probe()
    opened(path).save(new(2))
    assert opened(path).load() == new(2)
    assert hanging.calls == []
    assert "0.05 s" in caplog.text, "the reason is remembered too"


def test_a_sign_in_asks_the_keyring_again(path: Path) -> None:
    keyring.set_keyring(LockedKeyring())
    opened(path).save(new(1))
    backend = DictKeyring()
    keyring.set_keyring(backend)
    store = opened(path)
    store.probe(patient=True)
    assert store.load() == new(1)
    store.save(new(2))
    assert names(path) == {".choice"}
    assert opened(path).load() == new(2)
    assert "keyring" in store.place()


def test_a_patient_probe_without_a_keyring_is_no_error(path: Path) -> None:
    keyring.set_keyring(LockedKeyring())
    store = opened(path)
    store.probe(patient=True)
    assert str(path) in store.place()
    store.save(new())
    assert store.load() == new()


@posix
def test_a_probe_finds_out_that_the_file_could_not_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    keyring.set_keyring(LockedKeyring())
    with pytest.raises(StoreError, match="chmod go-w"):
        opened(path).probe(patient=True)
    path.parent.chmod(0o700)
    opened(path).probe(patient=True)

    def full(**options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(StoreError, match="No space left on device"):
        opened(path).probe(patient=True)


def test_a_keyring_that_cannot_be_written_leaves_the_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keyring.set_keyring(ReadOnlyKeyring())
    opened(path).probe()
    opened(path).save(new())
    assert opened(path).load() == new()
    assert "PasswordSetError" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize(("in_keyring", "in_file"), [(1, 2), (2, 1), (2, 2)])
def test_of_two_copies_the_later_counts_and_the_other_is_removed(
    path: Path, backend: DictKeyring, in_keyring: int, in_file: int
) -> None:
    opened(path).save(new(in_keyring))
    opened(path, "file").save(new(in_file))
    assert opened(path).load() == new(2)
    assert path.exists() == (in_file > in_keyring)
    assert bool(backend.entries) == (in_file <= in_keyring)
    assert opened(path).load() == new(2)


def test_two_copies_are_sorted_out_under_the_lock(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new(1))
    opened(path, "file").save(new(2))
    loaded: list[Record | None] = []
    thread = threading.Thread(target=lambda: loaded.append(opened(path).load()))
    store = opened(path)
    with store.lock():
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        store.save(new(3))
    thread.join(10)
    assert loaded == [new(3)]
    assert opened(path).load() == new(3)


def test_a_copy_that_cannot_be_removed_is_said(
    path: Path, backend: DictKeyring, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened(path, "file").save(new(1))

    def unlink(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        opened(path).save(new(2))
        assert "an older copy of the tokens is left" in caplog.text
        assert str(path) in caplog.text
        with pytest.raises(StoreError, match=f"cannot remove {path}"):
            opened(path).delete()
    assert opened(path).delete() != []
    assert opened(path).load() is None


def test_a_damaged_keyring_is_not_passed_over_for_an_older_file(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new(2))
    plant(path, encode_record(new(1)))
    (key,) = [key for key in backend.entries if key[0].endswith("a/0")]
    backend.entries[key] = CANARY
    error = refused(opened(path), "sign in again")
    assert error.__context__ is None
    assert path.exists()
    opened(path).save(new(3))
    assert opened(path).load() == new(3)


def test_tokens_behind_a_lock_are_not_the_same_as_none(path: Path, backend: DictKeyring) -> None:
    keyring.set_keyring(LockedKeyring())
    assert opened(path).load() is None
    keyring.set_keyring(backend)
    opened(path).save(new())
    keyring.set_keyring(LockedKeyring())
    refused(opened(path), "the tokens are in the keyring", "Failed to unlock", "Unlock it")
    opened(path).save(new(2))
    assert opened(path).load() == new(2)
    keyring.set_keyring(backend)
    assert opened(path).load() == new(2), "the choice stands, and the older copy is not even looked at"


def test_a_sign_out_says_that_the_keyring_may_hold_a_copy(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new(1))
    keyring.set_keyring(LockedKeyring())
    opened(path).save(new(2))
    with pytest.raises(StoreError, match="may be left in the keyring"):
        opened(path).delete()
    assert not path.exists(), "what can be removed is"
    keyring.set_keyring(backend)
    assert opened(path).delete() == ["the system keyring (keyrings)"]
    assert backend.entries == {}
    assert names(path) == set()


def test_a_sign_out_removes_every_copy(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new(1))
    opened(path, "file").save(new(2))
    assert opened(path).delete() == ["the system keyring (keyrings)", f"{path} (mode 0600)"]
    assert backend.entries == {}
    assert names(path) == set()


@pytest.mark.parametrize("now", ["unlocked", "locked"])
@pytest.mark.parametrize("step", ["choice", "keyring", "file"])
def test_a_crash_on_the_way_from_the_file_to_the_keyring(
    path: Path, backend: DictKeyring, monkeypatch: pytest.MonkeyPatch, step: str, now: str
) -> None:
    opened(path, "file").save(new(1))

    def crash(*args: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        match step:
            case "choice":
                patch.setattr(FileStore, "save", crash)
            case "keyring":
                patch.setattr(DictKeyring, "set_password", crash)
            case _:
                patch.setattr(FileStore, "delete", crash)
        with pytest.raises(Crash):
            opened(path).save(new(2))
    if now == "locked":
        keyring.set_keyring(LockedKeyring())
    if step == "choice" or (step, now) == ("keyring", "unlocked"):
        assert opened(path).load() == new(1)
    elif now == "locked":
        # The file may be older than what is in the keyring, and a token in it spent.
        refused(opened(path), "the tokens are in the keyring")
    else:
        assert opened(path).load() == new(2)
        assert not path.exists()


@pytest.mark.parametrize("now", ["unlocked", "locked"])
@pytest.mark.parametrize("done", [False, True])
def test_a_crash_on_the_way_from_the_keyring_to_the_file(
    path: Path, backend: DictKeyring, monkeypatch: pytest.MonkeyPatch, done: bool, now: str
) -> None:
    opened(path).save(new(1))
    keyring.set_keyring(LockedKeyring())
    original = FileStore.save

    def crash(self: FileStore, text: str) -> None:
        if done or self.path != path:
            original(self, text)
        if self.path == path:
            raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "save", crash)
        with pytest.raises(Crash):
            opened(path).save(new(2))
    if now == "unlocked":
        keyring.set_keyring(backend)
    if done:
        assert opened(path).load() == new(2)
    elif now == "unlocked":
        assert opened(path).load() == new(1)
    else:
        refused(opened(path), "the tokens are in the keyring")


def test_a_choice_that_cannot_be_remembered_is_no_failure(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keyring.set_keyring(LockedKeyring())
    original = FileStore.save

    def save(self: FileStore, text: str) -> None:
        if self.path != path:
            raise StoreError("cannot write it")
        original(self, text)

    monkeypatch.setattr(FileStore, "save", save)
    opened(path).save(new())
    assert opened(path).load() == new()
    assert "find out again" in caplog.text


def test_a_file_that_won_is_not_looked_for_in_the_keyring(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new(1))
    opened(path, "file").save(new(2))
    assert opened(path).load() == new(2)
    keyring.set_keyring(LockedKeyring())
    assert opened(path).load() == new(2)


def test_an_unknown_mode_is_refused(path: Path) -> None:
    with pytest.raises(StoreError, match="auto, keyring, file, memory"):
        opened(path, "plain")


def test_opening_touches_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    for mode in token_store.MODES:
        opened(path, mode)
    assert not path.parent.exists()


def test_a_path_is_that_of_the_time_it_was_given(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = opened(Path("home/tokens.json"), "file")
    monkeypatch.chdir("/")
    store.save(new())
    assert path.exists()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert opened(Path("~/home/tokens.json"), "file").load() == new()
