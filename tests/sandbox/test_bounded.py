import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tool_play import play, value

from tool_gym.sandbox.bounded import MAX_BITS, Bounded
from tool_gym.sandbox.fuel import Meter, Stop

HUGE = {
    "a repeated text": "'a' * n",
    "a repeated text, turned round": "n * 'a'",
    "a repeated list": "[0] * n",
    "a repeated tuple": "(1,) * n",
    "repeated bytes": "b'a' * n",
    "repetition by operator": "operator.mul('a', n)",
    "repetition in place": "grow('a', n)",
    "a power": "9 ** n",
    "a power of a power": "9 ** 9 ** 9 ** 9",
    "the builtin pow": "pow(10, n)",
    "pow of the operator module": "operator.pow(10, n)",
    "a power modulo a huge number": "pow(3, 1 << 90_000, 1 << 90_000)",
    "a shift": "1 << n",
    "a shift by operator": "operator.lshift(1, n)",
    "a factorial": "math.factorial(n)",
    "combinations": "math.comb(n, n // 2)",
    "squares of squares": "square(2)",
    "squares of squares in place": "square_in_place(2)",
    "squares of an item in place": "square_item({'x': 2})",
    "products": "math.prod([1 << 100_000] * 50)",
    "a width in an f-string": "f'{1:>1000000000}'",
    "a width in an f-string, given": "f'{1:>{n}}'",
    "a width in a converted f-string": "f'{1!r:>{n}}'",
    "a width in format": "'{:1000000000}'.format(1)",
    "a width for format": "format(1, str(n))",
    "a width in %": "'%1000000000d' % 1",
    "a width for %": "'%*d' % (n, 1)",
    "zfill": "'1'.zfill(n)",
    "ljust": "'1'.ljust(n)",
    "rjust of the class": "str.rjust('1', n)",
    "center": "'1'.center(n, '-')",
    "expandtabs": "'\\t'.expandtabs(tabsize=n)",
    "a pad by getattr": "getattr('1', 'zfill')(n)",
}
HEAD = """import math, operator
n = 10 ** 10
def grow(x, k):
    x *= k
    return x
def square(x):
    while True: x = x * x
def square_in_place(x):
    while True: x **= 2
def square_item(d):
    while True: d['x'] *= d['x']
"""


@pytest.mark.parametrize("expression", HUGE.values(), ids=HUGE.keys())
def test_what_would_be_huge_is_refused_before_it_is_made(expression):
    outcome = play(f"{HEAD}def f(): return len(str({expression}))")
    assert (outcome.status, outcome.deterministic) == ("limit", True)


def test_a_limit_cannot_be_swallowed():
    assert play("def f():\n  try: 'a' * 10 ** 10\n  except BaseException: return 1").status == "limit"
    assert play("def f():\n  try: 'a' * 10 ** 10\n  finally: return 1").status == "limit"


def test_what_is_merely_large_is_made():
    assert value("def f(n): return len('a' * n)", n=10_000_000) == 10_000_000
    assert value("def f(n): return (2 ** n).bit_length()", n=1_000_000) == 1_000_001
    assert value("def f(n): return [1 ** n, (-1) ** n, 0 ** n, 2 ** -1]", n=10**12) == [1, 1, 0, 0.5]
    assert value("def f(n): return [0 * n, 0 << n, 1.5 * n]", n=10**9) == [0, 0, 1.5e9]
    assert value("import math\ndef f(): return math.factorial(1000) % (10 ** 9 + 7)") == 641419708


@given(st.one_of(st.integers(-50, 50), st.floats(-9, 9), st.text(max_size=3)), st.integers(-9, 9))
def test_bounded_operations_give_what_pythons_give(a, b):
    bounded = Bounded(Meter({}, 0))
    for ours, theirs in (
        (bounded.multiply, lambda x, y: x * y),
        (bounded.power, lambda x, y: x**y),
        (bounded.shift, lambda x, y: x << y),
    ):
        assert outcome(ours, a, b) == outcome(theirs, a, b)


def outcome(operation, a, b):
    try:
        return repr(operation(a, b))
    except (ArithmeticError, TypeError, ValueError) as error:
        return repr(error)


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**70))
def test_no_number_far_beyond_the_bound_is_ever_made(a, b):
    bounded = Bounded(Meter({}, 0))
    for operation in (bounded.power, bounded.shift, bounded.multiply):
        with contextlib.suppress(Stop):
            assert operation(a, b).bit_length() <= 2 * MAX_BITS


def test_a_long_range_answers_as_pythons_does():
    source = "import random\ndef f():\n  r = range(0, 10 ** 8, 5)\n  return [r.start, r.stop, r.step, r.index(50),"
    source += " r.count(7), r == range(0, 10 ** 8, 5), r == range(3), len(random.sample(r, 2)), 50.0 in r[:100]]"
    assert value(source) == [0, 10**8, 5, 10, 0, True, False, 2, True]


HUGE = {
    "a decimal's digits": "from decimal import Decimal\ndef f(): return int(Decimal('1e10000000'))",
    "a fraction's digits": "from fractions import Fraction\ndef f(): return str(Fraction('1e10000000'))",
    "a decimal as a fraction": "from decimal import Decimal\nfrom fractions import Fraction\n"
    "def f(): return str(Fraction(Decimal('1e-10000000')))",
    "a fraction's power": "from fractions import Fraction\ndef f(): return str(Fraction(10, 3) ** 10 ** 7)",
    "a counter's elements": "from collections import Counter\ndef f(): return -1 in Counter(a=10 ** 15).elements()",
}


@pytest.mark.parametrize("source", HUGE.values(), ids=HUGE.keys())
def test_a_number_that_only_states_how_large_it_is_ends_the_call(source):
    assert play(source).status in ("limit", "timeout")
    assert play(source).deterministic


def test_fractions_decimals_and_counters_of_a_common_size_are_pythons():
    source = """from collections import Counter
from decimal import Decimal
from fractions import Fraction
def f():
  x = Fraction('1/3') + Fraction(2, 3) * 2
  return [str(x), isinstance(x, Fraction), isinstance(1.0, Fraction), str(Fraction(10) ** 3),
          Fraction.from_float(0.5) == x,
          int(Decimal('12.7')), int('ff', 16), int(Decimal('1e30')), list(Counter(a=2, b=1).elements()),
          type(x).__name__]
"""
    assert value(source) == ["5/3", True, False, "1000", False, 12, 255, 10**30, ["a", "a", "b"], "Fraction"]
