"""Reads a script from a file: a list of answers in YAML or JSON, or a Python file with a list `script`.

An entry is a text, a mapping of words to values, or a list of such mappings; see `SHORT_WORDS` for the short words. Any
part and any reply that the package exports has its own name as a word.
"""

from __future__ import annotations

import difflib
import inspect
import runpy
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import responses_emulator
from responses_emulator.script.rejected_parameters import RejectParameters
from responses_emulator.script.replies import Disconnect, HttpReply
from responses_emulator.script.turn import (
    Call,
    CustomCall,
    CutStream,
    EventDelay,
    Part,
    Refuse,
    ResponseFailed,
    ResponseIncomplete,
    Say,
    Think,
    Turn,
    WebSearch,
)
from responses_emulator.service.state import ScriptEntry

_REPLIES = ("HttpReply", "ErrorEvent", "ResponseFailed", "ServerRule")


class ScriptFileError(ValueError):
    """A script cannot be read. The message names the file and the entry."""


def _calls(kind: Callable[[str, Any], Part]) -> Callable[[Any], list[Any]]:
    return lambda value: [kind(str(name), arguments) for name, arguments in value.items()]


SHORT_WORDS: dict[str, Callable[[Any], list[Any]]] = {
    "say": lambda value: [Say(str(value))],
    "think": lambda value: [Think([str(value)])],
    "call": _calls(lambda name, arguments: Call(name, arguments or {})),
    "custom_call": _calls(lambda name, text: CustomCall(name, str(text))),
    "search": lambda value: [WebSearch([str(value)])],
    "refuse": lambda value: [Refuse(str(value))],
    "incomplete": lambda value: [ResponseIncomplete(str(value))],
    "fail": lambda value: [ResponseFailed(str(value))],
    "cut_after": lambda value: [CutStream(int(value))],
    "delay": lambda value: [EventDelay(float(value))],
    "reply": lambda value: [HttpReply(**value)],
    "disconnect": lambda value: [Disconnect()],
}


def read_script(path: Path) -> list[ScriptEntry]:
    """Return the entries of a script.

    Raises:
        ScriptFileError: the file cannot be read, or an entry is not valid.
    """
    try:
        if path.suffix == ".py":
            return _check_list(path, runpy.run_path(str(path)).get("script"), "a list `script`")
        entries = _check_list(path, yaml.safe_load(path.read_text("utf-8")), "a list of answers")
    except ScriptFileError:
        raise
    except Exception as error:  # a script in Python can raise anything
        raise ScriptFileError(f"cannot read {path}: {error}") from error
    script: list[ScriptEntry] = []
    for number, entry in enumerate(entries, 1):
        try:
            script.append(_read_entry(entry))
        except (TypeError, ValueError, AttributeError) as error:
            raise ScriptFileError(f"{path}, entry {number}: {error}") from error
    return script


def _check_list(path: Path, value: object, expected: str) -> list[Any]:
    if not isinstance(value, list):
        raise ScriptFileError(f"{path} does not hold {expected}")
    return value


def _read_entry(entry: object) -> ScriptEntry:
    parts = list(_read_parts(entry))
    if len(parts) == 1:
        return parts[0]
    if not parts:
        raise ValueError("it is empty")
    if whole := [part for part in parts if not isinstance(part, Part)]:
        raise ValueError(f"{type(whole[0]).__name__} is a whole reply and stands alone")
    return Turn(*parts)


def _read_parts(entry: object) -> Iterator[Any]:
    match entry:
        case str():
            yield Say(entry)
        case list():
            for each in entry:
                yield from _read_parts(each)
        case dict():
            for word, value in entry.items():
                yield from _read_word(str(word), value)
        case _:
            raise ValueError(f"{entry!r} is not a text, a mapping or a list")


def _read_word(word: str, value: Any) -> list[Any]:
    if word in SHORT_WORDS:
        return SHORT_WORDS[word](value)
    names = _exported_names()
    if word not in names:
        near = difflib.get_close_matches(word, [*SHORT_WORDS, *names], n=1)
        raise ValueError(f"{word!r} is not known" + (f"; did you mean {near[0]!r}?" if near else ""))
    match value:
        case None:
            return [names[word]()]
        case Mapping():
            return [names[word](**value)]
        case list():
            return [names[word](*value)]
        case _:
            return [names[word](value)]


def _exported_names() -> dict[str, Callable[..., Any]]:
    """Return the parts and the functions that make a whole reply or a standing rule, by their names."""
    kinds = (*typing.get_args(Part), HttpReply, Disconnect, RejectParameters)
    names: dict[str, Callable[..., Any]] = {kind.__name__: kind for kind in kinds}
    for name in responses_emulator.__all__:
        value = getattr(responses_emulator, name)
        if inspect.isfunction(value) and inspect.get_annotations(value).get("return") in _REPLIES:
            names[name] = value
    return names
