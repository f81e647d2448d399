"""Rows: the shapes in which an error's body comes, and what it says of how long to wait."""

from __future__ import annotations

import gzip
import json

from responses_emulator import HttpReply

from tests.generated.faults.fault import BODY, LOST, Group, faults_of, final, passing, row
from tests.support.error_rows import PAGE_ROWS, REDIRECT_ROWS, SHAPE_ROWS, WAIT_ROWS, refusal

JSON = {"content-type": "application/json"}
_INVALID = final("InvalidRequestError", 400, says="Odd.")
_ERROR = json.dumps({"error": {"message": "Odd.", "code": "odd"}}).encode()
_HUGE = 5_000_000

_SHAPES = (
    row("text that is called JSON", HttpReply(400, "Odd.", JSON), then=_INVALID),
    row("JSON that is called text", HttpReply(400, _ERROR, {"content-type": "text/plain"}), then=_INVALID),
    row("JSON with an UTF-8 mark at its front", HttpReply(400, b"\xef\xbb\xbf" + _ERROR, JSON), then=_INVALID),
    row("Latin-1", HttpReply(400, "Odd. N\xe4mlich.".encode("latin-1"), {"content-type": "text/plain"}), then=_INVALID),
    row("bytes that are not UTF-8", HttpReply(400, b'{"error": {"message": "Odd. \xff\xfe"}}', JSON), then=_INVALID),
    row("5 MB of text", HttpReply(400, "Odd. " + "x" * _HUGE), then=_INVALID),
    row("a message of 5 MB", refusal(400, "odd", "Odd. " + "x" * _HUGE), then=_INVALID),
    row("5 MB of `<`", HttpReply(400, "<title>Odd.</title>" + "<" * _HUGE), then=_INVALID),
    row("5 MB of `<` and no title", HttpReply(400, "<html> Odd. " + "<" * _HUGE), then=_INVALID),
    row(
        "10 MB, compressed to 10 kB",
        HttpReply(400, gzip.compress(b"Odd. " + bytes(10_000_000)), {"content-encoding": "gzip"}),
        then=_INVALID,
        http_only=BODY,
    ),
    row(
        "compressed",
        HttpReply(400, gzip.compress(_ERROR), {**JSON, "content-encoding": "gzip"}),
        then=_INVALID,
        http_only=BODY,
    ),
)
_UNREAD = final("InvalidRequestError", 400)
_SAYING_LITTLE = (
    row("half a JSON", HttpReply(400, b'{"error": {"message": "Od', JSON), then=_UNREAD),
    row("JSON 100,000 deep", HttpReply(400, "[" * 100_000, JSON), then=_UNREAD),
)
_PAGES = (
    row(
        "200 with a page, as from a hotel's network",
        HttpReply(200, "<html>Please log in to this network</html>"),
        then=final("ConfigurationError", 200, says="log in to this network"),
        http_only=LOST,
    ),
    row(
        "200 with JSON that is not a response",
        HttpReply(200, {"hello": "world"}),
        then=final("ConfigurationError", 200, says="no Responses API at this address"),
        http_only=LOST,
    ),
    row(
        "200 for a path that does not exist, as from LM Studio",
        HttpReply(200, {"error": "Unexpected endpoint or method. (POST /responses)"}),
        then=final("NotFoundError"),
    ),
    row(
        "500, called compressed and not",
        HttpReply(500, "no gzip", {"content-encoding": "gzip"}),
        then=passing("StreamError"),
        http_only=BODY,
    ),
)

GROUPS = (
    Group(
        title="An error has an odd shape",
        about="the body of a 400",
        rows=faults_of(SHAPE_ROWS) + _SHAPES + _SAYING_LITTLE,
    ),
    Group(
        title="Something in between answers",
        about="the reply",
        rows=faults_of(PAGE_ROWS) + _PAGES + faults_of(REDIRECT_ROWS),
    ),
    Group(
        title="The service says how long to wait",
        about="a 429, `max_retry_delay` being 5 s, with",
        rows=faults_of(WAIT_ROWS),
    ),
)
