"""Which addresses a credential may be sent to.

An address is read once, strictly, and kept; what is not plainly an http(s) address of a host is refused with the name
of its setting. Sources of the traps: adversarial addresses that were tried against URL parsers, seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from amplifier_core.llm_errors import ConfigurationError

_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*", re.I)

_PLAIN_URL = re.compile(r"[a-z]+://[\w.:/%\[\]-]*", re.I | re.ASCII)

_INVALID_URL = "is no URL, or its port is no number"


def read_url(setting: str, url: str, *, example: str) -> SplitResult:
    """The parts of an address.

    Args:
        setting: its name, for the error.
        url: what the user gave.
        example: an address as it should look.

    Raises:
        ConfigurationError: it is none, or holds what an address must not.
    """
    if problem := _find_url_problem(url):
        # Behind `@`, `?` and `#`, and in a port's place, secrets stand; what is no address at all may be a key.
        shown = f", not {url!r}" if problem != _INVALID_URL and _PLAIN_URL.fullmatch(url) else ""
        raise ConfigurationError(f"setting {setting!r} {problem}: it takes an address like {example}{shown}")
    return urlsplit(url)


def _find_url_problem(url: str) -> str | None:
    if re.search(r"[\s\x00-\x1f\x7f\\]", url):
        return "holds a space, a control character or a backslash"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return _INVALID_URL
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is no http or https address"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or password"
    if not _is_host(parts.hostname):
        return "names no host"
    if "?" in url or "#" in url:
        return "must end before the '?' or '#'"
    if ".." in parts.path.split("/") or "%2e%2e" in parts.path.lower():
        return "must not hold '..'"
    return None


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            ip_address(host)
        except ValueError:
            return False
        return True
    return bool(_HOST_NAME.fullmatch(host))


def is_loopback(host: str) -> bool:
    """Whether the name means this machine and nothing else; `0.0.0.0`, `127.1` and `localhost.example` do not."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_within(host: str, suffixes: Iterable[str]) -> bool:
    """Whether a host is one of these names or lies below one of them."""
    return any(host.lower() == suffix or host.lower().endswith(f".{suffix}") for suffix in suffixes)
