"""The tool dialect: which Python a tool may be written in, and what is rewritten before it runs.

The walk is an allow-list: RestrictedPython's transformer refuses every kind of node that neither it nor this class
knows. Attribute names are constants of the source, so they are checked here and cost nothing at run time; what only the
object can tell is rewritten into calls of reserved names (`_attribute_`, `_mul_`, …) that `toolbuiltins` provides.
"""

from __future__ import annotations
import __future__

import ast
import copy
import sys
from typing import Any, NoReturn

from RestrictedPython.transformer import RestrictingNodeTransformer

from tool_gym.sandbox.rules import (
    DEPENDING,
    FRAMES,
    GUARDED,
    METHODS,
    REFUSED_NAMES,
    attribute_problem,
    is_guarded,
    name_problem,
)
from tool_gym.sandbox.sharing import bound_names, imported_names
from tool_gym.sandbox.syntax import (
    UNUSUAL_FORMAT,
    assign,
    call,
    classes_only_asked,
    is_calculator,
    is_cheap,
    is_unusual_call,
    load_name,
    makes_view,
    may_pad,
    names_module,
    names_of_views,
    without_text,
)

_REAL_ANNOTATIONS = frozenset({"ClassVar", "InitVar", "KW_ONLY"})
_CLASS_KEYWORDS = frozenset({"total"})
_CHECKED_OPERATORS: dict[type[ast.operator], str] = {ast.Mult: "mul", ast.Pow: "pow", ast.LShift: "shift"}
_WRITERS = {ord("s"): "_str_", ord("r"): "_repr_", ord("a"): "_ascii_"}
_SET_ALGEBRA = (ast.Sub, ast.BitAnd, ast.BitOr, ast.BitXor)


class Refused(Exception):
    """A source is outside the dialect: `reason`, and the 1-based `line` or None."""

    def __init__(self, reason: str, line: int | None) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, line


class Dialect(RestrictingNodeTransformer):
    """Checks and rewrites one tree.

    Attributes:
        modules: Top-level modules that the source imports.
    """

    def __init__(self, tree: ast.Module) -> None:
        super().__init__()
        self._bound = bound_names(tree)
        self._variables = self._bound - imported_names(tree)
        self._functions = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        self._loaded = {
            node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        self._views = names_of_views(tree)
        self._only_asked = classes_only_asked(tree)
        self._has_decimals = names_module(tree, "decimal")
        self._scopes: list[str] = []
        self._classes: list[str] = []
        self.modules: set[str] = set()

    # What RestrictedPython calls when it does not like something.

    def error(self, node: ast.AST, info: str) -> NoReturn:
        """Refuses the source."""
        raise Refused(info, getattr(node, "lineno", None))

    def not_allowed(self, node: ast.AST) -> NoReturn:
        """Refuses a kind of statement or expression."""
        self.error(node, f"{type(node).__name__} is not part of the tool dialect")

    visit_TemplateStr = visit_Interpolation = not_allowed

    def check_name(self, node: ast.AST, name: str | None, allow_magic_methods: bool = False) -> None:
        """Refuses reserved names."""
        in_class = bool(self._scopes) and self._scopes[-1] == "class"
        if in_class and name in FRAMES:
            self.error(node, f"the name {name!r} cannot be used in a class: as an attribute it leads out of the tool")
        if name is None or (in_class and (name in METHODS or name == "__slots__")):
            return
        if problem := name_problem(name):
            self.error(node, problem)

    # Names and attributes.

    def visit_Name(self, node: ast.Name) -> Any:
        """Refuses reserved names and builtins that run text as code; `str`, handed on, gets a stand-in."""
        if node.id in REFUSED_NAMES and node.id not in self._bound:
            self.error(node, f"{node.id}() is not part of the tool dialect")
        if node.id == "str" and isinstance(node.ctx, ast.Load) and "str" not in self._bound:
            return node if node in self._only_asked else load_name("_text_")
        if not (node.id == "__name__" and isinstance(node.ctx, ast.Load)):
            self.check_name(node, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """Refuses names that lead out; guards those that might, and all writes."""
        if isinstance(node.ctx, ast.Load):
            hides_view = node.attr in ("keys", "items") and isinstance(node.value, ast.Name) and node.value.id == "dict"
            guard = is_guarded(node.attr) or node.attr in DEPENDING or hides_view
            return self._load_attribute(node, guard)
        if problem := attribute_problem(node.attr) or name_problem(node.attr):
            self.error(node, problem)
        node.value = call("_write_", self.visit(node.value))
        return node

    def _load_attribute(self, node: ast.Attribute, guard: bool) -> ast.expr:
        inner = node.value
        if node.attr == "__name__" and isinstance(inner, ast.Attribute) and inner.attr == "__class__":
            node.value = call("_type_", self.visit(inner.value))
            return node
        if problem := attribute_problem(node.attr):
            self.error(node, problem)
        node.value = self.visit(inner)
        return call("_attribute_", node.value, ast.Constant(self._stored_name(node.attr))) if guard else node

    def _stored_name(self, name: str) -> str:
        """The name under which Python stores an attribute named inside the class around."""
        prefix = self._classes[-1].lstrip("_") if self._classes else ""
        return f"_{prefix}{name}" if prefix and name.startswith("__") and not name.endswith("__") else name

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Calls are native; methods that pad text or change a list are guarded where their arguments ask for it."""
        if is_calculator(node):
            return call("_evaluate_", *(self.visit(arg) for arg in node.args))
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            guard = is_guarded(name) or is_unusual_call(name, node)
            node.func = self._load_attribute(node.func, guard)
        else:
            node.func = self._maker(node.func)
        native = isinstance(node.func, ast.Name) and node.func.id not in self._bound
        node.args = [self.visit(arg) if native else self._visit_hidden(arg) for arg in node.args]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        """Native, except for views of dicts."""
        node.value = node.value and self._visit_hidden(node.value)
        return node

    def _visit_hidden(self, node: ast.expr) -> ast.expr:
        """A value that goes where `visit_BinOp` does not see whether it is a view of a dict."""
        visited = self.visit(node)
        return call("_view_", visited) if makes_view(node) else visited

    def _maker(self, function: ast.expr) -> ast.expr:
        """A function that is called; for a class that may need a look at what it is called with, that look."""
        name = function.id if isinstance(function, ast.Name) and function.id not in self._bound else None
        if name == "str":
            return load_name("_str_")
        if name == "int" and self._has_decimals:
            return load_name("_int_")
        return self.visit(function)  # type: ignore[no-any-return]

    # Operators, and displays.

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Bounds what can explode, and gives sets made from dict views an order."""
        left, right = node.left, node.right
        node = self._inside(node)
        checked = _CHECKED_OPERATORS.get(type(node.op))
        if checked and not is_cheap(node.op, left, right):
            return call(f"_{checked}_", node.left, node.right)
        if isinstance(node.op, ast.Mod) and may_pad(left, right):
            return call("_percent_", node.left, node.right)
        if isinstance(node.op, _SET_ALGEBRA) and (self._is_view(left) or self._is_view(right)):
            return call("_reordered_", node)
        return node

    def _is_view(self, node: ast.expr) -> bool:
        return makes_view(node) or (isinstance(node, ast.Name) and node.id in self._views)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.AST]:
        """Native, except for the operators that can explode."""
        checked = _CHECKED_OPERATORS.get(type(node.op))
        if isinstance(node.target, ast.Attribute) and node.target.attr in GUARDED:
            self.error(node, f"the attribute {node.target.attr!r} cannot be assigned in place")
        node = self._inside(node)
        target = node.target
        if not checked or is_cheap(node.op, target, node.value):
            return node
        if isinstance(target, ast.Name):
            return assign(target, call(f"_i{checked}_", load_name(target.id), node.value))
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
            return node
        steps: list[ast.AST] = [assign(load_name("_object_", ast.Store()), target.value)]
        target.value = load_name("_object_")
        if isinstance(target, ast.Subscript):
            steps.append(assign(load_name("_index_", ast.Store()), target.slice))
            target.slice = load_name("_index_")
            current: ast.expr = ast.Subscript(load_name("_object_"), load_name("_index_"), ast.Load())
        else:
            current = ast.Attribute(load_name("_object_"), target.attr, ast.Load())
        return [*steps, assign(target, call(f"_i{checked}_", current, node.value))]

    def visit_Set(self, node: ast.Set) -> ast.AST:
        """A set display becomes a set with an order of its own."""
        return call("_set_", ast.Tuple(self._inside(node).elts, ast.Load()))

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        """As `visit_Set`."""
        node = self._inside(node)
        return call("_set_", ast.GeneratorExp(node.elt, node.generators))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """A set display that is only searched stays Python's own."""
        node.left = self.visit(node.left)
        for i, (operator, other) in enumerate(zip(node.ops, node.comparators, strict=True)):
            searched = isinstance(other, ast.Set) and isinstance(operator, (ast.In, ast.NotIn))
            node.comparators[i] = self._inside(other) if searched else self.visit(other)
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        """A field of an f-string; its width is bounded."""
        node.value = self.visit(node.value)
        spec = node.format_spec
        if not isinstance(spec, ast.JoinedStr):
            write = _WRITERS.get(node.conversion, "_field_")
            constant = isinstance(node.value, ast.Constant)
            return node if constant else ast.FormattedValue(call(write, node.value), -1, None)
        texts = [str(part.value) for part in spec.values if isinstance(part, ast.Constant)]
        if node.conversion == -1 and len(texts) == len(spec.values) and not UNUSUAL_FORMAT.search("".join(texts)):
            return node
        conversion = ast.Constant(node.conversion)
        return ast.FormattedValue(call("_format_", node.value, conversion, self.visit(spec)), -1, None)

    # Statements.

    def visit_Global(self, node: Any) -> Any:
        """`global` and `nonlocal` are allowed; what they name must not be reserved."""
        for name in node.names:
            self.check_name(node, name)
        return node

    visit_Nonlocal = visit_Global

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Annotations are not evaluated; a class body keeps them (as None), so that dataclasses know their fields."""
        in_class = bool(self._scopes) and self._scopes[-1] == "class"
        real = in_class and any(
            getattr(part, "id", getattr(part, "attr", None)) in _REAL_ANNOTATIONS for part in ast.walk(node.annotation)
        )
        node.annotation = self.visit(without_text(node.annotation)) if real else ast.Constant(None)
        node.target = self.visit(node.target)
        if node.value is not None:
            node.value = self.visit(node.value)
            if not in_class:
                return assign(node.target, node.value)
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        """The end of a call passes every `except` clause."""
        node = self._inside(node)
        if node.handlers:
            node.handlers.insert(0, ast.ExceptHandler(load_name("_stop_"), None, [ast.Raise(None, None)]))
        return node

    def visit_For(self, node: Any) -> Any:
        """Each round costs a step."""
        node = self._inside(node)
        node.body.insert(0, ast.Expr(call("_tick_")))
        return node

    visit_While = visit_For

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """Each item costs a step."""
        if node.is_async:
            self.not_allowed(node)
        node = self._inside(node)
        node.ifs.insert(0, call("_tick_"))
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST:
        """Modules are facades, found when the statement runs."""
        node.names = [alias for alias in node.names if not self._is_idle(alias.name, alias.asname)]
        for alias in node.names:
            self._check_import(node, alias.name, alias.asname or alias.name.split(".")[0])
        return node if node.names else ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """As `visit_Import`; never `*`, never relative."""
        if node.level or node.module is None:
            self.error(node, "relative imports are not part of the tool dialect")
        if node.module == "__future__":
            if any(alias.name not in __future__.all_feature_names for alias in node.names):
                self.error(node, "there is no such feature in __future__")
            return ast.Pass()
        for alias in node.names:
            if alias.name == "*" or alias.name.startswith("_"):
                self.error(node, f"cannot import {alias.name!r} in the tool dialect; name what is needed")
            self._check_import(node, node.module, alias.asname or alias.name)
        return node

    def _is_idle(self, module: str, name: str | None) -> bool:
        """Whether a function imports a module of Python's that the source never uses: then it is not missed."""
        top = module.split(".")[0]
        return bool(self._scopes) and top in sys.stdlib_module_names and (name or top) not in self._loaded

    def _check_import(self, node: ast.AST, module: str, name: str) -> None:
        if any(part.startswith("_") for part in module.split(".")):
            self.error(node, f"the module {module!r} is not part of the tool dialect")
        self.check_name(node, name)
        self.modules.add(module.split(".")[0])

    # Functions and classes.

    def visit_arg(self, node: ast.arg) -> Any:
        """A parameter, without its annotation."""
        self.check_name(node, node.arg)
        node.annotation = None
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """Each call costs a step."""
        self._scopes.append("function")
        node = self._inside(node)
        self._scopes.pop()
        node.body = ast.BoolOp(ast.And(), [call("_tick_"), node.body])  # `_tick_()` is True
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Each call costs a step, and a level of depth where the function might be part of a recursion."""
        self.check_name(node, node.name)
        node.returns = None
        deep = self._may_recurse(node)
        decorators, node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list], []
        self._scopes.append("function")
        node = self._inside(node)
        self._scopes.pop()
        node.decorator_list = decorators
        first = node.body[0]
        has_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        head, body = (node.body[:1], node.body[1:]) if has_doc else ([], node.body)
        node.body = [*head, ast.Expr(call("_tick_")), *body]
        if deep and body:
            enter = ast.BoolOp(ast.Or(), [call("_down_"), call("_too_deep_")])
            leave = ast.Expr(call("_up_", ast.Constant(True)))
            node.body[len(head) + 1 :] = [ast.Expr(enter), ast.Try(body, [], [], [leave])]
        return node

    def _may_recurse(self, node: ast.FunctionDef) -> bool:
        """Whether a call of the function may lead to another of the tool's functions before it ends."""
        inside = [part for statement in node.body for part in ast.walk(statement)]
        if any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in inside):
            return False  # a generator holds its level for as long as it lives
        if self._scopes and self._scopes[-1] == "class":
            return True
        for part in inside:
            if isinstance(part, ast.Name) and part.id in self._functions:
                return True
            if isinstance(part, ast.Call) and self._is_unknown(part.func):
                return True
        return False

    def _is_unknown(self, function: ast.expr) -> bool:
        """Whether a called expression may be one of the tool's own functions (methods are metered themselves)."""
        if isinstance(function, ast.Name):
            return function.id in self._variables
        return not isinstance(function, ast.Attribute)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """A class without a metaclass of its own."""
        self.check_name(node, node.name)
        if any(keyword.arg not in _CLASS_KEYWORDS for keyword in node.keywords):
            self.error(node, "keywords such as metaclass= in a class statement are not part of the tool dialect")
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.bases = [self.visit(base) for base in node.bases]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        self._scopes.append("class")
        self._classes.append(node.name)
        body = [self.visit(statement) for statement in node.body]
        node.body = [part for item in body for part in (item if isinstance(item, list) else [item])]
        self._classes.pop()
        self._scopes.pop()
        return node

    # Patterns.

    def visit_MatchAs(self, node: Any) -> Any:
        """Binds a name."""
        self.check_name(node, node.name)
        return self._inside(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> Any:
        """May bind the rest."""
        self.check_name(node, node.rest)
        return self._inside(node)

    def visit_match_case(self, node: ast.match_case) -> Any:
        """A case of its own comes first, never taken, that checks the classes whose fields are matched by position."""
        classes = [part.cls for part in ast.walk(node.pattern) if isinstance(part, ast.MatchClass) and part.patterns]
        checks = [self.visit(copy.deepcopy(cls)) for cls in classes]
        node = self._inside(node)
        if not checks:
            return node
        return [ast.match_case(ast.MatchAs(), call("_positional_", *checks), [ast.Pass()]), node]

    def visit_MatchClass(self, node: ast.MatchClass) -> Any:
        """Looks up attributes by name, natively, so guarded names are refused."""
        for name in node.kwd_attrs:
            if attribute_problem(name) or is_guarded(name) or name in DEPENDING - {"args"}:
                self.error(node, f"the attribute {name!r} cannot be used in a class pattern")
        return self._inside(node)

    def _inside(self, node: Any) -> Any:
        return self.node_contents_visit(node)

    # Native as a whole; their parts are visited. RestrictedPython does not know the patterns, and guards the others.
    visit_Module = visit_Assign = visit_With = visit_Subscript = _inside
    visit_Match = visit_MatchValue = visit_MatchSingleton = visit_MatchSequence = _inside
    visit_MatchOr = _inside
