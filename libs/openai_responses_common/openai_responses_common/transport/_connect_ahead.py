"""Opens a connection that the first request then finds in the pool of its session.

It saves the first request three round trips. It is opened only where that costs nobody anything: not without TLS, where
the server is near and the connection cheap, and not through a proxy, which would get a request.
"""

from __future__ import annotations

import asyncio

import aiohttp

from .http_client import find_proxy

# The first call has its own, longer limit. A server that needs more than this is not reached ahead.
_LIMIT_S = 10.0


async def connect_ahead(session: aiohttp.ClientSession, base_url: str) -> None:
    """Open a connection to the server of a URL and leave it in the session's pool; sends no request.

    Raises:
        Exception: one of `error_types()`, or `ConfigurationError`.
    """
    connector = session.connector
    if connector is None or not base_url.startswith("https:") or await has_proxy(base_url):
        return
    url_type = type(aiohttp.ClientRequest.url)  # of the package yarl, which comes with aiohttp
    request = aiohttp.ClientRequest("GET", url_type(base_url), loop=asyncio.get_running_loop(), session=session)
    connection = await connector.connect(request, [], aiohttp.ClientTimeout(connect=_LIMIT_S))
    connection.release()


async def has_proxy(base_url: str) -> bool:
    """Return whether requests to a URL travel through a proxy.

    Raises:
        ConfigurationError: see `find_proxy`.
    """
    return await asyncio.to_thread(find_proxy, base_url) is not None
