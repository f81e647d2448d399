"""Blocking requests outside of a call, and what they share with the requests of calls: the proxy, replies and headers.

Blocking requests go through `httpx2`, which the SDK brings, and which is imported when it is first used.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from amplifier_core.llm_errors import ConfigurationError, LLMError, LLMTimeoutError

from ..failures.connections import build_network_error, describe_connection_error
from ..failures.durations import parse_date
from ..failures.failure import Failure
from ..failures.read import read_error_response
from ..installation import importing, install_command
from ..wire.json_values import as_object, loads_or_text
from .proxies import choose_proxy

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

# GNOME writes `socks://` for a proxy that speaks SOCKS 5. With `socks5` our libraries let the proxy resolve the name,
# as `socks5h` demands.
_PROXY_SCHEMES = {"http": "http", "https": "https", **dict.fromkeys(("socks", "socks5", "socks5h"), "socks5")}


def build_async_transport(url: str) -> httpx2.AsyncHTTPTransport:
    """Return the transport of an asynchronous client for requests to one host; blocks while it reads certificates.

    Raises:
        ConfigurationError: see `find_proxy`; or the certificates of the environment cannot be used.
    """
    import httpx2

    return _build_transport(httpx2, httpx2.AsyncHTTPTransport, find_proxy(url))


def _build_transport(library: ModuleType, transport_class: Callable[..., T], proxy: str | None) -> T:
    try:
        return transport_class(proxy=proxy)
    except ImportError:
        problem = f"the proxy speaks SOCKS, which needs the package socksio: run `{install_command('socksio>=1,<2')}`"
    except (ValueError, OSError, library.InvalidURL) as error:
        # The error is not quoted, because it may quote the address of the proxy, which may hold a password.
        problem = (
            f"{'the address of the proxy, ' if proxy else ''}SSL_CERT_FILE or SSL_CERT_DIR cannot be used "
            f"({type(error).__name__})"
        )
    raise ConfigurationError(f"cannot create an HTTP client: {problem}")


def find_proxy(url: str) -> str | None:
    """Return the address of the proxy that the environment or the system names for a URL. None if it needs none.

    Raises:
        ConfigurationError: the variable does not hold the address of a proxy. The error does not quote it, because the
            address may hold a password.
    """
    # It imports much that only the first client needs.
    from urllib.request import getproxies, getproxies_environment, proxy_bypass

    choice = choose_proxy(url, getproxies(), [socket.gethostname()])
    # The exceptions of Windows and macOS count if no variable is set.
    if choice is None or (not getproxies_environment() and proxy_bypass(urlsplit(url).hostname or "")):
        return None
    key, address = choice
    scheme, _, rest = (address if "://" in address else f"http://{address}").partition("://")
    proxy = f"{_PROXY_SCHEMES.get(scheme.lower(), '')}://{rest}"
    try:
        parts = urlsplit(proxy)
        is_valid = bool(parts.scheme and parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        name = next((name for name in (f"{key}_proxy", f"{key}_PROXY".upper()) if os.environ.get(name)), "the system")
        raise ConfigurationError(
            f"cannot create an HTTP client: {name} does not hold the address of a proxy that speaks HTTP or SOCKS 5, "
            f"such as http://proxy.example:3128 (write special characters of a password as %40)"
        )
    return proxy


def _list_connection_errors() -> tuple[type[Exception], ...]:
    """Return what a connection raises that `httpx2` lets through.

    A damaged TLS record is an `ssl.SSLError`, which is an `OSError` (httpcore2 2.16.2, seen 2026-11-30). `socksio` is
    below its SOCKS proxies.
    """
    if socksio := sys.modules.get("socksio"):
        return (OSError, EOFError, socksio.SOCKSError)
    return (OSError, EOFError)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonReply:
    """A response of any status.

    Attributes:
        status: the HTTP status.
        body: the body as JSON, or as text if it is not JSON.
        headers: the headers, with names in lower case.
    """

    status: int
    body: object = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def body_fields(self) -> dict[str, Any]:
        """Return the fields of the body; none if it is not a JSON object."""
        return as_object(self.body)

    def read_failure(self) -> Failure:
        """Read the response as an error."""
        return read_error_response(self.status, self.body, self.headers)


class BlockingHttp:
    """Sends short requests outside of any event loop, such as those of a sign-in or a refresh.

    It follows no redirect, and no exception that it raises holds the request. A request that could not be sent in time
    is not sent at all.

    Args:
        headers: of every request. The default is none.
        timeout_s: the longest time, in seconds, to wait for the next data. The default is 20.
        connect_timeout_s: the longest time, in seconds, until a request is sent. The default is 8.
        uses_proxy: whether requests may take the proxy of the environment. The default is True.
    """

    def __init__(
        self,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float = 20.0,
        connect_timeout_s: float = 8.0,
        uses_proxy: bool = True,
    ) -> None:
        self._headers = dict(headers or {})
        self._timeout_s = timeout_s
        self._connect_timeout_s = min(connect_timeout_s, timeout_s)
        self._uses_proxy = uses_proxy

    def send(
        self,
        method: str,
        url: str,
        *,
        json_body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JsonReply:
        """Send one request and return the data of the response; see `request`."""
        return read_json_reply(self.request(method, url, json=json_body, data=form, headers=headers))

    def request(self, method: str, url: str, **content: Any) -> httpx2.Response:
        """Send one request over a new connection and return the response, also if it is an error.

        Args:
            method: the HTTP method.
            url: the address.
            content: what the method `request` of an HTTP library takes.

        Raises:
            LLMTimeoutError: the server did not respond in time.
            NetworkError: there was no response.
            ConfigurationError: see `find_proxy`; or the certificates of the environment cannot be used.
        """
        with importing():
            import httpx2

        transport = _build_transport(httpx2, httpx2.HTTPTransport, find_proxy(url) if self._uses_proxy else None)
        timeout = httpx2.Timeout(self._timeout_s, connect=self._connect_timeout_s)
        content["extensions"] = {"trace": self._build_send_check()}
        failed: LLMError
        try:
            with httpx2.Client(
                transport=transport, headers=self._headers, timeout=timeout, follow_redirects=False
            ) as client:
                return client.request(method, url, **content)
        except (httpx2.TimeoutException, TimeoutError):
            failed = LLMTimeoutError(f"{_read_host(url)} did not respond within {self._timeout_s:g} s")
        except (httpx2.HTTPError, *_list_connection_errors()) as error:
            failed = build_network_error(describe_connection_error(f"cannot reach {_read_host(url)}", error))
        raise failed

    def _build_send_check(self) -> Callable[[str, object], None]:
        """Return what raises before a request is sent too late: the libraries limit each attempt to connect only."""
        deadline_s = time.monotonic() + self._connect_timeout_s

        def check(event: str, _: object) -> None:
            if event.endswith(".send_request_headers.started") and time.monotonic() > deadline_s:
                raise TimeoutError

        return check


def read_json_reply(response: httpx2.Response) -> JsonReply:
    """Return the data of a response whose body has been read."""
    return JsonReply(
        status=response.status_code, body=loads_or_text(response.text), headers=read_headers(response.headers)
    )


def read_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a response with their names in lower case.

    A response without a valid date gets the time of this machine, from which a `retry-after` date then counts.
    """
    lower_headers = {name.lower(): value for name, value in headers.items()}
    if parse_date(lower_headers.get("date")) is None:
        lower_headers["date"] = formatdate(usegmt=True)
    return lower_headers


def _read_host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
