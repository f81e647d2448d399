"""Opens a page in Debian's Chromium without a window, presses a button there, and says what the last page was.

As a program it is a browser for the variable BROWSER: `python -m tests.support.chromium REPORT URL` presses the button
`approve` and writes the report, a JSON object, to the file REPORT. It speaks the DevTools protocol over two pipes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_DEADLINE_S = 120
_READ_FROM, _WRITE_TO = 3, 4


class Page:
    """A page of a browser that runs without a window."""

    def __init__(self, commands: int, replies: int) -> None:
        self._commands = commands
        self._replies = replies
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.send("Network.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._receive()
            if reply.get("id") == self._number:
                assert "error" not in reply, reply
                return dict(reply["result"])
            self.events.append(reply)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript."""
        return self.send("Runtime.evaluate", expression=expression)["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true."""
        end_s = time.monotonic() + _DEADLINE_S
        while not self.evaluate(expression):
            assert time.monotonic() < end_s, f"{expression} at {self.evaluate('location.href')}"
            time.sleep(0.05)

    def list_requests(self) -> list[str]:
        """Return the address of every request so far."""
        return [
            each["params"]["request"]["url"]
            for each in self.events
            if each.get("method") == "Network.requestWillBeSent"
        ]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._replies, 65536)
            assert piece, "the browser ended"
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(line))


@contextmanager
def open_browser() -> Iterator[Page]:
    """Run the browser with an empty profile."""
    assert CHROMIUM is not None
    to_read, commands = os.pipe()
    replies, to_write = os.pipe()

    def give_pipes() -> None:
        # Copies first: one of the pipes may have the number of the other's place.
        source, target = os.dup(to_read), os.dup(to_write)
        os.dup2(source, _READ_FROM)
        os.dup2(target, _WRITE_TO)

    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        words += ["--no-first-run", "--disable-background-networking", "--remote-debugging-pipe"]
        process = subprocess.Popen(
            [*words, f"--user-data-dir={profile}"],
            preexec_fn=give_pipes,  # noqa: PLW1509 - this process has no other thread
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": profile},
        )
        try:
            yield Page(commands, replies)
        finally:
            process.kill()
            process.wait()


def approve(url: str, report: Path) -> None:
    """Press the button `approve` on a page, and report the page that follows."""
    with open_browser() as page:
        page.send("Page.navigate", url=url)
        page.wait_for("document.querySelector('#approve') !== null")
        page.evaluate("document.querySelector('#approve').click()")
        page.wait_for("document.querySelector('#approve') === null && document.readyState === 'complete'")
        history = page.send("Page.getNavigationHistory")["entries"]
        report.write_text(
            json.dumps(
                {
                    "text": page.evaluate("document.body.innerText"),
                    "address": page.evaluate("location.href"),
                    "history": [each["url"] for each in history],
                    "requests": page.list_requests(),
                }
            ),
            encoding="utf-8",
        )


if __name__ == "__main__":
    approve(sys.argv[2], Path(sys.argv[1]))
