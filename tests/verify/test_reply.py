"""The part of a reply that answers, without its markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.verify.reply import what_it_says


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("so <answer>11 m</answer> then", "11 m"),
        ("<answer>1</answer><answer >11</answer >", "11"),
        ("<answer><b>11</b></answer>", "11"),
    ],
)
def test_the_last_closed_tag_is_what_it_says(content, said):
    text, tagged = what_it_says(content)
    assert (text.strip(), tagged) == (said, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("5 of them.\n**Answer:** 11", "11"),
        ("Answer: 5. So the final answer is 11", "11"),
        ("The answer is:\n11", "11"),
        ("It is 11", "It is 11"),
        ("<answer>11", "11"),
    ],
)
def test_without_a_tag_it_is_what_follows_the_last_conclusion_or_all(content, said):
    text, tagged = what_it_says(content)
    assert (text.strip(), tagged) == (said, False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("**9.7 metres per second**", "9.7 metres per second"),
        ("_Wendcombe_ and `x`", "Wendcombe and x"),
        ("**_11_**", "11"),
        ("snake_case_name 2 * 3 * 4", "snake_case_name 2 * 3 * 4"),
        ("$11$", "11"),
        ("$$ 11 $$", "11"),
        ("\\(11\\)", "11"),
        ("$11\\text{ m}$", "11  m"),
        ("\\boxed{\\text{11}}", "11"),
        ("$5 and $6", "$5 and $6"),
        ("> 11 m", "11 m"),
    ],
)
def test_markup_is_taken_out_and_the_rest_stays(content, said):
    assert what_it_says(content)[0].strip() == said


@pytest.mark.parametrize(
    "number", ["1{,}481", "1 481", "1\u202f481", "1\u00a0481", "1\u2009481", "1'481", "1\u2019481"]
)
def test_thousands_are_joined(number):
    assert what_it_says(number)[0].replace(",", "") == "1481"


@pytest.mark.parametrize("text", ["2030 481", "1 48", "1 4812", "a1 481"])
def test_other_numbers_side_by_side_stay_apart(text):
    assert what_it_says(text)[0] == text


def test_the_numbers_of_a_lists_lines_are_no_numbers():
    assert what_it_says("1. a\n2) b\n7. c")[0].split() == ["a", "b", "7.", "c"]
    assert what_it_says("11. That is it")[0] == "11. That is it"


@given(st.text(alphabet="*_`$\\{}<>answer:/ \n1.,'", max_size=80))
def test_no_reply_breaks_the_reading(content):
    assert isinstance(what_it_says(content)[0], str)
