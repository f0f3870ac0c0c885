"""`eval` of an expression that is only known at run time, as calculators use it: numbers and operators only."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from tool_gym.sandbox.bounded import Bounded

MAX_CHARS = 10_000
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos, ast.USub: operator.neg, ast.Invert: operator.invert, ast.Not: operator.not_,
}  # fmt: skip


class Arithmetic:
    """Evaluates expressions of numbers, operators, and the variables and functions that it is given."""

    def __init__(self, bounded: Bounded) -> None:
        self._bounded = bounded
        self._binary: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
            ast.Add: operator.add, ast.Sub: operator.sub, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv,
            ast.Mod: operator.mod, ast.Mult: bounded.multiply, ast.Pow: bounded.power, ast.LShift: bounded.shift,
            ast.RShift: operator.rshift, ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
        }  # fmt: skip

    def evaluate(self, text: Any, names: Mapping[str, Any]) -> Any:
        """The value of an expression.

        Raises:
            SyntaxError: If the text is no expression, or holds more than arithmetic.
            NameError: If it names what `names` does not hold.
        """
        if not isinstance(text, str):
            raise TypeError("eval() arg 1 must be a string in the tool dialect")
        if len(text) > MAX_CHARS:
            raise SyntaxError(f"an expression has at most {MAX_CHARS:,} characters")
        return self._value(ast.parse(text.strip(" \t"), "<string>", "eval").body, names)

    def _value(self, node: ast.expr, names: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant(value=int() | float() | complex() as number):
                return number
            case ast.BinOp() if type(node.op) in self._binary:
                return self._binary[type(node.op)](self._value(node.left, names), self._value(node.right, names))
            case ast.UnaryOp():
                return _UNARY[type(node.op)](self._value(node.operand, names))
            case ast.Compare(ops=[comparison], comparators=[right]) if type(comparison) in _COMPARISONS:
                return _COMPARISONS[type(comparison)](self._value(node.left, names), self._value(right, names))
            case ast.Name(id=name):
                return self._named(name, names)
            case ast.Call(func=ast.Name(), keywords=[]):
                return self._value(node.func, names)(*(self._value(arg, names) for arg in node.args))
        raise SyntaxError(f"{type(node).__name__} is not arithmetic; eval() takes nothing else in the tool dialect")

    @staticmethod
    def _named(name: str, names: Mapping[str, Any]) -> Any:
        if name in names and name != "__builtins__":
            return names[name]
        if names["__builtins__"] is None:
            raise TypeError("'NoneType' object is not subscriptable")  # as Python looks for the name there
        raise NameError(f"name {name!r} is not defined")
