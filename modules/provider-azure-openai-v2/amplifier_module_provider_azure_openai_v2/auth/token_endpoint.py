"""The HTTP client below MSAL. It sends requests to known hosts only and follows no redirect.

MSAL sees responses with a status below 400 and refusals that Entra itself words. Every other failure is raised here as
a kernel error and passes through MSAL, because MSAL caches and repeats the failures that it sees. Everything blocks and
runs in daemon threads. Sources: MSAL 1.39 and its behaviour against a local server, seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from amplifier_core.llm_errors import AuthenticationError, ProviderUnavailableError, RateLimitError
from openai_responses_common.failures.durations import read_retry_after_s
from openai_responses_common.transport.http_client import BlockingHttp, read_headers
from openai_responses_common.wire.json_values import loads_object_or_none

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The refusal of a token endpoint, as codes only: its sentences may name people."""

    error: str
    aadsts_code: str | None
    correlation_id: str
    status: int | None = None

    @property
    def description(self) -> str:
        """The codes in one line, for an error."""
        number = f"{self.aadsts_code} " if self.aadsts_code else ""
        correlation = f", correlation id {self.correlation_id}" if self.correlation_id else ""
        return f"{number}({self.error or (f'HTTP {self.status}' if self.status else 'without a code')}){correlation}"


class TokenHttpClient:
    """The `http_client` of MSAL: `get` and `post` to known hosts.

    Args:
        origins: scheme, host and port of every address to which it may send.
        is_local_service: True for a service of the machine itself, whose requests bypass the proxies of the
            environment. False by default.
        expects_challenge: True if the service first responds with a challenge (401) that MSAL answers, as the agent of
            Azure Arc does. False by default.
        check_document: called with every JSON object before MSAL sees it; raises if the object is not acceptable.

    Attributes:
        last_refusal: the newest refusal. None before the first.
        has_json_response: True if the newest response was a JSON object, as all of Azure's own are.
    """

    def __init__(
        self,
        *origins: str,
        is_local_service: bool = False,
        expects_challenge: bool = False,
        check_document: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self.allowed_origins = origins
        self.last_refusal: Refusal | None = None
        self.has_json_response = False
        self._is_local_service = is_local_service
        self._http = BlockingHttp(timeout_s=_TIMEOUT_S, uses_proxy=not is_local_service)
        self._expects_challenge = expects_challenge
        self._check_document = check_document

    def get(self, url: str, **options: Any) -> Any:
        """Send a GET for MSAL."""
        return self._send_to_allowed_origin("GET", url, **options)

    def post(self, url: str, **options: Any) -> Any:
        """Send a POST for MSAL."""
        return self._send_to_allowed_origin("POST", url, **options)

    def close(self) -> None:
        """Do nothing: no connection stays open."""

    def _send_to_allowed_origin(
        self, method: str, url: str, *, params: Any = None, data: Any = None, headers: Any = None
    ) -> Any:
        self.has_json_response = False
        parts = urlsplit(url)
        host, origin = parts.netloc, f"{parts.scheme}://{parts.netloc}"
        if origin not in self.allowed_origins:
            message = (
                f"{self.allowed_origins[0]} names {origin} for a token request, which is not allowed: nothing was sent"
            )
            raise AuthenticationError(message)
        response = self._http.request(method, url, params=params, data=_decode_form(data), headers=headers)
        self._check_response(host, response)
        return response

    def _check_response(self, host: str, response: Any) -> None:
        status, document = response.status_code, loads_object_or_none(response.text)
        self.has_json_response = document is not None
        if 300 <= status < 400:
            raise AuthenticationError(f"{host} redirects a token request, which is not followed (HTTP {status})")
        if status == 429 and not self._is_local_service:
            wait_s = read_retry_after_s(read_headers(response.headers))
            raise RateLimitError(f"{host} limits token requests (HTTP 429)", retry_after=wait_s, status_code=status)
        if status >= 500 or (self._is_local_service and status in {404, 410, 429}):
            raise ProviderUnavailableError(
                f"{host} cannot issue a token at present (HTTP {status})", status_code=status
            )
        if document is None and not (self._expects_challenge and status == 401):
            message = (
                f"{host} did not respond to a token request with JSON (HTTP {status}): is there a proxy in between?"
            )
            raise ProviderUnavailableError(message, status_code=status)
        if status >= 400:
            self.last_refusal = read_refusal(document or {}, status)
        elif self._check_document and document is not None:
            self._check_document(document)


def find_aadsts_code(text: str) -> str | None:
    """Entra's number for an error, like AADSTS70011. None if the text holds none."""
    match = re.search(r"AADSTS\d+", text)
    return match[0] if match else None


def _decode_form(form: Any) -> Any:
    """Decode bytes in a form: MSAL passes a certificate's assertion as bytes, and httpx2 would send their repr."""
    if not isinstance(form, Mapping):
        return form
    fields = cast("Mapping[str, object]", form)
    return {name: value.decode("ascii") if isinstance(value, bytes) else value for name, value in fields.items()}


def read_refusal(document: Mapping[str, Any], status: int | None = None) -> Refusal:
    """The codes of a refusal. A value that does not look like a code is left out, because it may be a secret."""

    def code(key: str, form: str) -> str:
        text = str(document.get(key) or "")
        return text if re.fullmatch(form, text) else ""

    return Refusal(
        error=code("error", "[a-z_]{1,40}"),
        aadsts_code=find_aadsts_code(str(document.get("error_description") or "")),
        correlation_id=code("correlation_id", "[0-9a-fA-F-]{1,40}"),
        status=status,
    )
