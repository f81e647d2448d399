"""A user's browser for sign-in tests: it opens the page of the issuer, presses a button and follows the redirect."""

from __future__ import annotations

import html
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None


def press_button(
    url: str,
    button: Literal["approve", "decline"] = "approve",
    *,
    trust: ssl.SSLContext | None = None,
    change: Mapping[str, str] | None = None,
) -> str:
    """Open the page of an authorization request, press a button, and return the address of the callback.

    The callback is not opened: the caller opens it, or pastes it where there is no browser. `change` overrides fields
    of the form. An issuer that asks nobody redirects at once.
    """
    # No proxy of the environment: the issuer is on this machine.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=trust or ssl.create_default_context()),
        _NoRedirect(),
    )
    try:
        with opener.open(url, timeout=60) as reply:
            page = reply.read().decode()
    except urllib.error.HTTPError as answer:
        return _location(answer)
    action = re.search(r'<form method="post" action="([^"]*)"', page)
    assert action is not None, page
    fields = {
        html.unescape(name): html.unescape(value) for name, value in re.findall(r' name="(\w+)" value="([^"]*)"', page)
    }
    if 'name="plan" value="yes" checked' not in page:
        fields.pop("plan", None)
    fields |= {"decision": button, **(change or {})}
    try:
        opener.open(html.unescape(action[1]), data=urlencode(fields).encode(), timeout=60).close()
    except urllib.error.HTTPError as answer:
        return _location(answer)
    raise AssertionError("the issuer did not redirect")


def open_callback(address: str) -> tuple[int, str]:
    """Open the address of a callback, as the browser does; return the status and the page of the client's server."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=60) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read().decode()


def _location(answer: urllib.error.HTTPError) -> str:
    with answer:
        location = answer.headers.get("location")
        if location is None:
            raise AssertionError(f"{answer.code}: {answer.read().decode()}")
        return str(location)
