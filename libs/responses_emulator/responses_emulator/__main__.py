"""Serve the offline service on its own: the base URL is the first line of output; ends with stdin or SIGTERM."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import threading

from responses_emulator import Emulator


def main() -> None:
    """Run until stdin closes or a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m responses_emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--pace", type=float, default=0.02, help="seconds between words of the built-in model")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Emulator(port=options.port, pace_s=options.pace) as emulator:
        print(emulator.base_url, flush=True)
        while not stop.is_set() and not _stdin_closed(0.2):
            pass


def _stdin_closed(wait_s: float) -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], wait_s)
    return bool(ready) and not os.read(sys.stdin.fileno(), 65536)


if __name__ == "__main__":
    main()
