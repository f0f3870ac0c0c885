import pytest
from tool_play import check, plain, play, samples, value

from tool_gym.sandbox.policy import compile_tool

REFUSED = {
    "eval": "def f(): return eval('1')",
    "eval by another name": "def f(): return list(map(eval, ['1']))",
    "eval of a literal without builtins": "def f(): return eval('1', {'__builtins__': {}})",
    "exec": "def f(): exec('1')",
    "compile": "def f(): return compile('1', '', 'eval')",
    "import by its hook": "def f(): return __import__('os')",
    "builtins": "def f(): return __builtins__",
    "the classes of a class": "def f(): return ().__class__.__bases__",
    "a class": "def f(): return ''.__class__",
    "the code of a function": "def f(): return f.__code__",
    "the globals of a function": "def f(): return f.__globals__",
    "the order of bases": "def f(): return int.mro()",
    "a frame": "def f(): return (x for x in [1]).gi_frame",
    "a traceback": "def f():\n  try: 1/0\n  except Exception as e: return e.__traceback__",
    "except*": "def f():\n  try: pass\n  except* ValueError: pass",
    "async": "async def f(): pass",
    "await in a comprehension": "async def g(): return [x async for x in y]\ndef f(): pass",
    "metaclass": "class A(metaclass=type): pass\ndef f(): pass",
    "a class in a class statement": "class A(dict, total=().__class__): pass\ndef f(): pass",
    "the members of an enumeration": "import enum\nclass A(enum.Enum): x = 1\ndef f(): A._member_map_['y'] = 1",
    "a class in an f-string": "def f(): return f'{().__class__}'",
    "a class in a format of an f-string": "def f(): return f'{1:{().__class__}}'",
    "a class in a default": "def f(x=().__class__): pass",
    "a class in a decorator": "@f.__class__\ndef f(): pass",
    "__getattr__": "class A:\n  def __getattr__(self, n): pass\ndef f(): pass",
    "__del__": "class A:\n  def __del__(self): pass\ndef f(): pass",
    "__new__": "class A:\n  def __new__(cls): pass\ndef f(): pass",
    "__match_args__": "class A:\n  __match_args__ = ('__class__',)\ndef f(): pass",
    "__module__": "class A:\n  __module__ = 'numpy'\ndef f(): pass",
    "a hook as a parameter": "def f(_tick_, /): pass",
    "a hook as keywords": "def f(**_tick_): pass",
    "a hook as a lambda's parameter": "f = lambda _tick_: 1",
    "a hook as a variable": "def f(): _tick_ = 1",
    "a hook by a walrus": "def f(): return (_tick_ := 1)",
    "a hook in a loop": "def f():\n  for _tick_ in []: pass",
    "a hook in a comprehension": "def f(): return [1 for _tick_ in []]",
    "a hook as a global": "def f():\n  global _write_",
    "a hook as an alias": "import json as _tick_\ndef f(): pass",
    "a hook as an imported name": "from json import loads as _tick_\ndef f(): pass",
    "a hook as a class": "class _tick_: pass\ndef f(): pass",
    "a hook in an except clause": "def f():\n  try: pass\n  except ValueError as _stop_: pass",
    "a hook in a with": "def f():\n  with x as _tick_: pass",
    "a hook in a pattern": "def f():\n  match 1:\n    case _tick_: pass",
    "a hook in a mapping pattern": "def f():\n  match 1:\n    case {**_tick_}: pass",
    "a hook in a sequence pattern": "def f():\n  match 1:\n    case [*_tick_]: pass",
    "a hook deleted": "def f():\n  del _tick_",
    "format in a class pattern": "def f():\n  match 'a':\n    case str(format=g): return g",
    "a mutator in a class pattern": "def f():\n  match []:\n    case list(append=g): return g",
    "a special method of the wrong place": "def __init__(): pass\ndef f(): pass",
    "star imports": "from json import *\ndef f(): pass",
    "a joke from the future": "from __future__ import braces\ndef f(): pass",
    "relative imports": "from . import json\ndef f(): pass",
    "private modules": "import _thread\ndef f(): pass",
    "private names of modules": "from random import _inst\ndef f(): pass",
    "a foreign module": "import os\ndef f(): pass",
    "a foreign module below ours": "import os.path\ndef f(): pass",
    "a module's own imports": "from json import codecs\ndef f(): pass",
    "attribute getters": "from operator import attrgetter\ndef f(): pass",
    "full-width letters": "def f(): return ｅval('1')",
    "in-place assignment of a guarded attribute": "def f(): x.format += 1",
    "no Python": "def f(:",
    "zero bytes": "def f(): return 1\0",
    "no function": "f = 3",
    "a builtin as the function": "f = len",
    "an import as the function": "from math import sqrt as f",
    "a class as the function": "class f: pass",
    "nothing": "",
    "an error while it loads": "1 / 0\ndef f(): pass",
    "an exit while it loads": "raise SystemExit\ndef f(): pass",
    "an endless load": "while True: pass\ndef f(): pass",
    "too many characters": "# " + "a" * 300_000 + "\ndef f(): pass",
    "too deep an expression": "x = " + "-" * 50_000 + "1\ndef f(): pass",
    "too long a chain": "x = 1\ny = x" + ".real" * 30_000 + "\ndef f(): pass",
    "too deep a chain for the walk": "x = 1\ny = x" + ".real" * 2_500 + "\ndef f(): pass",
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED.keys())
def test_what_leads_out_of_the_tool_is_refused_when_it_is_loaded(source):
    assert check(source) is not None
    assert play(source).status in ("tool_error", "timeout")


def test_a_refusal_names_the_line_and_the_reason():
    rejection = check("def f():\n    x = 1\n    return x.__class__\n")
    assert rejection == ("the attribute '__class__' is not part of the dialect", 3)
    assert check("import os\n\ndef f(): pass") == (
        "ModuleNotFoundError: the module 'os' is not part of the tool dialect",
        1,
    )
    assert check("x = 1\ndef g():\n  return 1 / 0\ng()\ndef f(): pass") == ("ZeroDivisionError: division by zero", 3)
    assert check("def g(): pass").reason == "the source defines no function called 'f'"


def test_what_a_refused_tool_answers_names_the_line_too():
    outcome = play("def f():\n    return eval('1')")
    assert outcome == (
        "tool_error",
        b"the tool does not load, line 2: eval() is not part of the tool dialect",
        True,
        None,
    )


ALIKE = samples("alike.txt")


@pytest.mark.parametrize("source", ALIKE.values(), ids=ALIKE.keys())
def test_the_dialect_behaves_as_python(source):
    outcome = play(source)
    assert (outcome.status, outcome.payload.decode()) == plain(source)


def test_a_calculator_takes_arithmetic_and_nothing_else():
    source = "def f(text): return eval(text, {'twice': lambda x: 2 * x, '__builtins__': {}})"
    assert value(source, text="twice(4) + (1 < 2)") == 9
    for text in (
        "().__class__",
        "__builtins__",
        "[x for x in ()]",
        "nothing",
        "'a' * 9",
        "(lambda: 1)()",
        "1 if 1 else 2",
    ):
        assert play(source, text=text).status == "tool_error"
    assert play(source, text="9 ** 9 ** 9").status == "limit"
    assert play(source, text="1 +" * 9000 + "1").status == "tool_error"


def test_a_name_that_the_source_binds_itself_is_no_builtin():
    assert value("def f(eval=3): return eval") == 3
    assert value("def f():\n  input = open = 'mine'\n  return [input, open]") == ["mine", "mine"]


def test_private_names_inside_a_class_are_mangled_as_in_python():
    source = "class A:\n  __n = 7\n  def get(self): return [self.__n, A.__n]\ndef f(): return [A().get(), A()._A__n]"
    assert value(source) == [[7, 7], 7]


SHARED = {
    "a function": "def f(): pass",
    "constants": "N = 3\nT = (1, ('a', -2))\ndef f(): return N, T",
    "helpers, imports and a docstring": "'doc'\nimport json\ndef g(a=1, *, b='x'): return json\ndef f(): return g()",
    "demo code": "def f(): return 1\nresult = [f()]\nfor i in result: print(i)",
    "a data class": "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass A:\n  x: int = 1\n"
    "  y: list = field(default_factory=list)\ndef f(): return A().x",
    "an enumeration": "from enum import Enum, auto\nclass A(Enum):\n  x = auto()\ndef f(): return A.x",
}
FRESH = {
    "a list": "N = []\ndef f(): return N",
    "a global": "N = 3\ndef f():\n  global N",
    "two bindings": "N = 3\nN = 4\ndef f(): return N",
    "a default": "def f(x=[]): pass",
    "a decorated function": "import functools\n@functools.cache\ndef f(): pass",
    "a made function": "def g(): return g\nf = g()",
    "a class's list": "class A:\n  x = []\ndef f(): return A",
    "a written attribute": "class A: pass\ndef f(): A.x = 1",
    "seeded dice": "import random\nrandom.seed(1)\ndef f(): pass",
}


@pytest.mark.parametrize("source", SHARED.values(), ids=SHARED.keys())
def test_calls_share_a_namespace_in_which_nothing_can_be_kept(source):
    assert compile_tool("f", source).shareable


@pytest.mark.parametrize("source", FRESH.values(), ids=FRESH.keys())
def test_calls_get_fresh_namespaces_where_something_might_be_kept(source):
    assert not compile_tool("f", source).shareable
