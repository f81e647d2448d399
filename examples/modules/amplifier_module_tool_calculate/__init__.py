"""A calculator as a tool for an Amplifier session.

Invariant: an expression can do nothing but arithmetic, and it takes next to no time and memory whatever it says.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from amplifier_core.models import ToolResult

__amplifier_module_type__ = "tool"
__all__ = ["Calculate", "Unsupported", "evaluate", "mount"]

Number: TypeAlias = int | float

MAX_CHARACTERS = 500
# A result of a thousand digits or so: still written down at once, and below Python's own limit for doing so.
MAX_BITS = 4_000
_MAX_ROUND_DIGITS = 100


class Unsupported(Exception):
    """What an expression holds that the calculator does not do."""


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * exponent > MAX_BITS:
        raise Unsupported("the power is too large")
    return base**exponent


def _round(value: Number, digits: Number = 0) -> Number:
    if not isinstance(digits, int) or abs(digits) > _MAX_ROUND_DIGITS:
        raise Unsupported(f"round takes at most {_MAX_ROUND_DIGITS} digits")
    return round(value, digits) if digits else round(value)


_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "cos": math.cos,
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "max": max,
    "min": min,
    "round": _round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
_CONSTANTS: Mapping[str, float] = {"e": math.e, "pi": math.pi}


def evaluate(expression: str) -> Number:
    """The value of an arithmetic expression.

    Raises:
        Unsupported: it is something else, too large, or has no value.
    """
    if len(expression) > MAX_CHARACTERS:
        raise Unsupported(f"the expression is longer than {MAX_CHARACTERS} characters")
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise Unsupported(f"{expression!r} cannot be worked out: {error}") from None
    except ZeroDivisionError:
        raise Unsupported("division by zero") from None
    except OverflowError:
        raise Unsupported("the result is too large") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise Unsupported("the result is too large")
    return value


def _value(node: ast.AST) -> Number:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            result = value
        case ast.Name(id=name) if name in _CONSTANTS:
            result = _CONSTANTS[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            result = _OPERATORS[type(op)](_value(left), _value(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            result = _OPERATORS[type(op)](_value(operand))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            result = _FUNCTIONS[name](*map(_value, arguments))
        case ast.BinOp(op=ast.BitXor()):
            raise Unsupported("a power is written with **, not with ^")
        case _:
            raise Unsupported(f"{ast.unparse(node)!r} is more than this calculator can do")
    if isinstance(result, complex):
        raise Unsupported("the result is not a real number")
    if isinstance(result, int) and result.bit_length() > MAX_BITS:
        raise Unsupported("the number is too large")
    return result


class Calculate:
    """The tool."""

    name = "calculate"
    description = (
        "Work out an arithmetic expression: + - * / // % ** and parentheses, "
        f"the functions {', '.join(sorted(_FUNCTIONS))}, and the constants e and pi."
    )
    input_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {"expression": {"type": "string", "description": "for example (2 + 3) * sqrt(16)"}},
        "required": ["expression"],
        "additionalProperties": False,
    }

    async def execute(self, input: dict[str, Any]) -> ToolResult:  # noqa: A002 - the kernel's name for it
        """Work out `expression`; every failure is a result."""
        try:
            value = evaluate(str(input.get("expression") or ""))
        except Unsupported as error:
            return ToolResult(success=False, error={"message": str(error)})
        return ToolResult(output=str(value) if isinstance(value, int) else f"{value:.12g}")


async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> None:
    """Mount the tool. There is nothing to configure."""
    tool = Calculate()
    await coordinator.mount("tools", tool, name=tool.name)
