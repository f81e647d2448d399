"""A user's browser for sign-in tests: it opens a page and submits its form."""

from __future__ import annotations

import html
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlencode


def open_in_browser(url: str, *, trust: ssl.SSLContext | None = None, change: Mapping[str, str] | None = None) -> int:
    """Play the browser: open the page, submit its form, and return the status that the client's own server answers.

    `change` overrides fields of the form, as an attacker would.
    """
    # No proxy of the environment: both servers are on this machine.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust or ssl.create_default_context())
    )
    with opener.open(url, timeout=60) as reply:
        page = reply.read().decode()
    action = re.search(r'action="([^"]*)"', page)
    assert action is not None, page
    pairs = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page)
    fields = {html.unescape(name): html.unescape(value) for name, value in pairs} | dict(change or {})
    try:
        with opener.open(html.unescape(action[1]), data=urlencode(fields).encode(), timeout=60) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
