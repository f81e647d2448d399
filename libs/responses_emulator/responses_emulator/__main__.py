"""Serve one or more of the services until standard input closes, SIGTERM arrives, or Ctrl-C is pressed.

The first line of standard output is the base URL. Standard error names the variables that a client needs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from responses_emulator.azure.surface import azure_classic_surface, azure_surface
from responses_emulator.chatgpt.surface import chatgpt_surfaces
from responses_emulator.chatgpt_plan.keys import first_key
from responses_emulator.chatgpt_plan.sign_in import PlanSignIn
from responses_emulator.chatgpt_plan.surface import chatgpt_plan_surfaces
from responses_emulator.emulator import Emulator
from responses_emulator.openai_api.surface import openai_surface
from responses_emulator.openai_sign_in.service import SignInService
from responses_emulator.responders.fixed_output import fixed_output
from responses_emulator.responders.responder import Responder
from responses_emulator.script.stream_shapes import STREAM_SHAPES
from responses_emulator.script_file import ScriptFileError, read_script
from responses_emulator.service.state import ScriptEntry
from responses_emulator.service.surface import Surface

SURFACES = ("openai", "azure", "chatgpt", "chatgpt-plan")
ALL = "all"
_POLLS_UNTIL_APPROVED = 4
# The API of OpenAI has the real path if both are served on one port.
_PLAN_PREFIX = "/plan/v1"
_MAX_PORT = 65535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("responses_emulator").setLevel(logging.INFO)
    names = SURFACES if ALL in options.surface else tuple(dict.fromkeys(options.surface))
    reason = _missing_packages() if "chatgpt-plan" in names else None
    if reason is not None and "chatgpt-plan" in options.surface:
        parser.error(reason)
    if reason is not None:
        names = tuple(name for name in names if name != "chatgpt-plan")
    services = _services(names)
    if shape := STREAM_SHAPES.get(options.stream_shape):
        surfaces = tuple(replace(each, turn_parts=(*each.turn_parts, shape)) for each in services.surfaces)
        services = replace(services, surfaces=surfaces)
    emulator = Emulator(
        surfaces=services.surfaces,
        port=options.port,
        word_delay_s=options.word_delay,
        responder=options.responder,
        record=options.record,
    )
    emulator.script(*options.script)
    try:
        emulator.start()
    except OSError as error:
        parser.error(f"cannot listen on port {options.port}: {error.strerror}. Use --port 0 for a free port.")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(services.address(emulator, as_json=options.json), flush=True)
    print(services.client_settings(emulator), file=sys.stderr, flush=True)
    if reason is not None:
        print(f"# Without chatgpt-plan: {reason}", file=sys.stderr, flush=True)
    threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    stop.wait()
    emulator.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m responses_emulator", description=__doc__)
    parser.add_argument(
        "--surface",
        choices=(*SURFACES, ALL),
        nargs="+",
        default=["openai"],
        help="the services, all of them on one port; the default is openai",
    )
    parser.add_argument("--port", type=_port, default=0, help="the port on 127.0.0.1; the default 0 takes a free one")
    parser.add_argument(
        "--script",
        type=_script,
        default=[],
        metavar="FILE",
        help="the answers to the first requests: a list in YAML or JSON, or a Python file with a list `script`",
    )
    parser.add_argument(
        "--record", type=_record, metavar="FILE", help="add a line of JSON to this file for each request"
    )
    parser.add_argument(
        "--word-delay",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="seconds between two words; the default is 0",
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


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 on")
    return seconds


def _script(text: str) -> list[ScriptEntry]:
    try:
        return read_script(Path(text))
    except ScriptFileError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _record(text: str) -> Path:
    path = Path(text)
    try:
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write to {text!r}: {error.strerror}") from None
    return path


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Services:
    """What `--surface` names, in its order: the surfaces, and how a client reaches them."""

    names: tuple[str, ...]
    surfaces: tuple[Surface, ...]
    sign_in: SignInService
    plan_sign_in: PlanSignIn

    def address(self, emulator: Emulator, *, as_json: bool) -> str:
        if not as_json:
            return emulator.base_url
        addresses: dict[str, object] = {"base_url": emulator.base_url, "origin": emulator.origin}
        if {"chatgpt", "chatgpt-plan"} & {*self.names}:
            addresses["issuer"] = emulator.origin
        if len(self.names) > 1:
            addresses["base_urls"] = {name: emulator.base_url_of(name) for name in self.names}
        return json.dumps(addresses)

    def client_settings(self, emulator: Emulator) -> str:
        """Return one setting per line, as a shell takes variables."""
        return "\n".join(dict.fromkeys(line for name in self.names for line in self._settings_of(name, emulator)))

    def _settings_of(self, name: str, emulator: Emulator) -> list[str]:
        match name:
            case "azure":
                return [
                    f"AZURE_OPENAI_ENDPOINT={emulator.origin}",
                    "AZURE_OPENAI_API_KEY=azure-key-1",
                    "OPENAI_API_VERSION=2025-04-01-preview",
                ]
            case "chatgpt":
                tokens = self.sign_in.token_set()
                return [
                    f"CHATGPT_OAUTH_BASE_URL={emulator.base_url_of(name)}",
                    f"CHATGPT_OAUTH_ISSUER={emulator.origin}",
                    f"CHATGPT_ACCESS_TOKEN={tokens.access_token}",
                    f"CHATGPT_ACCOUNT_ID={tokens.account.account_id}",
                    f"# A device sign-in is approved after {_POLLS_UNTIL_APPROVED} polls.",
                ]
            case "chatgpt-plan":
                return [
                    # With both surfaces a user chooses; by default a client signs in to the other one.
                    *([] if "chatgpt" in self.names else ["CHATGPT_OAUTH_AUTH_MODE=plan"]),
                    f"CHATGPT_OAUTH_PLAN_BASE_URL={emulator.base_url_of(name)}",
                    f"CHATGPT_OAUTH_ISSUER={emulator.origin}",
                    f"CHATGPT_PLAN_ACCESS_TOKEN={self.plan_sign_in.token_set().access_token}",
                    f"# A sign-in begins at {emulator.origin}/api/accounts/authorize, in a browser.",
                ]
            case _:
                return [f"OPENAI_BASE_URL={emulator.base_url_of(name)}", "OPENAI_API_KEY=sk-emulator"]


def _missing_packages() -> str | None:
    """Return what chatgpt-plan needs and this machine has not. None if nothing is missing."""
    try:
        first_key()
    except ImportError as error:
        return str(error)
    return None


def _services(names: tuple[str, ...]) -> _Services:
    sign_in, plan_sign_in = SignInService(pending_polls=_POLLS_UNTIL_APPROVED), PlanSignIn()
    plan_prefix = _PLAN_PREFIX if "openai" in names else "/v1"
    surfaces: dict[str, tuple[Surface, ...]] = {
        "openai": (openai_surface(),),
        "azure": (azure_surface(), azure_classic_surface()),
        "chatgpt": chatgpt_surfaces(sign_in),
        "chatgpt-plan": chatgpt_plan_surfaces(plan_sign_in, prefix=plan_prefix),
    }
    return _Services(
        names=names,
        surfaces=tuple(each for name in names for each in surfaces[name]),
        sign_in=sign_in,
        plan_sign_in=plan_sign_in,
    )


def _wait_for_end_of_input(stop: threading.Event) -> None:
    # `os.read` holds no lock of `sys.stdin`, which the interpreter would wait for when it ends.
    while sys.stdin is not None and os.read(sys.stdin.fileno(), 65536):  # None if it was closed from the start
        pass
    stop.set()


if __name__ == "__main__":
    raise SystemExit(main())
