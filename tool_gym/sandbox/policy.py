"""From a tool's text to code: parse, check, rewrite, compile (the rules are `dialect`'s)."""

from __future__ import annotations

import ast
import warnings
from types import CodeType
from typing import NamedTuple

from tool_gym.sandbox.dialect import Dialect, Refused
from tool_gym.sandbox.sharing import keeps_nothing, module_bindings

MAX_SOURCE_CHARS = 200_000


class ToolCode(NamedTuple):
    """A compiled source.

    Attributes:
        code: Code of the module.
        modules: Top-level modules that it imports.
        uses_state: Whether it names `STATE` without defining it.
        shareable: Whether calls can share one namespace.
    """

    code: CodeType
    modules: frozenset[str]
    uses_state: bool
    shareable: bool


def compile_tool(name: str, source: str) -> ToolCode:
    """Compiles a source in the dialect.

    Args:
        name: Name of the tool, for tracebacks.
        source: Python text.

    Raises:
        Refused: If the source is not Python, or outside the dialect, or too long or too deep to be looked at.
    """
    if len(source) > MAX_SOURCE_CHARS:
        raise Refused(f"the source has {len(source):,} characters, at most {MAX_SOURCE_CHARS:,} are taken", None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, file_name(name))
            shareable = keeps_nothing(tree, name)
            names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            uses_state = "STATE" in names and "STATE" not in module_bindings(tree)
            dialect = Dialect(tree)
            rewritten = ast.fix_missing_locations(dialect.visit(tree))
            code = compile(rewritten, file_name(name), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise Refused(f"not Python: {error.msg}", error.lineno) from None
    except (RecursionError, MemoryError):
        raise Refused("the source is nested too deep", None) from None
    except ValueError as error:
        raise Refused(f"not Python: {error}", None) from None
    return ToolCode(code, frozenset(dialect.modules), uses_state, shareable)


def file_name(name: str) -> str:
    """What tracebacks call a tool's source."""
    return f"<tool {name}>"
