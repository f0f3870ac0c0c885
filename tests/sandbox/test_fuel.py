import json
import signal
from collections.abc import Iterator

import pytest
from tool_play import RUNTIME, play, value

from tool_gym.sandbox.fuel import MAX_DEPTH
from tool_gym.sandbox.runtime import Runtime

ENDLESS = {
    "while": "while True: pass",
    "for": "for i in range(10 ** 12): pass",
    "nested for": "for i in range(10 ** 9):\n  for j in range(10 ** 9): pass",
    "recursion": "return fib(90)",
    "a list comprehension": "return [i for i in range(10 ** 6) for j in range(10 ** 6)]",
    "a dict comprehension": "return {i: i for i in range(10 ** 12)}",
    "a generator expression": "return sum(1 for i in range(10 ** 12))",
    "a generator": "return sum(forever())",
    "an iterator of the tool's": "return list(Forever())",
    "an endless old-style sequence": "return sum(Sequence())",
    "a loop through except": "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    "a loop through a bare except": "while True:\n  try:\n    while True: pass\n  except: pass",
    "a loop through a tuple": "while True:\n  try:\n    while True: pass\n  except (ValueError, BaseException): pass",
    "a loop through finally": "while True:\n  try:\n    while True: pass\n  finally: continue",
    "a return in finally": "try:\n  while True: pass\nfinally: return 1",
    "a context that swallows": "while True:\n  with Swallow():\n    while True: pass",
    "a context that swallows, once": "with Swallow():\n  while True: pass\nreturn 1",
    "suppress": "while True:\n  with contextlib.suppress(BaseException):\n    while True: pass",
    "a clock that is waited for": "while time.time() > 0: time.sleep(1)",
    "sum of a range": "return sum(range(10 ** 12))",
    "min of a range": "return min(range(10 ** 12))",
    "a set of a range": "return len(set(range(10 ** 12)))",
    "a mapped range": "return any(map(lambda i: False, range(10 ** 12)))",
    "a zipped range": "return max(zip(range(10 ** 12), range(10 ** 12)))",
    "a reversed range": "return max(reversed(range(10 ** 12)))",
    "a part of a range": "return max(range(10 ** 12)[5:])",
    "a search of a range": "return 1.5 in range(10 ** 12)",
    "count": "return -1 in itertools.count()",
    "cycle": "return max(itertools.cycle([1]))",
    "repeat": "return sum(itertools.repeat(1))",
    "permutations": "return max(itertools.permutations(range(20)))",
    "product": "return max(itertools.product(range(100), repeat=9))",
    "combinations": "return max(itertools.combinations(range(60), 30))",
    "islice": "return sum(itertools.islice(itertools.count(), 10 ** 12))",
    "iter with a sentinel": "return max(iter(int, 1))",
}
HEAD = """import contextlib, itertools, time
def fib(n): return fib(n - 1) + fib(n - 2) if n > 1 else n
def forever():
    while True: yield 1
class Forever:
    def __iter__(self): return self
    def __next__(self): return 1
class Sequence:
    def __getitem__(self, i): return i
class Swallow:
    def __enter__(self): return self
    def __exit__(self, *error): return True
"""


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_endless_tool_ends_as_a_timeout_that_a_replay_repeats(body):
    lines = "\n".join("    " + line for line in body.split("\n"))
    outcome = play(f"{HEAD}def f():\n{lines}\n")
    assert outcome == ("timeout", b"the tool did not finish within 300,000 steps", True, None)
    assert value("def f(): return 'fine'") == "fine"


def test_lambdas_cost_steps_and_recurse_to_an_error():
    assert play("f = lambda: f() or 1").status == "tool_error"
    assert play("def f(): return [(lambda: 1)() for i in range(200_000)]").status == "timeout"


def test_a_tool_can_loop_as_often_as_it_has_steps():
    assert value("def f():\n  n = 0\n  for i in range(200_000): n += 1\n  return n") == 200_000
    assert RUNTIME.steps() == 200_001


def test_what_loading_costs_is_not_taken_from_the_call():
    source = "for i in range(200_000): pass\nN = [1]\ndef f():\n  for i in range(200_000): pass\n  return N"
    assert value(source) == [1]


DEEP = {
    "a function": "def f(n=0): return f(n + 1)",
    "two functions": "def g(n): return h(n)\ndef h(n): return g(n)\ndef f(): return g(1)",
    "a function inside": "def f():\n  def g(n): return g(n + 1)\n  return g(0)",
    "a function as an argument": "def g(h): return h(h)\ndef f(): return g(g)",
    "a method": "class A:\n  def m(self): return self.m()\ndef f(): return A().m()",
    "an operator": "class A:\n  def __eq__(self, o): return self == o\ndef f(): return A() == 1",
    "a repr": "class A:\n  def __repr__(self): return repr(self)\ndef f(): return str(A())",
    "a key": "def g(n): return sorted([1], key=lambda x: g(n))\ndef f(): return g(1)",
    "a comprehension": "def g(n): return [g(i) for i in [n]]\ndef f(): return g(1)",
    "a sum": "def g(n): return sum(g(i) for i in [n])\ndef f(): return g(1)",
}


@pytest.mark.parametrize("source", DEEP.values(), ids=DEEP.keys())
def test_endless_recursion_is_an_error_that_a_replay_repeats(source):
    assert play(source) == ("tool_error", b"maximum recursion depth exceeded", True, None)


def test_the_depth_at_which_recursion_ends_does_not_depend_on_the_callers_stack():
    source = "def g(n):\n  try: return g(n + 1)\n  except RecursionError: return n\ndef f(): return g(1)"

    def deeper(n: int) -> object:
        return deeper(n - 1) if n else value(source)

    assert value(source) == deeper(300) == MAX_DEPTH - 1


def test_the_depth_is_free_again_after_each_call_however_it_ended():
    source = "def g(n): return n if n == 0 else g(n - 1)\ndef f(n): return g(n)"
    for _ in range(3):
        assert value(source, n=MAX_DEPTH - 2) == 0
        assert play(source, n=10_000).status == "tool_error"
        assert play("def g(): yield from g()\ndef f(): return list(g())").status == "tool_error"


@pytest.fixture
def ticking() -> Iterator[Runtime]:
    """A runtime with a short time limit and an alarm that ticks."""
    runtime = Runtime(call_time_limit_s=0.05)
    before = signal.signal(signal.SIGALRM, lambda *_: runtime.interrupt_if_late())
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    yield runtime
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


LATE = {
    "a regular expression": "return re.match('(a+)+$', 'a' * 60 + 'b') is None",
    "a swallowed one": "while True:\n    try: re.match('(a+)+$', 'a' * 60 + 'b')\n    except BaseException: pass",
    "a finally": "try: re.match('(a+)+$', 'a' * 60 + 'b')\n  finally: return 1",
    "a result that is slow to read": "return Late(2020, 1, 1)",
}


@pytest.mark.parametrize("body", LATE.values(), ids=LATE.keys())
def test_a_call_past_its_time_limit_is_a_timeout_that_a_replay_may_not_repeat(ticking, body):
    late = "  def isoformat(self): return re.match('(a+)+$', 'a' * 60 + 'b')\n"
    source = f"import re, datetime\nclass Late(datetime.date):\n{late}def f():\n  {body}\n"
    ticking.add_source("late", "f", source, {})
    assert ticking.run("late", b"{}", bytes(32)) == ("timeout", b"the tool did not finish within 0.05 s", False, None)
    ticking.add_source("fine", "f", "def f(): return 1", {})
    assert json.loads(ticking.run("fine", b"{}", bytes(32)).payload) == 1


def test_the_alarm_does_nothing_between_calls(ticking):
    ticking.interrupt_if_late()
    ticking.add_source("late", "f", "import re\ndef f(): return re.match('(a+)+$', 'a' * 60 + 'b')", {})
    assert ticking.run("late", b"{}", bytes(32)).status == "timeout"
    ticking.interrupt_if_late()  # must not raise now that no call is running


def test_code_that_a_call_leaves_behind_stops_at_its_first_step():
    source = (
        "KEEP = []\ndef g():\n  try: yield 1\n  finally:\n    for i in range(9): KEEP.append(i)\ndef f():\n  it = g()\n"
    )
    assert value(source + "  return next(it)") == 1
