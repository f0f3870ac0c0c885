import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tool_play import SEED, play, value

from tool_gym.sandbox.sets import FrozenSet, Set

HERE = Path(__file__).parent
WORDS = "'pear', 'fig', 'plum', 'lime', 'date', 'kiwi'"
SOURCES = {
    "a set display": f"def f(): return list({{{WORDS}}})",
    "a set": f"def f(): return list(set([{WORDS}]))",
    "a set comprehension": f"def f(): return [x for x in {{y + 'x' for y in [{WORDS}]}}]",
    "a frozenset": f"def f(): return ','.join(frozenset([{WORDS}]))",
    "set algebra": f"def f(): return [*({{{WORDS}}} | {{'x', 'y'}}), *({{{WORDS}}} - {{'fig'}}), *({{{WORDS}}} ^ {{'fig', 'z'}})]",
    "methods of sets": f"def f(): return [*{{{WORDS}}}.union(['x', 'y']), *set.intersection({{{WORDS}}}, {{'fig', 'kiwi', 'plum'}})]",
    "pop": f"def f():\n  s = {{{WORDS}}}\n  return [s.pop(), s.pop()]",
    "unpacking": f"def f():\n  a, b, *c = {{{WORDS}}}\n  return [a, b, c]",
    "a dict from a set": f"def f(): return dict.fromkeys({{{WORDS}}})",
    "the text of a set": f"def f(): return str({{{WORDS}}}) + repr(frozenset({{{WORDS}}}))",
    "views of dicts": f"def f():\n  d = dict.fromkeys([{WORDS}]); k = d.keys()\n  return [*(d.keys() & set([{WORDS}])), *(k - {{'fig'}})]",
    "a mixed set": "def f(): return [str(x) for x in {1, 'a', None, 2.5, ('b', 'c'), frozenset({'d', 'e'})}]",
    "a set with nan": "def f(): return [str(x) for x in {float('nan'), 1.0, float('inf'), 7}]",
    "a set of enum members": "import enum\nclass C(enum.Enum):\n  A = 'x'\n  B = 'y'\n  D = 'z'\ndef f(): return [c.name for c in {C.A, C.B, C.D}]",
    "hashes": "def f(): return [hash('a'), hash(('a', 1)), hash(None), hash(b'x'), hash(object()), hash(2 ** 70)]",
    "the hash of a data class": "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass A:\n  x: str\ndef f(): return hash(A('a'))",
    "addresses": "class A: pass\ndef f(): return [repr(object()), str(A()), f'{f}', id(f), repr(A().__init__), str((x for x in []))]",
    "addresses in errors": "def f(): raise ValueError(object())",
    "random numbers": "import random\ndef f(): return [random.random(), random.choice('abc'), random.sample(range(99), 5), random.Random().random(),"
    " random.gauss(0, 1), random.shuffle([1, 2, 3])]",
    "reseeded random numbers": "import random\ndef f():\n  random.seed()\n  return random.random()",
    "random numbers of a module": "import random\nrandom.seed(4)\ndef f(): return random.random()",
    "uuid4": "import uuid\ndef f(): return [str(uuid.uuid4()), str(uuid.uuid4())]",
    "the clock": "import time\nfrom datetime import datetime, date\ndef f(): return [time.time(), time.perf_counter(), time.strftime('%c'),"
    " datetime.now(), date.today(), datetime.utcnow(), time.localtime()[:6], time.ctime(), datetime.now().astimezone().isoformat()]",
    "local time": "from datetime import datetime\nimport time\ndef f(): return [datetime(2020, 7, 1).timestamp(), datetime.fromtimestamp(0),"
    " time.localtime(0).tm_hour, time.mktime((1970, 1, 2, 0, 0, 0, 0, 0, 0)), time.tzname]",
    "recursion": "def g(n):\n  try: return g(n + 1)\n  except RecursionError: return n\ndef f(): return g(0)",
    "fuel": "N = []\ndef f():\n  while True: N.append(1)",
}  # fmt: skip
RUN = "import sys, json; from tool_play import play; print(json.dumps([str(play(s)) for s in json.load(sys.stdin)]))"


def outcomes(hash_seed: str, zone: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone}
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps([*SOURCES.values()]), capture_output=True, text=True,
        check=True, env=environment,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_outcomes_are_the_same_in_every_process():
    first, second = outcomes("1", "UTC"), outcomes("2", "Pacific/Auckland")
    different = [name for name, a, b in zip(SOURCES, first, second, strict=True) if a != b]
    assert different == []
    assert [name for name, a in zip(SOURCES, first, strict=True) if "'ok'" not in a] == ["addresses in errors", "fuel"]


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_a_call_gives_the_same_bytes_again(source):
    assert play(source) == play(source)


STATEFUL = {
    "a global": "N = 0\ndef f():\n  global N\n  N += 1\n  return N",
    "a global list": "N = []\ndef f():\n  N.append(1)\n  return len(N)",
    "a default": "def f(n=[]):\n  n.append(1)\n  return len(n)",
    "a keyword default": "def f(*, n={}):\n  n[len(n)] = 1\n  return len(n)",
    "a function's attribute": "def f():\n  f.n = getattr(f, 'n', 0) + 1\n  return f.n",
    "a class's attribute": "class A: n = 0\ndef f():\n  A.n += 1\n  return A.n",
    "a class's list": "class A: n = []\ndef f():\n  A.n.append(1)\n  return len(A.n)",
    "a class's attribute by self": "class A:\n  n = 0\n  def m(self):\n    self.n = self.n + 1\n    return self.n\ndef f(): return A.m(A)",
    "a class method": "class A:\n  n = 0\n  @classmethod\n  def m(cls):\n    cls.n += 1\n    return cls.n\ndef f(): return A.m()",
    "a closure": "def make():\n  n = []\n  def g():\n    n.append(1)\n    return len(n)\n  return g\nf = make()\ndef g(): pass\n",
    "a cache": "import functools\nN = []\n@functools.lru_cache\ndef g(x): N.append(x); return len(N)\ndef f(): return g(1) + len(N)",
    "an iterator": "import itertools\nN = itertools.count()\ndef f(): return next(N)",
    "a generator": "N = iter([1, 2, 3])\ndef f(): return next(N)",
    "an instance": "class A: pass\na = A()\na.n = 0\ndef f():\n  a.n += 1\n  return a.n",
    "setattr": "class A: n = 0\ndef f():\n  setattr(A, 'n', A.n + 1)\n  return A.n",
    "the precision of decimals": "from decimal import Decimal, getcontext\ndef f():\n  getcontext().prec += 1\n  return getcontext().prec",
    "the randomness of a module": "import random\nrandom.seed(1)\ndef f(): return random.random()",
    "a walrus in a module": "(n := [])\ndef f():\n  n.append(1)\n  return len(n)",
    "a loop variable of a module": "for n in [[]]: pass\ndef f():\n  n.append(1)\n  return len(n)",
    "a rebound function": "def g(): return 1\ng = [g]\ndef f():\n  g.append(1)\n  return len(g)",
}  # fmt: skip


@pytest.mark.parametrize("source", STATEFUL.values(), ids=STATEFUL.keys())
def test_nothing_is_kept_between_calls(source):
    first = play(source)
    assert first == play(source) == play(source)


def test_another_seed_gives_other_numbers_and_another_time():
    for source in (SOURCES["random numbers"], SOURCES["uuid4"], SOURCES["the clock"]):
        assert play(source) != play(source, seed=SEED[::-1])


def test_the_callers_own_state_is_left_alone():
    import decimal
    import random

    random.seed(5)
    expected = random.random()
    random.seed(5)
    play("import random\nrandom.seed(1)\ndef f(): return random.random()")
    play("from decimal import getcontext\ngetcontext().prec = 3\ndef f():\n  getcontext().prec = 7\n  return 1")
    assert random.random() == expected
    assert decimal.getcontext().prec == 28


def test_sleep_moves_the_clock_and_returns_at_once():
    assert (
        value("import time\ndef f():\n  t = time.time(); time.sleep(10 ** 6)\n  return round(time.time() - t)") == 10**6
    )


@given(st.sets(st.one_of(st.text(), st.integers(), st.none(), st.tuples(st.text(), st.integers()))))
def test_a_tools_set_holds_what_pythons_holds_in_an_order_of_its_content(items):
    ours = Set(items)
    assert ours == items
    assert list(ours) == list(Set(sorted(items, key=repr)))
    assert set(ours) == items
    assert FrozenSet(items) == items


@given(st.sets(st.text(max_size=2)), st.sets(st.text(max_size=2)))
def test_set_algebra_gives_tools_sets(a, b):
    for kind in (Set, FrozenSet):
        x, y = kind(a), kind(b)
        for ours, theirs in ((x | y, a | b), (x & y, a & b), (x - y, a - b), (x ^ y, a ^ b), (a | y, a | b)):
            assert type(ours) in (Set, FrozenSet)
            assert ours == theirs
        assert x.union(b, ["z"]) == a | b | {"z"}
        assert (x <= y) == (a <= b)
