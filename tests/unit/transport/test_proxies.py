"""Which proxy an address has: none for this machine and for what `NO_PROXY` excepts, in whatever form it is written."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from openai_responses_common.transport.proxies import choose_proxy, is_excepted, is_loopback, is_this_machine

PROXIES = {"http": "http://a:1", "https": "http://b:2", "all": "http://c:3"}


@pytest.mark.parametrize(
    ("url", "proxies", "expected"),
    [
        ("http://x.example/v1", PROXIES, ("http", "http://a:1")),
        ("https://x.example/v1", PROXIES, ("https", "http://b:2")),
        ("https://x.example/v1", {"http": "http://a:1", "all": "http://c:3"}, ("all", "http://c:3")),
        ("https://x.example/v1", {"http": "http://a:1"}, None),
        ("https://x.example/v1", {"https": "", "all": "http://c:3"}, ("all", "http://c:3")),
        ("https://x.example/v1", {}, None),
        ("https://x.example/v1", {**PROXIES, "no": "example"}, None),
        ("https://127.0.0.1:8000/v1", PROXIES, None),
        ("https://My-Box:8000/v1", PROXIES, None),
        ("https://your-box:8000/v1", PROXIES, ("https", "http://b:2")),
    ],
)
def test_address_has_the_proxy_of_its_scheme(
    url: str, proxies: dict[str, str], expected: tuple[str, str] | None
) -> None:
    assert choose_proxy(url, proxies, ["my-box"]) == expected


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "ip6-localhost", "app.localhost"),
        *("127.0.0.1", "127.9.9.9", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0.0.0.0", "0"),
        *("::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::", "::1%lo"),
    ],
)
def test_name_of_this_machine_is_recognised(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host", ["localhost.example", "notlocalhost", "10.0.0.1", "128.1", "999.1", "1.2.3.4.5", "::2", "fe80::1", "x", ""]
)
def test_other_host_is_not_this_machine(host: str) -> None:
    assert not is_this_machine(host)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"])
def test_name_that_can_mean_nothing_else_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "127.1", "localhost.example", "10.0.0.1", "example.com", ""])
def test_other_name_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("exceptions", "excepted", "other"),
    [
        ("*", "https://x.example https://10.1.2.3 https://[fd00::1]", ""),
        ("a.example,*", "https://x.example", ""),
        ("example.com", "https://example.com https://A.Example.COM https://example.com.", "https://badexample.com"),
        (".example.com", "https://example.com https://a.b.example.com", "https://example.com.evil"),
        ("*.example.com", "https://a.example.com https://a.b.example.com", "https://example.com https://aexample.com"),
        ("EXAMPLE.com.", "https://example.com", "https://example.org"),
        ("a.example, b.example", "https://a.example https://b.example", "https://c.example"),
        ("a.example b.example\tc.example", "https://a.example https://b.example https://c.example", ""),
        ("example.com:8443", "https://example.com:8443", "https://example.com https://example.com:8444"),
        ("example.com:443", "https://example.com", "http://example.com https://example.com:8443"),
        ("http://example.com", "http://example.com", "https://example.com"),
        ("all://example.com/", "http://example.com https://example.com", ""),
        ("10.0.0.0/8", "https://10.1.2.3", "https://11.1.2.3 https://x10.example"),
        ("10.1.2.3/8", "https://10.200.0.1", ""),
        ("10.1.2.3", "https://10.1.2.3 https://[::ffff:10.1.2.3]", "https://10.1.2.4"),
        ("10.1.2.3:8080", "https://10.1.2.3:8080", "https://10.1.2.3"),
        ("192.168.*", "https://192.168.7.1", "https://192.169.7.1"),
        ("fd00::/8", "https://[fd12::1] https://[FD12::1]:8443", "https://[fe80::1] https://10.1.2.3"),
        ("[fd00::]/8", "https://[fd12::1]", "https://[fe80::1]"),
        ("fe80::1%eth0", "https://[fe80::1]", "https://[fe80::2]"),
        ("2001:db8:0:0::7", "https://[2001:db8::7]", "https://[2001:db8::8]"),
        ("[2001:db8::7]", "https://[2001:db8::7] https://[2001:db8::7]:8443", ""),
        ("[2001:db8::7]:8443", "https://[2001:db8::7]:8443", "https://[2001:db8::7]"),
        ("::1/128,[::1],127.0.0.0/8,,10.0.0.0/8", "https://10.1.2.3", "https://x.example https://[2001:db8::7]"),
        ("10.0.0.0/99, [::1, ://, :443, /8, a.example", "https://a.example", "https://10.0.0.1 https://x.example"),
        ("", "", "https://x.example https://10.1.2.3"),
    ],
)
def test_exceptions_hold_for_what_they_name_and_for_nothing_else(exceptions: str, excepted: str, other: str) -> None:
    assert [url for url in excepted.split() if not is_excepted(urlsplit(url), exceptions)] == []
    assert [url for url in other.split() if is_excepted(urlsplit(url), exceptions)] == []
