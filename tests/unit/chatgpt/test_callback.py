"""The server for the browser's callback takes one callback of its own sign-in, and shows nothing of it."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from amplifier_module_provider_chatgpt_oauth.auth.callback import CallbackServer, read_pasted_address

from tests.support.session import PATIENCE_S

ISSUER = "https://auth.example"
CODE, STATE = "ac_CANARY", "state-of-this-sign-in"


@pytest.fixture
def server() -> Iterator[CallbackServer]:
    with CallbackServer(STATE, ISSUER) as running:
        yield running


def address(server: CallbackServer, **parameters: str) -> str:
    return f"{server.address}?{urlencode({'code': CODE, 'state': STATE, **parameters})}"


def visit(
    server: CallbackServer, target: str, method: str = "GET", host: str = "127.0.0.1"
) -> tuple[int, str, dict[str, str]]:
    """Status, page and headers of a request."""
    connection = http.client.HTTPConnection(host, urlsplit(server.address).port, timeout=30)
    connection.request(method, target.removeprefix(server.address.removesuffix("/auth/callback")))
    reply = connection.getresponse()
    page = reply.read().decode()
    connection.close()
    return reply.status, page, {name.lower(): value for name, value in reply.getheaders()}


def wait_for_parameters(server: CallbackServer) -> dict[str, str] | None:
    """The parameters of the callback, which the server has after it sent the page."""
    end_s = time.monotonic() + PATIENCE_S
    while server.parameters is None and time.monotonic() < end_s:
        time.sleep(0.001)
    return server.parameters


def test_the_callback_is_taken_once_and_its_page_holds_nothing_of_it(server: CallbackServer) -> None:
    status, page, headers = visit(server, address(server))
    assert (status, "close this page" in page) == (200, True)
    assert [secret for secret in (CODE, STATE) if secret in page + str(headers)] == []
    assert not re.search(r"(?:src|href|url)\s*[=(]", page), "it loads nothing"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert (headers["cache-control"], headers["server"]) == ("no-store", "Amplifier")
    assert wait_for_parameters(server) == {"code": CODE, "state": STATE}


def test_a_second_tab_and_a_replay_change_nothing(server: CallbackServer) -> None:
    assert visit(server, address(server))[0] == 200
    for each in (address(server, code="ac_other"), address(server)):
        status, page, _ = visit(server, each)
        assert (status, "close it" in page) == (400, True)
    assert wait_for_parameters(server) == {"code": CODE, "state": STATE}


def test_the_page_of_a_declined_sign_in_says_so(server: CallbackServer) -> None:
    status, page, _ = visit(server, f"/auth/callback?error=access_denied&state={STATE}")
    assert (status, "Not signed in" in page, "close this page" in page) == (200, True, True)
    assert wait_for_parameters(server) == {"error": "access_denied", "state": STATE}


@pytest.mark.promise("a forged or foreign identity signs nobody in", area="security")
@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"/auth/callback?code={CODE}&state=other", 400),
        (f"/auth/callback?code={CODE}&state=", 400),
        (f"/auth/callback?code={CODE}&state=%FF%E9", 400),
        (f"/auth/callback?code={CODE}", 400),
        (f"/auth/callback?code={CODE}&state={STATE}&state={STATE}", 400),
        (f"/auth/callback?code={CODE}&code=ac_other&state={STATE}", 400),
        (f"/auth/callback?code={CODE}&state={STATE}&iss=https://evil.example", 400),
        ("/auth/callback", 400),
        (f"/auth/callback/?code={CODE}&state={STATE}", 404),
        (f"/?code={CODE}&state={STATE}", 404),
        ("/favicon.ico", 404),
        ("/", 404),
        (f"//evil.example/auth/callback?code={CODE}&state=x", 404),
    ],
)
def test_everything_else_is_left_alone(server: CallbackServer, target: str, status: int) -> None:
    assert visit(server, target)[0] == status
    assert server.parameters is None
    assert visit(server, address(server, iss=ISSUER))[0] == 200, "the callback still counts"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "OPTIONS"])
def test_other_methods_are_not_the_callback(server: CallbackServer, method: str) -> None:
    status, page, _ = visit(server, address(server), method)
    assert (status, server.parameters) == (501, None)
    assert CODE not in page


def test_only_this_machine_is_served_at_its_literal_address(server: CallbackServer) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/auth/callback", server.address)
    assert server._server.server_address[0] == "127.0.0.1"
    try:
        visit(server, address(server), host="::1")
    except OSError:
        pass
    else:
        raise AssertionError("something listens at the other address of this machine")
    assert server.parameters is None


def test_a_browser_that_hangs_up_writes_nothing_to_the_terminal(
    server: CallbackServer, capfd: pytest.CaptureFixture[str]
) -> None:
    port = urlsplit(server.address).port
    for text in (b"", b"GET /auth", b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(text)
    assert visit(server, address(server))[0] == 200
    assert capfd.readouterr() == ("", "")


def test_of_many_tabs_one_counts(server: CallbackServer) -> None:
    statuses: list[int] = []
    tabs = [
        threading.Thread(
            target=lambda code=f"ac_{number}": statuses.append(visit(server, address(server, code=code))[0])
        )
        for number in range(8)
    ]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert sorted(statuses) == [200, *[400] * 7]


ADDRESS = f"http://127.0.0.1:4242/auth/callback?code={CODE}&state={STATE}&client_id=oaiapp_1"


@pytest.mark.parametrize(
    "text",
    [
        ADDRESS,
        f"  {ADDRESS}\n",
        f"'{ADDRESS}'",
        f'"{ADDRESS}"',
        f"<{ADDRESS}>",
        f"`{ADDRESS}`",
        f"the address is: {ADDRESS}",
        f"{ADDRESS[:50]}\n{ADDRESS[50:80]}\r\n  {ADDRESS[80:]}",
        f"\x1b[200~{ADDRESS}\x1b[201~",
        ADDRESS.replace("?", "\\?").replace("&", "\\&"),
    ],
)
def test_an_address_is_read_from_what_a_user_pastes(text: str) -> None:
    assert read_pasted_address(text) == ADDRESS


@pytest.mark.parametrize(
    "text", ["", "hello", "127.0.0.1/auth/callback", "file:///etc/passwd", "http://[::1/auth/callback"]
)
def test_what_is_not_an_address_is_not_taken(server: CallbackServer, text: str) -> None:
    assert not server.accept(read_pasted_address(text))


def test_a_pasted_address_counts_once(server: CallbackServer) -> None:
    assert server.accept(ADDRESS)
    assert server.parameters == {"code": CODE, "state": STATE, "client_id": "oaiapp_1"}
    assert visit(server, address(server))[0] == 400
