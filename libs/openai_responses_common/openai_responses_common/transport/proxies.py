"""Chooses the proxy of an address, in the same way for every HTTP client; reads neither environment nor network.

HTTP libraries disagree about `NO_PROXY`: httpx 0.28.1 fails with an IPv6 network and ignores an IPv4 network, and none
of them knows that a request to this machine needs no proxy. So no library reads the variables; each is handed the proxy
that this file chooses. Sources: the manual of curl 8.17 for `NO_PROXY`, `net/http` of Go 1.25 for this machine, seen
2026-12-01.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

_Address: TypeAlias = IPv4Address | IPv6Address

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOCAL_NAMES = {"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"}
# As the C library reads an IPv4 address: 127.1, 0x7f000001, 2130706433.
_IPV4_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}")


def choose_proxy(url: str, proxies: Mapping[str, str], local_names: Collection[str] = ()) -> tuple[str, str] | None:
    """Return the proxy for an address, with the key under which it stands. None if the request goes there directly.

    Args:
        url: the address of the request.
        proxies: proxies by `http`, `https` and `all`, and the exceptions under `no`; see `urllib.request.getproxies`.
        local_names: further names of this machine. The default is none.
    """
    target = urlsplit(url)
    key = next((key for key in (target.scheme, "all") if proxies.get(key)), None)
    if key is None or is_this_machine(target.hostname or "", local_names) or is_excepted(target, proxies.get("no", "")):
        return None
    return key, proxies[key]


def is_loopback(host: str) -> bool:
    """Return whether the name means this machine and nothing else; `0.0.0.0` and `localhost.example` do not."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_this_machine(host: str, local_names: Collection[str] = ()) -> bool:
    """Return whether a connection to the host ends on this machine, in whatever form the name is written.

    Args:
        host: a name or an address, without brackets.
        local_names: further names of this machine. The default is none.
    """
    name = host.rstrip(".").lower()
    if name in _LOCAL_NAMES or name.endswith(".localhost") or name in {each.lower() for each in local_names}:
        return True
    address = _read_address(name)
    # A server that listens on all interfaces prints 0.0.0.0 as its address, and a connection to it stays here.
    return address is not None and (address.is_loopback or address.is_unspecified)


def is_excepted(target: SplitResult, exceptions: str) -> bool:
    """Return whether `NO_PROXY` excepts an address.

    Commas or spaces separate the entries. An entry is `*`, a name, which stands for all names below it too, a name with
    wildcards, an address or a network. A port may follow, and a scheme may come before. An entry that cannot be read is
    ignored.
    """
    host = (target.hostname or "").rstrip(".").lower()
    port = target.port or _DEFAULT_PORTS.get(target.scheme)
    address = _read_address(host)
    for entry in re.split(r"[\s,]+", exceptions.lower()):
        scheme, separator, rest = entry.rpartition("://")
        name, entry_port = _split_port(rest.rstrip("/"))
        if (separator and scheme not in {target.scheme, "all"}) or entry_port not in {None, port}:
            continue
        if _is_network_of(name, address) if address else _is_name_of(name, host):
            return True
    return False


def _split_port(entry: str) -> tuple[str, int | None]:
    """Split an entry at its port. The brackets of an IPv6 address are removed; without them it has no port."""
    if match := re.fullmatch(r"\[([^\]]*)\](/\d+)?(?::(\d{1,5}))?", entry):
        return match[1] + (match[2] or ""), int(match[3]) if match[3] else None
    if match := re.fullmatch(r"([^:]*):(\d{1,5})", entry):
        return match[1], int(match[2])
    return entry, None


def _is_network_of(entry: str, address: _Address) -> bool:
    """Return whether an entry is this address or its network, or matches the address by a wildcard."""
    try:
        network = ip_network(entry.partition("%")[0], strict=False)
    except ValueError:
        return "*" in entry and fnmatchcase(str(address), entry)
    return address in network


def _is_name_of(entry: str, host: str) -> bool:
    """Return whether an entry is this name, a name above it, or a wildcard for it."""
    if "*" in entry:
        return fnmatchcase(host, entry)
    name = entry.strip(".")
    return bool(name) and f".{host}".endswith(f".{name}")


def _read_address(host: str) -> _Address | None:
    """Return the IP address that a host is; an IPv4 address within IPv6 as IPv4. None for a name."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        if not _IPV4_NUMBERS.fullmatch(host):
            return None
        try:
            return IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
