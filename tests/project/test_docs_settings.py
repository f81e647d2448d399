"""Every documented setting is read by the code, and every setting that the code reads is documented."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from openai_responses_common.options import model_info, options, reference

from docs import configuration
from tests.support.backends import BACKENDS, ROOT, BackendUnderTest
from tests.support.pages import names, page, rows

LIBRARY = ROOT / "libs/openai_responses_common/openai_responses_common"


def of_page(title: str) -> set[str]:
    """What the first column of a section of the page names."""
    return {names(row[0])[0] for row in rows(page("docs/configuration.md").sections[title])}


def test_the_page_is_current() -> None:
    assert configuration.PAGE.read_text(encoding="utf-8") == configuration.page(), "run `nox -s docs`"


def test_the_settings_of_every_module_are_those_that_are_read() -> None:
    assert set(reference.SHARED_SETTINGS) == set(options.SHARED_SETTINGS) == of_page("Settings of every module")


def test_the_options_of_a_call_are_those_that_are_read() -> None:
    own = {key for key, row in options.CALL_SETTINGS.items() if options.SHARED_SETTINGS.get(key) != row}
    assert set(reference.CALL_SETTINGS) == own == of_page("One call")


def test_the_keys_of_a_model_are_those_that_are_read() -> None:
    assert set(reference.MODEL_INFO_MEANINGS) == set(model_info._MODEL_INFO_KEYS)
    assert set(reference.PRICE_MEANINGS) == set(model_info.PRICE_KEYS)
    assert of_page("model_info") == {*model_info._MODEL_INFO_KEYS, *model_info.PRICE_KEYS}


class Recording(dict[str, Any]):
    """A config that knows what was asked of it."""

    def __init__(self, *given: Any, asked: set[str] | None = None) -> None:
        super().__init__(*given)
        self.asked: set[str] = set() if asked is None else asked

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)


def read_by_openai(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    from amplifier_module_provider_openai_v2.backend import build_openai_backend

    config = Recording()
    build_openai_backend(config)
    return config.asked


def read_by_azure(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every name of a setting in the code, outside of the rows that declare it."""
    from amplifier_module_provider_azure_openai_v2 import settings

    package = Path(settings.__file__).parent
    names = {"credentials"}  # a mapping of other settings, merged before any of them is read
    for path in package.rglob("*.py"):
        if path.name not in {"settings.py", "reference.py", "wizard.py"}:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names |= {node.attr} if isinstance(node, ast.Attribute) else set()
                names |= {str(node.value)} if isinstance(node, ast.Constant) else set()
    names |= {"allowed_hosts", "token_timeout"}  # read by methods of the settings themselves
    return names & set(settings.SETTINGS)


def read_by_chatgpt(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    from amplifier_module_provider_chatgpt_oauth.backend import build_chatgpt_backend

    config = Recording()
    build_chatgpt_backend(config)
    return config.asked


READERS: Mapping[str, Callable[[pytest.MonkeyPatch], set[str]]] = {
    "provider-openai-v2": read_by_openai,
    "provider-azure-openai-v2": read_by_azure,
    "provider-chatgpt-oauth": read_by_chatgpt,
}


def own_settings(backend: BackendUnderTest) -> set[str]:
    """The documented ones, but for the shared one that has a default of its own in each module."""
    return set(configuration.reference(backend.module).SETTINGS) - {"default_model"}


def test_a_modules_own_settings_are_read_and_all_that_it_reads_is_documented(
    backend: BackendUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = own_settings(backend)
    read = READERS[backend.module](monkeypatch) - {""}
    assert read - own - set(reference.SHARED_SETTINGS) == set(), "read, and not documented"
    assert own - read == set(), "documented, and not read"
    assert of_page(backend.module) - {"default_model"} == own


def test_a_modules_own_settings_are_those_that_it_takes_for_known(backend: BackendUnderTest) -> None:
    provider = importlib.import_module(backend.package).create({})
    assert own_settings(backend) == set(provider._backend.own_keys)
    told = {each.id for each in provider.get_info().config_fields}
    assert told <= {*own_settings(backend), *reference.SHARED_SETTINGS}, "what a wizard asks for is documented"


def test_a_default_that_is_told_is_the_one_that_counts(backend: BackendUnderTest) -> None:
    """The model's; those of the shared settings are taken from the options themselves."""
    told = names(configuration.reference(backend.module).SETTINGS["default_model"].default)
    assert importlib.import_module(backend.package).create({}).default_model in told


def variables() -> Iterator[str]:
    """Every text in the code that is a name of an environment variable, and nothing else."""
    files = [*LIBRARY.rglob("*.py"), *(path for each in BACKENDS for path in each.package_path.rglob("*.py"))]
    for path in files:
        if path.name == "reference.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and re.fullmatch(r"(?!O_)[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", text):
                yield text


def test_every_environment_variable_that_is_read_is_documented_and_the_other_way_round() -> None:
    tables = [configuration.reference(backend.module) for backend in BACKENDS]
    told = {name for table in tables for row in table.SETTINGS.values() for name in row.variables}
    told |= {name for table in tables for name in table.ENVIRONMENT_VARIABLES} | set(reference.ENVIRONMENT_VARIABLES)
    exported = {"SIGN_IN_CAPABILITY"}  # a name of Python's
    assert set(variables()) - exported == told
    text = page("docs/configuration.md").text
    assert [name for name in told if f"`{name}`" not in text] == []


# Moving from Microsoft's modules

# Read in their code. Source: provider-openai, provider-azure-openai and provider-openai-chatgpt, seen 2026-11-21.
THEIRS = {
    "From provider-openai": """
        api_key base_url default_model max_tokens max_output_tokens temperature reasoning reasoning_effort
        reasoning_summary reasoning_context text_verbosity truncation enable_state enable_response_chaining
        enable_reasoning_context reasoning_replay_scope raw timeout filtered hide_dated_models prompt_cache_key
        prompt_cache_retention prompt_cache_options safety_identifier poll_interval background_timeout priority
        enable_long_context use_streaming max_retries min_retry_delay max_retry_delay retry_jitter
        max_concurrent_requests extended_thinking thinking_budget_tokens thinking_budget_buffer extra_request_params
        tool_search image_generation close_timeout auto_continue
    """,
    "From provider-azure-openai": """
        azure_endpoint api_key api_version use_managed_identity use_default_credential managed_identity_client_id
        default_model default_deployment deployment_name deployment_type deployment_mapping azure_ad_token
    """,
    "From provider-openai-chatgpt": """
        default_model raw login_on_mount token_file_path timeout models_cache_ttl priority
    """,
}


@pytest.mark.parametrize("title", THEIRS)
def test_each_of_their_settings_has_one_of_ours_or_a_reason(title: str) -> None:
    backend = BACKENDS[list(THEIRS).index(title)]
    ours = own_settings(backend) | set(reference.SHARED_SETTINGS) | set(reference.CALL_SETTINGS)
    table = rows(page("docs/moving.md").sections[title])
    assert sorted(name for row in table for name in names(row[0])) == sorted(THEIRS[title].split())
    for theirs, here in table:
        if here.startswith("the same"):
            assert set(names(theirs)) <= ours, "they are here, too"
        elif not here.startswith("not needed because") and names(here):
            assert names(here)[0] in ours, f"{theirs}: no setting {names(here)[0]}"
