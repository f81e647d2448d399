"""The form of a record on disk, damage to it, and files of another program that are taken over."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from openai_responses_common.auth.store.record import TokenRecord, dump_token_record, load_token_record

from tests.support.keyrings import DictKeyring
from tests.support.token_records import CANARY, new, opened, plant, refused


def test_a_record_is_not_pickled_or_copied() -> None:
    for act in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            act(new())


def test_the_form_on_disk(path: Path) -> None:
    opened(path, "file").save(new())
    document = json.loads(path.read_text())
    assert list(document) == ["v", "account", "saved_at", "expires_at", "tokens"]
    assert document["v"] == 1
    assert TokenRecord(account="a", saved_at=1, tokens={}).expires_at is None


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
        record = TokenRecord(account="", saved_at=0, tokens=tokens)
        assert load_token_record(dump_token_record(record), "here") == record


# Files of another program.


def adopt(document: Mapping[str, Any]) -> TokenRecord | None:
    if document.get("kind") != "theirs":
        return None
    return TokenRecord(account="theirs", saved_at=float(document["at"]), tokens={"refresh_token": document["token"]})


@pytest.mark.parametrize("mode", ["file", "auto"])
def test_another_programs_file_is_taken_over(path: Path, mode: str, backend: DictKeyring) -> None:
    content = json.dumps({"kind": "theirs", "at": 5, "token": CANARY})
    plant(path, content)
    taken = TokenRecord(account="theirs", saved_at=5.0, tokens={"refresh_token": CANARY})
    assert opened(path, mode, import_record=adopt).load() == taken
    assert path.read_text() == content, "until there is a newer record"
    opened(path, mode, import_record=adopt).save(new())
    assert opened(path, mode, import_record=adopt).load() == new()
    assert path.exists() == (mode == "file")


@pytest.mark.parametrize(
    "document", [{"kind": "ours"}, {"kind": "theirs", "token": CANARY}, {"kind": "theirs", "at": CANARY}]
)
def test_what_cannot_be_taken_over_is_refused_and_kept(path: Path, document: dict[str, Any]) -> None:
    plant(path, json.dumps(document))
    error = refused(
        opened(path, "file", import_record=adopt), str(path), "not written by this program", "sign in again"
    )
    assert error.__context__ is None
    refused(opened(path, "file"), "not written by this program")
    assert json.loads(path.read_text()) == document
