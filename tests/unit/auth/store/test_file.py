"""The file of a token store, under attack."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from openai_responses_common.auth.store.record import StoreError, dump_token_record

from tests.support.keyrings import DictKeyring
from tests.support.run_clock import RunClock
from tests.support.token_records import new, opened, plant, posix, refused

pytestmark = pytest.mark.promise("planted links, pipes, owners and modes give nobody the token store", area="security")


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
    plant(path, dump_token_record(new()))
    path.parent.chmod(mode)
    for action in (opened(path, "file").probe, lambda: opened(path, "file").save(new(2)), opened(path, "file").load):
        with pytest.raises(StoreError, match=f"chmod go-w {path.parent}"):
            action()
    path.parent.chmod(0o700)
    assert opened(path, "file").load() == new(), "and nothing was written"


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_may_open_is_refused(path: Path, mode: int) -> None:
    plant(path, dump_token_record(new()), mode)
    refused(opened(path, "file"), f"chmod 600 {path}")
    path.chmod(0o600)
    assert opened(path, "file").load() == new()


@posix
def test_a_link_is_not_read_and_its_target_not_written(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    plant(victim, dump_token_record(new()))
    path.parent.mkdir(mode=0o700)
    path.symlink_to(victim)
    refused(opened(path, "file"), str(path), "symbolic link")
    opened(path, "file").save(new(2))
    assert not path.is_symlink()
    assert victim.read_text() == dump_token_record(new())
    path.unlink()
    path.symlink_to(victim)
    opened(path, "file").delete()
    assert victim.exists()
    assert not path.is_symlink()


@posix
def test_a_second_name_is_refused_and_not_written(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    plant(victim, dump_token_record(new()))
    path.parent.mkdir(mode=0o700)
    os.link(victim, path)
    refused(opened(path, "file"), str(path), "hard link")
    opened(path, "file").save(new(2))
    assert victim.read_text() == dump_token_record(new())
    assert opened(path, "file").load() == new(2)


@posix
def test_pipes_and_directories_are_refused_without_waiting(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    os.mkfifo(path, 0o600)
    with RunClock() as run_clock:
        refused(opened(path, "file"), "not a plain file")
    assert run_clock.elapsed_s < 30
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


def test_too_much_is_neither_read_nor_written(path: Path) -> None:
    plant(path, "x" * (2 << 20))
    refused(opened(path, "file"), str(path), "1 MiB")
    opened(path, "file").save(new())
    with pytest.raises(StoreError, match="1 MiB"):
        opened(path, "file").save(new(2, junk="x" * (1 << 20)))
    assert opened(path, "file").load() == new()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_what_belongs_to_another_user_is_refused(path: Path, tmp_path: Path) -> None:
    plant(path, dump_token_record(new()))
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
