"""Small questions about pieces of syntax, and small pieces of new syntax, for `dialect`."""

from __future__ import annotations

import ast
import re

from tool_gym.sandbox.rules import MUTATORS, WIDTHS

BIG_NUMBER = re.compile(r"\d{7,}|\*")
"""What makes a format worth checking at run time: a huge width, or one that an argument gives."""
_WRITES_OBJECTS = re.compile(r"%[^%a-zA-Z]*[sra]")
UNUSUAL_FORMAT = re.compile(r"\d{7,}|\*|%[^a-zA-Z%]*s")
"""What makes the specification of a field worth checking: a huge width, or the machine's time zone in a date."""
_SMALL = 1000


def load_name(name: str, context: ast.expr_context | None = None) -> ast.Name:
    """A name, read unless the context says otherwise."""
    return ast.Name(name, context or ast.Load())


def call(name: str, *args: ast.expr) -> ast.Call:
    """A call of a function by name."""
    return ast.Call(load_name(name), list(args), [])


def assign(target: ast.expr, value: ast.expr) -> ast.Assign:
    """An assignment to one target."""
    return ast.Assign([target], value)


def number(node: ast.AST) -> int | float | None:
    """The value of a numeric literal."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    return None


def is_cheap(operator: ast.operator, left: ast.expr, right: ast.expr) -> bool:
    """Whether the literals of an operation show that its result cannot explode."""
    a, b = number(left), number(right)
    if isinstance(a, float) or isinstance(b, float):
        return True
    small = [value is not None and abs(value) <= _SMALL for value in (a, b)]
    if isinstance(operator, ast.Mult):
        return any(small)
    return all(small) if isinstance(operator, ast.Pow) else small[1]


def may_pad(left: ast.expr, right: ast.expr) -> bool:
    """Whether `left % right` formats text to a width that may be huge."""
    if isinstance(left, ast.Constant) and isinstance(left.value, str):
        return bool(BIG_NUMBER.search(left.value) or _WRITES_OBJECTS.search(left.value))
    if isinstance(left, ast.JoinedStr) or isinstance(right, (ast.Tuple, ast.Dict)):
        return True
    kinds = (ast.BinOp, ast.UnaryOp, ast.Constant)
    return not isinstance(left, kinds) and number(right) is None and not _is_size(right) and not _is_size(left)


def _is_size(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("len", "int", "sum")


def is_unusual_call(method: str, node: ast.Call) -> bool:
    """Whether the arguments of a call of this method ask for a look at the object (see `WIDTHS` and `MUTATORS`)."""
    args = node.args
    if method == "strptime":  # unless the text shows that no name of a time zone is read
        pattern = args[1].value if len(args) == 2 and isinstance(args[1], ast.Constant) else "%Z"
        return not isinstance(pattern, str) or "Z" in pattern
    if method == "elements":
        return not args
    if any(isinstance(arg, ast.Starred) for arg in args):
        return method in WIDTHS or method in MUTATORS
    if method == "setdefault" and len(args) == 2:  # `dict.setdefault(table, key)`, unless that would be no key
        return not isinstance(args[1], (ast.List, ast.Dict, ast.Set, ast.ListComp))
    if method == "update" and args and node.keywords:
        return True
    if method in WIDTHS:
        width = number(args[0]) if args else None
        return len(args) > 2 or bool(node.keywords) or width is None or abs(width) > _SMALL
    return len(args) > MUTATORS.get(method, len(args))


def is_calculator(node: ast.Call) -> bool:
    """Whether a call is `eval(<not a literal>, {…, "__builtins__": None or {}})`: then only arithmetic can be meant."""
    match node:
        case ast.Call(func=ast.Name(id="eval"), args=[expression, ast.Dict() as names], keywords=[]):
            pairs = zip(names.keys, names.values, strict=True)
            own = [ast.unparse(value) for key, value in pairs if key and ast.unparse(key) == "'__builtins__'"]
            return own in (["None"], ["{}"]) and not isinstance(expression, (ast.Constant, ast.JoinedStr))
    return False


def without_text(node: ast.expr) -> ast.expr:
    """An annotation with None for the text in it, which some of Python's functions would run as code."""
    return _WithoutText().visit(node)  # type: ignore[no-any-return]


class _WithoutText(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(None) if isinstance(node.value, (str, bytes)) else node


def names_module(tree: ast.AST, module: str) -> bool:
    """Whether a source imports a module."""
    return any(
        (isinstance(node, ast.Import) and any(alias.name == module for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == module)
        for node in ast.walk(tree)
    )


def classes_only_asked(tree: ast.AST) -> set[ast.AST]:
    """Names that stand where a class is only compared, derived from, or asked for its methods."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, classes]):
                found.update(ast.walk(classes))
            case ast.Call(func=ast.Attribute(attr="register"), args=args):
                found.update(args)
            case ast.Compare(left=left, comparators=others):
                for operand in (left, *others):
                    found.update(operand.elts if isinstance(operand, (ast.Tuple, ast.List, ast.Set)) else [operand])
            case ast.ClassDef(bases=bases):
                found.update(bases)
            case ast.Attribute(value=value) | ast.MatchClass(cls=value):
                found.add(value)
    return found


def makes_view(node: ast.expr) -> bool:
    """Whether an expression is a call of `keys` or `items`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "items")


def names_of_views(tree: ast.AST) -> set[str]:
    """Names that are somewhere assigned a view of a dict."""
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign) and makes_view(node.value))
    return {target.id for node in assigned for target in node.targets if isinstance(target, ast.Name)}
