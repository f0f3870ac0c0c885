import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tool_play import SEED, play, samples, value

from tool_gym.sandbox.sets import FrozenSet, Set

HERE = Path(__file__).parent
SOURCES = samples("seeded.txt")
STATEFUL = samples("stateful.txt")
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


def test_no_module_is_loaded_while_tools_run():
    """A sealed worker could not find it."""
    code = (
        "import sys; from tool_play import play, samples\n"
        "loaded = set(sys.modules)\n"
        "for file in ('alike.txt', 'modules.txt', 'seeded.txt', 'stateful.txt'):\n"
        "    for source in samples(file).values(): play(source)\n"
        "print(sorted(set(sys.modules) - loaded))"
    )
    paths = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_a_call_gives_the_same_bytes_again(source):
    assert play(source) == play(source)


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


@given(st.sets(st.one_of(st.text(), st.none(), st.tuples(st.text(), st.integers()))))
def test_a_tools_set_holds_what_pythons_holds_in_an_order_of_its_content(items):
    ours = Set(items)
    assert ours == items
    assert list(ours) == list(Set(sorted(items, key=repr)))
    assert FrozenSet(items) == items


@given(st.lists(st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans())))
def test_a_tools_set_of_numbers_has_pythons_order(items):
    assert list(Set(items)) == list(set(items))


@given(st.sets(st.text(max_size=2)), st.sets(st.text(max_size=2)))
def test_set_algebra_gives_tools_sets(a, b):
    for kind in (Set, FrozenSet):
        x, y = kind(a), kind(b)
        for ours, theirs in ((x | y, a | b), (x & y, a & b), (x - y, a - b), (x ^ y, a ^ b)):
            assert type(ours) is kind
            assert ours == theirs
        assert type(a | Set(b)) is Set
        assert x.union(b, ["z"]) == a | b | {"z"}
        assert (x <= y) == (a <= b)
