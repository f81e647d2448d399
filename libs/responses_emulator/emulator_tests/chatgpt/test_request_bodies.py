"""The ChatGPT backend takes bodies that are compressed with zstd."""

from __future__ import annotations

import json
import sys

import httpx
import pytest
from emulator_clients.chatgpt import BODY, headers, text_of
from responses_emulator import Emulator, SignInService

zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

FRAME = zstd.compress(json.dumps(BODY).encode())


def send(emulator: Emulator, sign_in: SignInService, body: bytes, encoding: str) -> httpx.Response:
    sent = {**headers(sign_in), "content-encoding": encoding, "content-type": "application/json"}
    return httpx.post(f"{emulator.base_url}/responses", content=body, headers=sent, timeout=60)


def test_a_compressed_body_is_read(sign_in: SignInService, emulator: Emulator) -> None:
    assert text_of(send(emulator, sign_in, FRAME, "zstd"))
    assert emulator.request_bodies == [BODY]


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (FRAME[:-1], "zstd", 400),
        (FRAME + b"x", "zstd", 400),
        (b"", "zstd", 400),
        (json.dumps(BODY).encode(), "zstd", 400),
        (zstd.compress(b"{"), "zstd", 400),
        (FRAME, "gzip", 415),
        (FRAME, "identity", 400),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    sign_in: SignInService, emulator: Emulator, body: bytes, encoding: str, status: int
) -> None:
    assert send(emulator, sign_in, body, encoding).status_code == status
