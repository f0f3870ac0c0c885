"""May calls of a tool share one namespace? Yes, if its text shows that no call can leave anything for the next.

That is so when the tool, and every global name that its functions read, is bound once, to a function, an import, a
plain class or an immutable constant, and nothing writes attributes except those of `self`. What else the module holds
(the results of demo code, say) no function can see. Nor may statements of the module turn the knobs of `random` and
`decimal`, which each call finds as new. In all other cases each call gets a fresh namespace.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_MODULES_WITH_STATE = frozenset({"random", "decimal"})
_PLAIN_DECORATORS = frozenset({"dataclass", "property", "staticmethod", "classmethod"})


def bound_names(tree: ast.AST) -> set[str]:
    """Every name that the source binds anywhere, in any scope."""
    return {name for node in ast.walk(tree) for name in _binds(node)}


def imported_names(tree: ast.AST) -> set[str]:
    """Every name that the source binds by an import."""
    return {name for node in ast.walk(tree) if isinstance(node, ast.alias) for name in _binds(node)}


def module_bindings(tree: ast.Module) -> dict[str, list[ast.AST]]:
    """For each name bound at module level, the statements and expressions that bind it."""
    found: dict[str, list[ast.AST]] = {}
    for node in _own_scope(tree.body):
        for name in _binds(node):
            found.setdefault(name, []).append(node)
    return found


def keeps_nothing(tree: ast.Module, name: str) -> bool:
    """Whether calls of the tool of this name can share one namespace."""
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.Global) or _writes_elsewhere(node) for node in nodes):
        return False
    if _imports(nodes) & _MODULES_WITH_STATE and not all(map(_is_inert, tree.body)):
        return False
    immutable = _immutable_values(tree.body)
    scopes = [node for node in _own_scope(tree.body) if isinstance(node, (_Function, ast.ClassDef, ast.Lambda))]
    bindings = module_bindings(tree)
    for seen in {name, *(loaded for scope in scopes for loaded in _loads(scope))} & bindings.keys():
        binders = bindings[seen]
        if len(binders) > 1 or not (id(binders[0]) in immutable or _is_plain(binders[0])):
            return False
    return all(_is_plain(scope) for scope in scopes if not isinstance(scope, ast.Lambda))


def _binds(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0]
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from node.names


def _own_scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a scope, without the insides of the functions and classes in it."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))


def _loads(scope: ast.AST) -> Iterator[str]:
    return (node.id for node in ast.walk(scope) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))


def _imports(nodes: list[ast.AST]) -> set[str | None]:
    direct = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return direct | {node.module for node in nodes if isinstance(node, ast.ImportFrom)}


def _is_inert(statement: ast.stmt) -> bool:
    """Whether a statement of the module only defines something."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return statement.value is None or _is_constant(statement.value)
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass))


def _immutable_values(body: list[ast.stmt]) -> set[int]:
    """Ids of the target names of module-level assignments of immutable constants."""
    found = set()
    for statement in body:
        if isinstance(statement, ast.Assign) and _is_constant(statement.value):
            found |= {id(target) for target in statement.targets}
        elif isinstance(statement, ast.AnnAssign) and statement.value and _is_constant(statement.value):
            found.add(id(statement.target))
    return found


def _is_constant(node: ast.expr) -> bool:
    """Whether an expression is a literal of numbers, text and tuples."""
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    if isinstance(node, (ast.UnaryOp, ast.BinOp)):
        return all(_is_constant(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr))
    return isinstance(node, ast.Constant)


def _is_plain(node: ast.AST) -> bool:
    """Whether a definition holds nothing that can change: an import, a function, a class of functions and constants."""
    if isinstance(node, ast.alias):
        return True
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        return all(map(_is_plain_decorator, node.decorator_list)) and all(map(_is_constant, defaults))
    if isinstance(node, ast.ClassDef):
        return all(map(_is_plain_decorator, node.decorator_list)) and all(map(_is_plain_member, node.body))
    return False


def _is_plain_member(node: ast.stmt) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.Pass)):
        return isinstance(node, ast.Pass) or _is_plain(node)
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
        return _is_plain_field(node.value)
    return isinstance(node, (ast.Assign, ast.AnnAssign, ast.Expr)) and _is_inert(node)


def _is_plain_field(node: ast.Call) -> bool:
    """Whether a call is `auto()` or, of constants and names, `field(…)`: it makes something that nobody can write."""
    values = [keyword.value for keyword in node.keywords]
    plain = all(isinstance(value, ast.Name) or _is_constant(value) for value in values)
    return isinstance(node.func, ast.Name) and node.func.id in ("auto", "field") and plain and not node.args


def _is_plain_decorator(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and all(_is_constant(keyword.value) for keyword in node.keywords):
        node = node.func
    return isinstance(node, ast.Name) and node.id in _PLAIN_DECORATORS


def _writes_elsewhere(node: ast.AST) -> bool:
    """Whether a node sets an attribute of anything but `self`."""
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return not (isinstance(node.value, ast.Name) and node.value.id == "self")
    return isinstance(node, ast.Name) and node.id in ("setattr", "delattr")
