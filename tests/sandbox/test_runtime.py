import json
import subprocess
import sys
from pathlib import Path

import pytest
from tool_play import RUNTIME, SEED, check, play, value

import tool_gym
from tool_gym.jsonvalue import digest, dumps
from tool_gym.sandbox.library import MAX_KEPT
from tool_gym.sandbox.runtime import COMPILE_LIMIT_S, MAX_REASON_CHARS, Outcome, Runtime

ROWS = [{"name": "Oslo", "people": 700_000}]


def test_a_result_is_compact_json_in_the_order_of_its_keys():
    source = "def f(b): return {'z': [1, 2.5, None, True], 'a': b}"
    assert play(source, b="ü") == ("ok", '{"z":[1,2.5,null,true],"a":"ü"}'.encode(), True, None)


def test_arguments_may_be_text_or_data():
    RUNTIME.add_source("echo", "f", "def f(a, b=2): return [a, b]", {})
    assert (
        RUNTIME.run("echo", b'{"a":{"b":[123456789012345678901]}}', SEED).payload
        == b'[{"b":[123456789012345678901]},2]'
    )
    assert RUNTIME.run("echo", {"a": 1}, SEED).payload == b"[1,2]"


ERRORS = {
    "raise ValueError('no town is called Oslo')": b"no town is called Oslo",
    "return {}['town']": b"KeyError: 'town'",
    "raise KeyError": b"KeyError",
    "raise ValueError": b"ValueError",
    "assert False": b"AssertionError",
    "return 1 / 0": b"division by zero",
    "return nothing": b"name 'nothing' is not defined",
    "raise SystemExit": b"SystemExit",
    "raise SystemExit(3)": b"3",
    "raise KeyboardInterrupt('mine')": b"mine",
    "raise GeneratorExit('g')": b"g",
    "raise BaseException('b')": b"b",
    "raise Own('x')": b"x",
    "raise Loop('x')": b"Loop (its text cannot be read)",
    "raise Bad('x')": b"Bad (its text cannot be read)",
    "raise NoText('x')": b"NoText (its text cannot be read)",
    "raise ValueError(Own('inner'))": b"inner",
    "raise ValueError('lone \\ud800')": "lone \ufffd".encode(),
    "raise ValueError('z' * 10 ** 6)": b"z" * MAX_REASON_CHARS,
    "return str(10 ** 5000)": b"Exceeds the limit (4300 digits) for integer string conversion; "
    b"use sys.set_int_max_str_digits() to increase the limit",
}
HEAD = """class Own(Exception): pass
class Loop(Exception):
    def __str__(self):
        while True: pass
class Bad(Exception):
    def __str__(self): raise SystemExit
class NoText(Exception):
    def __str__(self): return 5
"""


@pytest.mark.parametrize(("body", "reason"), ERRORS.items(), ids=ERRORS)
def test_a_tool_that_raises_answers_with_the_exceptions_text(body, reason):
    assert play(f"{HEAD}def f():\n    {body}") == ("tool_error", reason, True, None)


def test_wrong_arguments_are_an_error_of_the_call():
    assert play("def f(a): return a", a=1, zzz=2).payload == b"f() got an unexpected keyword argument 'zzz'"
    assert play("def f(a): return a").payload == b"f() missing 1 required positional argument: 'a'"


def test_the_hosts_interrupt_passes():
    runtime = Runtime()
    runtime.add_source("f", "f", "def f(x):\n  try: return x['n']\n  except BaseException: return 1", {})

    class Interrupting(dict):
        def __getitem__(self, key):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runtime.run("f", {"x": Interrupting()}, SEED)
    assert runtime.run("f", {"x": {"n": 5}}, SEED).payload == b"5"


BAD_RESULTS = {
    "bytes": "return b'abc'",
    "an object": "return object()",
    "a generator": "return (x for x in [1])",
    "a function": "return f",
    "a module": "import json\n    return json",
    "a cycle": "d = {}; d['d'] = d\n    return d",
    "too much depth": "d = []\n    for i in range(100_000): d = [d]\n    return d",
    "a subclass of text": "return S('a')",
    "too much text": "return 'x' * 2_000_000",
    "a small value that is long as JSON": "a = []\n    for i in range(60): a = [a, a]\n    return a",
    "a long text, often": "a = 'x' * 10_000\n    return {'a': [a] * 10_000}",
    "a date that cannot be read": "return D(2020, 1, 1)",
    "a list that cannot be walked": "return L([1])",
    "a dict that cannot be walked": "return M(a=1)",
    "a number with too many digits": "return 10 ** 5000",
    "a long range": "return range(10 ** 7)",
}


@pytest.mark.parametrize("body", BAD_RESULTS.values(), ids=BAD_RESULTS.keys())
def test_what_has_no_json_form_is_a_bad_result(body):
    head = "class L(list):\n    def __iter__(self):\n        while True: yield 1\n"
    head += "class M(dict):\n    def __len__(self):\n        while True: pass\n    def items(self): return self.x\n"
    head += "import datetime\nclass S(str): pass\nclass D(datetime.date):\n    def isoformat(self): raise ValueError\n"
    outcome = play(f"{head}def f():\n    {body}")
    assert (outcome.status, outcome.state) == ("bad_result", None)
    assert outcome.payload.startswith(b"the result ")


def test_the_longest_result_is_a_matter_of_the_runtime():
    runtime = Runtime(max_result_bytes=10)
    runtime.add_source("f", "f", "def f(n): return 'x' * n", {})
    assert runtime.run("f", {"n": 8}, SEED).status == "ok"
    assert runtime.run("f", {"n": 9}, SEED).payload == b"the result takes 11 bytes of JSON, at most 10 are taken"


COUNTER = """def f(add=1):
    STATE["n"] = STATE.get("n", 0) + add
    if add < 0: raise ValueError("never less")
    return STATE["n"]
"""


def run_counter(state: bytes | None, **arguments: int) -> Outcome:
    RUNTIME.add_source("counter", "f", COUNTER, {})
    return RUNTIME.run("counter", dumps(arguments), SEED, state)


def test_a_call_that_ends_well_gives_the_new_state():
    assert run_counter(b'{"n":41,"other":[1]}') == ("ok", b"42", True, b'{"n":42,"other":[1]}')
    assert run_counter(None) == ("ok", b"1", True, b'{"n":1}')


def test_a_call_that_fails_changes_no_state():
    assert run_counter(b'{"n":41}', add=-1) == ("tool_error", b"never less", True, None)
    assert run_counter(b'{"n":1}').payload == b"2"


def test_only_tools_that_name_the_state_have_one():
    assert play("def f(): return 1").state is None
    assert play("STATE = {'mine': 1}\ndef f(): return STATE") == ("ok", b'{"mine":1}', True, None)


def test_a_state_may_be_rebound_and_must_be_json():
    RUNTIME.add_source("rebind", "f", "def f():\n  global STATE\n  STATE = [1, {2}]", {})
    assert RUNTIME.run("rebind", b"{}", SEED, b"{}").state == b"[1,[2]]"
    RUNTIME.add_source("spoil", "f", "def f(): STATE['x'] = f", {})
    outcome = RUNTIME.run("spoil", b"{}", SEED, b"{}")
    assert (outcome.status, outcome.state) == ("bad_result", None)
    assert outcome.payload.startswith(b"STATE is not JSON")


def test_tables_are_bound_by_name_and_shared():
    sha256 = digest(ROWS)
    runtime = Runtime()
    assert not runtime.has_table(sha256)
    runtime.add_table(sha256, dumps(ROWS))
    assert runtime.has_table(sha256)
    for key, name in (("one", "towns"), ("two", "places")):
        runtime.add_source(key, "f", f"def f(): return DATA['{name}'][0]['name']", {name: sha256})
        assert runtime.run(key, b"{}", SEED).payload == b'"Oslo"'
    assert runtime.has_table(sha256)


def test_a_tool_whose_table_is_missing_or_broken_is_refused():
    runtime = Runtime()
    runtime.add_source("missing", "f", "def f(): return DATA", {"t": "0" * 64})
    assert runtime.check("missing").reason == f"the table {'0' * 64} that the tool reads is not there"
    runtime.add_table("1" * 64, b"{")
    runtime.add_source("broken", "f", "def f(): return DATA", {"t": "1" * 64})
    assert runtime.check("broken").reason.startswith(f"the table {'1' * 64} is not JSON")


def test_a_source_is_compiled_when_it_is_needed_and_remembered():
    runtime = Runtime()
    assert not runtime.has_source("f")
    runtime.add_source("f", "f", "def f(:", {})
    assert runtime.has_source("f")
    assert runtime.check("f") == ("not Python: invalid syntax", 1)
    assert runtime.run("f", b"{}", SEED) == (
        "tool_error",
        b"the tool does not load, line 1: not Python: invalid syntax",
        True,
        None,
    )
    assert runtime.run("g", b"{}", SEED).payload == b"the tool does not load: no source was added as 'g'"


def test_compiling_spends_none_of_the_calls_time(monkeypatch):
    runtime = Runtime(call_time_limit_s=0.02)
    granted = []
    allow = runtime._meter.allow
    monkeypatch.setattr(runtime._meter, "allow", lambda limit_s: granted.append(limit_s) or allow(limit_s))
    runtime.add_source("f", "f", "def f(): return 1", {})
    for _ in range(2):
        assert runtime.run("f", b"{}", SEED).payload == b"1"
    first, compiling, loading, *calls = granted
    assert (first, loading, calls) == (0.02, 0.02, [0.02, 0.02])
    assert compiling == COMPILE_LIMIT_S > 1


@pytest.mark.slow
def test_more_sources_than_are_kept_still_run():
    runtime = Runtime()
    for i in range(MAX_KEPT + 10):
        runtime.add_source(str(i), "f", f"def f(): return {i}", {})
    for i in (*range(MAX_KEPT + 10), 0, 5):
        assert json.loads(runtime.run(str(i), b"{}", SEED).payload) == i


def test_a_tool_that_loads_badly_is_refused_and_answers_so_at_each_call():
    source = "x = {}\nx['a']\ndef f(): return 1"
    assert check(source) == ("KeyError: KeyError: 'a'", 2)
    assert play(source) == play(source) == ("tool_error", b"KeyError: 'a'", True, None)


def test_print_writes_nowhere(capfd):
    assert value("print('load')\ndef f():\n  print('call', 1, sep='-', end='')\n  return 'done'") == "done"
    assert capfd.readouterr() == ("", "")


def test_a_memory_error_is_a_limit_that_a_replay_may_not_repeat():
    assert play("def f():\n  try: raise MemoryError\n  except BaseException: return 1") == (
        "limit",
        b"the tool needs more memory than there is",
        False,
        None,
    )


def test_pythons_own_recursion_limit_is_marked_as_not_repeatable():
    outcome = play("def f():\n  d = []\n  for i in range(100_000): d = [d]\n  return str(d)")
    assert (outcome.status, outcome.deterministic) == ("tool_error", False)


def test_the_runtime_needs_little_and_not_the_packages_front_door():
    """A worker loads it under a bare package, and stays small."""
    package = str(Path(tool_gym.__file__).parent)
    code = (
        "import sys, types\n"
        "package = sys.modules['tool_gym'] = types.ModuleType('tool_gym')\n"
        f"package.__path__ = [{package!r}]\n"
        "from tool_gym.sandbox.runtime import Runtime\n"
        "Runtime()\n"
        "heavy = ('pydantic', 'numpy', 'gymnasium', 'jsonschema_rs', 'tool_gym.messages', 'tool_gym.errors')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
