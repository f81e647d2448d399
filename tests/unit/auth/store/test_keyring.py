"""The keyring store over backends that behave like those of real systems."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from openai_responses_common.auth.store import keyring as keyring_store
from openai_responses_common.auth.store.keyring import CHUNK_CHARACTERS, KeyringStore, KeyringUnusable
from openai_responses_common.auth.store.record import StoreError

from tests.support.keyrings import (
    BLOB,
    Crash,
    DictKeyring,
    ForgetfulKeyring,
    HangingKeyring,
    LockedKeyring,
    PlaintextKeyring,
    ReadOnlyKeyring,
    StubbornKeyring,
    StubReceivedBadData,
    chain,
)

pytestmark = pytest.mark.promise(
    "a locked, hanging, forgetful or plain-text keyring is not used",
    area="security",
    without={"openai-v2": "an API key is neither requested nor refreshed nor stored by us"},
)

CANARY = "canary-5f1c"
SHORT, LONG, LONGER = ("short" * 10, "long" * (CHUNK_CHARACTERS // 4 * 3 + 7), "longer" * CHUNK_CHARACTERS)


@pytest.fixture(autouse=True)
def _one_process_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a fresh process: no backend chosen yet, none was late."""
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    monkeypatch.setattr(keyring_store, "_pause", keyring_store._Pause())
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)


@pytest.fixture
def backend() -> DictKeyring:
    """As narrow as that of Windows."""
    return using(DictKeyring())


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingKeyring]:
    monkeypatch.setattr(keyring_store, "READ_DEADLINE_S", 0.05)
    backend = HangingKeyring()
    keyring.set_keyring(backend)
    yield backend
    backend.answered.set()


def answer(hanging: HangingKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the keyring answer from now on; a slow machine may take its time for that."""
    hanging.answered.set()
    monkeypatch.setattr(keyring_store, "READ_DEADLINE_S", 60)


def using(backend: DictKeyring) -> DictKeyring:
    backend.limit = BLOB
    keyring.set_keyring(backend)
    return backend


def store(label: str = "default", *, in_chunks: bool = True) -> KeyringStore:
    return KeyringStore(f"amplifier-test-0123/{label}", in_chunks=in_chunks)


def without_limit() -> DictKeyring:
    """A keyring as of macOS and Linux."""
    backend = using(DictKeyring())
    backend.limit = None
    return backend


def slots(backend: DictKeyring) -> list[str]:
    return sorted(service.removeprefix("amplifier-test-0123/default/") for service, _ in backend.entries)


@pytest.mark.parametrize("in_chunks", [False, True])
@pytest.mark.parametrize("text", [SHORT, LONG, LONGER, "x" * CHUNK_CHARACTERS, "x" * (CHUNK_CHARACTERS + 1)], ids=len)
def test_what_was_saved_is_loaded(text: str, in_chunks: bool) -> None:
    backend = using(DictKeyring()) if in_chunks else without_limit()
    assert store(in_chunks=in_chunks).load() is None
    store(in_chunks=in_chunks).save(text)
    assert store(in_chunks=in_chunks).load() == text
    assert store(in_chunks=in_chunks).delete()
    assert store(in_chunks=in_chunks).load() is None
    assert not store(in_chunks=in_chunks).delete()
    assert backend.entries == {}


def test_only_windows_cuts_a_secret_up() -> None:
    backend = without_limit()
    KeyringStore("amplifier-test-0123/default").save(LONG)
    assert slots(backend) == (["a/0", "a/1", "a/2", "a/3", "manifest"] if sys.platform == "win32" else ["manifest"])


def test_a_save_of_one_entry_is_one_write_and_touches_no_other_entry() -> None:
    backend = without_limit()
    for text in (LONG, LONGER):
        backend.calls.clear()
        store(in_chunks=False).save(text)
        assert backend.calls == ["get", "set", "get"], "to see whether it responds, and what it stored"
        assert slots(backend) == ["manifest"]
    backend.calls.clear()
    store(in_chunks=False).load()
    assert backend.calls == ["get"]


@pytest.mark.parametrize(("old", "new"), [(True, False), (False, True)], ids=["from chunks", "to chunks"])
def test_a_secret_of_the_other_form_is_read_replaced_and_removed(old: bool, new: bool) -> None:
    backend = without_limit()
    store(in_chunks=old).save(SHORT)
    store(in_chunks=old).save(LONG)
    assert store(in_chunks=new).load() == LONG
    store(in_chunks=new).save(SHORT)
    assert store(in_chunks=new).load() == store(in_chunks=old).load() == SHORT
    assert slots(backend) == (["a/0", "manifest"] if new else ["manifest"])
    store(in_chunks=old).save(LONG)
    assert store(in_chunks=new).delete()
    assert backend.entries == {}


def test_no_more_than_one_slot_is_left(backend: DictKeyring) -> None:
    store().save(LONGER)
    assert slots(backend) == ["a/0", "a/1", "a/2", "a/3", "a/4", "a/5", "manifest"]
    store().save(SHORT)
    assert slots(backend) == ["b/0", "manifest"]
    store().save(LONG)
    assert slots(backend) == ["a/0", "a/1", "a/2", "a/3", "manifest"]


def test_names_are_one_per_entry_and_the_user_is_always_the_same(backend: DictKeyring) -> None:
    store().save(LONG)
    assert {user for _, user in backend.entries} == {"tokens"}
    store("other").save(SHORT)
    assert (store().load(), store("other").load()) == (LONG, SHORT)
    assert store().delete()
    assert store("other").load() == SHORT


def test_more_than_fits_is_refused_before_anything_is_written(backend: DictKeyring) -> None:
    with pytest.raises(KeyringUnusable, match="too many"):
        store().save("x" * 100_000)
    assert backend.entries == {}


def test_the_backend_is_as_narrow_as_windows(backend: DictKeyring) -> None:
    backend.set_password("service", "user", "x" * 1280)
    with pytest.raises(StubReceivedBadData):
        backend.set_password("service", "user", "x" * 1281)


# -- crashes --


def steps(backend: DictKeyring, action: Callable[[], object]) -> int:
    before = len(backend.calls)
    action()
    return len(backend.calls) - before


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("old", "new"), [(None, LONG), (SHORT, LONGER), (LONGER, SHORT), (LONG, LONG + "!")])
def test_a_crash_at_any_step_of_a_save_leaves_the_old_or_the_new(old: str | None, new: str, after: bool) -> None:
    probe = using(DictKeyring())
    if old:
        store().save(old)
    count = steps(probe, lambda: store().save(new))
    assert count > 5
    loaded: list[str | None] = []
    for step in range(1, count + 1):
        backend = using(DictKeyring())
        if old:
            store().save(old)
        backend.crash_at, backend.after = len(backend.calls) + step, after
        with pytest.raises(Crash):
            store().save(new)
        backend.crash_at = 0
        loaded.append(store().load())
        store().save(LONG)
        assert store().load() == LONG
        assert len(slots(backend)) == 5, "nothing but the manifest and the chunks of one slot"
        store().delete()
        assert backend.entries == {}
    assert set(loaded) == {old, new}
    assert loaded == sorted(loaded, key=lambda text: text == new), "once it is the new one it stays that"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("in_chunks", [False, True], ids=["one entry", "chunks"])
def test_a_crash_while_one_entry_replaces_another_form_leaves_the_old_or_the_new(in_chunks: bool, after: bool) -> None:
    def prepare() -> DictKeyring:
        backend = without_limit()
        store(in_chunks=in_chunks).save(LONG)
        return backend

    for step in range(1, steps(prepare(), lambda: store(in_chunks=False).save(SHORT)) + 1):
        backend = prepare()
        backend.crash_at, backend.after = len(backend.calls) + step, after
        with pytest.raises(Crash):
            store(in_chunks=False).save(SHORT)
        backend.crash_at = 0
        assert store(in_chunks=False).load() == (LONG if step < 2 or (step, after) == (2, False) else SHORT)
        store(in_chunks=False).delete()
        assert backend.entries == {}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_step_of_a_deletion_leaves_nothing_that_a_second_one_misses(after: bool) -> None:
    probe = using(DictKeyring())
    store().save(LONG)
    for step in range(1, steps(probe, store().delete) + 1):
        backend = using(DictKeyring())
        store().save(SHORT)
        store().save(LONG)
        backend.crash_at, backend.after = len(backend.calls) + step, after
        with pytest.raises(Crash):
            store().delete()
        backend.crash_at = 0
        assert store().load() in {None, LONG}
        store().delete()
        assert backend.entries == {}


def test_a_save_in_between_is_seen_on_the_second_look(backend: DictKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    store().save(LONG)
    other = DictKeyring(backend.entries)
    original = backend.get_password

    def get_password(service: str, username: str) -> str | None:
        found = original(service, username)
        if service.endswith("manifest") and len(backend.calls) == calls + 1:
            entries = keyring_store._Entries(other, store().prefix, threading.Event())
            keyring_store._save_chunks(entries, LONGER, found or "")
        return found

    calls = len(backend.calls)
    monkeypatch.setattr(backend, "get_password", get_password)
    assert store().load() == LONGER


@pytest.mark.parametrize(("entry", "damage"), [("a/1", "?"), ("manifest", '{"slot": "a"}')])
def test_damage_is_said_and_nothing_is_removed(backend: DictKeyring, entry: str, damage: str) -> None:
    store().save(LONG)
    backend.entries[f"{store().prefix}/{entry}", "tokens"] = damage
    with pytest.raises(StoreError, match="sign in again") as caught:
        store().load()
    assert not isinstance(caught.value, KeyringUnusable), "so nothing falls back to an older copy"
    assert len(backend.entries) == 5
    store().save(SHORT)
    assert store().load() == SHORT
    store().delete()
    assert backend.entries == {}


@pytest.mark.parametrize("n", ["-1", "0", "65", "1.5", "true", '"1"', "1" + "0" * 30])
def test_a_manifest_is_believed_only_within_reason(backend: DictKeyring, n: str) -> None:
    store().save(SHORT)
    backend.entries[f"{store().prefix}/manifest", "tokens"] = f'{{"slot": "b", "n": {n}, "sha256": "{"0" * 64}"}}'
    began_s = time.process_time()
    with pytest.raises(StoreError, match="sign in again"):
        store().load()
    assert time.process_time() - began_s < 2


def test_chunks_beyond_a_gap_are_removed_too(backend: DictKeyring) -> None:
    store().save(LONG)
    del backend.entries[f"{store().prefix}/a/1", "tokens"]
    assert store().delete()
    assert backend.entries == {}


# -- backends that are not good enough --


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (fail.Keyring(), "no system keyring"),
        (null.Keyring(), "stores nothing"),
        (PlaintextKeyring(), "plain text"),
        (chain(DictKeyring(), PlaintextKeyring()), "plain text"),
        (chain(null.Keyring()), "stores nothing"),
        (chain(), "no system keyring"),
        (LockedKeyring(), "Failed to unlock"),
    ],
    ids=["fail", "null", "plaintext", "chain with plaintext", "chain of null", "empty chain", "locked"],
)
def test_a_bad_backend_is_refused_with_its_reason(backend: KeyringBackend, words: str) -> None:
    keyring.set_keyring(backend)
    for ask in (store().probe, store().load, lambda: store().save(SHORT), store().delete):
        with pytest.raises(KeyringUnusable, match=words):
            ask()
    if isinstance(backend, DictKeyring):
        assert backend.entries == {}


def test_a_chain_of_good_ones_is_used() -> None:
    first = DictKeyring()
    keyring.set_keyring(chain(first, DictKeyring()))
    store().save(LONG)
    assert store().load() == LONG
    assert len(first.entries) == 5
    assert store().location() == "the system keyring (keyrings)"


@pytest.mark.parametrize("value", ["", "nonsense", "no.such.Module", "os.path", "keyring.backends.kwallet.DBusKeyring"])
def test_a_bad_setting_is_a_reason(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", value)
    with pytest.raises(KeyringUnusable, match="PYTHON_KEYRING_BACKEND"):
        store().probe()


def test_a_backend_that_ends_the_program_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ending_backend.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "ending_backend.Keyring")
    with pytest.raises(KeyringUnusable, match="PYTHON_KEYRING_BACKEND"):
        store().probe()


def test_no_package_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyringUnusable, match=r"the package keyring .*: run `.* install .*keyring"):
        store().load()


def test_a_failed_write_tells_nothing_of_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    using(ReadOnlyKeyring())
    with pytest.raises(KeyringUnusable, match="PasswordSetError") as caught:
        store().save(CANARY)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert CANARY not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_what_does_not_come_back_was_not_kept() -> None:
    using(ForgetfulKeyring())
    with pytest.raises(KeyringUnusable, match="does not return"):
        store().save(SHORT)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("failing", ["b/2", "manifest"])
def test_a_write_that_fails_half_way_leaves_one_whole_secret_and_no_rest(
    backend: DictKeyring, monkeypatch: pytest.MonkeyPatch, failing: str, kept: bool
) -> None:
    store().save(SHORT)
    original = backend.set_password

    def set_password(service: str, username: str, password: str) -> None:
        if kept or not service.endswith(failing):
            original(service, username, password)
        if service.endswith(failing):
            raise StubReceivedBadData(1783, "CredWrite", "The stub received bad data")

    with monkeypatch.context() as patch:
        patch.setattr(backend, "set_password", set_password)
        with pytest.raises(KeyringUnusable, match="StubReceivedBadData"):
            store().save(LONG)
    if kept and failing == "manifest":
        assert store().load() == LONG, "its chunks were not taken back"
    else:
        assert store().load() == SHORT
        assert slots(backend) == ["a/0", "manifest"]


def test_what_cannot_be_removed_is_said(caplog: pytest.LogCaptureFixture) -> None:
    backend = using(StubbornKeyring())
    store().save(SHORT)
    with pytest.raises(KeyringUnusable, match="remove"):
        store().delete()
    store().save(LONG)
    assert store().load() == LONG
    assert "old tokens are left" in caplog.text
    assert len(backend.entries) == 6


# -- waiting --


def test_a_hanging_keyring_is_waited_for_once(hanging: HangingKeyring) -> None:
    with pytest.raises(KeyringUnusable, match=r"0\.05 s"):
        store().load()
    for ask in (store().probe, store().load, lambda: store().save(SHORT), store().delete, store().location):
        with pytest.raises(KeyringUnusable, match="is asked again after a minute"):
            ask()
    assert hanging.calls == ["get"]


def test_a_keyring_that_was_late_is_asked_again_after_a_minute(
    hanging: HangingKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyringUnusable, match=r"0\.05 s"):
        store().load()
    answer(hanging, monkeypatch)
    monkeypatch.setattr(keyring_store, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 61))
    assert store().load() is None


def test_a_sign_in_asks_a_keyring_that_was_late_at_once(
    hanging: HangingKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyringUnusable):
        store().load()
    answer(hanging, monkeypatch)
    store().probe(wait_for_unlock=True)
    store().save(SHORT)
    assert store().load() == SHORT


def test_a_person_is_waited_for_longer(hanging: HangingKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    threading.Timer(0.3, hanging.answered.set).start()
    store().probe(wait_for_unlock=True)
    answer(hanging, monkeypatch)
    store().save(SHORT)
    assert store().load() == SHORT


def test_a_save_that_was_given_up_changes_nothing_later(
    hanging: HangingKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(hanging, monkeypatch)
    store().save(SHORT)
    monkeypatch.setattr(keyring_store, "WRITE_DEADLINE_S", 0.05)
    original = hanging.set_password

    def set_password(service: str, username: str, password: str) -> None:
        slow.wait(60)
        original(service, username, password)
        late.set()

    slow, late = threading.Event(), threading.Event()
    monkeypatch.setattr(hanging, "set_password", set_password)
    with pytest.raises(KeyringUnusable):
        store().save(LONG)
    slow.set()
    assert late.wait(60)
    time.sleep(0.05)
    keyring_store._pause.until_s = 0.0
    assert store().load() == SHORT


def test_places_have_names(backend: DictKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store().location() == "the system keyring (keyrings)"
    for module, words in (
        ("keyring.backends.macOS", "the macOS Keychain"),
        ("keyring.backends.Windows", "the Windows Credential Manager"),
        ("keyring.backends.SecretService", "the system keyring (SecretService)"),
    ):
        monkeypatch.setattr(DictKeyring, "__module__", module)
        assert store().location() == words
