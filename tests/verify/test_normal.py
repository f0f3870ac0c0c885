"""The normal form of text, and the search for whole tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.verify.normal import blank, find_token, leaves, normal_text, words


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("  New\u00a0 York\n", "new york"),
        ("ＮＡＳＡ", "nasa"),
        ("Straße", "STRASSE"),
        ("20 ℃", "20 °c"),
        ("O\u2019Sullivan", "o'sullivan"),
        ("\u201cHula\u201d", '"hula"'),
        ("Al\u2011Aqsa \u2013 Mosque", "al-aqsa - mosque"),
        ("Rene\u0301e", "Ren\u00e9e"),
        ("Par\u00adis\u200b", "Paris"),
        ("1,430,000 people", "1430000 people"),
        ("$5,000.50", "$5000.50"),
        ("It is 1,481, they say", "It is 1481, they say"),
    ],
)
def test_two_spellings_of_one_text_have_one_normal_form(written, same):
    assert normal_text(written) == normal_text(same)


@pytest.mark.parametrize("text", ["1,2,3", "12,34", "July 1, 1949", "1,2345"])
def test_commas_that_separate_no_thousands_stay(text):
    assert "," in normal_text(text)


@given(st.text())
def test_the_normal_form_is_its_own_normal_form(text):
    once = normal_text(text)
    assert normal_text(once) == once


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("the capital is haven.", "haven"),
        ("(10)", "10"),
        ("it is 10, or so", "10"),
        ("a 10-year plan", "10"),
        ("x: 10", "10"),
        ("10", "10"),
        (normal_text("答案是北京。"), normal_text("北京")),
        (normal_text("共10个"), "10"),
    ],
)
def test_a_whole_token_is_found(text, token):
    assert find_token(text, token) >= 0


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("1000", "10"),
        ("not found", "no"),
        ("-10", "10"),
        ("10.5", "10"),
        ("1.10", "10"),
        ("2007-10-10", "10"),
        ("10:30", "10"),
        ("snake_haven", "haven"),
        ("havens", "haven"),
        ("anything", ""),
    ],
)
def test_a_part_of_a_longer_token_is_not_found(text, token):
    assert find_token(text, token) == -1


def test_the_search_goes_on_behind_a_hit_that_is_no_whole_token():
    assert find_token("1000 or 10", "10") == 8


@given(st.text(), st.text())
def test_what_stands_between_spaces_is_found(before, token):
    token = normal_text(token)
    if token:
        assert find_token(f"{before} {token} end", token) >= 0


def test_leaves_come_in_order_and_keys_only_when_wanted():
    value = {"a": [1, {"b": None}], "c": "x"}
    assert list(leaves(value)) == [1, None, "x"]
    assert set(leaves(value, keys=True)) == {"a", "b", "c", 1, None, "x"}


def test_leaves_of_a_value_as_deep_as_any_are_reached():
    value = "bottom"
    for _ in range(5000):
        value = [value]
    assert list(leaves(value)) == ["bottom"]


def test_words_split_at_underscores_and_punctuation():
    assert words("john_dewey's 2-part") == ["john", "dewey", "s", "2", "part"]


def test_blank_keeps_the_length_and_the_rest():
    assert blank("abcdef", [(1, 2), (4, 6)]) == "a\ncd\n\n"
