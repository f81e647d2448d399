"""Hands over what arrived before damage, so that no complete response is lost that somebody has paid for.

Of a read in which a TLS record is damaged, asyncio hands over nothing. Of one that holds the head of a response and
something that is not HTTP, aiohttp hands over nothing either. In a later read it leaves the reader of the response
waiting (aiohttp 3.14.5 and Python 3.11 to 3.13, seen 2026-12-01). Importing this file imports `aiohttp`.
"""

from __future__ import annotations

import ssl
from typing import Any

from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

_END_OF_HEAD = b"\r\n\r\n"


class DamageTolerantProtocol(ResponseHandler):
    """A connection that reads the head of a response by itself, and ends a response behind which it reads no HTTP."""

    _awaits_head = False

    def set_response_params(self, **params: Any) -> None:
        """Begin to wait for a response."""
        self._awaits_head = True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Take the bytes of one read."""
        if self._awaits_head and (end := data.find(_END_OF_HEAD)) >= 0:
            self._awaits_head = False
            end += len(_END_OF_HEAD)
            super().data_received(data[:end])
            data = data[end:]
            if not data or self.exception() is not None:
                return
        super().data_received(data)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Note an error, also for the reader of a response that has begun."""
        super().set_exception(exc, *([] if exc_cause is None else [exc_cause]))
        payload = self._payload
        if isinstance(exc, HttpProcessingError) and payload is not None and not payload.is_eof():
            payload.set_exception(exc)


class DamageTolerantTls(ssl.SSLObject):
    """TLS that first ends the data at a damaged record, and raises the error only when it is read again."""

    _error: ssl.SSLError | None = None

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - its name in the class above
        """Return what has arrived, or put it into the buffer; nothing at the end of the data."""
        if self._error is not None:
            raise self._error
        try:
            return super().read(len, buffer)
        except (ssl.SSLWantReadError, ssl.SSLSyscallError):  # asyncio waits for more
            raise
        except ssl.SSLError as error:
            self._error = error
        return b"" if buffer is None else 0
