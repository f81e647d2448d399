"""A process that makes calls until it is told to stop: `python -m tests.support.chatgpt_worker SETTINGS STOP [CALLS]`.

Prints a line for every call that failed, and ends with 1 if there was one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

from amplifier_core.llm_errors import LLMError
from amplifier_core.message_models import ChatRequest, Message
from amplifier_module_provider_chatgpt_oauth import ChatgptOauthProvider


def is_told(stop: Path) -> bool:
    return stop.exists()


async def work(settings: str, stop: Path, calls: int) -> int:
    provider = ChatgptOauthProvider(config=json.loads(settings))
    request = ChatRequest(messages=[Message(role="user", content="hello")])
    failed = 0
    while calls and not is_told(stop):
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
    code = asyncio.run(work(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else -1))
    sys.stdout.flush()
    # The kernel's threads may abort a Python that shuts down.
    os._exit(code)
