"""What can be put together from a call's arguments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.verify.normal import words
from tool_gym.verify.pieces import spelled_by


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [
        ("john dewey", ["john dewey"]),
        ("john dewey", ["was it dewey, john?"]),
        ("john dewey", ["johndewey"]),
        ("john dewey", ["john", "x y", "johndewey z", "john_dewey"]),
        ("john dewey", ["dewey", "john"]),
        ("new york grand hotel", ["new york", "grand", "hotel"]),
        ("new york grand hotel", ["in new york", "grand", "hotel please"]),
        ("seattle bait store", ["seattle, wa", "bait store"]),
        ("a b a b", ["a b"]),
    ],
)
def test_arguments_one_after_another_spell_a_text(wanted, texts):
    assert spelled_by(words(wanted), texts)


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [
        ("john dewey", ["john"]),
        ("seattle bait store", ["seattle port", "bait store"]),
        ("manhattan furniture store", ["manhattan business district", "furniture_store"]),
        ("new york grand hotel", ["new york", "a grand piano", "hotel"]),
        ("john dewey", []),
    ],
)
def test_arguments_that_only_hold_the_words_spell_nothing(wanted, texts):
    assert not spelled_by(words(wanted), texts)


LINES = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=4)


@given(LINES, st.data())
def test_whatever_a_tool_writes_of_its_arguments_as_they_stand_is_spelled_by_them(lines, data):
    order = data.draw(st.permutations(lines))
    written = words(" ".join(order))
    start = data.draw(st.integers(0, len(words(order[0])) - 1))
    end = data.draw(st.integers(0, len(words(order[-1])) - 1))
    part = written[start : len(written) - end]
    if part:
        assert spelled_by(part, lines)


def test_many_pieces_and_a_long_text_are_decided():
    texts = [f"w{i} x" for i in range(3000)]
    assert not spelled_by([f"w{i}" for i in range(300)] + ["x"], texts)
