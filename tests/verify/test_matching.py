"""Matchers: each rule of `typed` has a test that fails without it; `ftrl` keeps the paper's faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import call, expect, failed, ok
from plain_ftrl import answer_verify, output_text

from tool_gym.errors import UnknownName
from tool_gym.messages import ToolMessage
from tool_gym.verify.matching import MISSING, json_pointer, matcher

FTRL, TYPED = matcher("ftrl"), matcher("typed")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def typed(expected, value, made=None, reference=None):
    made = made or call()
    return TYPED.accepts(expected, made, ok(value, made), reference)


# Which value


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (expect("New  York", path=""), "new york"),
        (expect("1,430,000", path=""), 1430000),
        (expect("8502", path=""), "8,502"),
        (expect("8502", path=""), 8502.0),
        (expect(12.5, "number", "", unit="km"), 12.5),
        (expect(12.5, "number", "", unit="km"), "12.5 km"),
        (expect(12.5, "number", "", unit="km"), "12.5 kilometres"),
        (expect(1249, "number", "", unit="NOK"), "NOK 1,249"),
        (expect(12.5, "number", "", tolerance=0.1), 12.4),
        (expect("2007-11-07", "date", ""), "Nov 7, 2007"),
        (expect("2007-11-07", "date", ""), "2007-11-07T00:00:00Z"),
        (expect("spring", "date", ""), "Spring"),
        (expect(True, "bool", ""), True),
        (expect("Open", "enum", ""), "open"),
        (expect(3, "enum", ""), 3),
        (expect(3, "enum", ""), "3"),
        (expect(["b", "a", "a"], "list", ""), ["a", "b", "A"]),
        (expect([1, 2.5, None, True], "list", ""), [True, None, 2.5, 1]),
        (expect([], "list", ""), []),
        (expect([1.0, 1.2], "list", "", tolerance=0.15), [1.1, 0.9]),
        (expect({"n": 3, "who": ["x"]}, "object", ""), {"who": ["X"], "n": 3.0, "more": 1}),
        (expect({}, "object", ""), {}),
        (expect("Paris", path="", alternatives=("Lutetia",)), "lutetia"),
    ],
)
def test_the_value_of_its_kind_at_its_path_counts(expected, value):
    assert typed(expected, value)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (expect("10", path=""), "1000"),
        (expect("no", path=""), "not found"),
        (expect("Haven", path=""), "Haven or Port Ellis"),  # whole equality at the path
        (expect("007", path=""), 7),
        (expect("007", path=""), "7"),
        (expect(12.5, "number", "", unit="km"), "12.5 miles"),
        (expect(12.5, "number", ""), "12.5 km"),  # a unit that nobody stated
        (expect(12.5, "number", "", tolerance=0.1), 12.7),
        (expect(1, "number", ""), True),
        (expect(1, "number", ""), "true"),
        (expect(4, "number", ""), "4 million"),
        (expect("2007-11-07", "date", ""), "07/11/2007"),  # may be 11 July
        (expect("2007-11-07", "date", ""), "November 2007"),
        (expect("2007-11-07", "date", ""), 20071107),
        (expect("2007-11-07T10:00", "date", ""), "2007-11-07T11:00"),
        (expect(True, "bool", ""), 1),
        (expect(True, "bool", ""), "true"),
        (expect(False, "bool", ""), None),
        (expect(1, "enum", ""), True),
        (expect("open", "enum", ""), "opened"),
        (expect(["a", "a", "b"], "list", ""), ["a", "b", "b"]),
        (expect(["a"], "list", ""), ["a", "a"]),
        (expect(["a"], "list", ""), "a"),
        (expect([], "list", ""), ["a"]),
        (expect({"n": 3}, "object", ""), {"m": 3}),
        (expect({"n": 3}, "object", ""), {"n": 4}),
        (expect({}, "object", ""), {"n": 4}),
        (expect({"n": None}, "object", ""), {"n": 0}),
        (expect("none", path=""), None),
    ],
)
def test_a_value_that_only_resembles_it_does_not_count(expected, value):
    assert not typed(expected, value)


# Where


def test_the_value_elsewhere_in_the_result_does_not_count():
    expected = expect("Haven", path="/rows/0/capital")
    assert typed(expected, {"rows": [{"capital": "Haven"}]})
    assert not typed(expected, {"rows": [{"capital": "Norwick", "port": "Haven"}, {"capital": "Haven"}]})


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        ("text", "Haven", {"said": ["The capital is Haven."]}),
        ("text", "1,024", {"storage": "1024 GB"}),
        ("text", "97", [{"score": 97}]),
        ("number", 97, "scored 97 of 100"),
        ("date", "2007-11-07", "on 7 November 2007 at noon"),
        ("enum", "open", {"state": "Open"}),
        ("list", ["a", "b"], {"rows": ["b", "a"]}),
        ("object", {"a": 1}, [{"b": {"a": 1}}]),
        ("bool", True, True),
    ],
)
def test_without_a_path_the_value_may_stand_anywhere_as_a_whole(kind, value, result):
    assert typed(expect(value, kind), result)


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        ("text", "Haven", "Newhaven"),
        ("text", "2", {"casualties": 12}),
        ("number", 97, "1997"),
        ("number", 1, {"found": True}),
        ("enum", "open", {"said": "it is open"}),
        ("bool", True, {"error": False, "exact": True}),  # one flag of many always fits
        ("list", ["a", "b"], "a, b"),
    ],
)
def test_without_a_path_a_part_of_something_else_does_not_count(kind, value, result):
    assert not typed(expect(value, kind), result)


# From what


@pytest.mark.parametrize("status", ["invalid_call", "tool_error", "timeout", "limit", "bad_result", "crashed"])
def test_a_failure_never_counts_even_if_it_has_the_value(status):
    made = call()
    message = failed("Haven", made, status)
    forged = message.model_copy(update={"value": "Haven"})
    for path in (None, ""):
        assert not TYPED.accepts(expect("Haven", path=path), made, message, None)
        assert not TYPED.accepts(expect("Haven", path=path), made, forged, None)


ECHOES = [
    (expect("John Dewey", path=""), {"q": "John Dewey"}),
    (expect("John Dewey", path=""), {"q": "who is JOHN  DEWEY?"}),
    (expect("John Dewey", path=""), {"first": "John", "last": ["Dewey"]}),
    (expect("John Dewey", path=""), {"q": "john_dewey"}),
    (expect("John Dewey", path=""), {"q": "JohnDewey"}),
    (expect("John Dewey", path=""), {"q": {"John Dewey": 1}}),
    (expect("???", path=""), {"q": "???"}),
    (expect("1,024", path=""), {"q": 1024}),
    (expect("1,024", path=""), {"q": "1024 - 1024"}),
    (expect(12.5, "number", "", tolerance=0.2), {"q": 12.4}),
    (expect(12.5, "number", ""), {"q": "12.50 km"}),
    (expect("2007-11-07", "date", ""), {"day": "7 Nov 2007"}),
    (expect("2007-11-07", "date", ""), {"day": "20071107"}),
    (expect("2007-11-07", "date", ""), {"day": "07/11/2007"}),  # the tool may read it either way
    (expect("2007-07-11", "date", ""), {"day": "07/11/2007"}),
    (expect("open", "enum", ""), {"state": "open"}),
    (expect(["a", "b"], "list", ""), {"x": "b", "y": ["a"]}),
    (expect({"k": "a", "flag": True}, "object", ""), {"x": "a"}),
    (expect("Paris", path="", alternatives=("Lutetia",)), {"q": "Lutetia"}),
]


@pytest.mark.parametrize(("expected", "arguments"), ECHOES)
def test_a_value_that_the_call_hands_in_itself_does_not_count(expected, arguments):
    made = call(**arguments)
    assert typed(expected, expected.value)
    assert not typed(expected, expected.value, made)
    assert not typed(expected.model_copy(update={"path": None}), expected.value, made)


@pytest.mark.parametrize(("expected", "arguments"), ECHOES)
def test_a_handed_in_value_counts_where_the_reference_call_holds_it_too_or_echo_ok_says_so(expected, arguments):
    made = call(**arguments)
    assert typed(expected, expected.value, made, reference=arguments)
    assert typed(expected, expected.value, made, reference={**arguments, "and": "more"})
    assert not typed(expected, expected.value, made, reference={"other": "thing"})
    assert typed(expected.model_copy(update={"echo_ok": True}), expected.value, made)


@pytest.mark.parametrize(("expected", "arguments"), ECHOES)
def test_without_a_path_no_reference_call_excuses_a_handed_in_value(expected, arguments):
    anywhere = expected.model_copy(update={"path": None})
    assert not typed(anywhere, expected.value, call(**arguments), reference=arguments)


def test_words_among_others_in_several_arguments_hand_nothing_in():
    made = call(kind="bait store", near="Seattle Port")
    assert typed(expect("Seattle Bait Store", path=""), "Seattle Bait Store", made)
    handed_in = call(kind="bait store", near="Seattle")
    assert not typed(expect("Seattle Bait Store", path=""), "Seattle Bait Store", handed_in)


def test_a_handed_in_value_still_has_to_stand_at_its_path_in_an_ok_result():
    made, expected = call(q="Haven"), expect("Haven", path="/capital", echo_ok=True)
    assert not typed(expected, {"error": "no place is called Haven"}, made)
    assert not TYPED.accepts(expected, made, failed("no place is called Haven", made), made.arguments)


def test_flags_among_the_arguments_do_not_spoil_a_bool():
    assert typed(expect(True, "bool", "/open"), {"open": True}, call(details=True))


def test_an_argument_that_holds_the_value_inside_a_longer_word_hands_nothing_in():
    assert typed(expect("Rome", path=""), "Rome", call(q="chromeos"))
    assert typed(expect(10, "number", ""), 10, call(q=1000, day="2007-10-10"))


@given(st.text(min_size=1))
def test_no_text_is_earned_by_handing_it_in(text):
    made = call(q=text)
    for path in (None, ""):
        assert not typed(expect(text, path=path), text, made)


@given(JSON, JSON, st.sampled_from(["text", "number", "date", "bool", "enum", "list", "object"]))
def test_no_result_and_no_arguments_break_the_matchers(value, argument, kind):
    gold = {
        "text": "a",
        "number": 1,
        "date": "2007-11-07",
        "bool": True,
        "enum": "a",
        "list": ["a", 1],
        "object": {"a": 1},
    }
    made = call(q=argument)
    for path in (None, "", "/0/a"):
        for rule in (TYPED, FTRL):
            assert rule.accepts(expect(gold[kind], kind, path), made, ok(value, made), None) in (True, False)


# Pointers


def test_json_pointers_find_what_stands_at_them():
    value = {"a": [{"b/c": 1, "~": 2}], "": 3, "0": None}
    assert json_pointer(value, "") is value
    assert json_pointer(value, "/a/0/b~1c") == 1
    assert json_pointer(value, "/a/0/~0") == 2
    assert json_pointer(value, "/") == 3
    assert json_pointer(value, "/0") is None


@pytest.mark.parametrize(
    "path", ["/x", "/a/1", "/a/-", "/a/00", "/a/-1", "/a/0/b/c", "/a/٠", "/a/99999999999999999999"]
)
def test_json_pointers_to_nothing_are_missing(path):
    assert json_pointer({"a": [{"b": 1}]}, path) is MISSING


# The paper's rule


@pytest.mark.parametrize(
    ("golden", "value"),
    [("10", "1000"), ("no", "not found"), ("1,000", "about 1000"), ("a, b", {"x": "b", "y": ["A"]}), ("true", True)],
)
def test_the_papers_rule_takes_substrings(golden, value):
    assert FTRL.accepts(expect(golden), call(), ok(value), None)


def test_the_papers_rule_takes_failures_and_echoes():
    made = call(q="Haven")
    assert FTRL.accepts(expect("Haven"), made, failed("no place is called Haven", made), None)
    assert FTRL.accepts(expect("when call find"), made, failed("x", made), None)


def test_a_failure_whose_content_is_not_the_usual_json_is_matched_as_it_stands():
    message = ToolMessage(tool_call_id="c", name="find", status="tool_error", content="Haven!")
    assert FTRL.accepts(expect("haven"), call(), message, None)


@given(st.text(max_size=12) | st.sampled_from(["a, b", "1,000", "True", "null"]), JSON, st.booleans())
def test_the_papers_rule_equals_its_plain_writing(golden, value, fails):
    made = call()
    message = failed(str(value), made) if fails else ok(value, made)
    outcome = ("failure", str(value)) if fails else ("value", value)
    assert FTRL.accepts(expect(golden), made, message, None) == answer_verify(output_text("find", outcome), golden)


def test_an_unknown_matcher_is_named_with_those_that_exist():
    with pytest.raises(UnknownName, match="typed"):
        matcher("type")
