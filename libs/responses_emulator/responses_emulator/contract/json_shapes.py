"""Checks JSON against the parameter types that the openai SDK publishes, with the API's own error texts.

Invariant: the shapes come from the SDK's annotations alone; where recorded traffic shows the service taking more than
the annotations say, the difference is a row in `ACCEPTED_DIFFERENCES`, with its reason.
"""

from __future__ import annotations

import collections.abc
import difflib
import functools
import operator
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, Union

import typing_extensions

from responses_emulator.contract.accepted_differences import ACCEPTED_DIFFERENCES
from responses_emulator.contract.refusal import invalid_value, missing_parameter, unknown_parameter, wrong_type

_UNIONS = (Union, types.UnionType)
_TYPE_NAMES = {str: "string", int: "integer", float: "decimal", bool: "boolean"}


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """The keys of one object: annotation of each, and which must be there."""

    keys: dict[str, Any]
    required: frozenset[str]


@functools.cache
def shape_of(typed_dict: Any) -> ObjectShape:
    """The shape that a TypedDict declares."""
    hints = typing_extensions.get_type_hints(typed_dict, include_extras=True)
    total = bool(getattr(typed_dict, "__total__", True))
    required = {
        name
        for name, hint in hints.items()
        if typing.get_origin(hint) in {typing.Required, typing_extensions.Required}
        or (total and typing.get_origin(hint) not in {typing.NotRequired, typing_extensions.NotRequired})
    }
    keys = {name: _strip_annotations(hint) for name, hint in hints.items()}
    accepted = ACCEPTED_DIFFERENCES.get(typed_dict)
    if accepted is None:
        return ObjectShape(keys, frozenset(required))
    return ObjectShape({**keys, **accepted.extra}, frozenset(required) - accepted.optional | accepted.required)


def merge_shapes(*typed_dicts: Any) -> ObjectShape:
    """Several shapes that share one `type`: any key of any of them, required only what all require."""
    shapes = [shape_of(each) for each in typed_dicts]
    keys: dict[str, Any] = {}
    for shape in shapes:
        for name, hint in shape.keys.items():
            keys[name] = _union(keys[name], hint) if name in keys else hint
    return ObjectShape(keys, frozenset.intersection(*(shape.required for shape in shapes)))


def literal_values(typed_dict: Any, key: str = "type") -> tuple[str, ...]:
    """The values that a TypedDict allows for its discriminating key."""
    hint = shape_of(typed_dict).keys.get(key)
    found: list[str] = []
    for each in _options(hint):
        if typing.get_origin(each) is Literal:
            found += [value for value in typing.get_args(each) if isinstance(value, str)]
    return tuple(found)


def union_members(union: Any) -> list[Any]:
    """The alternatives of a union, flattened."""
    return [each for each in _options(union) if each is not type(None)]


def check_object(value: Any, shape: ObjectShape, path: str) -> None:
    """Raise the API's error for the first thing in `value` that the shape does not allow."""
    if not isinstance(value, dict):
        raise wrong_type(value, path, "an object")
    for name in value:
        if name not in shape.keys:
            near = difflib.get_close_matches(name, shape.keys, n=1, cutoff=0.6)
            raise unknown_parameter(_join(path, name), near=_join(path, near[0]) if near else None)
    for name in sorted(shape.required):
        if name not in value:
            raise missing_parameter(_join(path, name))
    for name, item in value.items():
        check(item, shape.keys[name], _join(path, name))


def check(value: Any, hint: Any, path: str) -> None:
    """Check one value against one annotation."""
    hint = _strip_annotations(hint)
    if hint in {Any, object}:
        return
    options = _options(hint)
    if value is None and type(None) in options:
        return
    fitting = [option for option in options if _matches(value, option)]
    if not fitting:
        _refuse(value, options, path)
    elif isinstance(value, dict):
        _check_dict(value, fitting, path)
    elif isinstance(value, list):
        _check_list(value, fitting, path)


def _check_dict(value: dict[str, Any], options: list[Any], path: str) -> None:
    shaped = [option for option in options if typing_extensions.is_typeddict(option)]
    if not shaped:
        _check_values(value, options, path)
    if len(shaped) < len(options):
        return
    if len(shaped) > 1 and isinstance(value.get("type"), str):
        named = [option for option in shaped if value["type"] in (literal_values(option) or (value["type"],))]
        if not named:
            raise invalid_value(value["type"], path, [name for option in shaped for name in literal_values(option)])
        shaped = named
    check_object(value, shape_of(shaped[0]) if len(shaped) == 1 else merge_shapes(*shaped), path)


def _check_values(value: dict[str, Any], options: list[Any], path: str) -> None:
    """Check the values of a mapping that may have any key."""
    hints = [typing.get_args(option)[1] for option in options if len(typing.get_args(option)) == 2]
    if len(hints) == len(options):
        for name, item in value.items():
            check(item, _union(*hints), _join(path, name))


def _check_list(value: list[Any], options: list[Any], path: str) -> None:
    elements = [typing.get_args(option)[0] for option in options if typing.get_args(option)]
    if not elements:
        return
    element = _union(*elements)
    for index, item in enumerate(value):
        check(item, element, f"{path}[{index}]")


def _matches(value: Any, option: Any) -> bool:
    origin = typing.get_origin(option)
    if origin is Literal:
        return value in typing.get_args(option) and isinstance(value, (str, bool, int))
    if typing_extensions.is_typeddict(option) or origin in {dict, collections.abc.Mapping}:
        return isinstance(value, dict)
    if origin in {list, collections.abc.Iterable, collections.abc.Sequence} or option is list:
        return isinstance(value, list)
    match option:
        case _ if option is str:
            return isinstance(value, str)
        case _ if option is bool:
            return isinstance(value, bool)
        case _ if option is int:
            return isinstance(value, int) and not isinstance(value, bool)
        case _ if option is float:
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case _ if option in {dict, collections.abc.Mapping}:
            return isinstance(value, dict)
        case _ if option is bytes:
            return isinstance(value, bytes)
        case _:
            return option in {Any, object}


def _refuse(value: Any, options: list[Any], path: str) -> None:
    literals = [one for option in options if typing.get_origin(option) is Literal for one in typing.get_args(option)]
    if literals and isinstance(value, str):
        raise invalid_value(value, path, [str(one) for one in literals])
    names: list[str] = []
    for option in options:
        name = _type_name(option)
        if name and name not in names:
            names.append(name)
    if len(names) == 1:
        raise wrong_type(value, path, f"{'an' if names[0][0] in 'aio' else 'a'} {names[0]}")
    names.sort(key=lambda name: (name == "string", name))
    raise wrong_type(value, path, f"one of {'an ' if names[0][0] in 'aio' else 'a '}{' or '.join(names)}")


def _type_name(option: Any) -> str:
    origin = typing.get_origin(option)
    if option is type(None):
        return ""
    if origin is Literal:
        return _TYPE_NAMES.get(type(typing.get_args(option)[0]), "string")
    if (
        typing_extensions.is_typeddict(option)
        or origin in {dict, collections.abc.Mapping}
        or option in {dict, collections.abc.Mapping}
    ):
        return "object"
    if origin in {list, collections.abc.Iterable, collections.abc.Sequence}:
        return "array of objects" if typing_extensions.is_typeddict(_first_element(option)) else "array"
    return _TYPE_NAMES.get(option, "object")


def _first_element(option: Any) -> Any:
    args = typing.get_args(option)
    return _options(args[0])[0] if args else None


def _options(hint: Any) -> list[Any]:
    hint = _strip_annotations(hint)
    if typing.get_origin(hint) in _UNIONS:
        return [leaf for each in typing.get_args(hint) for leaf in _options(each)]
    return [hint]


def _strip_annotations(hint: Any) -> Any:
    wrappers = {
        typing.Required,
        typing.NotRequired,
        typing_extensions.Required,
        typing_extensions.NotRequired,
        typing.Annotated,
    }
    while typing.get_origin(hint) in wrappers:
        hint = typing.get_args(hint)[0]
    return hint


def _union(*hints: Any) -> Any:
    return functools.reduce(operator.or_, hints)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
