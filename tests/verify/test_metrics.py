"""Metrics of episodes and their means."""

import random

import pytest

from tool_gym.messages import AssistantMessage
from tool_gym.scenario import Expected, StateCheck
from tool_gym.trajectory import Gold, Score, Trajectory, Transition
from tool_gym.verify.metrics import counted_calls, episode_metrics, solve_f1, solve_precision, solve_recall, summarise


def score(solved, calls, total, correct=False):
    return Score(
        solved=solved,
        total=total,
        calls=calls,
        valid_calls=calls,
        precision=0.0,
        completeness=0.0,
        f1=0.0,
        answer_correct=correct,
        reward_components={},
    )


def episode(structure, rewards, last, answer="x", gold=True):
    turns = [Transition(action=AssistantMessage(), reward=value, score=last) for value in rewards]
    expected = None if answer is None else Expected(value=answer, kind="text")
    check = StateCheck(id="s", question="", path="", expected=Expected(value="x", kind="text"))
    return Trajectory(
        pack="p",
        version=1,
        scenario="s",
        scenario_digest="",
        structure=structure,
        seed=0,
        reward="none",
        matcher="typed",
        max_turns=20,
        transitions=tuple(turns),
        gold=Gold(sub_questions=(), state_checks=(check,), answer=expected) if gold else None,
    )


def test_the_metrics_are_the_papers():
    assert (solve_precision(1, 4), solve_precision(0, 0)) == (0.25, 1.0)
    assert solve_recall(1, 4) == 0.25
    assert (solve_f1(2, 2, 2), solve_f1(1, 3, 2), solve_f1(0, 0, 5)) == (1.0, 0.4, 0.0)


@pytest.mark.parametrize(
    ("metric", "counts"),
    [
        (solve_precision, (2, 1)),
        (solve_precision, (-1, 1)),
        (solve_recall, (2, 1)),
        (solve_recall, (0, 0)),
        (solve_f1, (2, 1, 3)),
        (solve_f1, (2, 3, 1)),
        (solve_f1, (0, 0, 0)),
        (solve_f1, (-1, 1, 1)),
    ],
)
def test_counts_out_of_range_are_refused(metric, counts):
    with pytest.raises(ValueError, match="solved must be in"):
        metric(*counts)


def test_one_call_that_solves_two_state_checks_is_counted_twice_and_no_share_exceeds_one():
    assert counted_calls(1, 2) == 2
    assert episode_metrics(score(2, 1, 2)) == {"solve_p": 1.0, "solve_r": 1.0, "solve_f1": 1.0}


def test_rows_follow_the_structures_and_the_overall_mean_is_over_episodes():
    played = [
        episode("multi_hop", [0.1, 0.2], score(1, 2, 2)),
        episode("single_hop", [1.0], score(1, 1, 1, correct=True)),
        episode("single_hop", [0.0, 0.0, 0.0], score(0, 3, 1)),
    ]
    single, multi, overall = summarise(played)
    assert [row["structure"] for row in (single, multi, overall)] == ["single_hop", "multi_hop", "overall"]
    assert list(single.values()) == ["single_hop", 2, 0.5, 0.5, 0.5, 0.5, 0.5, 2.0, 2.0]
    assert list(single) == [
        *["structure", "episodes", "solve_p", "solve_r", "solve_f1", "answer_correct"],
        *["mean_return", "mean_turns", "mean_calls"],
    ]
    assert multi["solve_f1"] == 0.5
    assert overall["solve_r"] == 0.5
    assert overall["answer_correct"] == pytest.approx(1 / 3)


def test_the_order_of_the_episodes_does_not_change_a_bit():
    made = random.Random(0)
    played = [episode("single_hop", [made.random() * 10.0**-i for i in range(9)], score(1, 3, 7)) for _ in range(50)]
    rows = summarise(played)
    made.shuffle(played)
    assert summarise(played) == rows


def test_a_scenario_without_an_answer_does_not_count_for_answer_correctness():
    done = score(1, 1, 1)
    rows = summarise([episode("single_hop", [0.0], done, answer=None), episode("single_hop", [0.0], done, gold=False)])
    assert rows[-1]["answer_correct"] == 0.0
    assert summarise([episode("single_hop", [0.0], done, answer=None)])[-1]["answer_correct"] is None


def test_an_episode_without_a_turn_has_solved_nothing():
    row = summarise([episode("single_hop", [], None)])[-1]
    assert (row["solve_p"], row["solve_r"], row["solve_f1"], row["mean_turns"]) == (1.0, 0.0, 0.0, 0.0)


def test_no_episode_has_no_row():
    assert summarise([]) == []
