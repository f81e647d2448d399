"""Deployments and the models behind them: told, looked up by name, learned from answers, or listed by the manager."""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core import llm_errors as kernel
from responses_emulator import Emulator, HttpReply, arm_error, redirect

from tests.support.azure_cloud import ACCOUNT, CANARY, DEPLOYMENTS, KEY, MANAGER, Cloud, StartCloud

PLACE = {"resource_id": ACCOUNT}


async def listed(cloud: Cloud, **settings: Any) -> dict[str, str]:
    """Id and display name of what the provider lists."""
    provider = (await cloud.open(**settings)).provider
    return {model.id: model.display_name for model in await provider.list_models()}


# What a deployment serves.


async def test_the_config_names_the_model_of_a_deployment(start: StartCloud) -> None:
    cloud = start(deployments={"chat": "gpt-4.1"})
    session = await cloud.open(api_key=KEY, default_model="chat", deployments='{"chat": "gpt-4.1"}')
    assert session.provider.get_info().defaults["context_window"] == 1_047_576
    await session.ask("hello")
    assert "reasoning" not in cloud.server.request_bodies[0]
    assert "include" not in cloud.server.request_bodies[0]


async def test_the_name_of_a_model_is_taken_for_it(cloud: Cloud) -> None:
    provider = (await cloud.open(api_key=KEY, default_model="gpt-4.1")).provider
    assert provider.get_info().defaults["context_window"] == 1_047_576


async def test_the_model_is_learned_from_the_first_response(start: StartCloud) -> None:
    cloud = start(deployments={"mine": "gpt-5.6-luna"})
    session = await cloud.open(api_key=KEY, default_model="mine", reasoning_effort="max")
    before = session.provider.get_model_info()
    first = await session.ask("hello")
    after = session.provider.get_model_info()
    assert (before.id, after.id) == ("mine", "mine")
    known = (await cloud.open(api_key=KEY, default_model="gpt-5.6-luna")).provider.get_model_info()
    assert after.context_window == known.context_window != before.context_window
    assert after.defaults["reasoning_efforts"] == known.defaults["reasoning_efforts"]
    assert session.provider.get_info().defaults["context_window"] == known.context_window
    assert after.pricing == known.pricing
    assert first.usage.cost_usd > 0, "the answer itself says what it cost"


async def test_the_model_in_the_config_wins_over_the_one_in_a_response(start: StartCloud) -> None:
    cloud = start(deployments={"mine": "gpt-5.6-luna"})
    session = await cloud.open(api_key=KEY, default_model="mine", deployments={"mine": "gpt-4.1"})
    await session.ask("hello")
    assert session.provider.get_info().defaults["context_window"] == 1_047_576


@pytest.mark.parametrize("key", ["deployment_name", "default_deployment", "default_model"])
async def test_the_default_deployment_has_several_names(start: StartCloud, key: str) -> None:
    cloud = start(deployments={"mine": "gpt-5.4"})
    await cloud.ask(**{"default_model": ..., key: "mine"}, api_key=KEY)
    assert cloud.server.request_bodies[0]["model"] == "mine"


async def test_the_first_deployment_is_the_default(start: StartCloud) -> None:
    cloud = start(deployments={"mine": "gpt-5.4", "other": "gpt-4.1"})
    await cloud.ask(default_model=..., api_key=KEY, deployments={"mine": "gpt-5.4", "other": "gpt-4.1"})
    assert cloud.server.request_bodies[0]["model"] == "mine"


# The list.


async def test_the_deployments_of_the_config_are_listed(cloud: Cloud) -> None:
    deployments = {"a": "gpt-4.1", "b": "gpt-5.4"}
    found = await listed(cloud, api_key=KEY, deployments=deployments, default_model="mine")
    assert found == {"mine": "mine", "b": "b (gpt-5.4)", "a": "a (gpt-4.1)"}
    assert list(found) == ["mine", "b", "a"], "the default, then the newest model"
    assert cloud.server.requests == []


@pytest.mark.promise("a menu offers models that nobody has deployed", area="hazard")
async def test_only_the_deployment_of_the_settings_is_listed_if_the_resource_cannot_be_asked(cloud: Cloud) -> None:
    assert await listed(cloud, api_key=KEY, **PLACE, default_model="mine") == {"mine": "mine"}
    assert [each.path for each in cloud.server.requests] == ["/openai/v1/models"], "a wrong key would show here"


async def test_without_any_name_the_list_says_that_its_model_is_a_guess(cloud: Cloud) -> None:
    guess = "gpt-5.6-sol (if a deployment has this name; choose custom to enter another name)"
    assert await listed(cloud, api_key=KEY, default_model=...) == {"gpt-5.6-sol": guess}
    facts = {"mine": {"model": "gpt-5.4"}}
    found = await listed(cloud, api_key=KEY, default_model=..., model_info=facts)
    assert found == {"gpt-5.6-sol": guess, "mine": "mine (gpt-5.4)"}


async def test_resource_manager_lists_the_deployments_page_by_page(start: StartCloud) -> None:
    cloud = start(page_size=1)
    found = await listed(cloud, **cloud.secret, **PLACE)
    assert found == {"chat": "chat (gpt-5.4)", "fast": "fast (gpt-5.6-luna)", "old": "old (gpt-4.1)"}
    assert [each["scope"] for each in cloud.directory.token_forms] == [f"https://{MANAGER}/.default"]
    assert len(cloud.directory.requests_to("arm")) == len(DEPLOYMENTS)


async def test_the_deployment_list_counts_for_calls_too(start: StartCloud) -> None:
    cloud = start(deployments=DEPLOYMENTS)
    session = await cloud.open(**cloud.secret, **PLACE, default_model="old")
    await session.provider.list_models()
    assert session.provider.get_info().defaults["context_window"] == 1_047_576


async def test_the_model_in_the_config_wins_in_the_list(cloud: Cloud) -> None:
    found = await listed(
        cloud, **cloud.secret, resource_id=f"{ACCOUNT}/", deployments={"chat": "gpt-4.1", "z": "gpt-5.4"}
    )
    assert (found["chat"], found["z"]) == ("chat (gpt-4.1)", "z (gpt-5.4)")


@pytest.mark.promise("no discovery document or next page takes a credential to another host", area="security")
async def test_a_page_of_deployments_on_another_host_is_not_fetched(
    start: StartCloud, elsewhere: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    tricks = [f"https://{MANAGER}.evil.example", f"http://{MANAGER}", f"https://{MANAGER}@evil.example"]
    for origin in [elsewhere.origin, *tricks]:
        cloud = start(page_size=2, next_origin=origin)
        assert set(await listed(cloud, **cloud.secret, **PLACE)) == {"chat", "fast"}
        assert len(cloud.directory.requests_to("arm")) == 1
        cloud.directory._requests.clear()
        assert "is not fetched" in caplog.text
        caplog.clear()


REFUSED: list[tuple[Any, type[kernel.LLMError], list[str], bool]] = [
    (
        arm_error(403, "AuthorizationFailed", CANARY),
        kernel.AccessDeniedError,
        ["Reader", "resource_id", ACCOUNT],
        False,
    ),
    (arm_error(404, "ResourceNotFound", CANARY), kernel.AccessDeniedError, ["check resource_id", "404"], False),
    (arm_error(401, "InvalidAuthenticationToken", CANARY), kernel.AccessDeniedError, ["401"], False),
    (HttpReply(503, "<html></html>"), kernel.ProviderUnavailableError, [MANAGER, "503"], True),
    (HttpReply(429, None, {"retry-after": "3"}), kernel.ProviderUnavailableError, [MANAGER, "429"], True),
    (HttpReply(200, "<html>hotel</html>"), kernel.ProviderUnavailableError, [MANAGER, "200"], True),
    (HttpReply(200, "[]"), kernel.ProviderUnavailableError, [MANAGER], True),
]


@pytest.mark.parametrize(("answer", "kind", "told", "retryable"), REFUSED, ids=[str(row[0])[:40] for row in REFUSED])
async def test_a_deployment_list_that_cannot_be_fetched_is_an_error(
    cloud: Cloud, answer: Any, kind: type[kernel.LLMError], told: list[str], retryable: bool
) -> None:
    cloud.directory.script(*[answer] * 3, at="arm")
    with pytest.raises(kind) as caught:
        await listed(cloud, **cloud.secret, **PLACE)
    assert caught.value.retryable is retryable
    for text in told:
        assert text in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.promise("no redirect takes a credential to another server", area="security")
async def test_a_redirect_of_resource_manager_is_not_followed(cloud: Cloud, elsewhere: Emulator) -> None:
    for status in (301, 302, 303, 307, 308):
        cloud.directory.script(redirect(f"{elsewhere.origin}/x", status=status), at="arm")
        with pytest.raises(kernel.LLMError, match=str(status)):
            await listed(cloud, **cloud.secret, **PLACE)


async def test_an_empty_deployment_list_is_explained_in_the_log(
    start: StartCloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = start()
    cloud.directory.script(HttpReply(200, {"value": []}), at="arm")
    found = await listed(cloud, **cloud.secret, **PLACE)
    assert found == {}
    assert "has no deployment whose model can do agent work" in caplog.text
