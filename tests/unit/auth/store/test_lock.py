"""The lock between processes, with real processes."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from openai_responses_common.auth.store.lock import hold_file_lock
from openai_responses_common.auth.store.record import StoreError

from tests.support.run_clock import RunClock

pytestmark = [
    pytest.mark.promise("planted links, pipes, owners and modes give nobody the token store", area="security"),
    pytest.mark.skipif(sys.platform == "win32", reason="forks, and looks at modes"),
]

HOLDER = """
import sys, time
from pathlib import Path
from openai_responses_common.auth.store.lock import hold_file_lock
with hold_file_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""

# One process that forks has imported everything once.
COUNTERS = """
import os, sys
from pathlib import Path
from openai_responses_common.auth.store.lock import hold_file_lock
lock, counter = Path(sys.argv[1]), Path(sys.argv[2])
counter.write_text("0")
children = []
for _ in range(6):
    if not (child := os.fork()):
        for _ in range(20):
            with hold_file_lock(lock):
                counter.write_text(str(int(counter.read_text()) + 1))
        os._exit(0)
    children.append(child)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own" / "tokens.json.lock"


def refused(path: Path, *words: str) -> None:
    with pytest.raises(StoreError) as caught, hold_file_lock(path):
        pass
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_it_is_private_whatever_the_umask_and_stays(path: Path) -> None:
    before = os.umask(0)
    try:
        with hold_file_lock(path):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with hold_file_lock(path):
        pass


def test_another_process_is_waited_for_and_its_death_frees_the_lock(path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=r"more than 0\.1 s") as caught, hold_file_lock(path, deadline_s=0.1):
            pass
        assert str(path) in str(caught.value)
        threading.Timer(0.1, holder.send_signal, [signal.SIGKILL]).start()
        with hold_file_lock(path, deadline_s=60):
            assert holder.wait(300) == -signal.SIGKILL


def test_two_holders_in_one_process_exclude_each_other(path: Path) -> None:
    with hold_file_lock(path), pytest.raises(StoreError), hold_file_lock(path, deadline_s=0.05):
        pass
    with hold_file_lock(path, deadline_s=0):
        pass


def test_an_error_inside_frees_the_lock(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold_file_lock(path):
        raise ZeroDivisionError
    with hold_file_lock(path, deadline_s=0):
        pass


def test_no_descriptor_is_left_or_inherited(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    original = os.open

    def spying(*args: Any, **kwargs: Any) -> int:
        opened.append(original(*args, **kwargs))
        assert not os.get_inheritable(opened[-1])
        return opened[-1]

    monkeypatch.setattr(os, "open", spying)
    with hold_file_lock(path), pytest.raises(StoreError), hold_file_lock(path, deadline_s=0):
        pass
    path.chmod(0o644)
    refused(path, "chmod 600")
    assert len(opened) == 3
    for descriptor in opened:
        with pytest.raises(OSError, match="descriptor"):
            os.fstat(descriptor)


def test_many_processes_count_to_a_hundred_and_twenty(path: Path, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    subprocess.run([sys.executable, "-c", COUNTERS, path, counter], check=True, timeout=300)
    assert counter.read_text() == "120"


FORKED = """
import os, sys
from pathlib import Path
from openai_responses_common.auth.store.lock import hold_file_lock
from openai_responses_common.auth.store.record import StoreError
def taken():
    try:
        with hold_file_lock(Path(sys.argv[1]), deadline_s=0):
            return False
    except StoreError:
        return True
def child_leaves():
    with hold_file_lock(Path(sys.argv[1])):
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            assert taken(), "the child gave the lock back"
    if not child:
        os._exit(0)
def child_stays():
    reading, writing = os.pipe()
    with hold_file_lock(Path(sys.argv[1])):
        child = os.fork()
        if not child:
            os.read(reading, 1)
            os._exit(0)
    assert not taken(), "the child keeps the lock"
    os.write(writing, b".")
    os.waitpid(child, 0)
child_leaves()
child_stays()
"""


def test_a_forked_child_neither_gives_the_lock_back_nor_keeps_it(path: Path) -> None:
    subprocess.run([sys.executable, "-c", FORKED, path], check=True, timeout=300)


def test_a_planted_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    victim = tmp_path / "victim"
    path.symlink_to(victim)
    refused(path, "symbolic link")
    assert not victim.exists()
    victim.write_text("mine")
    victim.chmod(0o644)
    refused(path, "symbolic link")
    assert (victim.read_text(), stat.S_IMODE(victim.stat().st_mode)) == ("mine", 0o644)


def test_what_else_is_planted_is_refused_without_waiting(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    os.mkfifo(path, 0o600)
    with RunClock() as run_clock:
        refused(path, "not a plain file")
    assert run_clock.elapsed_s < 30
    path.unlink()
    path.mkdir()
    refused(path)
    path.rmdir()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    victim.chmod(0o600)
    os.link(victim, path)
    refused(path, "hard link")
    path.unlink()
    path.touch(0o600)
    path.chmod(0o666)
    refused(path, "chmod 600")
    assert victim.read_text() == "mine"


def test_a_directory_where_others_write_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    with pytest.raises(StoreError, match="chmod go-w"), hold_file_lock(path):
        pass
    assert not path.exists()
