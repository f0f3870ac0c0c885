"""Numbers in texts, units and tolerance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.verify.normal import normal_text
from tool_gym.verify.numbers import close, quantities, read_number, read_quantity, same_unit


@pytest.mark.parametrize(
    ("text", "value"),
    [("42", 42), ("-5", -5), ("+1.50", 1.5), ("1e3", 1000.0), ("٤٢", 42), ("9" * 300, int("9" * 300))],
)
def test_a_plain_number_is_read(text, value):
    assert read_number(text) == value


@pytest.mark.parametrize("text", ["", "4 2", "1.2.3", "42 km", "1e999", "nan", "inf", "0x10", "--5", "9" * 301])
def test_what_is_no_plain_number_is_not_read(text):
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("12.5 km", (12.5, "km")),
        ("12.5 Kilometres", (12.5, "km")),
        ("12.5km", (12.5, "km")),
        ("NOK 1,249", (1249, "nok")),
        ("€5", (5, "eur")),
        ("4.5 million", (4_500_000, "")),
        ("400 million people", (400_000_000, "people")),
        ("12 %", (12, "%")),
    ],
)
def test_a_number_with_a_unit_is_read(text, quantity):
    assert read_quantity(normal_text(text)) == quantity


@pytest.mark.parametrize("text", ["about 12 km", "14:30", "2007-10-10", "3-4", "1/2", "a 5 b", "none"])
def test_a_text_that_says_more_than_a_quantity_is_not_read_as_one(text):
    quantity = read_quantity(normal_text(text))
    assert quantity is None or quantity[1] not in ("", "km")


def values(text):
    return [(quantity.value, quantity.unit) for quantity in quantities(normal_text(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is 42.", [(42, "")]),
        ("It is 42 km, or 26.1 miles!", [(42, "km"), (26.1, "mi")]),
        ("(-5) and +3", [(-5, ""), (3, "")]),
        ("total:42", [(42, "")]),
        ("$1,249.50", [(1249.5, "usd")]),
        ("2.5 billion dollars", [(2_500_000_000.0, "usd")]),
        ("42 square kilometres", [(42, "km2")]),
        ("42km away", [(42, "km")]),
        ("42 m2 and 9.7 m s⁻¹", [(42, "m2"), (9.7, "m/s")]),
        ("5.9 inches in 2030", [(5.9, "in"), (2030, "")]),
        ("42 in Haven", [(42, "")]),
        ("共10个", [(10, "")]),
    ],
)
def test_numbers_in_prose_are_found_with_their_units(text, found):
    assert values(text) == found


@pytest.mark.parametrize(
    "text", ["1.2.3", "14:30", "2007-10-10", "route-5", "a5", "5th", "4x4", "1980s", "3-4", "1/2", "192.168.0.1", "3,4"]
)
def test_digits_that_are_part_of_something_else_are_no_numbers(text):
    assert values(text) == []


def test_decimals_are_those_that_were_written():
    assert [quantity.decimals for quantity in quantities("3.10 4 1.5 million")] == [2, 0, 0]


@pytest.mark.parametrize(
    ("expected", "actual", "tolerance", "counts"),
    [
        (12.5, 12.4, 0.1, True),
        (0.2, 0.3, 0.1, True),
        (12.5, 12.3, 0.1, False),
        (0.1 + 0.2, 0.3, None, True),
        (3.14159, 3.14, None, False),
        (10_000_000_001, 10_000_000_002, None, False),
        (10_000_000_001, 10_000_000_002.0, None, False),
        (15, 15.0, None, True),
        (0, 1e-13, None, True),
        (0, 1e-6, None, False),
        (10**400, 1.5, None, False),
        (10**400, 1.5, 1.0, False),
        (1.5, float("inf"), None, False),
        (1.5, float("nan"), None, False),
    ],
)
def test_numbers_are_close_within_the_tolerance_or_the_rounding_of_floats(expected, actual, tolerance, counts):
    assert close(expected, actual, tolerance) is counts


def test_an_unknown_unit_is_its_own_spelling():
    assert same_unit("kilometers") == same_unit("km") == "km"
    assert same_unit("credits") == "credits"


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_float_that_python_writes_is_read_back(number):
    assert read_number(repr(number)) == number


@given(st.text(alphabet="0123456789.,:-+/e km$%th", max_size=80))
def test_no_text_breaks_the_reading_of_numbers(text):
    for quantity in quantities(normal_text(text)):
        assert abs(quantity.value) < 10**320
        assert quantity.start < quantity.end
