"""The HTTP client library beside the SDK's own: imported here, once, when it is first used.

`httpx` and its continuation `httpx2` have the same interface; which of them it is, is decided in this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from amplifier_core.llm_errors import ConfigurationError

from ..failures.failure import CallFailure, Failure
from ..failures.read import read_error_response
from ..wire.json_values import as_object

if TYPE_CHECKING:
    import httpx
from ..wire.json_values import loads_or_text

T = TypeVar("T")


def import_http_library() -> ModuleType:
    """The library; some 50 ms where nothing has imported it yet."""
    import httpx

    return httpx


def build_client(build: Callable[[], T], *invalid_setting_errors: type[Exception]) -> T:
    """What `make` makes: a client, which reads the environment for proxies and certificates.

    Raises:
        ConfigurationError: what stands there cannot be used. It is not quoted, as a proxy's address holds its password.
    """
    try:
        return build()
    except ImportError as error:
        problem = str(error)
    except (ValueError, OSError, *invalid_setting_errors) as error:
        problem = type(error).__name__
    raise ConfigurationError(
        f"no HTTP client can be made with this environment: see to HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, "
        f"SSL_CERT_FILE and SSL_CERT_DIR ({problem})"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonReply:
    """An answer as it came, of whatever status.

    Attributes:
        status: of HTTP.
        body: its JSON, or its text where it is none.
        headers: with names in lower case.
    """

    status: int
    body: object = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def body_fields(self) -> dict[str, Any]:
        """The body's fields, if it is a JSON object."""
        return as_object(self.body)

    def read_failure(self) -> Failure:
        """The answer read as an error."""
        return read_error_response(self.status, self.body, self.headers)


class BlockingHttp:
    """Short exchanges outside of any event loop: a sign-in, the renewal of a token.

    No redirect is followed, and no exception that leaves holds the request.

    Args:
        headers: sent with every request.
        timeout_s: the longest silence.
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
        """One exchange, over a connection of its own.

        Raises:
            CallFailure: there was no answer. An answer that is an error is an answer.
            ConfigurationError: see `client_of`.
        """
        library = import_http_library()

        def make() -> httpx.Client:
            return library.Client(headers=self._headers, timeout=self._timeout_s, follow_redirects=False)

        try:
            with build_client(make, library.InvalidURL) as client:
                return read_json_reply(client.request(method, url, json=json_body, data=form, headers=headers))
        except library.TimeoutException:
            failure = Failure(kind="timeout", message=f"{_read_host(url)} did not answer in time")
        except library.HTTPError as error:
            failure = Failure(
                kind="network", message=f"cannot reach {_read_host(url)}: {type(error).__name__}: {error}"
            )
        raise CallFailure(failure)


def read_json_reply(response: httpx.Response) -> JsonReply:
    """A response that was read, as data."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return JsonReply(status=response.status_code, body=loads_or_text(response.text), headers=headers)


def _read_host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
