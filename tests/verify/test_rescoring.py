"""The scorer's fold, live and again from a saved trajectory."""

import pickle

import pytest
from making import act, call, expect, ok, step

from tool_gym.errors import InputError, UnknownName
from tool_gym.scenario import Provenance, Scenario, StateCheck, Tool, UserTurn
from tool_gym.trajectory import Gold, Trajectory, Transition
from tool_gym.verify.matching import matcher
from tool_gym.verify.rescoring import rescore
from tool_gym.verify.rewards import REWARDS, reward
from tool_gym.verify.scorer import Scorer

CHECK = StateCheck(id="paid", question="", path="/paid", expected=expect(True, "bool"))
SCENARIO = Scenario(
    id="two-ports",
    turns=(UserTurn(content="Which port?"),),
    answer=expect("Haven"),
    tools=(Tool(name="find", description="", parameters={"type": "object"}, source=""),),
    sub_questions=(step("a", expect("Haven", path="/port")), step("b", expect(42, "number", "/ships"))),
    state_checks=(CHECK,),
    initial_state={"paid": False},
    provenance=Provenance(truth="invented", source="a test"),
)
STATE = {"paid": True}


def turns():
    """Actions and results: one that solves the first, one that only a substring solves, one that replies."""
    first, second = call(q=1), call(q=2)
    return [
        (act(first), (ok({"port": "Haven"}, first),)),
        (act(second, first), (ok({"ships": 1420}, second), ok({"port": "Haven"}, first))),
        (act(content="It is Haven."), ()),
    ]


def scorer(name="task_f1", rule="typed"):
    scenario = SCENARIO
    return Scorer(scenario.sub_questions, scenario.state_checks, scenario.answer, reward(name), matcher(rule))


def played(name="task_f1", rule="typed", ended=True, gold=True):
    live, transitions = scorer(name, rule), []
    for number, (action, results) in enumerate(turns(), 1):
        last = ended and number == 3
        earned, score = live.turn(action, results, last=last, answered=last and not action.tool_calls, state=STATE)
        transitions.append(Transition(action=action, results=results, reward=earned, score=score))
    return Trajectory(
        pack="ports",
        version=3,
        scenario=SCENARIO.id,
        scenario_digest=SCENARIO.digest,
        structure=SCENARIO.structure,
        seed=0,
        reward=name,
        matcher=rule,
        max_turns=20,
        transitions=tuple(transitions),
        termination="answer" if ended else None,
        gold=Gold.of(SCENARIO, STATE) if gold else None,
    )


def test_the_score_before_any_turn_has_solved_nothing():
    score = scorer().score
    assert (score.solved, score.total, score.calls, score.precision, score.f1) == (0, 3, 0, 1.0, 0.0)
    assert score.reward_components == {}


def test_a_play_is_scored_turn_by_turn():
    first, second, third = played().transitions
    assert first.reward == pytest.approx(2 / 4 / 2)
    assert (first.score.solved, first.score.calls, first.score.answer_correct) == (1, 1, False)
    assert second.reward == pytest.approx((2 / 6 - 2 / 4) / 2)
    assert (third.score.solved, third.score.answer_correct) == (2, True)
    assert third.score.f1 == pytest.approx(4 / 6)
    assert third.score.reward_components == pytest.approx({"solve_f1": (4 / 6 - 2 / 6) / 2, "right_answer": 4 / 6 / 2})


def test_only_the_closing_reply_can_be_the_answer():
    live = scorer()
    _, score = live.turn(act(content="Haven"), (), last=False, answered=False)
    assert not score.answer_correct
    _, score = live.turn(act(content="Haven"), (), last=True, answered=True)
    assert score.answer_correct


def test_a_snapshot_that_was_pickled_restores_everything_that_scores():
    live = scorer()
    (action, results), *rest = turns()
    live.turn(action, results, last=False, answered=False)
    snapshot = pickle.loads(pickle.dumps(live.snapshot()))

    def go_on(one):
        return [
            one.turn(*turn, last=turn is rest[-1], answered=turn is rest[-1] and not turn[0].tool_calls, state=STATE)
            for turn in rest
        ]

    wanted = go_on(live)
    other = scorer()
    for _ in range(2):
        other.restore(snapshot)
        assert go_on(other) == wanted


@pytest.mark.parametrize("name", REWARDS)
@pytest.mark.parametrize("rule", ["typed", "ftrl"])
@pytest.mark.parametrize("ended", [True, False])
def test_rescoring_gives_what_a_play_under_that_reward_and_matcher_would_have_given(name, rule, ended):
    assert rescore(played("none", "typed", ended), name, matcher=rule) == played(name, rule, ended)


def test_the_matcher_is_the_rewards_own_else_the_one_it_was_played_under():
    assert rescore(played(), "ftrl_f1").matcher == "ftrl"
    assert rescore(played("ftrl_f1", "ftrl"), "solve_f1").matcher == "ftrl"
    assert rescore(played(), "ftrl_f1", matcher="typed").matcher == "typed"


def test_the_gold_may_come_from_the_scenario_that_was_played():
    again = rescore(played("none"), "task_f1", scenario=SCENARIO)
    assert again == played("task_f1")


def test_another_scenario_is_refused_with_both_digests():
    other = SCENARIO.model_copy(update={"id": "other"})
    with pytest.raises(InputError) as refused:
        rescore(played(), "task_f1", scenario=Scenario.model_validate(other.model_dump()))
    assert SCENARIO.digest in str(refused.value)
    assert "version 3 of pack 'ports'" in str(refused.value)


def test_without_gold_the_scenario_is_asked_for():
    with pytest.raises(InputError, match="--pack"):
        rescore(played(gold=False), "task_f1")


def test_state_checks_cannot_be_scored_without_the_final_state():
    with pytest.raises(InputError, match="final state"):
        rescore(played(gold=False), "task_f1", scenario=SCENARIO)


def test_a_damaged_trajectory_is_refused():
    whole = played()
    torn = whole.transitions[0].model_copy(update={"results": ()})
    with pytest.raises(InputError, match="turn 1: 0 results for 1 calls"):
        rescore(whole.model_copy(update={"transitions": (torn, *whole.transitions[1:])}), "task_f1")
    empty = whole.gold.model_copy(update={"sub_questions": (), "state_checks": ()})
    with pytest.raises(InputError, match="no check"):
        rescore(whole.model_copy(update={"gold": empty}), "task_f1")


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName):
        rescore(played(), "f1")
    with pytest.raises(UnknownName):
        rescore(played(), "task_f1", matcher="exact")
