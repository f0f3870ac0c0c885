import json

import pytest
from tool_play import RUNTIME, play, value

from tool_gym.jsonvalue import digest, dumps

ESCAPES = {
    "a format that names a class": "'{0.__class__}'.format(1)",
    "a format with an item in between": "'{x[0].__class__}'.format(x=[1])",
    "a format inside a format": "'{:{0.__class__}}'.format(1)",
    "a format by map": "list(map(str.format, ['{0.__class__}'], [1]))",
    "format_map": "'{a.__class__}'.format_map({'a': 1})",
    "format by getattr": "getattr('{0.__class__}', 'for' + 'mat')(1)",
    "format of the class by getattr": "getattr(str, 'format')('{0.__class__}', 1)",
    "format of a subclass": "S('{0.__class__}').format(1)",
    "format of a subclass, unbound": "S.format('{0.__class__}', 1)",
    "format by super": "S('{0.__class__}').up()",
    "a frame in a format": "'{0.gi_frame}'.format(x for x in [])",
    "a private attribute in a format": "'{0._x}'.format(S())",
    "getattr": "getattr(f, '__globals__')",
    "getattr with a default": "getattr(f, '__globals__', None)",
    "getattr by a class of text": "getattr(f, S('__globals__'))",
    "setattr": "setattr(f, '__code__', None)",
    "setattr of a module": "setattr(json, 'x', 1)",
    "delattr": "delattr(f, '__name__')",
    "type with three arguments": "type('X', (object,), {})",
    "the type of a class": "type(type(1))",
    "the type of a builtin class": "type(int)",
    "obj of an exception": "missing().obj",
    "obj by getattr": "getattr(missing(), 'ob' + 'j')",
    "a module's module": "json.codecs",
    "a module's name": "json.__name__",
    "a module's private name": "random._os",
    "a bound builtin's module": "getattr(json.dumps, '__globals__')",
    "get_type_hints": "typing.get_type_hints(f)",
    "a functional enumeration": "enum.Enum('X', {'__getattribute__': 1})",
    "a named tuple with a special field": "collections.namedtuple('X', ['__class__'])",
    "a data class of a module's class": "dataclasses.dataclass(collections.Counter)",
    "an order for a module's class": "functools.total_ordering(fractions.Fraction)",
    "wrapping a module's function": "functools.wraps(f)(json.dumps)",
    "registering with an abstract class": "collections.abc.Mapping.register(int)",
    "the machine's randomness": "random.SystemRandom()",
    "vars of a module": "vars(json)",
    "vars of a function": "vars(f)",
    "globals": "globals()",
    "locals": "locals()",
    "dir": "dir()",
    "compile": "compile('1', '', 'eval')",
    "open": "open('/etc/passwd')",
    "input": "input()",
    "breakpoint": "breakpoint()",
    "exit": "exit()",
    "memoryview": "memoryview(b'1')",
    "private attributes of others": "A.peek(1)",
    "special methods of others": "(5).__reduce_ex__ if 0 else getattr(5, '__add__')(1)",
}
HEAD = """import collections, dataclasses, enum, fractions, functools, json, random, typing
class S(str):
    def up(self): return super().format(1)
class A:
    def peek(self): return self._x
def missing():
    try: [].nope
    except AttributeError as error: return error
"""


@pytest.mark.parametrize("expression", ESCAPES.values(), ids=ESCAPES.keys())
def test_what_leads_out_of_the_tool_only_at_run_time_is_an_error(expression):
    assert play(f"{HEAD}def f(): return {expression}").status == "tool_error"


ROADS = {
    "globals copied onto a function": "def g(): pass\n"
    "def f():\n  functools.wraps(json.dumps, (), ('__globals__',))(g)\n  return str(codecs.sys)",
    "code copied onto a function": "def g(): pass\ndef f(): return functools.wraps(json.dumps, ('__code__',))(g)",
    "a frame by its position in a pattern": "class A(collections.namedtuple('A', 'gi_frame'), ABC): pass\n"
    "def f():\n  A.register(type(x for x in []))\n  match (x for x in []):\n    case A(frame): return str(frame)",
    "obj by its position in a pattern": "@dataclass\nclass A(ABC):\n  obj: object\n"
    "def f():\n  A.register(AttributeError)\n  match missing():\n    case A(it): return it",
    "format by its position in a pattern": "@dataclass(init=False)\nclass A(str):\n  format: object\n"
    "def f():\n  match A('{0.__class__}'):\n    case A(form): return form(1)",
    "a frame by its position, nested": "A = collections.namedtuple('A', 'gi_frame')\n"
    "def f():\n  match [A(1)]:\n    case [A(frame)]: return frame",
    "registering through getattr": "class A(ABC): pass\ndef f(): return str(getattr(A, 'register')(int))",
    "an annotation that is run": "class C:\n  x: ClassVar['missing()'] = 1\n"
    "@functools.singledispatch\ndef g(a): pass\ndef f(): return str(g.register(C()))",
    "the type of a module": "def f(): return type(json)('t', {})",
    "another's object made anew": "class M(type(calendar.month_name)): pass\n"
    "def f(): M.__init__(calendar.month_name, 'x')",
    "another's object made anew by super": "def f(): super(type(typing.List), typing.List).__init__(int, name='x')",
    "a frame's name in a class": "class A:\n  f_back = 1\ndef f(): pass",
    "a frame's name as a field": "@dataclass\nclass A:\n  gi_frame: object\ndef f(): pass",
    "compiling under another name": "def f(): return list(map(compile, ['1'], [''], ['eval']))",
}


@pytest.mark.parametrize("source", ROADS.values(), ids=ROADS.keys())
def test_a_road_of_several_steps_out_of_the_tool_is_closed(source):
    imports = "import calendar\nfrom abc import ABC\nfrom dataclasses import dataclass\nfrom typing import ClassVar\n"
    assert play(HEAD + imports + source).status == "tool_error"


def test_what_tools_really_do_with_classes_still_works():
    head = "import functools, typing\nfrom dataclasses import dataclass\nfrom collections import namedtuple\n"
    source = f"""{head}P = namedtuple('P', 'x y')
@dataclass
class Event:
  timestamp: str
  name: 'str'
  kinds: typing.ClassVar['list[str]'] = ['a']
class Store(dict):
  def __init__(self, **rest):
    super().__init__(**rest)
    dict.update(self, a=1)
  @classmethod
  def register(cls, name): return cls.__name__ + name
class Child(Store):
  def __init__(self): Store.__init__(self, b=2)
@functools.singledispatch
def show(it): return 'any'
@show.register(int)
def _(it): return 'int'
show.register(str, lambda it: 'str')
def twice(function):
  @functools.wraps(function)
  def inner(): return 2 * function()
  return inner
@twice
def four():
  'doc'
  return 2
def f():
  match [Event('noon', 'x'), P(1, y=2)]:
    case [Event(when, name), P(x, y)]: pass
  match 5, 'a':
    case int(n), str(s): pass
  return [when, name, x, y, n, s, dict(Child()), Store.register('!'), show(1), show('a'), show([]), four(),
          four.__name__, four.__doc__]
"""
    assert value(source) == ["noon", "x", 1, 2, 5, "a", {"b": 2, "a": 1}, "Store!", "int", "str", "any", 4,
                             "four", "doc"]  # fmt: skip


def test_a_road_leaves_what_calls_share_as_it_was():
    play("import json\nclass F(type(json)): pass\ndef f(): F.__init__(json, 'json', {'dumps': len})")
    play("import calendar\nclass M(type(calendar.month_name)): pass\ndef f(): M.__init__(calendar.month_name, 'x')")
    assert value("import calendar, json\ndef f(): return [json.dumps(1), calendar.month_name[1]]") == ["1", "January"]


WRITES = {
    "a module's attribute": "math.pi = 3",
    "a module's attribute deleted": "del math.pi",
    "a builtin class": "int.x = 1",
    "a module's class": "fractions.Fraction.x = 1",
    "a bound builtin": "print.x = 1",
    "a dice's state": "random.random.x = 1",
}


@pytest.mark.parametrize("statement", WRITES.values(), ids=WRITES.keys())
def test_what_calls_share_cannot_be_written(statement):
    source = f"import math, fractions, random\ndef f():\n  {statement}\n  return 1"
    assert play(source).status == "tool_error"


def test_a_tool_may_write_attributes_of_its_own_functions_classes_and_exceptions():
    assert value("class A: n = 0\ndef f():\n  A.n += 1; f.n = 2\n  return [A.n, f.n]") == [1, 2]
    assert value("def f():\n  e = ValueError('x'); e.code = 5\n  return e.code") == 5


def test_hasattr_answers_false_for_refused_names():
    assert value("def f(): return [hasattr(f, '__globals__'), hasattr(f, '__name__'), hasattr('a', 'format')]") == [
        False,
        True,
        True,
    ]


def test_parts_of_named_tuples_can_be_read():
    head = "from collections import namedtuple\nP = namedtuple('P', 'x y')\n"
    source = head + "def f():\n  p = P(1, 2)\n  return [p._asdict(), p._replace(x=3), p._fields]"
    assert value(source) == [{"x": 1, "y": 2}, [3, 2], ["x", "y"]]


ROWS = [{"a": 1}, {"a": 2}]
THINGS = {"k": [1]}
CHANGES = [
    "DATA['t'].append(1)",
    "DATA['t'][0]['a'] = 5",
    "del DATA['t'][0]",
    "DATA['t'] += [1]",
    "DATA['new'] = 1",
    "DATA['t'].__init__([])",
    "DATA['t'].sort(key=str)",
    "list.append(DATA['t'], 1)",
    "dict.setdefault(DATA, 'k')",
    "D = dict; D.setdefault(DATA, 'k' + 'l')",
    "dict.update(DATA, n=1)",
    "dict.update(DATA, **{'n': 1})",
    "Own.update(DATA, n=1)",
    "Own.setdefault(DATA, 'k')",
    "Own.__ior__(DATA, {'n': 1})",
    "list(map(dict.setdefault, [DATA], ['k']))",
    "operator.iconcat(DATA['t'], [1])",
    "L = list; L.append(DATA['t'], 1)",
    "g = list.append; g(DATA['t'], 1)",
    "list(map(list.append, [DATA['t']], [1]))",
    "list.pop(DATA['t'])",
    "list.sort(DATA['t'], key=str)",
    "list.extend(*[DATA['t'], [1]])",
    "list.__init__(DATA['t'])",
    "getattr(list, 'append')(DATA['t'], 1)",
    "type(DATA['t']).append(DATA['t'], 1)",
    "super(type(DATA['t']), DATA['t']).append(1)",
    "Mine.append(DATA['t'], 1)",
    "Mine.__init__(DATA['t'], [])",
    "dict.update(DATA, {'x': 1})",
    "dict.pop(DATA, 't')",
    "dict.setdefault(DATA, 'q', 1)",
    "dict.__ior__(DATA, {'q': 1})",
    "collections.Counter.update(DATA, {'x': 1})",
    "collections.OrderedDict.clear(DATA)",
    "heapq.heappush(DATA['t'], {})",
    "heapq.heapify(DATA['t'])",
    "bisect.insort(DATA['t'], {}, key=str)",
    "random.shuffle(DATA['t'])",
    "operator.iadd(DATA['t'], [1])",
    "operator.setitem(DATA['t'], 0, 1)",
    "functools.partial(list.append, DATA['t'])(1)",
    "u = collections.UserList(); u.data = DATA['t']; u.append(1)",
    "collections.ChainMap(DATA)['x'] = 1",
    "copy.copy(DATA['t']).append(1); copy.deepcopy(DATA)['t'].append(1)",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_nothing_a_tool_does_changes_a_table(statement):
    tables = {"t": digest(ROWS), "d": digest(THINGS)}
    RUNTIME.add_table(digest(ROWS), dumps(ROWS))
    RUNTIME.add_table(digest(THINGS), dumps(THINGS))
    head = "import bisect, collections, copy, functools, heapq, operator, random\n"
    head += "class Mine(list): pass\nclass Own(dict): pass\n"
    source = f"{head}def f():\n  {statement}\n"
    RUNTIME.add_source(source, "f", source, tables)
    RUNTIME.run(source, b"{}", bytes(32))
    RUNTIME.add_source("reader", "f", "def f(): return DATA", tables)
    assert json.loads(RUNTIME.run("reader", b"{}", bytes(32)).payload) == {"t": ROWS, "d": THINGS}


STAY = [
    "'lies at 0xdeadbeef>'",
    "str({'k': [' at 0xdeadbeef>']})",
    "f'{[\" at 0xdeadbeef>\"]}'",
    "'%s %r' % (' at 0xdeadbeef>', ' at 0xdeadbeef>')",
    "'{}{!r:>40}'.format(' at 0xdeadbeef>', ' at 0xdeadbeef>')",
    "Own()[0] + str(Own())",
]


@pytest.mark.parametrize("expression", STAY)
def test_a_text_that_only_looks_like_an_address_stays(expression):
    source = "class Own:\n  def __str__(self): return self[0]\n  def __repr__(self): return self[0]\n"
    source += f"  def __getitem__(self, i): return ' at 0xdeadbeef>'\ndef f(): return {expression}"
    assert "0xdeadbeef>" in value(source)
    assert "0x0" not in value(source)


def test_the_class_of_texts_is_itself_wherever_a_tool_keeps_it():
    source = """import functools
class S(str): pass
T = str
class U(T): pass
@functools.singledispatch
def g(x): return 'any'
@g.register(str)
def _(x): return 'text'
def f():
  match 'a':
    case str(): found = 1
  kinds = {str: 't', int: 'n'}
  return [found, T(5), T('a') is 'a', T == str, str == T, kinds[type('a')], type('a') is str, type('a') in (str, int),
          isinstance('a', T), isinstance(5, T), issubclass(S, T), isinstance('a', U), S('a') + U('b'), T.upper('x'),
          [c('5') for c in (str, int)], list(map(str.strip, [' a'])), sorted([10, 9], key=str), g('a'), g(1),
          T.__name__]
"""
    assert value(source) == [1, "5", True, True, True, "t", True, True, True, False, True, False, "ab", "X", ["5", 5],
                             ["a"], [10, 9], "text", "any", "str"]  # fmt: skip


def test_how_deep_python_lets_a_tool_go_is_not_the_tools_to_see():
    outcome = play("def f():\n  g = lambda n: g(n + 1)\n  try: g(0)\n  except Exception: return 'caught'")
    assert (outcome.status, outcome.deterministic) == ("tool_error", False)
    assert value("def g(): return g()\ndef f():\n  try: g()\n  except RecursionError as e: return str(e)").startswith(
        "max"
    )


def test_a_class_has_no_slot_and_a_named_tuple_no_field_that_leads_out():
    assert play("N = '__cla' + 'ss__'\nclass A: __slots__ = (N,)\ndef f(): return 1").status == "tool_error"
    assert (
        play("from collections import namedtuple as n\ndef f(): return str(n('A', 'gi_frame'))").status == "tool_error"
    )
    assert value("class A:\n  __slots__ = 'x'\n  def __init__(self): self.x = 1\ndef f(): return A().x") == 1


def test_a_data_class_keeps_the_text_that_it_makes():
    head = "from dataclasses import dataclass\n@dataclass\nclass A:\n  x: int\n"
    head += "@dataclass(repr=False)\nclass B:\n  x: int\n"
    assert value(head + "def f(): return str([A(1), B(1)])") == "[A(x=1), <tool.B object at 0x0>]"
