"""Dates in common spellings."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.verify.dates import Date, dates, read_date
from tool_gym.verify.normal import normal_text

DAY = Date(2007, 11, 7)


@pytest.mark.parametrize(
    "text",
    [
        "2007-11-07",
        "2007-11-7",
        "2007/11/07",
        "2007.11.7",
        "7 November 2007",
        "7 Nov 2007",
        "07-Nov-2007",
        "7th of November, 2007",
        "the 7th of November 2007",
        "November 7, 2007",
        "Nov. 7 2007",
        "November 7th, 2007",
        "Wednesday, 7 November 2007",
        "Wed, November 7, 2007",
        "2007 November 7",
        "7. November 2007",
        "07/Nov/2007",
        "7.11.2007",
        "2007年11月7日",
    ],
)
def test_one_day_is_read_from_any_common_spelling(text):
    assert read_date(normal_text(text)) == (DAY,)
    assert [readings for readings, _, _ in dates(normal_text(f"It was on {text}, they say."))] == [(DAY,)]


def test_eight_digits_are_a_date_only_where_nothing_else_stands():
    assert read_date("20071107") == (DAY,)
    assert list(dates("20071107 people")) == []


def test_a_day_and_month_that_may_be_swapped_have_two_readings():
    assert set(read_date("07/11/2007")) == {Date(2007, 11, 7), Date(2007, 7, 11)}


@pytest.mark.parametrize(("text", "date"), [("25/12/2007", (2007, 12, 25)), ("12/25/2007", (2007, 12, 25))])
def test_a_day_past_twelve_settles_the_order(text, date):
    assert read_date(text) == (Date(*date),)


def test_both_orders_of_a_day_equal_to_its_month_are_one_date():
    assert read_date("07/07/2007") == (Date(2007, 7, 7),)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("November 2007", Date(2007, 11, 0)),
        ("2007-11", Date(2007, 11, 0)),
        ("September 7", Date(0, 9, 7)),
        ("7 september", Date(0, 9, 7)),
        ("29 February", Date(0, 2, 29)),
    ],
)
def test_a_date_is_as_precise_as_it_is_written(text, date):
    assert read_date(normal_text(text)) == (date,)


@pytest.mark.parametrize(
    "text",
    ["2007-13-07", "2007-02-30", "31 April 2007", "0000-01-01", "20071307", "2007", "may", "1.2.3", "", "7 2007"],
)
def test_what_is_no_date_is_not_read(text):
    assert read_date(text) == ()


def test_a_time_is_read_and_zones_have_one_spelling():
    assert read_date("2007-11-07t14:30z") == read_date("2007-11-07 14:30:00.000 +00:00")
    assert read_date("2007-11-07t14:30z")[0].time == "14:30:00"


def test_a_date_without_a_time_means_the_day_at_any_time_but_not_the_other_way_round():
    at_noon = read_date("2007-11-07t12:00:00")[0]
    assert DAY.means(at_noon)
    assert not at_noon.means(DAY)


def test_a_date_is_no_part_of_a_longer_run_of_digits():
    assert list(dates("12007-11-071")) == []


@given(st.dates(min_value=datetime.date(1000, 1, 1)))
def test_every_day_is_read_back_from_what_python_writes(day):
    wanted = (Date(day.year, day.month, day.day),)
    assert read_date(day.isoformat()) == wanted
    assert read_date(normal_text(day.strftime("%A, %d %B %Y"))) == wanted
    assert read_date(normal_text(day.strftime("%b %d, %Y"))) == wanted


@given(st.text(alphabet="0123456789-/. janfebmthof年月日:tz+", max_size=60))
def test_no_text_breaks_the_reading_of_dates(text):
    for readings, start, end in dates(normal_text(text)):
        assert readings
        assert start < end
