"""Scenarios that give away what they ask for are found, and those that do not are left alone."""

import pytest

from tool_gym.gate.leaks import validate_leaks
from tool_gym.packs.reader import load_pack
from tool_gym.packs.writer import write_pack
from tool_gym.scenario import Expected, Provenance, Scenario, StateCheck, SubQuestion, Tool, UserTurn

TEXT = {"type": "string"}
HONEST = (
    'def height(place):\n    if place != "Korva":\n        raise ValueError("no such place")\n'
    '    return {"height": 512}\n'
)
OBLIVIOUS = 'def height(place):\n    return {"height": 512}\n'
TALKATIVE = (
    'def height(place):\n    if place != "Korva":\n        raise ValueError("only Korva, 512 m, is known")\n'
    '    return {"height": 512}\n'
)


def scenario(question="How high does Korva lie?", source=HONEST, value=512, kind="number", arguments=None, **more):
    tool = Tool(
        name="height",
        description="",
        parameters={"type": "object", "properties": {"place": TEXT}, "required": ["place"]},
        source=source,
    )
    step = SubQuestion(
        id="q",
        question="",
        tools=("height",),
        arguments=arguments or {"place": "Korva"},
        expected=Expected(value=value, kind=kind, path="/height"),
    )
    fields = {
        "id": "one",
        "turns": (UserTurn(content=question),),
        "answer": Expected(value=value, kind=kind),
        "tools": (tool,),
        "sub_questions": (step,),
        "provenance": Provenance(truth="invented", source="a test"),
    }
    return Scenario.model_validate({**fields, **more})


@pytest.fixture
def leaks(tmp_path, executor):
    def find(one):
        pack = write_pack(tmp_path / "pack", name="p", scenarios=[one], on_exists="replace")
        return [finding.message for finding in validate_leaks(pack, one.id, executor)]

    return find


def test_a_scenario_that_gives_nothing_away_has_no_leak(leaks):
    assert leaks(scenario()) == []


def test_a_tool_that_returns_the_answer_for_any_argument_is_found(leaks):
    (message,) = leaks(scenario(source=OBLIVIOUS))
    assert "tool 'height' returns the answer of sub-question 'q' whatever it is asked" in message


def test_a_tool_whose_error_holds_the_answer_is_found(leaks):
    (message,) = leaks(scenario(source=TALKATIVE))
    assert "an error of tool 'height' holds the answer of sub-question 'q'" in message
    assert "512 m" in message


def test_a_question_that_holds_an_answer_is_found(leaks):
    messages = leaks(scenario("Does Korva lie 512 m high?"))
    assert ["the question holds" in message for message in messages] == [True, True]
    assert "512" in messages[0]


def test_a_question_may_name_what_a_reference_call_needs(leaks):
    choice = Expected(value="Korva", kind="text")
    assert leaks(scenario("Which lies higher, Korva or Ellis?", answer=choice)) == []


def test_values_that_stand_in_any_text_by_accident_are_no_leak(leaks):
    assert leaks(scenario("Which of the 12 months?", source=HONEST.replace("512", "12"), value=12)) == []
    yes = HONEST.replace("512", "True")
    assert leaks(scenario("Is it true of Korva?", source=yes, value=True, kind="bool")) == []


def test_a_tool_that_says_yes_to_most_is_no_leak(leaks):
    assert leaks(scenario(source=OBLIVIOUS.replace("512", "True"), value=True, kind="bool")) == []


def test_a_check_that_holds_from_the_start_is_found(leaks):
    check = StateCheck(id="paid", question="", path="/paid", expected=Expected(value=True, kind="bool"))
    (message,) = leaks(scenario(initial_state={"paid": True}, state_checks=(check,)))
    assert "state check 'paid' holds before anything is done" in message
    assert leaks(scenario(initial_state={"paid": False}, state_checks=(check,))) == []


def test_the_pack_that_ships_gives_nothing_away(executor):
    pack = load_pack("starter")
    assert [finding for name in pack for finding in validate_leaks(pack, name, executor)] == []
