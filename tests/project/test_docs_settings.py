"""Every documented setting is read by the code, and every setting that the code reads is documented."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator

import pytest
from openai_responses_common.options.model_info import MODEL_INFO_SETTINGS, PRICE_SETTINGS
from openai_responses_common.options.settings import CALL_ONLY_SETTINGS, ENVIRONMENT_VARIABLES, SHARED_SETTINGS
from openai_responses_common.transport._dead_peers import _LIMITS, _PROBES
from responses_emulator import Emulator
from responses_emulator import __main__ as command_line

from docs import configuration
from tests.support.backends import BACKENDS, ROOT, BackendUnderTest
from tests.support.pages import names, page, rows

# Tokens, which the module for ChatGPT gets from a sign-in.
FOR_OTHER_CLIENTS = {"CHATGPT_ACCESS_TOKEN", "CHATGPT_ACCOUNT_ID", "CHATGPT_PLAN_ACCESS_TOKEN"}
LIBRARY = ROOT / "libs/openai_responses_common/openai_responses_common"


def of_page(title: str) -> set[str]:
    """What the first column of a section of the page names."""
    return {names(row[0])[0] for row in rows(page("docs/configuration.md").sections[title])}


def test_the_page_is_current() -> None:
    assert configuration.PAGE.read_text(encoding="utf-8") == configuration.page(), "run `nox -s docs`"


def test_the_page_has_a_row_for_every_setting() -> None:
    assert of_page("Settings of every module") == set(SHARED_SETTINGS)
    assert of_page("One call") == set(CALL_ONLY_SETTINGS)
    assert of_page("model_info") == {*MODEL_INFO_SETTINGS, *PRICE_SETTINGS}


def own_settings(backend: BackendUnderTest) -> set[str]:
    """The settings in the module's table, without the shared one whose default it states."""
    return set(configuration.reference(backend.module).SETTINGS) - {"default_model"}


def code_of(backend: BackendUnderTest) -> Iterator[ast.AST]:
    """Every node of the module's code, without its tables of settings."""
    for path in backend.package_path.rglob("*.py"):
        if path.name not in {"reference.py", "wizard.py"}:
            for statement in ast.parse(path.read_text(encoding="utf-8")).body:
                if not ast.unparse(statement).startswith(("SETTING_KEYS", "SETTINGS")):
                    yield from ast.walk(statement)


def test_every_setting_of_a_module_is_read(backend: BackendUnderTest) -> None:
    names_in_code: set[object] = set()
    for node in code_of(backend):
        names_in_code |= {node.attr} if isinstance(node, ast.Attribute) else set()
        names_in_code |= {node.value} if isinstance(node, ast.Constant) else set()
    assert own_settings(backend) - names_in_code == set()


def test_every_setting_that_a_module_reads_is_in_its_table(backend: BackendUnderTest) -> None:
    reads: set[object] = set()
    for node in code_of(backend):
        match node:
            case ast.Call(func=ast.Name(id="setting" | "word_list"), args=[_, ast.Constant(value=key), *_]):
                reads.add(key)
            case ast.Call(
                func=ast.Attribute(attr="get", value=ast.Name(id="config")), args=[ast.Constant(value=key), *_]
            ):
                reads.add(key)
            case _:
                pass
    assert reads - own_settings(backend) - set(SHARED_SETTINGS) - {""} == set()
    assert of_page(backend.module) - {"default_model"} == own_settings(backend)


def test_a_module_warns_about_every_setting_that_is_not_in_its_table(backend: BackendUnderTest) -> None:
    provider = importlib.import_module(backend.package).create({})
    assert own_settings(backend) == set(provider._backend.own_keys)
    asked = {field.id for field in provider.get_info().config_fields}
    assert asked <= {*own_settings(backend), *SHARED_SETTINGS}, "a wizard asks for settings that exist"


def test_the_default_model_of_the_page_is_the_one_that_counts(backend: BackendUnderTest) -> None:
    """The other defaults of shared settings come from the options themselves."""
    models = names(configuration.reference(backend.module).SETTINGS["default_model"].default)
    assert importlib.import_module(backend.package).create({}).default_model in models


def test_a_feature_that_needs_a_key_is_not_said_to_work_with_a_plan() -> None:
    """A plan with `plan` has the same address as a key, but neither counts nor compacts."""
    text = f"{page('docs/configuration.md').text}{page('README.md').text}"
    assert "own addresses" not in text
    head, rule, by_host, within = [line for line in configuration._LONG_CONVERSATIONS.splitlines() if line[:1] == "|"]
    columns = [[cell.strip() for cell in line.strip("|").split("|")][1:] for line in (head, by_host, within)]
    keys, plan = BACKENDS[:2], ("plan", "device_code")
    configs = [(each, {}) for each in keys] + [(BACKENDS[2], {"auth_mode": mode}) for mode in plan]
    for (backend, config), title, whole, part in zip(configs, *columns, strict=True):
        profile = importlib.import_module(backend.package).create(config)._backend.profile
        assert (whole == "no") == (profile.compaction is None), title
        assert (whole == "yes") == (profile.counts_input and profile.compaction is not None), title
        assert part == "left out" or profile.accepts("context_management"), title
    assert len(columns[0]) == rule.count("---") - 1


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


def test_the_environment_variables_of_the_page_are_those_that_the_code_reads() -> None:
    tables = [configuration.reference(backend.module) for backend in BACKENDS]
    documented = {name for table in tables for row in table.SETTINGS.values() for name in row.variables}
    documented |= {name for table in tables for name in table.ENVIRONMENT_VARIABLES} | set(ENVIRONMENT_VARIABLES)
    others = {"SIGN_IN_CAPABILITY", *_PROBES, *_LIMITS}  # names of Python's
    assert set(variables()) - others == documented
    text = page("docs/configuration.md").text
    assert [name for name in documented if f"`{name}`" not in text] == []


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
        tool_search image_generation close_timeout auto_continue native_compaction
    """,
    "From provider-azure-openai": """
        azure_endpoint api_key api_version use_managed_identity use_default_credential managed_identity_client_id
        default_model default_deployment deployment_name deployment_type deployment_mapping azure_ad_token
    """,
    "From provider-openai-chatgpt": """
        auth_mode default_model raw login_on_mount token_file_path timeout models_cache_ttl priority
        experimental_compaction
    """,
}


@pytest.mark.parametrize("title", THEIRS)
def test_each_of_their_settings_has_one_of_ours_or_a_reason(title: str) -> None:
    backend = BACKENDS[list(THEIRS).index(title)]
    ours = own_settings(backend) | set(SHARED_SETTINGS) | set(CALL_ONLY_SETTINGS)
    table = rows(page("docs/moving.md").sections[title])
    assert sorted(name for row in table for name in names(row[0])) == sorted(THEIRS[title].split())
    for theirs, here in table:
        if here.startswith("the same"):
            assert set(names(theirs)) <= ours, "they are here, too"
        elif not here.startswith("not needed because") and names(here):
            assert names(here)[0] in ours, f"{theirs}: no setting {names(here)[0]}"


def test_the_variables_that_the_emulator_prints_are_those_that_the_modules_read() -> None:
    services = command_line._services(command_line.SURFACES)
    plan = command_line._services(("chatgpt-plan",))
    printed = [each.client_settings(Emulator(surfaces=each.surfaces)) for each in (services, plan)]
    variables = {line.partition("=")[0] for text in printed for line in text.splitlines() if not line.startswith("#")}
    tables = [configuration.reference(backend.module).SETTINGS for backend in BACKENDS]
    known = {name for table in tables for setting in table.values() for name in setting.variables}
    assert variables - known == FOR_OTHER_CLIENTS
