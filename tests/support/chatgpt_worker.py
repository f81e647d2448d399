"""A process that makes calls until the file STOP exists.

`python -m tests.support.chatgpt_worker SETTINGS STOP CALLS [--report-locks]` prints a line for every call that failed,
and ends with 1 if there was one. CALLS is the most calls that it makes; -1 means no limit. With `--report-locks` it
prints a line to standard error before it waits for the lock of the token store.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from amplifier_core.llm_errors import LLMError
from amplifier_core.message_models import ChatRequest, Message
from amplifier_module_provider_chatgpt_oauth import ChatgptOauthProvider
from openai_responses_common.auth.store.base import TokenStore


def report_locks() -> None:
    """Print a line to standard error before each wait for the lock of a token store."""
    lock = TokenStore.lock

    def reporting(self: TokenStore) -> Any:
        sys.stderr.write("waiting for the lock\n")
        sys.stderr.flush()
        return lock(self)

    TokenStore.lock = reporting


def must_stop(stop: Path) -> bool:
    return stop.exists()


async def work(settings: str, stop: Path, calls: int) -> int:
    provider = ChatgptOauthProvider(config=json.loads(settings))
    request = ChatRequest(messages=[Message(role="user", content="hello")])
    failed = 0
    while calls and not must_stop(stop):
        calls -= 1
        try:
            await provider.complete(request)
        except LLMError as error:
            failed += 1
            print(f"{type(error).__name__}: {error}", flush=True)
    await provider.close()
    return 1 if failed else 0


if __name__ == "__main__":
    logging.getLogger("openai_responses_common").addHandler(logging.NullHandler())
    if "--report-locks" in sys.argv:
        report_locks()
    code = asyncio.run(work(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
    sys.stdout.flush()
    # The kernel's threads may abort a Python that shuts down. But a refresh that runs ahead of time ends first, as at
    # every exit: else its token is spent and not saved.
    atexit._run_exitfuncs()
    os._exit(code)
