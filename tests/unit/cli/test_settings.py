"""The settings of a command: from the files and the command line, with the origin of each."""

from __future__ import annotations

import argparse

import pytest
from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common.cli.settings import CommandSettings, add_setting_options, read_settings

from .conftest import Home

pytestmark = pytest.mark.usefixtures("home")

VARIABLES = {"api_key": ("X_KEY", "OLD_X_KEY"), "organization": ("X_ORGANIZATION",)}


def read(*words: str, needs_choice: bool = False, **service_hosts: tuple[str, ...]) -> CommandSettings:
    parser = argparse.ArgumentParser()
    add_setting_options(parser)
    arguments = parser.parse_args(words)
    return read_settings(arguments, "provider-x", service_hosts=service_hosts, needs_choice=needs_choice)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("X_KEY", "OLD_X_KEY", "X_ORGANIZATION"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_the_command_line_wins_over_the_files(home: Home) -> None:
    assert read().config == {}
    assert read("--set", "a=1", "--set", "b=x=y", "--set", "c=").config == {"a": "1", "b": "x=y", "c": ""}
    home.write_providers("{module: provider-x, config: {a: 3, b: {c: 4}}}")
    assert read("--set", "b=5").config == {"a": 3, "b": "5"}


def test_a_command_that_changes_something_does_not_guess_the_instance(home: Home) -> None:
    home.write_providers("{module: provider-x, config: {a: 1}}", "{module: provider-x, id: work, config: {a: 2}}")
    with pytest.raises(ValueError, match="choose one with --instance provider-x or work"):
        read(needs_choice=True)
    assert read("--instance", "work", needs_choice=True).config == {"a": 2}


def test_the_instance_is_named_with_those_that_are_not_shown(home: Home) -> None:
    assert read().describe_instance() == "none: Amplifier's settings do not have this provider"
    home.write_providers("{module: provider-x, id: one}")
    assert read().describe_instance() == "one"
    home.write_providers(*(f"{{module: provider-x, id: {name}}}" for name in ("one", "two", "three")))
    assert read().describe_instance() == "one (use --instance two or --instance three for another one)"


def test_each_setting_is_shown_with_its_origin(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_providers("{module: provider-x, config: {a: 1, empty: '', key: '${NO_SUCH_KEY}', credentials: {k: 1}}}")
    home.write_project_providers("{module: provider-x, config: {b: 2, credentials: {l: 1}}}")
    home.write_keys("X_KEY=sk-1")
    monkeypatch.setenv("OLD_X_KEY", "sk-0")
    monkeypatch.setenv("X_ORGANIZATION", "org")
    assert read("--set", "a=5").describe_origins(VARIABLES).splitlines() == [
        "key            ~/.amplifier/settings.yaml (but NO_SUCH_KEY is not set)",
        "credentials.k  ~/.amplifier/settings.yaml",
        "credentials.l  .amplifier/settings.yaml",
        "b              .amplifier/settings.yaml",
        "a              --set",
        "api_key        X_KEY in the environment, which ~/.amplifier/keys.env sets",
        "organization   X_ORGANIZATION in the environment",
    ]


def test_a_setting_of_the_files_is_not_shown_as_one_of_the_environment(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X_KEY", "sk-1")
    home.write_providers("{module: provider-x, config: {api_key: sk-2}}")
    assert read().describe_origins(VARIABLES) == "api_key  ~/.amplifier/settings.yaml"


def test_a_setting_whose_name_is_no_text_is_shown(home: Home) -> None:
    """YAML reads the names `on`, `2020-01-01` and `5` as other types."""
    home.write_providers("{module: provider-x, config: {on: 1, 2020-01-01: 2, 5: 3, a: 4, credentials: {6: x}}}")
    assert [line.split()[0] for line in read().describe_origins(VARIABLES).splitlines()] == [
        "True",
        "2020-01-01",
        "5",
        "a",
        "credentials.6",
    ]


def test_without_settings_there_is_no_origin() -> None:
    assert read().describe_origins(VARIABLES) == "none"


def test_a_problem_gets_the_origin_of_its_setting(home: Home) -> None:
    home.write_providers("{module: provider-x, config: {timeout: soon}}")
    problem = "setting 'timeout' takes a number"
    assert read().add_origin(problem) == f"{problem} (from ~/.amplifier/settings.yaml)"
    assert read("--set", "timeout=x").add_origin(problem) == f"{problem} (from --set)"
    for other in ("setting 'other' takes a number", "no key is set"):
        assert read().add_origin(other) == other


def test_a_foreign_address_of_a_project_is_an_error_unless_it_is_repeated(home: Home) -> None:
    home.write_project_providers("{module: provider-x, config: {base_url: 'https://elsewhere.example'}}")
    with pytest.raises(ConfigurationError, match="repeat the setting with --set"):
        read(base_url=("service.example",))
    assert read("--set", "base_url=https://elsewhere.example", base_url=("service.example",)).config
    assert read().config
