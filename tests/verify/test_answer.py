"""Whether a reply is the scenario's answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import call, expect, failed, ok

from tool_gym.verify.answer import MAX_RESTATED, answer_correct
from tool_gym.verify.matching import matcher

TYPED, FTRL = matcher("typed"), matcher("ftrl")
HAVEN, FORTY_TWO, DAY = expect("Haven"), expect(42, "number"), expect("2007-11-07", "date")


def right(expected, content, *pairs):
    """Whether the content is right, given calls' arguments and their values."""
    calls = [call(**arguments) for arguments, _ in pairs]
    seen = [ok(value, made) for made, (_, value) in zip(calls, pairs, strict=True)]
    return answer_correct(expected, content, seen, TYPED, calls)


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        (HAVEN, "haven"),
        (HAVEN, "Haven."),
        (HAVEN, "The capital is **Haven**."),
        (HAVEN, "I thought of Norwick.\n<answer> Haven </answer>"),
        (HAVEN, "<answer>Norwick</answer> no: <answer>Haven</answer>"),
        (HAVEN, "<ANSWER>Haven</Answer>"),
        (expect("北京"), "答案是北京。"),
        (FORTY_TWO, "It is 42."),
        (FORTY_TWO, "<answer>42.0</answer>"),
        (FORTY_TWO, "42 km"),
        (expect(12.5, "number", unit="km", tolerance=0.1), "about 12.45 kilometres"),
        (expect(1_249_000, "number"), "1,249,000"),
        (expect(4_500_000, "number"), "4.5 million"),
        (DAY, "It was on November 7th, 2007."),
        (DAY, "<answer>7 Nov 2007</answer>"),
        (expect(True, "bool"), "Yes, it is."),
        (expect(True, "bool"), "<answer>true</answer>"),
        (expect(False, "bool"), "No."),
        (expect("open", "enum"), "It is open."),
        (expect(["b", "a"], "list"), "They are A and B."),
        (expect(["b", "a"], "list"), '<answer>["a", "b"]</answer>'),
        (expect([], "list"), "[]"),
        (expect({"n": 3, "who": "Ida"}, "object"), "Ida, 3 times"),
        (expect(5.9, "number", unit="in"), "5.9 inches"),
        (expect(5.9, "number", unit="in"), "5.9 in"),
        (expect(2590, "number", unit="pounds"), "2,590 lb"),
        (expect(2590, "number", unit="pounds"), "2590 pounds"),
        (expect(2590, "number", unit="£"), "2590 pounds"),
        (expect(42, "number", unit="m"), "42 steps"),
        (expect("Haven", alternatives=("Port Haven City",)), "<answer>port haven city</answer>"),
    ],
)
def test_a_reply_that_says_the_answer_is_right(expected, content):
    assert right(expected, content)


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        (HAVEN, ""),
        (HAVEN, "Newhaven"),
        (HAVEN, "Haven <answer>Norwick</answer>"),
        (HAVEN, "<answer>Haven</answer> <answer>Norwick</answer>"),
        (FORTY_TWO, "1942, 4.2, 42nd, 2007-42-42"),
        (expect(12.5, "number", unit="km"), "12.5 miles"),
        (expect(4, "number"), "4 million"),
        (expect(2590, "number", unit="pounds"), "£2590"),
        (expect(11, "number", unit="m"), "<answer>11 parsecs</answer>"),
        (DAY, "07/11/2007"),
        (DAY, "November 2007"),
        (expect(True, "bool"), "Yes or no."),
        (expect(True, "bool"), "it is not known"),
        (expect(["b", "a"], "list"), "a"),
        (expect([], "list"), "nothing at all"),
        (expect({}, "object"), "anything"),
        (None, "anything"),
    ],
)
def test_a_reply_that_does_not_say_the_answer_is_wrong(expected, content):
    assert not right(expected, content)


def test_a_reply_that_also_says_another_returned_number_hedges():
    seen = ({}, {"people": 17})
    assert right(FORTY_TWO, "42", seen)
    assert not right(FORTY_TWO, "It is 42 or 17.", seen)
    assert not right(FORTY_TWO, "It is 42 or 17.", ({}, "there are 17 of them"))
    assert right(FORTY_TWO, "It is 42, not 17.", seen)


def test_another_number_hedges_even_if_no_tool_returned_it():
    assert not right(FORTY_TWO, "It is 42. It is 43.")
    assert not right(FORTY_TWO, "42 km, 43 m")
    assert not right(expect(42, "number", unit="km"), "42 km, 43 kilometres")


def test_a_number_in_another_unit_or_that_was_handed_to_a_tool_only_restates_the_question():
    seen = ({"harbours": 3}, {"ships": 42})
    assert right(FORTY_TWO, "Within 10 km of the 3 harbours there are 42 ships.", seen)
    assert not right(FORTY_TWO, "Within 10 km of the 4 harbours there are 42 ships.", seen)


def test_a_year_after_a_preposition_is_no_number_unless_such_a_year_is_the_answer():
    assert right(FORTY_TWO, "<answer>In 2030 it was 42</answer>", ({}, 2030))
    assert right(expect(1481, "number"), "<answer>In 2030 it was 1481</answer>")
    assert right(expect(2030, "number"), "<answer>in 2030</answer>")
    assert not right(expect(2030, "number"), "<answer>in 2030, in 2031</answer>")


@pytest.mark.parametrize("denial", ["not", "It isn't", "no", "never", "anything but", "other than", "neither"])
@pytest.mark.parametrize(("expected", "said"), [(HAVEN, "Haven"), (FORTY_TWO, "42"), (DAY, "2007-11-07")])
def test_a_value_that_is_denied_is_not_said(expected, said, denial):
    denied = f"{denial} {said}".replace("anything but", "any day but")
    assert not right(expected, denied)
    assert not right(expected, f"<answer>{denied}</answer>")
    assert not right(expected, f"The answer is {denied} at all.")


@pytest.mark.parametrize("limit", ["less than", "more than the", "over", "under", "at least", "at most", "before", "<"])
@pytest.mark.parametrize(("expected", "said"), [(FORTY_TWO, "42"), (DAY, "2007-11-07")])
def test_a_limit_is_not_the_value_itself(expected, said, limit):
    assert not right(expected, f"<answer>{limit} {said}</answer>")
    assert not right(expected, f"It is {limit} {said}.")


def test_a_comparison_before_a_text_denies_nothing():
    assert right(HAVEN, "The town before Haven is small.")


@pytest.mark.parametrize(("expected", "said"), [(HAVEN, "Haven"), (FORTY_TWO, "42"), (DAY, "2007-11-07")])
def test_a_value_offered_beside_something_else_hedges(expected, said):
    for reply in (f"{said} or something", f"One or {said}", f"{said}, ninety or a hundred"):
        assert not right(expected, reply)
        assert not right(expected, f"<answer>{reply}</answer>")
    assert right(expected, f"It is {said} or so.")


@pytest.mark.parametrize(
    "tag",
    ["It is Haven.", "It's the Haven", "The capital is Haven, an old port", "The town of Haven on Norland", '"Haven"'],
)
def test_in_a_tag_a_text_comes_after_a_lead_in_at_most(tag):
    assert right(HAVEN, f"<answer>{tag}</answer>")


@pytest.mark.parametrize("tag", ["Ellis, Haven", "Ellis Haven", "Haven Ellis", "somewhere near Haven", "Ellis / Haven"])
def test_in_a_tag_a_text_beside_others_is_wrong(tag):
    assert not right(HAVEN, f"<answer>{tag}</answer>")


def test_without_a_tag_the_last_conclusion_is_what_counts():
    assert right(FORTY_TWO, "1. Town 17\n2. Street 18\nAnswer: 42 m", ({}, [17, 18]))
    assert right(HAVEN, "Ellis is no port, so the answer is Haven.", ({}, ["Ellis"]))
    assert not right(FORTY_TWO, "It is 42. Answer: 43")
    assert not right(FORTY_TWO, "Answer: 42, 43")


def test_a_returned_number_hedges_when_it_is_rounded_too():
    assert not right(expect(42.3, "number"), "It is 42.3 or 17.3", ({}, {"a": 17.34}))


def test_the_digits_of_a_date_are_no_other_numbers():
    assert right(FORTY_TWO, "On 7 November 2007 there were 42.", ({}, [7, 2007]))


def test_in_a_tag_any_other_number_or_date_hedges_returned_or_not():
    assert not right(FORTY_TWO, "<answer>42, 43</answer>")
    assert not right(expect(42, "number", unit="km"), "<answer>42 km, 26 miles</answer>")
    assert not right(DAY, "<answer>7 November 2007 or 8 November 2007</answer>")
    assert right(FORTY_TWO, "43? <answer>It is 42 km.</answer>")


def test_a_list_of_guesses_is_no_answer():
    handed_in = ({"numbers": list(range(43, 60))}, 42)
    assert right(FORTY_TWO, " ".join(map(str, range(42, 43 + MAX_RESTATED))), handed_in)
    assert not right(FORTY_TWO, " ".join(map(str, range(42, 44 + MAX_RESTATED))), handed_in)


def test_a_reply_that_also_says_another_returned_date_hedges():
    seen = ({}, {"until": "2008-01-02"})
    assert not right(DAY, "On 7 Nov 2007 or on 2 January 2008.", seen)
    assert not right(DAY, "On 7 Nov 2007 and on 3 January 2008.", seen)
    assert right(DAY, "On 7 Nov 2007, not on 3 January 2008.", seen)
    assert right(DAY, "From 3 January 2008 back it is 7 Nov 2007.", ({"from": "2008-01-03"}, "2007-11-07"))


def test_a_reply_that_also_says_another_returned_text_hedges():
    seen = ({}, [{"name": "Haven"}, {"name": "Port Ellis"}])
    assert not right(HAVEN, "Haven or Port Ellis", seen)
    assert not right(HAVEN, "<answer>Haven, Port Ellis</answer>", seen)
    assert right(HAVEN, "It is Haven, an old port.", seen)


def test_a_failure_returns_nothing():
    made = call()
    forged = failed("no", made).model_copy(update={"value": "Ellis"})
    assert answer_correct(HAVEN, "Haven, not Ellis", [forged], TYPED, [made])


def test_a_returned_text_inside_the_answer_itself_is_no_hedge():
    assert right(expect("New York City"), "It is New York City.", ({}, ["New York", "New York City"]))


def test_what_was_cut_off_before_the_agent_could_read_it_is_no_hedge():
    made = call()
    whole = ok(["Haven", "Ellis"], made)
    cut = whole.model_copy(update={"content": '["Hav'})
    assert not answer_correct(HAVEN, "Haven, not Ellis", [whole], TYPED, [made])
    assert answer_correct(HAVEN, "Haven, not Ellis", [cut], TYPED, [made])


def test_units_numbers_and_dates_are_no_other_texts():
    assert right(HAVEN, "Haven is 3 km off since 2007-11-07", ({}, ["Haven", "km", "3", "2007-11-07", "-"]))


def test_a_tool_that_repeats_an_argument_has_not_returned_it():
    seen = ({"country": "Norland"}, {"country": "Norland", "capital": "Haven"})
    assert right(HAVEN, "The capital of Norland is Haven.", seen)
    made = call()
    # Without the calls nobody can know what was repeated.
    assert not answer_correct(HAVEN, "The capital of Norland is Haven.", [ok(seen[1], made)], TYPED)


def test_between_values_that_were_only_repeated_the_reply_must_choose():
    seen = [({"town": "Haven"}, {"town": "Haven", "people": 5}), ({"town": "Ellis"}, {"town": "Ellis", "people": 4})]
    assert not right(HAVEN, "Haven or Ellis", *seen)
    assert not right(HAVEN, "Haven, Ellis", *seen)
    assert right(HAVEN, "Haven has more than Ellis: <answer>Haven</answer>", *seen)


@pytest.mark.parametrize("expected", [HAVEN, FORTY_TWO, DAY, expect(True, "bool"), expect(["Haven", 42], "list")])
def test_saying_every_value_that_was_seen_is_wrong(expected):
    seen = {
        "towns": ["Haven", "Ellis"],
        "counts": [42, 17],
        "days": ["2007-11-07", "2008-01-02"],
        "open": "yes",
        "no": "no",
    }
    dump = "Haven Ellis 42 17 2007-11-07 2008-01-02 yes no"
    assert not right(expected, dump, ({}, seen))
    assert not right(expected, f"<answer>{dump}</answer>", ({}, seen))


def test_the_papers_rule_is_a_substring_of_the_whole_content():
    assert answer_correct(expect("1,942"), "in 19420 <answer>no</answer>", [], FTRL)
    assert not answer_correct(expect("1,942"), "", [], FTRL)


def test_many_open_tags_cost_no_more_than_their_length():
    assert not right(HAVEN, "<answer>" * 8000)


VALUES = st.sampled_from(
    [HAVEN, FORTY_TWO, DAY, expect(True, "bool"), expect(["Haven", 42], "list"), expect({"a": 1}, "object")]
)
PIECES = st.sampled_from(
    ["Haven", "42", "17 km", "2007-11-07", "<answer>", "</answer>", "yes", "[", '"', "1e9", "\x00", "北"]
)


@given(VALUES, st.lists(PIECES | st.text(max_size=4), max_size=12), st.lists(PIECES, max_size=6))
def test_no_reply_breaks_the_rule(expected, pieces, seen):
    assert right(expected, " ".join(pieces), ({"q": "Haven"}, seen)) in (True, False)
