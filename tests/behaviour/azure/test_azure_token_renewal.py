"""One token for all, kept through an outage, renewed once when it is refused, and never waited for at the exit."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from amplifier_core import llm_errors as kernel
from responses_emulator import Emulator, HttpReply, entra_unavailable, missing_token, write_azure_cli

from tests.support.azure_cloud import COGNITIVE, FOUNDRY, HOST, PROJECT_HOST, Cloud, StartCloud, failing, until
from tests.support.backends import ROOT
from tests.support.run_clock import RunClock
from tests.support.token_waiters import TokenWaiters

pytestmark = pytest.mark.promise(
    "a token service in trouble and a clock that jumps cost no valid token",
    area="security",
    without={"openai-v2": "an API key is neither requested nor refreshed nor stored by us"},
)

ROLE = "Cognitive Services OpenAI User"


def audiences(cloud: Cloud) -> list[str]:
    """Whom the tokens were for, in the order of the requests."""
    return [each["scope"].removesuffix("/.default") for each in cloud.directory.token_forms]


# Single flight.


@pytest.fixture
def waiters(monkeypatch: pytest.MonkeyPatch) -> TokenWaiters:
    return TokenWaiters(monkeypatch)


async def test_fifty_calls_on_a_cold_start_make_one_token_request(cloud: Cloud, waiters: TokenWaiters) -> None:
    cloud.directory.hold()
    session = await cloud.open(**cloud.secret, max_concurrent_requests=50)
    calls = asyncio.gather(*[session.ask("hello") for _ in range(50)])
    await until(lambda: waiters.count == 50)
    cloud.directory.release()
    await calls
    assert cloud.token_requests() == 1
    assert len(set(cloud.sent)) == 1


@pytest.mark.promise(
    "a session and its sub-agent share one refresh",
    area="security",
    without={"openai-v2": "an API key is neither requested nor refreshed nor stored by us"},
)
async def test_all_providers_of_one_identity_share_its_tokens(cloud: Cloud) -> None:
    sessions = [await cloud.open(**cloud.secret) for _ in range(3)]
    sessions.append(await cloud.open(**cloud.secret, azure_endpoint=cloud.url(PROJECT_HOST)))
    await asyncio.gather(*[session.ask("hello") for session in sessions])
    assert cloud.token_requests() == 1


@pytest.mark.promise("a session and its sub-agent share one refresh", area="security")
async def test_another_identity_has_its_own_tokens(cloud: Cloud) -> None:
    await cloud.ask(**cloud.secret)
    await cloud.refusal(**{**cloud.secret, "client_secret": "wrong"})
    await cloud.ask(**cloud.secret)
    assert [each["client_secret"] for each in cloud.directory.token_forms] == [cloud.directory.client_secret, "wrong"]


@pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")
def test_two_event_loops_share_a_token(directory: Any, ca: Any, certified: Any, names: Any) -> None:
    from tests.support.azure_cloud import PUBLIC, surfaces

    with Emulator(surfaces=surfaces(directory), tls=certified) as server:
        names.ports |= dict.fromkeys(PUBLIC, server.port)
        cloud = Cloud(directory=directory, server=server, ca_file=ca.ca_file, names=names)
        session = asyncio.run(cloud.open(**cloud.secret))
        for _ in range(2):
            asyncio.run(once(session))
        assert cloud.token_requests() == 1


async def once(session: Any) -> None:
    await session.ask("hello")
    await session.provider.close()


async def test_a_session_that_ends_takes_no_token_from_the_others(cloud: Cloud, waiters: TokenWaiters) -> None:
    cloud.directory.hold()
    first, second = await cloud.open(**cloud.secret), await cloud.open(**cloud.secret)
    leaving = asyncio.create_task(first.ask("hello"))
    staying = asyncio.create_task(second.ask("hello"))
    await until(lambda: cloud.token_requests() == 1 and waiters.count == 2)
    leaving.cancel()
    cloud.directory.release()
    await staying
    assert cloud.token_requests() == 1


# An outage.


async def test_an_outage_while_the_token_is_valid_stops_no_call(cloud: Cloud) -> None:
    cloud.directory.expires_in = 250
    session = await cloud.open(**cloud.secret)
    await session.ask("hello")
    cloud.directory.script(*[entra_unavailable()] * 9)
    for _ in range(3):
        await session.ask("hello")
    await until(lambda: cloud.token_requests() == 2)
    assert cloud.token_requests() == 2, "asked ahead of time, and then not again at once"
    assert len(set(cloud.sent)) == 1


async def test_a_silent_entra_delays_no_call_while_the_token_is_valid(cloud: Cloud) -> None:
    cloud.directory.expires_in = 250
    session = await cloud.open(**cloud.secret, token_timeout=60)
    await session.ask("hello")
    cloud.directory.hold()
    await session.ask("hello")
    assert len(cloud.directory.access_tokens) == 1, "Entra is still silent"
    cloud.directory.release()


async def test_a_token_near_its_end_is_fetched_ahead_of_time(cloud: Cloud) -> None:
    cloud.directory.expires_in = 250
    session = await cloud.open(**cloud.secret)
    await session.ask("hello")
    cloud.directory.expires_in = 3599
    await session.ask("hello")
    await until(lambda: len(cloud.directory.access_tokens) == 2)
    await until(lambda: session.provider._backend.transport.http.endpoint.credential.token.remaining_s() > 3000)
    await session.ask("hello")
    assert [cloud.directory.find_access_token(each).number for each in cloud.sent] == [1, 1, 2]  # pyright: ignore[reportOptionalMemberAccess]


@pytest.mark.parametrize(("lifetime_s", "asks"), [(3600, False), (200, True)])
@pytest.mark.parametrize("tenant", ["id", "domain"])
async def test_an_outage_stops_no_new_process_of_a_user_whose_stored_token_is_valid(
    cloud: Cloud, tmp_path: Path, lifetime_s: int, asks: bool, tenant: str
) -> None:
    cloud.directory.expires_in = lifetime_s
    name = cloud.directory.domain if tenant == "domain" else cloud.directory.tenant
    settings = {**cloud.sign_in(tmp_path, tenant_id=name), "auth": "entra_device_code"}
    before = len(discoveries(cloud))
    cloud.directory.script(*[entra_unavailable()] * 9, at="discovery")
    await cloud.ask(**settings)
    assert cloud.caller.user == cloud.directory.user
    assert (len(discoveries(cloud)) > before) == asks


async def test_a_token_of_one_tenant_is_not_used_for_another(cloud: Cloud, tmp_path: Path) -> None:
    settings = {**cloud.sign_in(tmp_path), "auth": "entra_device_code"}
    error = await cloud.refusal(**{**settings, "tenant_id": "elsewhere.example"})
    assert "AADSTS90002" in str(error)
    assert cloud.sent == []


def discoveries(cloud: Cloud) -> list[str]:
    return [each.path for each in cloud.server.requests if each.path.endswith("openid-configuration")]


HANGING = """
import asyncio, json, sys
from amplifier_core import ChatRequest, Message
from amplifier_module_provider_azure_openai_v2 import create

async def main():
    provider = create(json.loads(sys.argv[1]))
    try:
        await provider.complete(ChatRequest(messages=[Message(role="user", content="hello")]))
    except Exception as error:
        print(type(error).__name__)
    await provider.close()

asyncio.run(main())
"""


def run(config: dict[str, Any]) -> tuple[str, float]:
    command = [sys.executable, "-c", HANGING, json.dumps(config)]
    with RunClock() as run_clock:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    return done.stdout.strip(), run_clock.elapsed_s


@pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")
async def test_a_hung_entra_does_not_hold_up_the_exit(cloud: Cloud) -> None:
    cloud.directory.hold()
    config = {**cloud.local, **cloud.secret, "token_timeout": 2, "max_retries": 0}
    output, lived_s = await asyncio.to_thread(run, config)
    cloud.directory.release()
    assert output == "LLMTimeoutError"
    assert lived_s < 60


LEAVING = """
import asyncio, json, sys
from pathlib import Path
from amplifier_core import ChatRequest, Message
from amplifier_module_provider_azure_openai_v2 import create

async def main():
    provider, started = create(json.loads(sys.argv[1])), Path(sys.argv[2])
    call = asyncio.ensure_future(provider.complete(ChatRequest(messages=[Message(role="user", content="hello")])))
    while not (call.done() or (started.exists() and started.read_text().count("\\n") == 2)):
        await asyncio.sleep(0.02)
    call.cancel()
    await asyncio.wait([call])
    print("left" if call.cancelled() else call.exception())
    await provider.close()

asyncio.run(main())
"""


@pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")
async def test_a_hung_azure_cli_ends_with_the_process(
    cloud: Cloud, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    az = write_azure_cli(tmp_path, cloud.directory, says="hang")
    monkeypatch.setenv("PATH", f"{az.folder}:/usr/bin:/bin")
    config = {**cloud.local, "auth": "entra_azure_cli", "token_timeout": 300, "max_retries": 0}
    command = [sys.executable, "-c", LEAVING, json.dumps(config), str(az.folder / "az.pids")]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "left\n", "")
    from tests.behaviour.azure.test_azure_token_failures import alive

    await until(lambda: len(az.processes) == 2 and not any(alive(each) for each in az.processes))


# A refused token.


async def test_a_revoked_token_is_refreshed_once(cloud: Cloud) -> None:
    session = await cloud.open(**cloud.secret, scope=f"{COGNITIVE}/.default")
    await session.ask("hello")
    cloud.directory.revoke_access_tokens()
    await session.ask("hello")
    assert cloud.token_requests() == 2
    assert len(set(cloud.sent)) == 2


async def test_fifty_calls_with_a_revoked_token_refresh_it_once(cloud: Cloud, waiters: TokenWaiters) -> None:
    session = await cloud.open(**cloud.secret, scope=f"{COGNITIVE}/.default", max_concurrent_requests=50)
    await session.ask("hello")
    cloud.directory.revoke_access_tokens()
    cloud.directory.hold()
    calls = asyncio.gather(*[session.ask("hello") for _ in range(50)])
    await until(lambda: waiters.count == 50)
    cloud.directory.release()
    await calls
    assert cloud.token_requests() == 2


async def test_a_token_that_stays_refused_is_an_error_that_names_identity_scope_and_host(cloud: Cloud) -> None:
    session = await cloud.open(**cloud.secret, scope=f"{COGNITIVE}/.default")
    cloud.server.script(*[missing_token()] * 9)
    error = await failing(session)
    assert type(error) is kernel.AuthenticationError
    assert not error.retryable
    for told in (cloud.directory.client_id, f"{COGNITIVE}/.default", HOST, "audience is incorrect", "tenant_id"):
        assert told in str(error)
    assert (cloud.token_requests(), len(cloud.sent)) == (2, 2)


async def test_many_refused_calls_do_not_ask_entra_again_and_again(cloud: Cloud) -> None:
    session = await cloud.open(**cloud.secret, scope=f"{COGNITIVE}/.default", max_concurrent_requests=20)
    cloud.server.script(*[missing_token()] * 99)
    for _ in range(2):
        assert {type(each) for each in await asyncio.gather(*[failing(session) for _ in range(20)])} == {
            kernel.AuthenticationError
        }
    assert cloud.token_requests() <= 3


async def test_a_credential_that_has_only_one_token_is_sent_once(cloud: Cloud) -> None:
    token = cloud.directory.issue_access_token(FOUNDRY).text
    error = await cloud.refusal(azure_ad_token=token)
    assert "audience is incorrect" in str(error)
    assert "azure_ad_token (AZURE_OPENAI_AD_TOKEN), which this module cannot refresh" in str(error)
    assert len(cloud.sent) == 1


# The wrong audience.


async def test_the_other_audience_is_tried_once_and_remembered(start: StartCloud) -> None:
    cloud = start(audiences=[FOUNDRY])
    session = await cloud.open(**cloud.secret)
    for _ in range(2):
        await session.ask("hello")
    await cloud.ask(**cloud.secret)
    assert audiences(cloud) == [COGNITIVE, FOUNDRY]
    assert len(cloud.sent) == 4


async def test_many_calls_find_the_other_audience_together(start: StartCloud, waiters: TokenWaiters) -> None:
    cloud = start(audiences=[FOUNDRY])
    cloud.directory.hold()
    sessions = [await cloud.open(**cloud.secret, max_concurrent_requests=20) for _ in range(2)]
    calls = asyncio.gather(*[session.ask("hello") for session in sessions for _ in range(10)])
    await until(lambda: waiters.count == 20)
    cloud.directory.release()
    await calls
    assert audiences(cloud) == [COGNITIVE, FOUNDRY]


async def test_two_resources_keep_their_own_audiences(start: StartCloud) -> None:
    cloud = start(audiences=[FOUNDRY])
    other = start()
    cloud.names.ports[HOST] = other.server.port
    sessions = [await cloud.open(**cloud.secret), await other.open(**cloud.secret)]
    for _ in range(2):
        for session in sessions:
            await session.ask("hello")
    assert audiences(cloud) == [COGNITIVE, FOUNDRY]
    assert len(other.sent) == 2


async def test_a_project_takes_the_newer_audience_first(start: StartCloud) -> None:
    cloud = start(audiences=[FOUNDRY], prefix="/api/projects/one/openai/v1")
    await cloud.ask(**cloud.secret, azure_endpoint=f"{cloud.url(PROJECT_HOST)}/api/projects/one")
    assert audiences(cloud) == [FOUNDRY]


async def test_both_audiences_are_tried_if_neither_is_accepted(start: StartCloud) -> None:
    cloud = start(audiences=["https://other.example"])
    session = await cloud.open(**cloud.secret)
    error = await failing(session)
    assert f"{FOUNDRY}/.default" in str(error), "the one that was sent last"
    assert audiences(cloud) == [COGNITIVE, FOUNDRY]
    await failing(session)
    assert len(cloud.directory.token_forms) <= 3


async def test_a_scope_of_the_user_is_the_only_one(start: StartCloud) -> None:
    cloud = start(audiences=[FOUNDRY])
    error = await cloud.refusal(**cloud.secret, scope=f"{COGNITIVE}/.default")
    assert "the setting 'scope'" in str(error)
    assert set(audiences(cloud)) == {COGNITIVE}
    await cloud.ask(**cloud.secret, scope=f"{FOUNDRY}/.default")


# A permission, which no other token would bring.


async def test_a_missing_role_says_which_and_asks_for_no_other_token(cloud: Cloud) -> None:
    cloud.directory.roles.clear()
    error = await cloud.refusal(**cloud.secret)
    assert type(error) is kernel.AccessDeniedError
    assert not error.retryable
    for told in (ROLE, "5 minutes", cloud.directory.object_id, cloud.directory.client_id):
        assert told in str(error)
    assert (cloud.token_requests(), len(cloud.sent)) == (1, 1)
    token = cloud.directory.issue_access_token(COGNITIVE).text
    assert ROLE in str(await cloud.refusal(azure_ad_token=token))


async def test_a_403_names_the_role(cloud: Cloud) -> None:
    cloud.server.script(HttpReply(403, {"error": {"code": "403", "message": "Forbidden"}}))
    error = await cloud.refusal(**cloud.secret)
    assert type(error) is kernel.AccessDeniedError
    assert ROLE in str(error)
