import collections
import datetime
import decimal
import enum
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.jsonvalue import MAX_DEPTH, NotJson, canonical, clean, clean_text, digest, dumps, encode, loads

json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Colour(enum.Enum):
    RED = "red"


@given(json_data)
def test_json_data_survives_encoding_and_decoding(value):
    cleaned = clean(value)
    assert loads(encode(value)) == cleaned
    assert encode(cleaned) == encode(value)


@given(json_data)
def test_the_fast_path_and_the_careful_path_write_the_same_bytes(value):
    assert encode(value) == dumps(clean(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, '"NaN"'),
        ([math.inf, -math.inf], '["Infinity","-Infinity"]'),
        ({3, 1, 2}, "[1,2,3]"),
        ({"b", "a", 1}, '[1,"a","b"]'),
        ((1, (2,)), "[1,[2]]"),
        ({1: "a", (1, 2): "b", None: "c"}, '{"1":"a","[1, 2]":"b","null":"c"}'),
        ("\ud800x", '"�x"'),
        (2**70, str(2**70)),
        ([None, math.nan], '[null,"NaN"]'),
        (datetime.date(2024, 5, 17), '"2024-05-17"'),
        (decimal.Decimal("1.50"), '"1.50"'),
        (Colour.RED, '"red"'),
        (collections.OrderedDict(z=1, a=2), '{"z":1,"a":2}'),
        (collections.Counter("aab"), '{"a":2,"b":1}'),
        ({"x": 1}.items(), '[["x",1]]'),
        (range(3), "[0,1,2]"),
    ],
)
def test_values_beyond_json_take_their_one_obvious_form(value, text):
    assert encode(value).decode() == text


class StrangeText(str):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize("value", [b"abc", object(), (x for x in [1]), len, StrangeText("a"), {"a": object()}])
def test_values_without_a_json_form_are_refused(value):
    with pytest.raises(NotJson, match="no JSON form"):
        encode(value)


def test_cycles_and_deep_nesting_are_refused():
    cycle: dict[str, object] = {}
    cycle["self"] = cycle
    with pytest.raises(NotJson, match="cyclic or nested"):
        encode(cycle)
    deep: list[object] = []
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert encode(deep) == dumps(clean(deep))
    with pytest.raises(NotJson):
        encode([[deep]])


@pytest.mark.parametrize("text", ["", "{", "NaN", "[" * 100_000, '{"a": Infinity}', "\x00", "1 2", "1" * 30 + " NaN"])
def test_text_that_is_not_json_is_refused_with_one_error(text):
    with pytest.raises(NotJson):
        loads(text)


def test_big_integers_are_exact():
    assert loads(str(10**40)) == 10**40
    assert canonical({"b": 10**40, "a": 1}).decode() == f'{{"a":1,"b":{10**40}}}'


@given(st.dictionaries(st.text(alphabet="abc", max_size=3), st.integers()))
def test_equal_data_has_equal_digests_whatever_the_order_of_keys(value):
    assert digest(value) == digest(dict(reversed(list(value.items()))))


@given(st.text())
def test_cleaned_text_has_a_utf8_form_and_changes_nothing_else(text):
    cleaned = clean_text(text)
    cleaned.encode()
    assert len(cleaned) == len(text)
    assert json.loads(encode(text)) == cleaned
