"""From a parameter's type hint to JSON Schema, read from the syntax tree: an author's code is never run for it."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from tool_gym.jsonvalue import Json

_PLAIN = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
ALLOWED = "str, int, float, bool, list[...], Literal[...], Optional[...] and `... | None`"


def schema_of(hint: ast.expr, aliases: Mapping[str, ast.expr]) -> dict[str, Json]:
    """The JSON Schema of a type hint.

    Args:
        hint: The hint's syntax tree.
        aliases: Module-level names with the expressions assigned to them, such as `Unit = Literal["km", "mi"]`.

    Raises:
        ValueError: If the hint is none of `ALLOWED`.
    """
    match hint:
        case ast.Name(id=name) if name in _PLAIN:
            return {"type": _PLAIN[name]}
        case ast.Name(id=name) if name in aliases:
            return schema_of(aliases[name], {key: value for key, value in aliases.items() if key != name})
        case ast.Constant(value=str() as text):
            return schema_of(_parsed(text), aliases)
        case ast.BinOp(op=ast.BitOr()):
            return _union(_members(hint), aliases)
        case ast.Subscript(value=outer, slice=inner):
            items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return _generic(_last_name(outer), items, hint, aliases)
    raise ValueError(f"the type hint `{ast.unparse(hint)}` is not understood; use {ALLOWED}")


def _generic(name: str, items: list[ast.expr], hint: ast.expr, aliases: Mapping[str, ast.expr]) -> dict[str, Json]:
    match name:
        case "Literal":
            return _literal(items, hint)
        case "list" | "List" if len(items) == 1:
            return {"type": "array", "items": schema_of(items[0], aliases)}
        case "Optional" if len(items) == 1:
            return _union([items[0], ast.Constant(None)], aliases)
        case "Union":
            return _union(items, aliases)
    raise ValueError(f"the type hint `{ast.unparse(hint)}` is not understood; use {ALLOWED}")


def _literal(items: list[ast.expr], hint: ast.expr) -> dict[str, Json]:
    values = [item.value if isinstance(item, ast.Constant) else None for item in items]
    if all(isinstance(value, str) for value in values):
        return {"type": "string", "enum": values}
    if all(type(value) is int for value in values):
        return {"type": "integer", "enum": values}
    raise ValueError(f"`{ast.unparse(hint)}`: the values of a Literal must be all text or all whole numbers")


def _union(members: list[ast.expr], aliases: Mapping[str, ast.expr]) -> dict[str, Json]:
    schemas = [schema_of(member, aliases) for member in members if not _is_none(member)]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    if len(schemas) == len(members):
        return schema
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def _members(hint: ast.expr) -> list[ast.expr]:
    if isinstance(hint, ast.BinOp) and isinstance(hint.op, ast.BitOr):
        return [*_members(hint.left), *_members(hint.right)]
    return [hint]


def _is_none(hint: ast.expr) -> bool:
    return isinstance(hint, ast.Constant) and hint.value is None


def _last_name(outer: ast.expr) -> str:
    return outer.attr if isinstance(outer, ast.Attribute) else outer.id if isinstance(outer, ast.Name) else ""


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        raise ValueError(f"the type hint {text!r} is not Python; use {ALLOWED}") from None
