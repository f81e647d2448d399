"""Rows: the shapes in which an error's body comes, and what it says of how long to wait."""

from __future__ import annotations

import gzip
import json

from responses_emulator import HttpReply, bad_gateway, redirect

from tests.generated.faults.fault import HTTP_CLIENT, Group, final, passing, refused, row

JSON = {"content-type": "application/json"}
_INVALID = final("InvalidRequestError", 400, says="Odd.")
_ERROR = json.dumps({"error": {"message": "Odd.", "code": "odd"}}).encode()
_HUGE = 5_000_000

_SHAPES = (
    row('`{"error": {…}}`', refused(400, "odd", "Odd."), then=_INVALID),
    row(
        '`{"error": {…}}` with a number as code',
        HttpReply(400, {"error": {"message": "Odd.", "type": "Bad Request", "code": 400}}),
        then=_INVALID,
    ),
    row('`{"error": "text"}`', HttpReply(400, {"error": "Odd."}), then=_INVALID),
    row('`{"code", "message"}`', HttpReply(400, {"code": "odd", "message": "Odd."}), then=_INVALID),
    row('`{"detail": "text"}`', HttpReply(400, {"detail": "Odd."}), then=_INVALID),
    row('`{"detail": {…}}`', HttpReply(400, {"detail": {"code": "odd", "message": "Odd."}}), then=_INVALID),
    row(
        '`{"detail": [{"loc", "msg"}]}`',
        HttpReply(400, {"detail": [{"loc": ["body", "x"], "msg": "Odd."}]}),
        then=final("InvalidRequestError", 400, says="x: Odd."),
    ),
    row('`{"message": …}`', HttpReply(400, {"message": "Odd."}), then=_INVALID),
    row("a list", HttpReply(400, '["Odd."]', JSON), then=_INVALID),
    row("a string", HttpReply(400, '"Odd."', JSON), then=_INVALID),
    row("text", HttpReply(400, "Odd."), then=_INVALID),
    row("text that is called JSON", HttpReply(400, "Odd.", JSON), then=_INVALID),
    row("JSON that is called text", HttpReply(400, _ERROR, {"content-type": "text/plain"}), then=_INVALID),
    row(
        "a page of HTML", HttpReply(400, "<html><head><title>Odd.</title></head><body>No.</body></html>"), then=_INVALID
    ),
    row("JSON with an UTF-8 mark at its front", HttpReply(400, b"\xef\xbb\xbf" + _ERROR, JSON), then=_INVALID),
    row("Latin-1", HttpReply(400, "Odd. N\xe4mlich.".encode("latin-1"), {"content-type": "text/plain"}), then=_INVALID),
    row("bytes that are no UTF-8", HttpReply(400, b'{"error": {"message": "Odd. \xff\xfe"}}', JSON), then=_INVALID),
    row("5 MB of text", HttpReply(400, "Odd. " + "x" * _HUGE), then=_INVALID),
    row("a message of 5 MB", refused(400, "odd", "Odd. " + "x" * _HUGE), then=_INVALID),
    row("5 MB of `<`", HttpReply(400, "<title>Odd.</title>" + "<" * _HUGE), then=_INVALID),
    row("5 MB of `<` and no title", HttpReply(400, "<html> Odd. " + "<" * _HUGE), then=_INVALID),
    row(
        "10 MB, compressed to 10 kB",
        HttpReply(400, gzip.compress(b"Odd. " + bytes(10_000_000)), {"content-encoding": "gzip"}),
        then=_INVALID,
    ),
    row("compressed", HttpReply(400, gzip.compress(_ERROR), {**JSON, "content-encoding": "gzip"}), then=_INVALID),
)
_UNREAD = final("InvalidRequestError", 400)
_SAYING_LITTLE = (
    row("nothing", HttpReply(400, ""), then=_UNREAD),
    row("`{}`", HttpReply(400, {}), then=_UNREAD),
    row("`null`", HttpReply(400, "null", JSON), then=_UNREAD),
    row('`{"error": null}`', HttpReply(400, {"error": None}), then=_UNREAD),
    row('`{"error": {"message": null}}`', HttpReply(400, {"error": {"message": None}}), then=_UNREAD),
    row('`{"error": []}`', HttpReply(400, {"error": []}), then=_UNREAD),
    row("half a JSON", HttpReply(400, b'{"error": {"message": "Od', JSON), then=_UNREAD),
    row("JSON 100,000 deep", HttpReply(400, "[" * 100_000, JSON), then=_UNREAD),
)
_PAGES = (
    row("502 with a page", bad_gateway(), then=passing("ProviderUnavailableError", 502, says="502 Bad Gateway")),
    row(
        "504 with a page",
        HttpReply(504, "<html><title>504</title></html>"),
        then=passing("ProviderUnavailableError", 504),
    ),
    row(
        "404 with a page", HttpReply(404, "<html><title>404 Not Found</title></html>"), then=final("NotFoundError", 404)
    ),
    row(
        "200 with a page, as from a hotel's network",
        HttpReply(200, "<html>Please log in to this network</html>"),
        then=passing("StreamError"),
    ),
    row(
        "500, called compressed and not",
        HttpReply(500, "no gzip", {"content-encoding": "gzip"}),
        then=passing("StreamError"),
        differs=HTTP_CLIENT,
    ),
)
_REDIRECTS = tuple(
    row(
        f"{status}, a redirect; none is followed",
        redirect("http://127.0.0.1:9/v1/responses", status=status),
        then=final("ConfigurationError", status),
    )
    for status in (300, 301, 302, 303, 304, 305, 307, 308)
)


def _limited(name: str, *, after_s: float | None, status: int = 429, **headers: str):
    kind = "RateLimitError" if status == 429 else "ProviderUnavailableError"
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    long = after_s is not None and after_s > 5
    outcome = final(kind, status, says="max_retry_delay") if long else passing(kind, status)
    return row(name, HttpReply(status, {"error": {"message": "Busy."}}, named), then=outcome)


_QUOTA = {"error": {"message": "No.", "code": "insufficient_quota"}}
_DATE = "Sat, 21 Nov 2026 10:00:00 GMT"
_WAITS = (
    _limited("`Retry-After: 0`", after_s=0, retry_after="0"),
    _limited("`Retry-After: 0.01`", after_s=0.01, retry_after="0.01"),
    _limited("`Retry-After-Ms: 10`", after_s=0.01, retry_after_ms="10"),
    _limited(
        "`Retry-After-Ms: 10` beside a `Retry-After: 3600`", after_s=0.01, retry_after_ms="10", retry_after="3600"
    ),
    _limited("a date that has come", after_s=0, retry_after=_DATE, date=_DATE),
    _limited("a date that is past", after_s=0, retry_after="Fri, 20 Nov 2026 10:00:00 GMT", date=_DATE),
    _limited("a negative number", after_s=0, retry_after="-5"),
    _limited("neither number nor date", after_s=None, retry_after="soon"),
    _limited("nothing in it", after_s=None, retry_after=""),
    _limited("`nan`", after_s=None, retry_after="nan"),
    _limited("`Retry-After: 3600`", after_s=3600, retry_after="3600"),
    _limited("`inf`", after_s=None, retry_after="inf"),
    row("`nan`, of a quota", HttpReply(429, _QUOTA, {"retry-after": "nan"}), then=final("QuotaExceededError", 429)),
    row("`inf`, of a quota", HttpReply(429, _QUOTA, {"retry-after": "inf"}), then=final("QuotaExceededError", 429)),
    row(
        "a limit that never resets",
        HttpReply(429, b'{"error": {"type": "usage_limit_reached", "message": "Odd.", "resets_in_seconds": Infinity}}'),
        then=final("QuotaExceededError", 429, says="Odd"),
    ),
    row(
        "a limit that resets at no time",
        HttpReply(429, {"error": {"type": "usage_limit_reached", "message": "Odd.", "resets_at": "soon"}}),
        then=final("QuotaExceededError", 429, says="Odd"),
    ),
    _limited("a date two minutes on", after_s=120, retry_after="Sat, 21 Nov 2026 10:02:00 GMT", date=_DATE),
    _limited("`Retry-After: 3600` of a 503", after_s=3600, status=503, retry_after="3600"),
    _limited("`Retry-After: 0.01` of a 503", after_s=0.01, status=503, retry_after="0.01"),
)

GROUPS = (
    Group(title="An error has an odd shape", about="the body of a 400", rows=_SHAPES + _SAYING_LITTLE),
    Group(title="Something in between answers", about="the reply", rows=_PAGES + _REDIRECTS),
    Group(title="The service says how long to wait", about="a 429, `max_retry_delay` being 5 s, with", rows=_WAITS),
)
