"""One `aiohttp` session per endpoint and event loop: its proxy, certificates and limits, and what its errors mean.

Importing this file imports `aiohttp`, so only what runs in a thread imports it first; see `prepare_session`. A session
sends what its caller says and nothing else: no cookie, no header and no login of the environment, and it follows no
redirect. Reads the environment when it is prepared: the proxy (`find_proxy`) and the certificates (`SSL_CERT_FILE`).
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote, unquote_to_bytes, urlsplit
from weakref import WeakValueDictionary

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from amplifier_core.llm_errors import ConfigurationError
from multidict import CIMultiDict

from ..failures.connections import describe_connection_error
from ..failures.failure import Failure
from ..installation import install_command
from ..version import __version__
from ._connection import Connection
from ._damage import DamageTolerantTls
from ._silence import Silence
from .base import Endpoint
from .http_client import find_proxy

CONNECT_TIMEOUT_S = 30.0
"""The longest wait for a connection, in seconds, even if the timeout is longer."""

NO_RESPONSE = "timed out: the service did not begin to respond in time (setting 'timeout')"
INTERRUPTED_RESPONSE = "timed out: the service stopped in the middle of its response (setting 'timeout')"

# In seconds. Tools run between two calls, and a new connection costs three round trips.
_KEEP_ALIVE_S = 120.0
# Proxies and gateways add long headers. By default aiohttp ends a response at 8 kB in one line.
_MAX_HEADER_BYTES = 100_000
_MAX_HEADERS = 1_000
_CLOSE_TIMEOUT_S = 1.0
_PROXY_LOGIN_REQUIRED = 407
# Where Linux distributions keep their certificates, if OpenSSL was compiled for another one.
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d", re.I)
_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/cert.pem",  # older ones of these
    "/etc/ssl/cert.pem",  # Alpine, Arch, BSD
    "/etc/ssl/ca-bundle.pem",  # SUSE
)

ERRORS: tuple[type[Exception], ...] = (aiohttp.ClientError, HttpProcessingError, OSError, EOFError)
"""What a session and its connections raise; see also `error_types`."""


def error_types() -> tuple[type[Exception], ...]:
    """Return what a session and its connections raise, also through a SOCKS proxy."""
    return (*ERRORS, *_list_socks_errors())


def _list_socks_errors() -> tuple[type[Exception], ...]:
    if socks := sys.modules.get("aiohttp_socks"):
        return (socks.ProxyError, socks.ProxyConnectionError, socks.ProxyTimeoutError)
    return ()


def is_unreachable(error: Exception) -> bool:
    """Return whether an error of a session says that there was no connection, so that no request has one.

    Args:
        error: one of `error_types()`.
    """
    kinds = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, *_list_socks_errors())
    return isinstance(error, kinds)


def prepare_session(endpoint: Endpoint) -> Callable[[], aiohttp.ClientSession]:
    """Read what a session needs from the environment, and return what builds one in the running loop.

    This blocks for 20 to 140 ms, because it reads every certificate of the machine, unless another session has them.

    Raises:
        ConfigurationError: see `find_proxy`; or the certificates cannot be used; or a package is missing.
    """
    proxy = find_proxy(endpoint.base_url)
    context = _build_ssl_context(endpoint.base_url, proxy)
    is_socks = proxy is not None and proxy.startswith("socks")
    build_connector = _prepare_socks(proxy) if proxy is not None and is_socks else _build_connector
    http_proxy = None if proxy is None or is_socks else _requote_login(proxy)

    def build() -> aiohttp.ClientSession:
        connector = build_connector(ssl=context, limit=0, keepalive_timeout=_KEEP_ALIVE_S)
        # aiohttp has no option for the class of its connections.
        cast(Any, connector)._factory = partial(Connection, loop=asyncio.get_running_loop())  # noqa: SLF001
        return aiohttp.ClientSession(
            connector=connector,
            headers=_build_headers(endpoint),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=http_proxy,
            trust_env=False,
            response_class=_Response,
            trace_configs=[build_trace()],
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S),
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            max_headers=_MAX_HEADERS,
        )

    return build


async def close_session(session: aiohttp.ClientSession) -> None:
    """Close a session and its connections. A connection that breaks, or hangs, while it is closed is closed, too."""
    with suppress(*error_types()):
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await session.close()


def abandon_session(session: aiohttp.ClientSession) -> None:
    """Give up a session whose event loop is closed. Otherwise it would log an error when it is collected."""
    with suppress(StopIteration, RuntimeError):
        session.close().send(None)  # without connections that could be closed, it waits for nothing


def build_timeout(timeout_s: float) -> aiohttp.ClientTimeout:
    """Return the limit of one request for its connection. The sender of the request watches for silence."""
    return aiohttp.ClientTimeout(total=None, connect=min(timeout_s, CONNECT_TIMEOUT_S))


def read_failure(error: Exception, endpoint: Endpoint, *, response_started: bool = False) -> Failure:
    """Return what an exception of a session means, without the request that it may hold.

    The caller raises the failure outside of the `except` block, because the exception may hold the credential.

    Args:
        error: one of `error_types()`.
        endpoint: of the request.
        response_started: whether the headers of a response had arrived. The default is False.
    """
    if isinstance(error, aiohttp.ConnectionTimeoutError) or type(error).__name__ == "ProxyTimeoutError":
        # It names no setting, because a request waits at most `CONNECT_TIMEOUT_S`, however long the timeout is.
        return Failure(kind="timeout", message=f"timed out: cannot connect to {endpoint.base_url}")
    if isinstance(error, TimeoutError):
        return Failure(kind="timeout", message=INTERRUPTED_RESPONSE if response_started else NO_RESPONSE)
    if response_started:
        return Failure(kind="stream", message=describe_connection_error("the connection broke off", error))
    if isinstance(error, aiohttp.ClientHttpProxyError) and error.status == _PROXY_LOGIN_REQUIRED:
        message = f"the proxy refused a connection to {endpoint.base_url}: {error.status} {error.message}"
        return Failure(kind="status", status=_PROXY_LOGIN_REQUIRED, message=message)
    return Failure(kind="network", message=describe_connection_error(f"cannot reach {endpoint.base_url}", error))


def _build_headers(endpoint: Endpoint) -> CIMultiDict[str]:
    headers = CIMultiDict({"User-Agent": f"openai-responses-common/{__version__}"})
    for name, value in endpoint.headers.items():
        headers[name] = value  # whatever its case
    return headers


class _Response(aiohttp.ClientResponse):
    """A response that takes its connection with it if it is closed before its end.

    By default a connection with TLS says goodbye first, and the service goes on sending for up to 30 seconds.
    """

    def close(self) -> None:
        if self.connection is not None and self.connection.transport is not None:
            self.connection.transport.abort()
        super().close()


def build_trace() -> aiohttp.TraceConfig:
    """Return what follows the requests of a session.

    The wait for a response begins when its headers are sent: a request names a `Silence` as its `trace_request_ctx`. A
    redirect ends a request that would follow it, also an upgrade, which has no option for that.
    """

    async def begin_wait(_: object, context: SimpleNamespace, __: object) -> None:
        if isinstance(silence := context.trace_request_ctx, Silence):
            silence.begin_wait()

    async def refuse(_: object, __: object, params: aiohttp.TraceRequestRedirectParams) -> None:
        raise aiohttp.ClientPayloadError(f"it redirects to another address with status {params.response.status}")

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(begin_wait)
    config.on_request_redirect.append(refuse)
    return config


def _build_connector(**options: Any) -> aiohttp.TCPConnector:
    # Without a resolver, a package that is installed by chance (aiodns) would resolve names in its own way.
    return aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver(), **options)


def _prepare_socks(proxy: str) -> Callable[..., aiohttp.TCPConnector]:
    try:
        from aiohttp_socks import ProxyConnector, ProxyType
    except ImportError:
        raise ConfigurationError(
            "cannot create an HTTP client: the proxy speaks SOCKS, which needs the package aiohttp-socks: run "
            f"`{install_command('aiohttp-socks>=0.10')}`"
        ) from None
    parts = urlsplit(proxy)
    return partial(
        ProxyConnector,
        proxy_type=ProxyType.SOCKS5,
        host=parts.hostname or "",
        port=parts.port or 1080,
        username=_unquote_login(parts.username),
        password=_unquote_login(parts.password),
        rdns=True,  # the proxy resolves the name
    )


def _unquote_login(text: str | None) -> str | None:
    return None if text is None else unquote_to_bytes(text).decode(errors="replace")


def _requote_login(proxy: str) -> str:
    """Return a proxy whose login aiohttp sends as UTF-8: it sends each character as one byte."""
    parts = urlsplit(proxy)
    login, separator, address = parts.netloc.rpartition("@")
    if "%3a" in login.partition(":")[0].lower():
        raise ConfigurationError("cannot create an HTTP client: the user in the address of the proxy contains a colon")
    quoted = ":".join(quote(unquote_to_bytes(text).decode("latin-1"), safe="") for text in login.split(":", 1))
    return parts._replace(netloc=f"{quoted}{separator}{address}").geturl()


def _build_ssl_context(url: str, proxy: str | None) -> ssl.SSLContext:
    """Return the certificates that count. Without TLS it reads none.

    `SSL_CERT_FILE` or `SSL_CERT_DIR` replace those of the system, as in the other HTTP libraries for Python.

    Raises:
        ConfigurationError: the file or folder cannot be used.
    """
    if not url.startswith("https:") and not (proxy or "").startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if file or folder:
            return _share_context("environment", file or None, None if file else folder, ssl.create_default_context)
        if sys.platform in {"win32", "darwin"}:
            return _share_context("system", None, None, _build_truststore_context)
        return _share_context("system", *_find_system_certificates(), _build_system_context)
    except (OSError, ValueError) as error:
        # The error is not quoted, because a variable may hold a secret by mistake.
        kind = type(error).__name__
        raise ConfigurationError(
            f"cannot create an HTTP client: SSL_CERT_FILE or SSL_CERT_DIR cannot be used ({kind})"
        ) from None


def _share_context(
    origin: str, file: str | None, folder: str | None, build: Callable[..., ssl.SSLContext]
) -> ssl.SSLContext:
    """Return the context for these certificates, which all sessions share that are open at a time.

    Certificates that have been replaced since then are read again.

    Args:
        origin: what decided about them.
        file: the file with the certificates. None if there is none.
        folder: a folder with them. None if there is none.
        build: builds a context; takes `cafile` and `capath`.
    """
    key = (origin, file, folder, *(_read_version(path) for path in (file, folder)))
    context = _contexts.get(key)
    if context is None:
        context = build(cafile=file, capath=folder)
        context.set_alpn_protocols(["http/1.1"])
        context.sslobject_class = DamageTolerantTls
        _contexts[key] = context
    return context


_contexts: WeakValueDictionary[tuple[object, ...], ssl.SSLContext] = WeakValueDictionary()


def _read_version(path: str | None) -> object:
    try:
        status = os.stat(path) if path else None
    except OSError:  # the library says so when it reads the file
        return None
    return status and (status.st_ino, status.st_size, status.st_mtime_ns)


def _build_system_context(cafile: str | None, capath: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if cafile or capath:
        context.load_verify_locations(cafile, capath)
    return context


def _build_truststore_context(cafile: None, capath: None) -> ssl.SSLContext:
    import truststore  # comes with httpx2

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _find_system_certificates() -> tuple[str | None, str | None]:
    """Return the file and the folder with the certificates of the system, or those of `certifi` where it has none.

    A folder costs nothing, because OpenSSL reads single files of it when it needs them.
    """
    paths = ssl.get_default_verify_paths()
    file = paths.openssl_cafile if os.path.isfile(paths.openssl_cafile) else None
    folder = paths.openssl_capath if os.path.isdir(paths.openssl_capath) else None
    if not file and not (folder and any(_HASHED_NAME.fullmatch(name) for name in os.listdir(folder))):
        file, folder = next(filter(os.path.isfile, _CA_FILES), None), None
    if not file and not folder and find_spec("certifi"):
        file = str(import_module("certifi").where())
    return file, folder
