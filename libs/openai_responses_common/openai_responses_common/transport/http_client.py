"""The HTTP client library that we use beside the SDK's own: imported here alone, when it is first used.

`httpx` and its successor `httpx2` have the same interface; this file decides which of them we use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from amplifier_core.llm_errors import ConfigurationError

from ..failures.failure import CallFailure, Failure
from ..failures.read import read_error_response
from ..wire.json_values import as_object, loads_or_text

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


def import_http_library() -> ModuleType:
    """Return the library. The first import takes about 50 ms."""
    import httpx

    return httpx


def build_client(build: Callable[[], T], *invalid_setting_errors: type[Exception]) -> T:
    """Return the client that `build` makes, which reads proxies and certificates from the environment.

    Raises:
        ConfigurationError: one of these variables cannot be used. The error does not quote it, because the address of a
            proxy may hold a password.
    """
    try:
        return build()
    except ImportError as error:
        problem = str(error)
    except (ValueError, OSError, *invalid_setting_errors) as error:
        problem = type(error).__name__
    raise ConfigurationError(
        f"cannot create an HTTP client: one of HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and "
        f"SSL_CERT_DIR cannot be used ({problem})"
    )


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

    It follows no redirect, and no exception that it raises holds the request.

    Args:
        headers: of every request.
        timeout_s: the longest time, in seconds, to wait for the next data. The default is 20.
    """

    def __init__(self, headers: Mapping[str, str], *, timeout_s: float = 20.0) -> None:
        self._headers = dict(headers)
        self._timeout_s = timeout_s

    def send(
        self,
        method: str,
        url: str,
        *,
        json_body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JsonReply:
        """Send one request over a new connection and return the response, also if it is an error.

        Raises:
            CallFailure: there was no response.
            ConfigurationError: see `build_client`.
        """
        library = import_http_library()

        def make() -> httpx.Client:
            return library.Client(headers=self._headers, timeout=self._timeout_s, follow_redirects=False)

        try:
            with build_client(make, library.InvalidURL) as client:
                return read_json_reply(client.request(method, url, json=json_body, data=form, headers=headers))
        except library.TimeoutException:
            failure = Failure(kind="timeout", message=f"{_read_host(url)} did not respond in time")
        except library.HTTPError as error:
            failure = Failure(
                kind="network", message=f"cannot reach {_read_host(url)}: {type(error).__name__}: {error}"
            )
        raise CallFailure(failure)


def read_json_reply(response: httpx.Response) -> JsonReply:
    """Return the data of a response whose body has been read."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return JsonReply(status=response.status_code, body=loads_or_text(response.text), headers=headers)


def _read_host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
