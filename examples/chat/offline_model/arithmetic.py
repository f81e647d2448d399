"""Finds the arithmetic in a sentence and works it out."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_OPERATOR_WORDS = (
    (r"\btimes\b|\bmultiplied by\b|\u00d7|(?<=\d)\s*x\s*(?=\d)", "*"),
    (r"\bplus\b", "+"),
    (r"\bminus\b", "-"),
    (r"\bdivided by\b|\u00f7", "/"),
)
_ARITHMETIC_PATTERN = r"\(*-?\d+(?:\.\d+)?\)*(?:\s*[-+*/%]\s*\(*-?\d+(?:\.\d+)?\)*)+"
_DATE = r"\d{4}-\d\d?-\d\d?"


def find_arithmetic(question: str) -> tuple[str, int | float] | None:
    """The sum in a question and its value; None where there is none."""
    text = re.sub(_DATE, "", question)
    for spoken, sign in _OPERATOR_WORDS:
        text = re.sub(spoken, sign, text)
    found = re.search(_ARITHMETIC_PATTERN, text)
    if found is None:
        return None
    expression = " ".join(re.sub(r"([-+*/%])", r" \1 ", found[0]).split())
    try:
        return expression, _value(ast.parse(expression, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, TypeError, OverflowError):
        return None


def _value(node: ast.AST) -> int | float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.UnaryOp(op=op, operand=operand):
            return _OPERATORS[type(op)](_value(operand))
        case ast.BinOp(left=left, op=op, right=right):
            result = _OPERATORS[type(op)](_value(left), _value(right))
            return int(result) if isinstance(result, float) and result.is_integer() else result
        case _:
            raise TypeError("not arithmetic")
