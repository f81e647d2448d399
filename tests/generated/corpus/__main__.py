"""Play the recorded traffic through a provider.

`python -m tests.generated.corpus [--module openai-v2] [--seed N] [--only TEXT]`

Ends with 1 if anything was lost, if a difference has no reason, or if there was less to compare than there must be.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time

from tests.generated.corpus.by_sdk import BySdk
from tests.generated.corpus.fetch import FetchFailed, fetch
from tests.generated.corpus.reasons import REASONS
from tests.generated.corpus.recordings import Cassette, read_cassettes
from tests.generated.corpus.replay import Replay, Report
from tests.generated.corpus.serve import ReplayServer
from tests.generated.corpus.subjects import SUBJECTS, Subject

# Progress, then what there was to lose; the order of the table.
_READ = (
    "files in the distribution", "requests to other services, passed over", "files", "ChatGPT files",
    "files with several requests", "exchanges", "streams", "ChatGPT streams", "whole responses", "refusals", "events",
)  # fmt: skip
_HELD = (
    "items", "texts", "annotations", "calls", "reasoning items", "reasoning texts", "ciphertexts", "hosted items",
    "pictures",
)  # fmt: skip
_BY_SDK = ("events as the SDK's types", "streams that the SDK's accumulator gave up")
_ASKED = (
    "follow-ups", "follow-ups with the recorded input", "requests with the recorded input",
    "requests that continue another",
)  # fmt: skip


def main() -> int:
    """Run the check; 0 if nothing was lost."""
    options = _options()
    subject = SUBJECTS[options.module]
    logging.getLogger("openai_responses_common").addHandler(logging.NullHandler())
    started_s = time.monotonic()
    try:
        cassettes = read_cassettes(fetch())
    except FetchFailed as error:
        print(f"corpus: {error}", file=sys.stderr)
        return 1
    chosen = [cassette for cassette in cassettes if _is_about(cassette, subject) and options.only in cassette.name]
    with ReplayServer(options.seed) as server:
        report = asyncio.run(_play(subject, server, chosen))
    report.counts["files in the distribution"] = len(cassettes)
    report.counts["requests to other services, passed over"] = sum(cassette.others for cassette in cassettes)
    if not options.only:
        _check_enough(report, subject)
    _print(report, options, server)
    print(f"{time.monotonic() - started_s:.0f} s")
    print(f"{report.passed.total()} passed, {report.failed} failed")
    return 1 if report.failed or not chosen else 0


def _check_enough(report: Report, subject: Subject) -> None:
    """A whole run must find what is known to be there, and a use for every reason: an idle one would hide a change."""
    for what, floor in subject.floors.items():
        few = [] if report.counts[what] >= floor else [f"only {report.counts[what]}, there must be {floor}"]
        report.check("lower bound", what, few)
    used = {words for _, words in report.explained}
    for reason in REASONS:
        if reason.of_plan:
            is_wrong = (reason.words in used) is subject.all_recordings
            report.check(
                "reason of a plan", reason.words, ["is used where it must not, or not where it must"] * is_wrong
            )
        elif subject.all_recordings:
            report.check("reason in use", reason.words, [] if reason.words in used else ["accounts for nothing"])


async def _play(subject: Subject, server: ReplayServer, cassettes: list[Cassette]) -> Report:
    report = Report()
    provider = subject.connect(server.base_url)
    sdk = BySdk(server)
    replay = Replay(server=server, provider=provider, sdk=sdk, report=report, refusal=subject.refusal)
    try:
        for cassette in cassettes:
            await replay.play(cassette)
    finally:
        await sdk.close()
        await provider.close()
    return report


def _is_about(cassette: Cassette, subject: Subject) -> bool:
    return any(exchange.backend in subject.backends for exchange in cassette.exchanges)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.generated.corpus", description=__doc__)
    parser.add_argument("--module", choices=sorted(SUBJECTS), default="openai-v2", help="which provider")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="how answers are cut into pieces")
    parser.add_argument("--only", default="", metavar="TEXT", help="only recordings whose name holds this")
    return parser.parse_args()


def _print(report: Report, options: argparse.Namespace, server: ReplayServer) -> None:
    print(f"module {options.module}; answers cut into {server.pieces} pieces ({server.bytewise} answers byte by byte)")
    print(f"this run again: --seed {options.seed}")
    for title, names in (
        ("read", _READ),
        ("compared", _HELD),
        ("asked again", _ASKED),
        ("read by the openai SDK too", _BY_SDK),
    ):
        print(f"\n{title}")
        for name in names:
            print(f"{report.counts[name]:8}  {name}")
    print("\ncomparisons without a loss")
    for kind, count in report.passed.items():
        print(f"{count:8}  {kind}")
    print("\ndifferences with a reason: in requests asked again, in answers sent back")
    for reason in REASONS:
        asked, back = (report.explained[kind, reason.words] for kind in ("asked", "sent back"))
        print(f"{asked:8} {back:7}  {reason.words}")
    if report.losses:
        print("\nLOST")
        for line in report.losses:
            print(f"  {line}")
    print()


sys.exit(main())
