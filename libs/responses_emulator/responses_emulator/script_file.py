"""Reads a script from a file: a list of answers in YAML or JSON, or a Python file with a list `script`.

An entry is a text, a mapping of words to values, or a list of such mappings; see `SHORT_WORDS` for the short words. Any
part and any reply that the package exports has its own name as a word.
"""

from __future__ import annotations

import difflib
import inspect
import math
import runpy
import traceback
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

import responses_emulator
from responses_emulator.contract.json_shapes import check
from responses_emulator.contract.refusal import Refusal
from responses_emulator.rules.rule import Rule
from responses_emulator.script.rejected_parameters import RejectParameters
from responses_emulator.script.replies import AcceptUpgrade, Disconnect, Frames, HttpReply, OnUpgrade
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
from responses_emulator.service.state import ScriptEntry, check_entry

_REPLIES = ("HttpReply", "ErrorEvent", "ResponseFailed", "ServerRule")


class ScriptFileError(ValueError):
    """A script cannot be read. The message names the file and the entry."""


def _think(text: str) -> Think:
    return Think([text])


def _search(query: str) -> WebSearch:
    return WebSearch([query])


def _call(name: str, arguments: Mapping[str, Any] | str | None) -> Call:
    return Call(name, arguments or {})


def _upgrade(
    status: int = 426, body: Mapping[str, Any] | str | None = None, headers: Mapping[str, str] | None = None
) -> OnUpgrade:
    return OnUpgrade(HttpReply(status, body, headers or {}))


def _custom_call(name: str, text: str) -> CustomCall:
    return CustomCall(name, text)


@dataclass(frozen=True, slots=True)
class ShortWord:
    """A word of a script.

    Attributes:
        make: what it stands for. It takes the value of the word; for a call, a name and its value.
        example: a valid use of the word, for messages.
    """

    make: Callable[..., Any]
    example: str


SHORT_WORDS: dict[str, ShortWord] = {
    "say": ShortWord(Say, "say: Hello!"),
    "think": ShortWord(_think, "think: I need the weather."),
    "call": ShortWord(_call, "call: {weather: {city: Oslo}}"),
    "custom_call": ShortWord(_custom_call, "custom_call: {shell: ls}"),
    "search": ShortWord(_search, "search: weather in Oslo"),
    "refuse": ShortWord(Refuse, "refuse: I cannot say that."),
    "incomplete": ShortWord(ResponseIncomplete, "incomplete: max_output_tokens"),
    "fail": ShortWord(ResponseFailed, "fail: server_error"),
    "cut_after": ShortWord(CutStream, "cut_after: 5"),
    "delay": ShortWord(EventDelay, "delay: 0.5"),
    "reply": ShortWord(HttpReply, "reply: {status: 503, body: down for maintenance}"),
    "disconnect": ShortWord(Disconnect, "disconnect:"),
    "upgrade": ShortWord(_upgrade, "upgrade: {status: 426}"),
}
_CALLS = ("call", "custom_call")
# The lowest and the highest number that an argument may be; any other is from 0 on.
_BOUNDS: dict[str, tuple[float, float]] = {
    "before_event": (-1, math.inf),  # before the headers
    "every_events": (1, math.inf),
    "seed": (-math.inf, math.inf),
    "size": (1, math.inf),
    "status": (200, 599),
}
_FROM_ZERO = (0, math.inf)


def read_script(path: Path) -> list[ScriptEntry]:
    """Return the entries of a script.

    Raises:
        ScriptFileError: the file cannot be read, or an entry is not valid.
    """
    try:
        if path.suffix == ".py":
            entries = _check_list(path, runpy.run_path(str(path)).get("script"), "a list `script`")
            read: Callable[[Any], ScriptEntry] = _check_python_entry
        else:
            entries = _check_list(path, yaml.safe_load(path.read_text("utf-8")), "a list of answers")
            read = _read_entry
    except ScriptFileError:
        raise
    except OSError as error:
        raise ScriptFileError(f"cannot read {path}: {error.strerror}") from error
    except (Exception, SystemExit) as error:  # a script in Python can raise anything
        raise ScriptFileError(f"cannot read {path}: {_describe(error, path)}") from error
    script: list[ScriptEntry] = []
    for number, entry in enumerate(entries, 1):
        try:
            script.append(read(entry))
        except (TypeError, ValueError, Refusal) as error:
            raise ScriptFileError(f"{path}, entry {number}: {error}") from error
    return script


def _describe(error: BaseException, path: Path) -> str:
    """Return what went wrong; for a script in Python with the kind of the error and the line."""
    if path.suffix != ".py":
        return str(error)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{type(error).__name__}{f' in line {lines[-1]}' if lines else ''}: {error}"


def _check_python_entry(entry: Any) -> ScriptEntry:
    """Return an entry of a script in Python if its parts have values that can be sent."""
    check_entry(entry)
    for part in entry.parts if isinstance(entry, Turn) else (entry,):
        if isinstance(part, Part | HttpReply | Disconnect):
            _check_fields(part)
    return entry


def _check_fields(part: Any) -> None:
    hints = _hints(type(part))
    for each in fields(part):
        value = getattr(part, each.name)
        if not isinstance(value, Rule):
            _check_argument(list(value) if isinstance(value, tuple) else value, hints[each.name], each.name)


def _check_list(path: Path, value: object, expected: str) -> list[Any]:
    if not isinstance(value, list):
        raise ScriptFileError(f"{path} does not hold {expected}")
    return value


def _read_entry(entry: object) -> ScriptEntry:
    _check_value(entry)
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


def _check_value(value: object, around: tuple[object, ...] = ()) -> None:
    """Raise ValueError if YAML made something that is not JSON, apart from bytes."""
    if any(value is each for each in around):
        raise ValueError("it contains itself by an alias; write its values out")
    match value:
        case None | str() | bytes() | bool() | int():
            pass
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{value} is not a number that JSON has")
        case list():
            for each in value:
                _check_value(each, (*around, value))
        case dict():
            for key, each in value.items():
                _check_value(key)
                _check_value(each, (*around, value))
        case _:
            raise ValueError(f"{value!s} is not JSON; write it in quotes to make it a text")


def _read_word(word: str, value: Any) -> list[Any]:
    names = _exported_names()
    if word not in SHORT_WORDS and word not in names:
        near = difflib.get_close_matches(word, [*SHORT_WORDS, *names], n=1)
        raise ValueError(f"{word!r} is not known" + (f"; did you mean {near[0]!r}?" if near else ""))
    short = SHORT_WORDS.get(word)
    make = names[word] if short is None else short.make
    try:
        if word in _CALLS:
            check(value, Mapping, word)
            return [_make(make, str(name), arguments) for name, arguments in value.items()]
        match value:
            case None:
                return [_make(make)]
            case Mapping():
                return [_make(make, **value)]
            case list() if not _takes_list(make, value):
                return [_make(make, *value)]
            case _:
                return [_make(make, value)]
    except (TypeError, ValueError, Refusal) as error:
        form = (
            f"it takes {', '.join(inspect.signature(make).parameters)}" if short is None else f"write {short.example}"
        )
        raise ValueError(f"{word}: {str(error).rstrip('.')}; {form}") from error


def _takes_list(make: Callable[..., Any], value: list[Any]) -> bool:
    """Return whether this list is the first argument, and not a list of arguments."""
    first = next(iter(inspect.signature(make).parameters), None)
    if first is None:
        return False
    try:
        check(value, _hints(make)[first], first)
    except Refusal:
        return False
    return True


def _hints(make: Callable[..., Any]) -> dict[str, Any]:
    return typing.get_type_hints(make.__init__ if inspect.isclass(make) else make)


def _make(make: Callable[..., Any], *values: Any, **named: Any) -> Any:
    """Call a function if its annotations allow the arguments.

    Raises:
        TypeError, ValueError, Refusal: they do not.
    """
    hints = _hints(make)
    signature = inspect.signature(make)
    bound = signature.bind(*values, **named)
    for name, value in bound.arguments.items():
        is_variadic = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
        for each in value if is_variadic else (value,):
            _check_argument(each, hints[name], name)
    return make(*values, **named)


def _check_argument(value: Any, hint: Any, name: str) -> None:
    """Check the value of one argument.

    Raises:
        ValueError, Refusal: it is not allowed.
    """
    check(value, hint, name)
    lowest, highest = _BOUNDS.get(name, _FROM_ZERO)
    if isinstance(value, (int, float)) and not lowest <= value <= highest:
        limits = f"from {lowest} on" if highest == math.inf else f"from {lowest} to {highest}"
        raise ValueError(f"'{name}' is {value}, which is not a number {limits}")


def _exported_names() -> dict[str, Callable[..., Any]]:
    """Return the parts and the functions that make a whole reply or a standing rule, by their names."""
    kinds = (*typing.get_args(Part), HttpReply, Disconnect, Frames, AcceptUpgrade, RejectParameters)
    names: dict[str, Callable[..., Any]] = {kind.__name__: kind for kind in kinds}
    for name in responses_emulator.__all__:
        value = getattr(responses_emulator, name)
        if inspect.isfunction(value) and inspect.get_annotations(value).get("return") in _REPLIES:
            names[name] = value
    return names
