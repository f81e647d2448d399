"""Starts the chat: `python -m examples.chat`.

Importing the chat takes a second or more. Until then Ctrl-C ends the program without a traceback.
"""

from __future__ import annotations

import os
import signal
import sys

_INTERRUPTED = 130


def _leave(*_: object) -> None:
    os.write(sys.stderr.fileno(), b"\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    # A shell makes its jobs in the background ignore Ctrl-C, and that stays so.
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)
    if os.name == "posix":  # the noxfile holds it back until here
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    from .command_line import main

    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The threads of amplifier-core 2.0.2 can abort a Python that is shutting down: seen in 9 of 40 runs of a script
    # that only mounts something. Everything is closed by now, so there is nothing left to shut down.
    os._exit(code)
