"""The host's files are read and merged as the host does it, and a file that the host would ignore is named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from openai_responses_common.cli.host_settings import HostConfig, find_foreign_address, load_host_keys, read_host_config

from .conftest import Home, write

pytestmark = pytest.mark.usefixtures("home")

MODULE = "provider-x"
LOCAL = "settings.local.yaml"


def read(instance: str | None = None) -> dict[str, Any]:
    return read_host_config(MODULE, instance).config


def test_without_files_there_are_no_settings() -> None:
    assert read_host_config(MODULE) == HostConfig()


def test_nearer_files_win_for_each_setting(home: Home) -> None:
    home.write_providers("{module: provider-y, config: {a: 0}}", "{module: provider-x, config: {a: 1}}")
    assert read() == {"a": 1}
    home.write_project_providers("{module: provider-x, config: {a: 2}}")
    assert read() == {"a": 2}
    home.write_project_providers("{module: provider-x, config: {a: 3, b: 4}}", name=LOCAL)
    assert read() == {"a": 3, "b": 4}
    home.write_providers("{module: provider-x, config: {z: 1, b: {c: 4, d: 4}}}")
    home.write_project_providers("{module: provider-x, config: {b: {c: 5}}}", name=LOCAL)
    assert read() == {"a": 2, "b": {"c": 5, "d": 4}, "z": 1}, "objects are merged, too"


def test_an_entry_with_an_id_needs_no_module_in_a_nearer_file(home: Home) -> None:
    home.write_providers("{module: provider-x, id: work, config: {a: 1}}")
    home.write_project_providers("{id: work, config: {b: 2}}", "{id: other, config: {b: 3}}")
    assert read() == {"a": 1, "b": 2}
    home.write_project_providers("{id: work, module: provider-y}")
    assert read() == {}, "the nearer file says that it is another module"


def test_an_entry_without_settings_keeps_those_of_other_files_and_null_takes_them_back(home: Home) -> None:
    home.write_providers("{module: provider-x, config: {a: 1}}")
    home.write_project_providers("{module: provider-x, source: here}")
    assert read() == {"a": 1}
    home.write_project_providers("{module: provider-x, config: }")
    assert read() == {}
    assert read_host_config(MODULE).instance == MODULE


def test_each_setting_has_the_file_that_it_comes_from(home: Home) -> None:
    home.write_providers("{module: provider-x, config: {a: 1, credentials: {key: 1, host: x}}}")
    home.write_project_providers("{module: provider-x, config: {b: 2, credentials: {host: y}}}")
    host_config = read_host_config(MODULE)
    paths = [("a",), ("b",), ("credentials", "key"), ("credentials", "host"), ("c",), ("a", "deeper")]
    user, project = "~/.amplifier/settings.yaml", ".amplifier/settings.yaml"
    assert [host_config.find_file(*path) for path in paths] == [user, project, user, project, "", ""]


def test_the_instance_with_the_lowest_priority_is_read_unless_another_is_named(home: Home) -> None:
    home.write_providers(
        "{module: provider-x, config: {a: 1}}",
        "{module: provider-x, id: work, config: {a: 2, priority: '7'}}",
        "{module: provider-x, id: home, config: {a: 3, priority: first}}",
    )
    assert read() == {"a": 2, "priority": "7"}
    assert read("provider-x") == {"a": 1}
    host_config = read_host_config(MODULE, "home")
    assert (host_config.instance, host_config.other_instances) == ("home", ("provider-x", "work"))
    home.write_project_providers("{id: home, config: {priority: 1}}")
    assert read()["a"] == 3, "the priority is one of the merged settings"


def test_the_first_of_several_instances_with_one_priority_is_read(home: Home) -> None:
    home.write_providers("{module: provider-x, id: b}", "{module: provider-x, id: a}")
    assert read_host_config(MODULE).instance == "b"


def test_an_instance_that_does_not_exist_is_an_error_with_those_that_do(home: Home) -> None:
    with pytest.raises(ValueError, match="no instance 'other' of provider-x: it has none"):
        read("other")
    home.write_providers("{module: provider-x, id: one}", "{module: provider-x, id: two}", "{module: provider-y}")
    with pytest.raises(ValueError, match="there is one and two"):
        read("provider-y")


@pytest.mark.parametrize("text", ["", "config:", "config: {providers: }", "a: 1", "config: {providers: []}"])
def test_a_file_without_providers_is_valid(home: Home, text: str) -> None:
    write(home.path / ".amplifier/settings.yaml", text)
    assert read() == {}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[]", "`config:`"),
        ("a text", "`config:`"),
        ("config: 1", "`providers:`"),
        ("config: {providers: x}", "a list"),
        ("config: {providers: {module: provider-x}}", "a list"),
        ("config: {providers: [provider-x]}", "each entry"),
        ("config: {providers: [{module: provider-y, config: sk-secret}]}", "`name: value`"),
        ("config: {providers: [{module: provider-x, config: [sk-secret]}]}", "`name: value`"),
        ("sk-secret: [", "near line 1"),
        ("a: \x00", "is not valid YAML"),
    ],
)
@pytest.mark.parametrize("name", [".amplifier/settings.yaml", f"project/.amplifier/{LOCAL}"])
def test_a_file_of_another_shape_is_named_because_the_host_ignores_it(
    home: Home, text: str, rule: str, name: str
) -> None:
    write(home.path / name, text)
    with pytest.raises(ValueError, match="Amplifier ignores the whole file") as raised:
        read()
    assert Path(name).name in str(raised.value)
    assert rule in str(raised.value)
    assert "sk-secret" not in str(raised.value)


@pytest.mark.parametrize("name", [".amplifier/settings.yaml", f"project/.amplifier/{LOCAL}", ".amplifier/keys.env"])
@pytest.mark.parametrize("kind", ["not UTF-8", "not readable", "a folder"])
def test_a_file_that_cannot_be_read_is_named(home: Home, monkeypatch: pytest.MonkeyPatch, name: str, kind: str) -> None:
    path = home.path / name
    if kind == "a folder":
        path.mkdir(parents=True)
    else:
        write(path, "")
        path.write_bytes(b"\xff\xfe")
    if kind == "not readable":
        read_text = Path.read_text

        def refuse(path: Path, *args: Any, **named: Any) -> str:
            if path.name == Path(name).name:
                raise PermissionError(13, "Permission denied")
            return read_text(path, *args, **named)

        monkeypatch.setattr(Path, "read_text", refuse)  # root may read everything
    reads = load_host_keys if name.endswith(".env") else read
    with pytest.raises(ValueError, match=Path(name).name):
        reads()


def test_a_user_without_a_home_has_the_settings_of_the_project(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_project_providers("{module: provider-x, config: {a: 2}}")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    load_host_keys()
    assert read() == {"a": 2}


def test_keys_of_the_host_are_set_unless_the_shell_has_them(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_keys("# keys\nOF_THE_FILE='from file'\nexport OF_BOTH=\"from file\"\nno line\n")
    monkeypatch.setenv("OF_THE_FILE", "")
    monkeypatch.delenv("OF_THE_FILE")
    monkeypatch.setenv("OF_BOTH", "from shell")
    assert load_host_keys() == {"OF_THE_FILE"}
    assert (os.environ["OF_THE_FILE"], os.environ["OF_BOTH"]) == ("from file", "from shell")


@pytest.mark.parametrize(
    ("user", "project", "is_foreign"),
    [
        ("{base_url: https://elsewhere.example}", "{}", False),
        ("{}", "{base_url: https://elsewhere.example}", True),
        ("{}", "{base_url: 'https://api.service.example:bad]'}", True),
        ("{}", "{base_url: 'https://[bad'}", True),
        ("{}", "{base_url: https://eu.service.example}", False),
        ("{}", "{base_url: 'http://127.0.0.1:1'}", False),
        ("{}", "{base_url: '${ADDRESS}'}", False),
        ("{}", "{other: https://elsewhere.example, base_url: }", False),
        ("{}", "{credentials: {base_url: elsewhere.example}}", True),
        ("{credentials: {base_url: elsewhere.example}}", "{credentials: {key: k}}", False),
    ],
)
def test_only_an_address_of_the_project_is_foreign(home: Home, user: str, project: str, is_foreign: bool) -> None:
    home.write_providers(f"{{module: provider-x, config: {user}}}")
    home.write_project_providers(f"{{module: provider-x, config: {project}}}")
    problem = find_foreign_address(read_host_config(MODULE), {"base_url": ("service.example",)})
    assert (problem is not None) is is_foreign
