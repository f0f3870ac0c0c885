"""Which checks a turn solves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import call, expect, failed, ok, step

from tool_gym.messages import ToolCall
from tool_gym.scenario import StateCheck
from tool_gym.verify.matching import matcher
from tool_gym.verify.progress import Progress


def progress(steps, name="typed", state_checks=()):
    return Progress(steps, state_checks, matcher(name))


def made(value, name="find", **arguments):
    """A call and its result."""
    one = call(name, **arguments)
    return one, ok(value, one)


def play(board, *pairs):
    return board.turn([one for one, _ in pairs], [result for _, result in pairs])


def test_a_call_solves_a_check_of_its_own_tool_only():
    board = progress([step("a", expect("x", path=""), tools=("find", "seek"))])
    assert play(board, made("x", "other")) == ()
    assert play(board, made("x", "seek")) == ("a",)
    assert (board.solved, board.open, board.total) == (1, 0, 1)


def test_one_call_solves_one_check():
    board = progress([step("a", expect("x", path="/p")), step("b", expect("y", path="/q"))])
    assert play(board, made({"p": "x", "q": "y"})) == ("a",)


def test_a_malformed_call_solves_nothing():
    board = progress([step("a", expect("find"))], "ftrl")
    broken = ToolCall(id="c", name="find", error="the arguments are not JSON")
    assert board.turn([broken], [failed("x", broken, "invalid_call")]) == ()


def test_calls_of_a_turn_are_matched_so_that_most_checks_are_solved():
    steps = [step("a", expect("x")), step("b", expect("y"))]
    both, only_first = made("x and y", q=1), made("x", q=2)
    assert set(play(progress(steps), both, only_first)) == {"a", "b"}
    assert set(play(progress(steps), only_first, both)) == {"a", "b"}
    # The paper's rule takes the first open answer and misses one.
    assert play(progress(steps, "ftrl"), both, only_first) == ("a",)
    assert play(progress(steps, "ftrl"), only_first, both) == ("a", "b")


def test_answers_that_occur_twice_are_two_checks():
    twins = [step("a", expect("x", path="")), step("b", expect("x", path=""))]
    assert play(progress(twins), made("x", q=1), made("x", q=2)) == ("a", "b")


def test_the_same_call_with_the_same_result_is_credited_once():
    twins = [step("a", expect("x", path="")), step("b", expect("x", path=""))]
    board = progress(twins)
    assert play(board, made("x", q=1), made("x", q=1)) == ("a",)
    assert play(board, made("x", q=1)) == ()
    assert play(board, made("x", q=2)) == ("b",)


def test_the_same_call_with_another_result_may_solve_another_check():
    board = progress([step("a", expect(1, "number", "")), step("b", expect(2, "number", ""))])
    assert play(board, made(1, "find")) == ("a",)
    assert play(board, made(2, "find")) == ("b",)


LETTERS = st.sampled_from("abc")
CALLS = st.lists(st.tuples(st.sets(LETTERS, max_size=3), st.integers(0, 2)), max_size=5)


@given(st.lists(LETTERS, min_size=1, max_size=4), CALLS, CALLS, st.randoms(use_true_random=False))
def test_permuting_the_calls_of_a_turn_changes_nothing(answers, first, second, random):
    steps = [step(f"q{i}", expect(answer)) for i, answer in enumerate(answers)]
    turns = [[made(sorted(values), q=q) for values, q in turn] for turn in (first, second)]
    board, other = progress(steps), progress(steps)
    for pairs in turns:
        shuffled = list(pairs)
        random.shuffle(shuffled)
        assert play(board, *pairs) == play(other, *shuffled)
        assert board.snapshot() == other.snapshot()


@given(st.lists(LETTERS, min_size=1, max_size=4), CALLS, st.integers(0, 4))
def test_repeating_a_call_of_a_turn_solves_nothing_more(answers, turn, which):
    steps = [step(f"q{i}", expect(answer)) for i, answer in enumerate(answers)]
    pairs = [made(sorted(values), q=q) for values, q in turn]
    board, again = progress(steps), progress(steps)
    play(board, *pairs)
    repeated = pairs[which : which + 1]
    play(again, *pairs, *repeated)
    assert board.solved_ids == again.solved_ids


def test_state_checks_look_at_the_final_state_by_path_and_kind():
    checks = [
        StateCheck(id="s", question="", path="/seats/0", expected=expect("12A")),
        StateCheck(id="t", question="", path="/paid", expected=expect(True, "bool")),
        StateCheck(id="u", question="", path="/gone", expected=expect("x")),
    ]
    for name in ("typed", "ftrl"):
        board = progress([], name, checks)
        assert board.end({"seats": ["12a"], "paid": 1}) == ("s",)
        assert board.end({"seats": ["12a"], "paid": True}) == ("t",)
        assert board.open == 1


def test_without_state_no_state_check_is_solved():
    board = progress([], state_checks=[StateCheck(id="s", question="", path="/a", expected=expect("x"))])
    assert board.end(None) == ()


def test_restoring_a_snapshot_opens_what_was_open_and_forgets_later_credit():
    twins = [step("a", expect("x", path="")), step("b", expect("x", path=""))]
    board = progress(twins)
    play(board, made("x", q=1))
    before = board.snapshot()
    play(board, made("x", q=2))
    assert board.open == 0
    for _ in range(2):
        board.restore(before)
        assert board.solved_ids == ("a",)
        assert play(board, made("x", q=1)) == ()
        assert play(board, made("x", q=2)) == ("b",)


def test_results_that_do_not_answer_the_calls_are_the_callers_mistake():
    with pytest.raises(ValueError, match="zip"):
        progress([step("a", expect("x"))]).turn([call()], [])
