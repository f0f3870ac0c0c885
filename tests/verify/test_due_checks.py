"""Checks that are due with a user turn: solved by then or never; and reference calls that are made twice."""

import pytest
from making import call, expect, ok, step
from pydantic import ValidationError

from tool_gym.scenario import Scenario, StateCheck, UserTurn
from tool_gym.verify.matching import matcher
from tool_gym.verify.progress import Progress

DOOR = StateCheck(id="door", question="", path="/door", expected=expect("shut"))
STEPS = [step("a", expect("x", path="/p")), step("b", expect("y", path="/q"))]


def made(value, **arguments):
    one = call("find", **arguments)
    return [one], [ok(value, one)]


@pytest.mark.parametrize("name", ["typed", "ftrl"])
def test_a_step_is_solved_by_its_user_turn_or_never(name):
    board = Progress(STEPS, (), matcher(name), due=(("a",), ("b",)))
    board.close(None)
    assert board.turn(*made({"p": "x"})) == ()
    assert board.turn(*made({"q": "y"}, n=1)) == ("b",)
    assert board.total == 2


def test_a_step_may_be_solved_before_its_user_turn():
    board = Progress(STEPS, (), matcher("typed"), due=((), ("b",)))
    assert board.turn(*made({"q": "y"})) == ("b",)


def test_a_due_check_looks_at_the_state_when_its_turn_closes_and_at_no_other_time():
    board = Progress([], [DOOR], matcher("typed"), due=(("door",), ()))
    assert board.close({"door": "open"}) == ()
    assert board.close({"door": "shut"}) == ()
    assert board.end({"door": "shut"}) == ()
    assert board.found == {"door": "open"}


def test_what_a_due_check_found_can_be_given_in_place_of_the_state():
    assert Progress([], [DOOR], matcher("typed"), (("door",),), {"door": "shut"}).close(None) == ("door",)
    assert Progress([], [DOOR], matcher("typed"), (("door",),), {}).close({"door": "shut"}) == ()


def test_a_snapshot_remembers_closed_turns():
    board = Progress(STEPS, [DOOR], matcher("typed"), due=(("a", "door"), ("b",)))
    board.close({"door": "open"})
    other = Progress(STEPS, [DOOR], matcher("typed"), due=(("a", "door"), ("b",)))
    other.restore(board.snapshot())
    assert other.turn(*made({"p": "x"})) == ()
    assert other.found == {"door": "open"}
    assert other.close(None) == ()


@pytest.mark.parametrize(("references", "solved"), [(1, 1), (2, 2)])
def test_the_same_call_is_credited_as_often_as_the_reference_calls_make_it(references, solved):
    twice = [
        step("a", expect("x", path="")).model_copy(update={"arguments": {"n": 1}}),
        step("b", expect("x", path="")).model_copy(update={"arguments": {"n": references - 1 or 2}}),
    ]
    board = Progress(twice, (), matcher("typed"))
    for _ in range(3):
        board.turn(*made("x", n=1))
    assert board.solved == solved


def test_a_scenario_refuses_due_checks_that_it_has_not():
    fields = {
        "id": "one",
        "answer": None,
        "tools": [{"name": "find", "description": "", "parameters": {"type": "object"}, "source": ""}],
        "sub_questions": [STEPS[0].model_dump()],
        "provenance": {"truth": "invented", "source": "test"},
    }
    with pytest.raises(ValidationError, match="'z', which the scenario does not have"):
        Scenario(turns=[UserTurn(content="?", checks=("z",))], **fields)
    with pytest.raises(ValidationError, match="share a due check name"):
        Scenario(turns=[UserTurn(content="?", checks=("a",))] * 2, **fields)
