"""The reference page of the tool dialect for people who write packs, made from the rules themselves.

What the page says about statements is what the compiler answers to the examples; builtins and modules are listed from
the very tables that tools get.
"""

from __future__ import annotations

from tool_gym.sandbox import bounded, fuel, policy, runtime
from tool_gym.sandbox.clock import Clock, Dice
from tool_gym.sandbox.dialect import Refused
from tool_gym.sandbox.facades import Facade, make_facades
from tool_gym.sandbox.guards import Guards
from tool_gym.sandbox.policy import compile_tool
from tool_gym.sandbox.rules import DATETIME, FRAMES, METHODS
from tool_gym.sandbox.toolbuiltins import EXCEPTIONS, SHARED, replaced

_EXAMPLES = {
    "functions, closures, defaults, `*args`, `**kwargs`": "def f(a, /, b=1, *c, d, **e):\n    nonlocal_ = lambda: a\n",
    "`global` and `nonlocal`": "def f():\n    n = 0\n    def g():\n        nonlocal n\n        global m\n",
    "generators, `yield from`": "def f():\n    yield 1\n    yield from f()\n",
    "classes, inheritance, properties": "class A(list):\n    @property\n    def a(self): return super().a\n",
    "dataclasses": "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\n",
    "annotations (not evaluated)": "x: int = 1\ndef f(a: Unknown) -> Unknown: pass\n",
    "`for`, `while`, `break`, `continue`, `else`": "for i in []:\n    continue\nelse:\n    pass\n",
    "comprehensions": "[x for x in [] if x]; {x: x for x in []}; {x for x in []}; (x for x in [])\n",
    "`match`": "match 1:\n    case {'a': x, **rest}: pass\n    case [1, *y]: pass\n    case int() | None: pass\n",
    "`try`, `except`, `finally`, `raise … from`": "try:\n    raise ValueError from None\nfinally:\n    pass\n",
    "`with`": "with open('x') as (a, b):\n    pass\n",
    "`assert`, `del`, `pass`": "x = [1]\nassert x\ndel x[0]\n",
    "unpacking, `:=`, slices": "a, *b = [1, 2]\nif (c := b[::2]):\n    pass\n",
    "augmented assignment": "x = {}\nx['a'] += 1\n",
    "f-strings, `.format`, `%`": "f'{1:>{5}}'; '{}'.format(1); '%s' % 1\n",
    "`import m`, `from m import n`, `import m as n`": "import json as j\nfrom math import pi\n",
    "`async`, `await`": "async def f(): pass\n",
    "`from m import *`": "from math import *\n",
    "relative imports": "from . import m\n",
    "`metaclass=`": "class A(metaclass=type): pass\n",
    "`except*`": "try: pass\nexcept* ValueError: pass\n",
    "`eval`, `exec`": "eval('1')\n",
    "`eval(text, {'__builtins__': None})` of a variable: numbers and operators only": "eval(x, {'__builtins__': {}})\n",
    "names like `_x_` and `__x__`": "_x_ = 1\n",
    "attributes like `__class__`, `__dict__`, `__globals__`": "f.__globals__\n",
    "`x.__class__.__name__`, `x.__name__`, `x.__doc__`": "x.__class__.__name__; x.__doc__\n",
    "private attributes of the tool's own classes": "class A:\n    def f(self): return self._x\n",
    "special methods beyond those listed below": "class A:\n    def __getattr__(self, name): pass\n",
}


def dialect_page() -> str:
    """The reference page, Markdown."""
    return "\n".join((_INTRODUCTION, _syntax(), _names(), _builtins(), _modules(), _limits()))


_INTRODUCTION = """# The tool dialect

A tool's source is one Python text that defines a function called like the tool. It may hold helpers, constants,
classes and imports. `DATA` holds the tables that the tool reads, frozen; `STATE`, if the source names it, is the
episode's state, plain JSON data that the function may change: the change counts if the call ends well. Nothing else
outlives a call.

The function gets the call's arguments by keyword and returns JSON data. What it raises is told to the model by the
exception's text. `print` writes nowhere.
"""


def _syntax() -> str:
    rows = ["## Statements and expressions", "", "| | |", "|---|---|"]
    for title, source in _EXAMPLES.items():
        try:
            compile_tool("f", source)
            verdict = "yes"
        except Refused as refused:
            verdict = f"**no**: {refused.reason}"
        rows.append(f"| {title} | {verdict} |")
    return "\n".join(rows) + "\n"


def _names() -> str:
    methods = ", ".join(f"`{name}`" for name in sorted(METHODS))
    frames = ", ".join(f"`{name}`" for name in sorted(FRAMES))
    clock = ", ".join(f"`{name}`" for name in sorted(DATETIME))
    return f"""## Names

- Special methods that a class may define: {methods}.
- Attributes that are refused, besides names with two underscores: {frames}.
- The clock is virtual, in UTC, and starts at a second that the call's seed chooses; it is asked by {clock} of
  dates and by `time`. `time.sleep` moves it and returns at once. `random` and `uuid4` are seeded by the call.
- Sets of text iterate in sorted order; `id` is 0, and addresses in default reprs are `0x0`.
"""


def _builtins() -> str:
    meter = fuel.Meter({}, 0)
    limits = bounded.Bounded(meter)
    own = replaced(meter, limits, Guards(limits, {}))
    rows = [f"- `{name}`: {_first_line(value)}" for name, value in sorted(own.items())]
    shared = ", ".join(f"`{name}`" for name in SHARED.split())
    errors = ", ".join(f"`{name}`" for name in EXCEPTIONS)
    head = f"## Builtins\n\nPython's own: {shared}.\n\nPython's own exceptions: {errors}.\n\nOf the dialect:\n\n"
    return head + "\n".join(rows) + "\n"


def _modules() -> str:
    meter = fuel.Meter({}, 0)
    modules = make_facades(meter, bounded.Bounded(meter), Clock(), Dice(0))
    rows = [f"- `{name}`: {_members(facade)}" for name, facade in sorted(modules.items())]
    return "## Modules\n\nA module holds these names and no others.\n\n" + "\n".join(rows) + "\n"


def _members(facade: Facade) -> str:
    return ", ".join(f"`{name}`" for name in sorted(vars(facade)) if not name.startswith("_"))


def _first_line(value: object) -> str:
    return (getattr(value, "__doc__", None) or "").strip().split("\n")[0] or "as Python's own."


def _limits() -> str:
    return f"""## Limits

| | |
|---|---|
| source | {policy.MAX_SOURCE_CHARS:,} characters |
| steps of a call (rounds of loops, items of comprehensions, calls of functions) | {runtime.DEFAULT_FUEL:,} |
| calls of the tool's own functions open at once | {fuel.MAX_DEPTH:,} |
| integers that `*`, `**` and `<<` make | {bounded.MAX_BITS:,} bits |
| text that repetition makes | {bounded.MAX_TEXT:,} characters |
| lists and tuples that repetition makes | {bounded.MAX_ITEMS:,} items |
| widths and precisions in formats | {bounded.MAX_WIDTH:,} |
| `math.factorial`, `comb`, `perm` | up to {bounded.MAX_FACTORIAL:,} |
| the text of an exception, as the model reads it | {runtime.MAX_REASON_CHARS:,} characters |

Steps and depth are counted, so that a call that runs out of them does so everywhere. A call is also ended by the clock
and by the memory limit of its process; what they end may end otherwise elsewhere, and is marked so.
"""
