"""Every role of every matrix finds a model that the service has, with an effort that the model takes.

The rules are those of Amplifier's routing hook, in our own words (amplifier-bundle-routing-matrix, seen 2026-11-26):
the first candidate counts whose provider is mounted and whose pattern matches a listed model; of several the highest
version is taken, where digits count as numbers, a date at the end does not count, and a longer ending beats a shorter
one. The candidate's config then goes to calls as arguments, or into the config of a child session's provider, where it
may not touch what says who calls and where.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from amplifier_core.llm_errors import LLMError
from openai_responses_common.facts.traits import EFFORTS

from tests.support.backends import BACKENDS, ROOT, BackendUnderTest
from tests.support.session import OpenSession, Session, asking

MATRICES = sorted((ROOT / "routing").glob("*.yaml"))
FAMILY = "openai-family"
ROLES = {
    *("general", "fast", "coding", "ui-coding", "security-audit", "reasoning", "critique"),
    *("creative", "writing", "research", "vision", "image-gen", "critical-ops"),
}
# Source: amplifier-foundation's spawn_utils, seen 2026-11-21.
PROTECTED = {
    *("api_key", "secret", "password", "token", "access_token", "bearer_token", "client_id", "client_secret"),
    *("tenant_id", "base_url", "host", "azure_endpoint", "api_version", "deployment_name", "organization", "project"),
    *("managed_identity_client_id", "use_managed_identity", "use_default_credential", "proxy", "http_proxy"),
    *("https_proxy", "verify_ssl", "ssl_verify", "verify", "ca_bundle"),
}


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def matrix_of(backend: BackendUnderTest) -> dict[str, Any]:
    return read(ROOT / "routing" / f"{backend.name}.yaml")


def version(model: str) -> tuple[list[Any], int]:
    parts = re.split(r"(\d+)", re.sub(r"-(\d{4}-\d{2}-\d{2}|\d{8})$", "", model))
    return [int(part) if part.isdigit() else part for part in parts], -len(model)


def best(pattern: str, models: Iterable[str]) -> str | None:
    matching = [model for model in models if fnmatch.fnmatchcase(model.lower(), pattern.lower())]
    return max(matching, key=version, default=None)


async def resolve(role: Mapping[str, Any], providers: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
    """Provider, model and config for a role."""
    for candidate in role["candidates"]:
        wanted, pattern = candidate["provider"], candidate["model"]
        name = next((each for each in providers if wanted in (each, each.replace("provider-", ""))), None)
        if name is None:
            continue
        if not set("*?[") & set(pattern):
            return name, pattern, candidate.get("config", {})
        try:
            models = [each.id for each in await providers[name].list_models()]
        except LLMError:
            continue
        if model := best(pattern, models):
            return name, model, candidate.get("config", {})
    return None


@pytest.mark.parametrize("path", MATRICES, ids=lambda path: path.stem)
def test_a_matrix_is_what_the_host_reads(path: Path) -> None:
    matrix = read(path)
    assert matrix["name"] == path.stem
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", matrix["updated"])
    assert matrix["description"]
    assert set(matrix["roles"]) == ROLES
    for role, entry in matrix["roles"].items():
        assert entry["description"], role
        assert entry["candidates"], role
        for candidate in entry["candidates"]:
            assert set(candidate) == {"provider", "model", "config"}
            assert set(candidate["config"]) == {"reasoning_effort"}
            assert candidate["provider"] in {backend.name for backend in BACKENDS}
            assert "[0-9]" in candidate["model"], "a version in a name ends with its model"
            assert not candidate["model"].endswith("*"), "would match variants and dated snapshots too"
            assert not set(candidate["config"]) & PROTECTED


def test_there_is_a_matrix_for_each_module_and_one_for_all() -> None:
    assert {path.stem for path in MATRICES} == {FAMILY, *(backend.name for backend in BACKENDS)}


def test_the_matrix_of_a_module_is_the_one_in_its_package(backend: BackendUnderTest) -> None:
    """The package is where it is kept; the folder `routing` shows the same bytes."""
    shown, kept = ROOT / "routing" / f"{backend.name}.yaml", backend.package_path / "routing.yaml"
    assert shown.read_bytes() == kept.read_bytes()
    assert {each["provider"] for role in matrix_of(backend)["roles"].values() for each in role["candidates"]} == {
        backend.name
    }


def test_the_matrix_for_all_is_the_three_after_each_other() -> None:
    order = ("chatgpt-oauth", "openai-v2", "azure-openai-v2")
    ours = {backend.name: matrix_of(backend)["roles"] for backend in BACKENDS}
    for role, entry in read(ROOT / "routing" / f"{FAMILY}.yaml")["roles"].items():
        assert entry["candidates"] == [each for name in order for each in ours[name][role]["candidates"]], role
        assert {ours[name][role]["description"] for name in order} == {entry["description"]}


def tiers(backend: BackendUnderTest) -> dict[str, Any]:
    """Settings with which a model of each tier can be used."""
    names = ("gpt-6-astra", "gpt-6-sol", "gpt-6.1-terra", "gpt-6-luna")
    return {"deployments": {name: name for name in names}} if backend.lists_deployments else {}


async def test_no_role_resolves_to_a_model_that_nobody_has_deployed(
    session: Session, backend: BackendUnderTest
) -> None:
    found = [await resolve(role, {backend.name: session.provider}) for role in matrix_of(backend)["roles"].values()]
    if backend.lists_deployments:
        assert {each[1] for each in found if each} == {backend.model}
    else:
        assert all(found)


@pytest.mark.parametrize("name", ["its own", FAMILY])
async def test_every_role_resolves_to_a_model_that_takes_its_effort(
    open_session: OpenSession, backend: BackendUnderTest, name: str
) -> None:
    session = await open_session(**tiers(backend))
    matrix = matrix_of(backend) if name == "its own" else read(ROOT / "routing" / f"{FAMILY}.yaml")
    models = {each.id: each for each in await session.provider.list_models()}
    for role, entry in matrix["roles"].items():
        found = await resolve(entry, {backend.name: session.provider})
        assert found, role
        _, model, config = found
        assert re.fullmatch(r"gpt-[0-9.]+-[a-z]+", model), f"{role}: {model}"
        assert config["reasoning_effort"] in models[model].defaults["reasoning_efforts"], f"{role}: {model}"


def test_every_value_is_an_effort(backend: BackendUnderTest) -> None:
    for role, entry in matrix_of(backend)["roles"].items():
        for candidate in entry["candidates"]:
            assert candidate["config"].keys() == {"reasoning_effort"}, role
            assert candidate["config"]["reasoning_effort"] in EFFORTS, role


async def test_what_a_role_asks_for_is_what_the_service_gets(
    open_session: OpenSession, backend: BackendUnderTest
) -> None:
    """As arguments of a call, and as the config of a child session's provider."""
    session = await open_session(**tiers(backend))
    providers = {backend.name: session.provider}
    found = [await resolve(role, providers) for role in matrix_of(backend)["roles"].values()]
    asked = {(each[1], each[2]["reasoning_effort"]) for each in found if each}
    assert len(asked) >= 4
    for model, effort in sorted(asked):
        await session.provider.complete(asking("hello"), model=model, reasoning_effort=effort, unknown="ignored")
        assert (session.body["model"], session.body["reasoning"]["effort"]) == (model, effort)
        child = await open_session(default_model=model, reasoning_effort=effort, priority=0)
        await child.ask("hello")
        assert (child.body["model"], child.body["reasoning"]["effort"]) == (model, effort)


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_a_tier_outlives_its_versions(backend: BackendUnderTest) -> None:
    """Also with the variants and snapshots that some services list beside it."""
    tiers = ("sol", "terra", "luna", "astra")
    names = [f"gpt-{number}-{tier}" for number in ("5.6", "6", "9", "10.2") for tier in tiers]
    names += [f"gpt-10.2-{tier}-{more}" for tier in tiers for more in ("fast", "law", "2027-01-01")]
    patterns = {entry["candidates"][0]["model"] for entry in matrix_of(backend)["roles"].values()}
    assert {best(pattern, names) for pattern in patterns} == {f"gpt-10.2-{tier}" for tier in tiers}


class Listed:
    """A provider that lists models, or says why not."""

    def __init__(self, *models: str) -> None:
        self.models = models

    async def list_models(self) -> list[str]:
        if not self.models:
            raise LLMError("nobody is signed in")
        return [type("Model", (), {"id": model}) for model in self.models]  # type: ignore[misc]


async def test_the_matrix_for_all_falls_back() -> None:
    role = read(ROOT / "routing" / f"{FAMILY}.yaml")["roles"]["coding"]
    plan, key, azure = Listed("gpt-6.1-sol"), Listed("gpt-6.2-sol"), Listed("gpt-5.6-sol")
    everything = {"openai-v2": key, "azure-openai-v2": azure, "chatgpt-oauth": plan}
    cases = [
        (everything, ("chatgpt-oauth", "gpt-6.1-sol")),
        ({**everything, "chatgpt-oauth": Listed()}, ("openai-v2", "gpt-6.2-sol")),
        ({"azure-openai-v2": azure}, ("azure-openai-v2", "gpt-5.6-sol")),
        ({"openai-v2": Listed("gpt-5.5", "gpt-4.1")}, ("openai-v2", "gpt-5.5")),
    ]
    for providers, wanted in cases:
        found = await resolve(role, providers)
        assert found is not None
        assert found[:2] == wanted
    assert await resolve(role, {"anthropic": Listed("claude")}) is None
