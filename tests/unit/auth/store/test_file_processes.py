"""What a token store keeps where disks fail and processes die."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from openai_responses_common.auth.store.record import StoreError, dump_token_record

from tests.support.run_clock import RunClock
from tests.support.token_records import new, opened, plant, posix


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
    plant(rest, dump_token_record(new(3)))
    plant(theirs, "")
    opened(path, "file").save(new(2))
    assert not rest.exists()
    plant(rest, dump_token_record(new(3)))
    opened(path, "file").delete()
    assert not rest.exists()
    assert theirs.exists()


ROTATION = """
import os, signal, sys, time
from pathlib import Path
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import TokenRecord

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
        store.save(TokenRecord(account="a", saved_at=float(value + 1), tokens={"value": value + 1}))
        if last and me == "after":
            note(me, value)
            os.kill(os.getpid(), signal.SIGKILL)

open_store("file", service="test", path=path).save(TokenRecord(account="a", saved_at=0.0, tokens={"value": 0}))
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


@pytest.mark.promise("processes that refresh one token at once keep it, even if killed", area="security")
@posix
def test_eight_processes_spend_each_value_once_though_some_are_killed_under_the_lock(
    path: Path, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    rounds, workers = 4, ["", "before", "", "between", "", "after", "", ""]
    command = [sys.executable, "-c", ROTATION, path, ledger, str(rounds), ",".join(workers)]
    with RunClock() as run_clock:
        subprocess.run(command, check=True, timeout=300)
    assert run_clock.elapsed_s < 60, "the lock of a killed process is free at once"
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
