"""The failure taxonomy: every verdict and every label, from episodes that are really played."""

import pytest
from playing import BROKEN_CALL, act, ask, played, say
from small_pack import JOINED, MULTI, PARALLEL, SINGLE, STATEFUL, TURNS

from tool_gym.evaluation.failures import FAULTS, LABELS, VERDICTS, Verdict, diagnose, succeeded

RIGHT = ask("population", town="北门")
ELSEWHERE = ask("population", town="Ålund")
NOWHERE = ask("population", town="Atlantis")
RIVER = ask("river_of", town="北门")


def label(executor, scenario, *actions, **options):
    return diagnose(played(executor, scenario, actions, **options)).label


def verdicts(executor, scenario, *actions, **options):
    return [[each.kind for each in turn] for turn in diagnose(played(executor, scenario, actions, **options)).turns]


CALLS = {
    "solved": RIGHT,
    "malformed": BROKEN_CALL,
    "unknown_tool": ask("telephone", town="北门"),
    "invalid_arguments": ask("population", town=7),
    "tool_failed": ask("slow"),
    "wrong_argument": ELSEWHERE,
    "wrong_tool": RIVER,
}


@pytest.mark.parametrize("kind", CALLS)
def test_a_call_of_this_kind_has_this_verdict(executor, kind):
    assert verdicts(executor, SINGLE, act(CALLS[kind])) == [[kind]]


def test_a_call_whose_tool_raised_is_judged_by_what_it_asked(executor):
    assert verdicts(executor, SINGLE, act(NOWHERE)) == [["wrong_argument"]]
    assert verdicts(executor, SINGLE, act(ask("broken"))) == [["wrong_tool"]]


def test_a_call_made_before_with_the_same_result_is_repeated_even_if_it_was_right(executor):
    assert verdicts(executor, SINGLE, act(RIGHT), act(RIGHT, RIVER), act(RIVER)) == [
        ["solved"],
        ["repeated", "wrong_tool"],
        ["repeated"],
    ]


def test_a_call_of_a_tool_whose_checks_are_solved_is_unneeded(executor):
    assert verdicts(executor, SINGLE, act(RIGHT), act(ELSEWHERE)) == [["solved"], ["unneeded"]]


def test_calls_beyond_those_of_a_turn_are_invalid(executor):
    found = verdicts(executor, SINGLE, act(RIVER, RIGHT), caps={"max_calls_per_turn": 1})
    assert found == [["wrong_tool", "invalid_arguments"]]


def test_without_gold_calls_that_were_answered_are_unjudged_and_the_scores_give_the_label(executor):
    whole = played(executor, SINGLE, [act(RIGHT, BROKEN_CALL), say("880")])
    found = diagnose(whole.without_gold())
    assert [each.kind for each in found.turns[0]] == ["unjudged", "malformed"]
    assert found.label == diagnose(whole).label == "success"


def test_calls_that_may_serve_a_state_check_are_unjudged(executor):
    actions = [act(ask("order", item="bread"), ask("order", item="salt")), say("2")]
    found = diagnose(played(executor, STATEFUL, actions))
    assert found.label == "success"
    assert found.counts == {"unjudged": 2}


def test_a_solved_check_is_credited_to_the_call_that_solved_it_whatever_the_order(executor):
    town = ask("population", town="مرسى")
    [turn] = diagnose(played(executor, PARALLEL, [act(RIVER, town, town, ELSEWHERE)])).turns
    assert turn == (Verdict("wrong_tool"), Verdict("solved", "b"), Verdict("repeated"), Verdict("solved", "a"))


def test_the_papers_matcher_credits_as_many_checks_as_the_score_counts(executor):
    actions = [act(ELSEWHERE, RIGHT), act(ask("add", numbers=[5120, 880])), say("6000")]
    trajectory = played(executor, JOINED, actions, reward="ftrl_f1")
    found = diagnose(trajectory)
    assert [[each.check for each in turn] for turn in found.turns] == [["a", "b"], ["c"], []]
    assert found.counts["solved"] == trajectory.transitions[-1].score.solved == 3


EPISODES = {
    "success": (SINGLE, [act(RIGHT), say("880")], {}),
    "wrong_answer": (SINGLE, [act(RIGHT), say("881")], {}),
    "answer_without_calls": (SINGLE, [say("880")], {}),
    "looped": (SINGLE, [act(RIVER)] * 4 + [say("?")], {}),
    "malformed": (SINGLE, [act(BROKEN_CALL), say("?")], {}),
    "unknown_tool": (SINGLE, [act(CALLS["unknown_tool"]), say("?")], {}),
    "invalid_arguments": (SINGLE, [act(CALLS["invalid_arguments"]), say("?")], {}),
    "tool_failed": (SINGLE, [act(CALLS["tool_failed"]), say("?")], {}),
    "wrong_argument": (SINGLE, [act(ELSEWHERE), say("?")], {}),
    "wrong_tool": (SINGLE, [act(RIVER), say("?")], {}),
    "no_calls": (SINGLE, [say("?")], {}),
    "gave_up": (MULTI, [act(ask("population", town="Korva 🙂")), say("?")], {}),
    "cut_off": (MULTI, [act(ask("population", town="Korva 🙂"))], {"max_turns": 1}),
    "unfinished": (SINGLE, [act(RIGHT)], {}),
    "endpoint_failed": (SINGLE, [act(RIGHT)], {"failure": "no answer"}),
}


def test_every_label_and_every_verdict_is_tested():
    assert list(EPISODES) == list(LABELS)
    assert {*CALLS, "repeated", "unavailable", "unneeded", "unjudged"} == set(VERDICTS)


@pytest.mark.parametrize("expected", EPISODES)
def test_an_episode_of_this_kind_has_this_label(executor, expected):
    scenario, actions, options = EPISODES[expected]
    options = dict(options)
    failure = options.pop("failure", None)
    trajectory = played(executor, scenario, actions, **options).model_copy(update={"failure": failure})
    assert diagnose(trajectory).label == expected


def test_the_commonest_fault_is_the_label_and_of_equal_ones_the_first_of_the_list(executor):
    assert label(executor, SINGLE, act(RIVER, ask("dice"), ELSEWHERE), say("?")) == "wrong_tool"
    assert label(executor, SINGLE, act(RIVER, ELSEWHERE), say("?")) == "wrong_argument"
    assert FAULTS.index("wrong_argument") < FAULTS.index("wrong_tool")


def test_an_episode_that_the_turn_limit_ended_after_faults_bears_the_fault(executor):
    assert label(executor, SINGLE, act(RIVER), max_turns=1) == "wrong_tool"


def test_two_repetitions_are_no_loop_yet(executor):
    assert label(executor, SINGLE, act(RIVER), act(RIVER), act(RIVER), say("?")) == "wrong_tool"


def test_a_scenario_of_several_user_turns_is_judged_at_its_end(executor):
    first, second = act(ask("population", town="Ålund")), act(ask("add", numbers=[5120, 100]))
    actions = [first, say("5120"), second, say("5220")]
    assert label(executor, TURNS, *actions) == "success"
    assert label(executor, TURNS, *actions[:2]) == "unfinished"
    assert not succeeded(played(executor, TURNS, actions[:3]))
    assert label(executor, TURNS, second, first, say("?"), say("?")) == "unknown_tool"
