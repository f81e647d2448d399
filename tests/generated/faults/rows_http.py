"""Rows: HTTP as no server of ours would write it."""

from __future__ import annotations

from responses_emulator import Disconnect

from tests.generated.faults.fault import BODY, HELLO, Fault, Group, Outcome, answer, final, passing, row, sse

_BODY = sse(*HELLO)
_TYPE = b"Content-Type: text/event-stream\r\n"
_CHUNK = b"%x\r\n%s\r\n" % (len(_BODY), _BODY)
_LONG = b"Content-Length: %d\r\n" % len(_BODY)
_CLOSE = b"Connection: close\r\n"


def _head(status: bytes = b"200 OK", *lines: bytes, version: bytes = b"1.1") -> bytes:
    return b"HTTP/" + version + b" " + status + b"\r\n" + _TYPE + b"".join(lines) + b"\r\n"


def _sent(name: str, words: bytes, then: Outcome, **more: object) -> Fault:
    return row(name, Disconnect(raw_bytes=words), then=then, http_only=BODY, **more)


_NETWORK = passing("NetworkError")
_BROKEN = passing("StreamError", events="request start delta end aborted retry start delta end aborted response")
_CHUNKED = b"Transfer-Encoding: chunked\r\n"

_HEADS = (
    _sent("bytes that are not HTTP", b"SSH-2.0-OpenSSH_9.6\r\n", _NETWORK),
    _sent("a malformed status line", b"HTTP/1.1 yes OK\r\n\r\n", _NETWORK),
    _sent("half a status line", b"HTTP/1.", _NETWORK),
    _sent("half its headers", b"HTTP/1.1 200 OK\r\nContent-Type: text/ev", _NETWORK),
    _sent("a header without a colon", _head(b"200 OK", b"no colon here\r\n", _LONG) + _BODY, _NETWORK),
    _sent("headers of 2 MB", _head(b"200 OK", b"X-Much: %s\r\n" % (b"x" * 2_000_000), _LONG) + _BODY, _NETWORK),
    _sent("two lengths that differ", _head(b"200 OK", b"Content-Length: 5\r\n", _LONG) + _BODY, _NETWORK),
    _sent("a length that is not a number", _head(b"200 OK", b"Content-Length: many\r\n") + _BODY, _NETWORK),
    _sent(
        "a 100, then the answer", b"HTTP/1.1 100 Continue\r\n\r\n" + _head(b"200 OK", _LONG) + _BODY, answer("hello")
    ),
    _sent(
        "a 103, then the answer",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + _head(b"200 OK", _LONG) + _BODY,
        answer("hello"),
    ),
    _sent(
        "a 101, another protocol", _head(b"101 Switching Protocols", b"Upgrade: x\r\nConnection: upgrade\r\n"), _NETWORK
    ),
    _sent("a status without a reason", _head(b"200", _LONG) + _BODY, answer("hello")),
    _sent("a status of 999", _head(b"999 Odd", _LONG) + _BODY, passing("ProviderUnavailableError", 999)),
    _sent("a status of 42", _head(b"42 Odd", _LONG) + _BODY, _NETWORK),
    _sent("the bytes of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9, _NETWORK),
)
_BODIES = (
    _sent("HTTP/1.0", _head(version=b"1.0") + _BODY, answer("hello")),
    _sent("HTTP/1.0 that is cut", _head(version=b"1.0") + _BODY[:-200], _BROKEN),
    _sent("neither length nor chunks: it ends with the connection", _head(b"200 OK", _CLOSE) + _BODY, answer("hello")),
    _sent(
        "a length, and the connection is closed behind it without a word",
        _head(b"200 OK", _LONG) + _BODY,
        answer("hello"),
    ),
    _sent(
        "a length that is too long, all events there",
        _head(b"200 OK", b"Content-Length: %d\r\n" % (len(_BODY) + 50)) + _BODY,
        answer("hello"),
    ),
    _sent(
        "a length that is too short", _head(b"200 OK", b"Content-Length: %d\r\n" % (len(_BODY) - 200)) + _BODY, _BROKEN
    ),
    _sent("a length of 0", _head(b"200 OK", b"Content-Length: 0\r\nConnection: close\r\n"), passing("StreamError")),
    _sent("chunks", _head(b"200 OK", _CHUNKED) + _CHUNK + b"0\r\n\r\n", answer("hello")),
    _sent(
        "chunks with extensions and trailers",
        _head(b"200 OK", _CHUNKED) + _CHUNK.replace(b"\r\n", b";a=b\r\n", 1) + b"0\r\nX-End: 1\r\n\r\n",
        answer("hello"),
    ),
    _sent("chunks without their end, all events there", _head(b"200 OK", _CHUNKED) + _CHUNK, answer("hello")),
    _sent("half a chunk", _head(b"200 OK", _CHUNKED) + _CHUNK[:-200], _BROKEN),
    _sent(
        "a chunk whose size is not a number", _head(b"200 OK", _CHUNKED) + b"lots\r\n" + _BODY, passing("StreamError")
    ),
    _sent(
        "garbage after the first chunk",
        _head(b"200 OK", _CHUNKED) + b"%x\r\n%s\r\n" % (len(_BODY) - 200, _BODY[:-200]) + b"oops\r\n",
        _BROKEN,
    ),
    _sent("garbage after the answer", _head(b"200 OK", _CHUNKED) + _CHUNK + b"oops\r\n", answer("hello")),
    _sent("more bytes after the end", _head(b"200 OK", _LONG) + _BODY + b"HTTP/1.1 200 OK\r\n\r\n", answer("hello")),
    _sent(
        "an error whose length is too long",
        _head(b"400 Bad Request", b"Content-Length: 900\r\n") + b'{"error": {"message": "Odd."}}',
        passing("StreamError"),
    ),
    _sent(
        "an error without its length",
        _head(b"400 Bad Request", _CLOSE) + b'{"error": {"message": "Odd."}}',
        final("InvalidRequestError", 400, says="Odd."),
    ),
)

GROUPS = (Group(title="It is hardly HTTP", about="the reply is, or has", rows=_HEADS + _BODIES),)
