"""Check the addresses to which a credential may be sent.

An address is read once and strictly. A text that is not plainly the http or https address of a host is refused with the
name of its setting. This file knows no setting and no service. Sources of the traps: adversarial addresses that were
tried against URL parsers, seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from amplifier_core.llm_errors import ConfigurationError

from ..transport.proxies import is_loopback

_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*", re.I | re.ASCII)

_PLAIN_URL = re.compile(r"[a-z]+://[\w.:/%\[\]-]*", re.I | re.ASCII)

_INVALID_URL = "is not a valid URL"


def read_url(setting: str, url: str, *, example: str) -> SplitResult:
    """Return the parts of an address.

    Args:
        setting: the name of the setting, for the error.
        url: the text that the user entered.
        example: a valid address, for the error.

    Raises:
        ConfigurationError: the text is not a valid address, or contains a part that an address must not have.
    """
    if problem := _find_url_problem(url):
        # Secrets may stand behind `@`, `?` and `#`, and in place of a port. A text that is not an address may be a key.
        shown = f": {url!r}" if problem != _INVALID_URL and _PLAIN_URL.fullmatch(url) else ""
        raise ConfigurationError(f"setting {setting!r} {problem}{shown}. Example: {example}")
    return urlsplit(url)


def require_https(setting: str, parts: SplitResult) -> None:
    """Check that an address would not send a credential without encryption; http is valid for this machine.

    Raises:
        ConfigurationError: it would. The error names the setting.
    """
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ConfigurationError(
            f"setting {setting!r} must begin with https, because {parts.geturl()!r} would send the credential without "
            "encryption (http is valid for this machine only)"
        )


def _find_url_problem(url: str) -> str | None:
    if re.search(r"[\s\x00-\x1f\x7f\\]", url):
        return "contains a space, a control character or a backslash"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return _INVALID_URL
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is not an http or https address"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user or password"
    # `hostname` is in lower case, which turns two letters of other alphabets into ASCII letters.
    if not parts.netloc.isascii() or not _is_host(parts.hostname):
        return "does not name a valid host"
    if "?" in url or "#" in url:
        return "must end before the '?' or '#'"
    if ".." in parts.path.split("/") or "%2e%2e" in parts.path.lower():
        return "must not contain '..'"
    return None


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            ip_address(host)
        except ValueError:
            return False
        return True
    return bool(_HOST_NAME.fullmatch(host))


def is_within(host: str, suffixes: Iterable[str]) -> bool:
    """Return whether a host is one of these names or lies below one of them."""
    return any(host.lower() == suffix or host.lower().endswith(f".{suffix}") for suffix in suffixes)
