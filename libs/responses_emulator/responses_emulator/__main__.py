"""Serve one of the services until standard input closes, SIGTERM arrives, or Ctrl-C is pressed.

The first line of standard output is the base URL. Standard error names the variables that a client needs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from responses_emulator.azure.surface import azure_classic_surface, azure_surface
from responses_emulator.chatgpt.surface import chatgpt_surfaces
from responses_emulator.emulator import Emulator
from responses_emulator.openai_api.surface import openai_surface
from responses_emulator.openai_sign_in.service import SignInService
from responses_emulator.responders.fixed_output import fixed_output
from responses_emulator.responders.responder import Responder
from responses_emulator.script.stream_shapes import STREAM_SHAPES
from responses_emulator.service.surface import Surface

SURFACES = ("openai", "azure", "chatgpt")
_POLLS_UNTIL_APPROVED = 4
_MAX_PORT = 65535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    services = _services(options.surface)
    if shape := STREAM_SHAPES.get(options.stream_shape):
        surfaces = tuple(replace(each, turn_parts=(*each.turn_parts, shape)) for each in services.surfaces)
        services = replace(services, surfaces=surfaces)
    emulator = Emulator(
        surfaces=services.surfaces, port=options.port, word_delay_s=options.word_delay, responder=options.responder
    )
    try:
        emulator.start()
    except OSError as error:
        parser.error(f"cannot listen on port {options.port}: {error.strerror}. Use --port 0 for a free port.")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(services.address(emulator, as_json=options.json), flush=True)
    print(services.client_settings(emulator), file=sys.stderr, flush=True)
    threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    stop.wait()
    emulator.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m responses_emulator", description=__doc__)
    parser.add_argument("--surface", choices=SURFACES, default="openai", help="the service; the default is openai")
    parser.add_argument("--port", type=_port, default=0, help="the port on 127.0.0.1; the default 0 takes a free one")
    parser.add_argument(
        "--word-delay", type=float, default=0.0, metavar="SECONDS", help="seconds between two words; the default is 0"
    )
    parser.add_argument(
        "--responder",
        type=_responder,
        default=fixed_output,
        metavar="MODULE:FUNCTION",
        help="the function that makes the output; the default gives every request the same text",
    )
    parser.add_argument(
        "--stream-shape",
        choices=sorted(STREAM_SHAPES),
        help="build the events of a stream as this server does; by default as OpenAI does",
    )
    parser.add_argument("--json", action="store_true", help="print the addresses as one JSON object")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {_MAX_PORT}")
    return int(text)


def _responder(text: str) -> Responder:
    module, _, function = text.partition(":")
    try:
        responder = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(
            f"cannot import {text!r} ({error}). Example: my_package.my_module:respond"
        ) from None
    if not callable(responder):
        raise argparse.ArgumentTypeError(f"{text!r} is not a function")
    return cast(Responder, responder)


@dataclass(frozen=True, slots=True)
class _Services:
    """The surfaces of one choice of `--surface`, and how a client reaches them."""

    surfaces: tuple[Surface, ...]
    sign_in: SignInService | None = None

    def address(self, emulator: Emulator, *, as_json: bool) -> str:
        if not as_json:
            return emulator.base_url
        addresses = {"base_url": emulator.base_url, "origin": emulator.origin}
        return json.dumps(addresses if self.sign_in is None else {**addresses, "issuer": emulator.origin})

    def client_settings(self, emulator: Emulator) -> str:
        """Return one setting per line, as a shell takes variables."""
        if self.sign_in is not None:
            tokens = self.sign_in.token_set()
            return "\n".join(
                (
                    f"base_url={emulator.base_url}",
                    f"issuer={emulator.origin}",
                    f"access_token={tokens.access_token}",
                    f"account_id={tokens.account.account_id}",
                    f"# A device sign-in is approved after {_POLLS_UNTIL_APPROVED} polls.",
                )
            )
        if self.surfaces[0].name == "azure":
            return "\n".join(
                (
                    f"AZURE_OPENAI_ENDPOINT={emulator.origin}",
                    "AZURE_OPENAI_API_KEY=azure-key-1",
                    "OPENAI_API_VERSION=2025-04-01-preview",
                )
            )
        return f"OPENAI_BASE_URL={emulator.base_url}\nOPENAI_API_KEY=sk-emulator"


def _services(name: str) -> _Services:
    match name:
        case "azure":
            return _Services((azure_surface(), azure_classic_surface()))
        case "chatgpt":
            sign_in = SignInService(pending_polls=_POLLS_UNTIL_APPROVED)
            return _Services(chatgpt_surfaces(sign_in), sign_in)
        case _:
            return _Services((openai_surface(),))


def _wait_for_end_of_input(stop: threading.Event) -> None:
    # `os.read` holds no lock of `sys.stdin`, which the interpreter would wait for when it ends.
    while sys.stdin is not None and os.read(sys.stdin.fileno(), 65536):  # None if it was closed from the start
        pass
    stop.set()


if __name__ == "__main__":
    raise SystemExit(main())
