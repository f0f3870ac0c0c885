from datetime import date

import pytest

from tool_gym.candidates.values import named_values, returned_values
from tool_gym.candidates.words import is_of_thing, words


def contents(text):
    return [(value.kind, value.content) for value in named_values(text)]


def test_names_numbers_and_dates_of_a_question_are_found_in_order():
    found = contents("How many of the 12 ships did Ada Quarrel see on 4 July 2031?")
    assert found == [("name", "How"), ("number", 12), ("name", "Ada Quarrel"), ("date", date(2031, 7, 4))] or found == [
        ("number", 12),
        ("name", "Ada Quarrel"),
        ("date", date(2031, 7, 4)),
    ]


def test_a_date_is_read_in_each_of_its_forms():
    for text in ("4 July 2031", "July 4, 2031", "2031-07-04", "the 4th of July 2031"):
        assert ("date", date(2031, 7, 4)) in contents(f"What was sold on {text}?")


def test_the_31st_of_february_is_no_date():
    assert not [each for each in contents("It happened on 31 February 2031.") if each[0] == "date"]


def test_the_form_of_a_date_a_weekday_and_a_label_are_no_names():
    found = contents("Is station A open on Sundays in May? Write the date as YYYY-MM-DD.")
    assert not {"YYYY-MM-DD", "Sundays", "May", "A"} & {content for _, content in found}


def test_a_bound_is_told_from_the_words_beside_a_number():
    bounds = {value.content: value.bound for value in named_values("at least 30 pages, 45 metres or less, and 7 rooms")}
    assert bounds == {30: "least", 45: "most", 7: ""}


def test_a_year_as_a_bound_is_a_date_as_well():
    days = [value.content for value in named_values("opened in 1980 or later") if value.kind == "date"]
    assert days == [date(1980, 1, 1)]


def test_days_before_something_may_be_handed_in_as_a_negative_number():
    assert {value.content for value in named_values("What date is 30 working days before then?")} >= {30, -30}


def test_returned_values_carry_their_key_their_unit_and_their_place_and_no_id():
    result = {"items": [{"name": "Ada", "id": "P-1"}, {"name": "Bea", "id": "P-2"}], "mass": {"value": 5, "unit": "kg"}}
    found = {value.content: value for value in returned_values(result, 1)}
    assert found.keys() == {"Ada", "Bea", 5}
    assert (found["Bea"].place, found[5].unit, found[5].keys[0]) == (1, "kg", words("mass")[0])


def test_words_of_one_stem_and_words_that_say_the_same_are_equal():
    assert words("operates") == words("Operator")
    assert words("teacher") == words("taught")
    assert words("date_of_birth") == words("dateOfBirth")
    assert words("the of a") == ()


@pytest.mark.parametrize(("symbol", "name"), [("in", "inch"), ("ft", "feet"), ("kW", "kilowatts"), ("MW", "megawatts")])
def test_a_text_that_is_the_symbol_of_a_unit_is_read_as_its_name(symbol, name):
    assert words(symbol) == words(name)


def test_a_name_of_a_thing_is_told_from_that_of_a_person_by_its_last_word():
    assert is_of_thing("Silver Arrow")
    assert is_of_thing("Harlow & Sons Bakeries")
    assert not is_of_thing("Ada Harlow")
    assert not is_of_thing("Arrow")
