"""Which way to sign in counts: the setting, the newest sign-in, or what works on this machine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from amplifier_module_provider_chatgpt_oauth import account_settings as module
from amplifier_module_provider_chatgpt_oauth.account_settings import AccountSettings
from amplifier_module_provider_chatgpt_oauth.auth_mode import (
    EXPLANATIONS,
    load_newest_mode,
    parse_auth_mode,
    save_newest_mode,
)
from openai_responses_common.auth.terminal import TEXT_WIDTH


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


def read(folder: Path, **config: Any) -> AccountSettings:
    settings = {"token_store": "file", "token_file_path": str(folder / "tokens.json"), **config}
    return AccountSettings.from_config(settings)


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        *[("plan", "plan"), ("Plan", "plan"), ("chatgpt_plan", "plan"), ("auto", None)],
        *[("device_code", "device_code"), ("legacy_codex", "device_code")],
    ],
)
def test_words_of_ours_and_of_microsofts_module(word: str, mode: str | None) -> None:
    assert parse_auth_mode(word) == mode


def test_an_unknown_word_is_refused_by_the_name_of_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="setting 'auth_mode' takes plan, device_code or auto, not 'browser'"):
        parse_auth_mode("browser")


@pytest.mark.parametrize(("has_browser", "mode"), [(True, "plan"), (False, "device_code")])
def test_without_a_sign_in_the_browser_decides(
    folder: Path, monkeypatch: pytest.MonkeyPatch, has_browser: bool, mode: str
) -> None:
    monkeypatch.setattr(module, "has_browser", lambda: has_browser)
    settings = read(folder)
    assert (settings.mode, settings.is_auto, settings.is_first_choice) == (mode, True, True)
    assert not read(folder, auth_mode=mode).is_first_choice, "the user has chosen"


@pytest.mark.parametrize("names", [["tokens.json"], ["tokens-plan.json"], ["tokens-plan.json.choice"]])
def test_files_of_an_earlier_version_decide(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).touch()
    settings = read(folder)
    assert (settings.mode, settings.is_first_choice) == ("plan" if "plan" in names[0] else "device_code", False)


def test_a_lock_is_no_sign_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_browser", lambda: True)
    (folder / "tokens.json.lock").touch()
    assert read(folder).is_first_choice
    assert read(folder, token_store="keyring").mode == "device_code", "a keyring is not opened to find out"


@pytest.mark.parametrize("label", ["default", "work", "**"])
def test_the_newest_sign_in_wins_for_its_label_alone(folder: Path, label: str) -> None:
    (folder / "tokens-plan.json").touch()
    settings = read(folder, account=label)
    save_newest_mode(settings.mode_file, "device_code", in_memory=False)
    assert read(folder, account=label).mode == "device_code"
    assert read(folder).mode == ("device_code" if label == "default" else "plan")


@pytest.mark.parametrize("label", ["a/b", "/etc/passwd", "\0", ".."])
def test_a_label_that_is_a_path_is_left_to_the_token_store(folder: Path, label: str) -> None:
    assert read(folder, account=label).is_first_choice


@pytest.mark.parametrize("content", ["", "[]", "no JSON", '{"auth_mode": "browser"}', '{"auth_mode": ["plan"]}'])
def test_a_damaged_file_says_nothing(folder: Path, content: str) -> None:
    file = folder / "mode"
    file.write_text(content, encoding="utf-8")
    file.chmod(0o600)
    assert load_newest_mode(file, in_memory=False) is None


def test_a_sign_in_in_memory_writes_nothing(folder: Path) -> None:
    file = folder / "mode"
    save_newest_mode(file, "plan", in_memory=True)
    assert load_newest_mode(file, in_memory=True) == "plan"
    save_newest_mode(file, None, in_memory=True)
    assert load_newest_mode(file, in_memory=True) is None
    assert not list(folder.iterdir())
    assert not read(folder, token_store="memory", auth_mode="plan").has_files()


def test_a_folder_that_cannot_be_used_is_a_warning(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.chmod(0o777)
    save_newest_mode(folder / "mode", "plan", in_memory=False)
    assert "'auth_mode'" in caplog.text
    assert load_newest_mode(folder / "mode", in_memory=False) is None


def test_the_end_of_a_sign_in_is_saved(folder: Path) -> None:
    save_newest_mode(folder / "mode", None, in_memory=False)
    assert json.loads((folder / "mode").read_text(encoding="utf-8")) == {"auth_mode": None}


@pytest.mark.parametrize("text", EXPLANATIONS.values(), ids=EXPLANATIONS)
def test_both_ways_are_explained_in_two_short_lines(text: str) -> None:
    lines = text.splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= TEXT_WIDTH
    assert "`login --" in text
    assert re.search(r"not support", text), "one of the ways is not supported, and the text says so"


@pytest.mark.parametrize("setting", ["issuer", "plan_base_url", "base_url"])
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://evil.example/v1", "evil.example"),
        ("https://auth.openai.com.evil.example", "evil.example"),
        ("http://192.0.2.1/v1", "192.0.2.1"),
        ("https://chatgpt.com@evil.example", ""),
        ("http://auth.openai.com", ""),
    ],
)
@pytest.mark.parametrize("mode", ["plan", "device_code", "auto"])
def test_a_foreign_address_is_refused_by_the_name_of_its_setting(
    folder: Path, setting: str, url: str, problem: str, mode: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"'?{setting}'?") as raised:
        read(folder, **{setting: url, "auth_mode": mode})
    assert problem in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"])
def test_plain_http_is_for_this_machine(folder: Path, host: str) -> None:
    url = f"http://{host}/v1"
    settings = read(folder, auth_mode="plan", plan_base_url=url, issuer=f"http://{host}")
    assert settings.base_url == url


def test_each_way_has_an_address_of_its_own(folder: Path) -> None:
    config = {"base_url": "https://chatgpt.com/own", "plan_base_url": "https://api.openai.com/v1/own"}
    assert read(folder, auth_mode="plan", **config).base_url == "https://api.openai.com/v1/own"
    assert read(folder, auth_mode="device_code", **config).base_url == "https://chatgpt.com/own"
    assert read(folder, auth_mode="plan", base_url=config["base_url"]).base_url == "https://api.openai.com/v1"
