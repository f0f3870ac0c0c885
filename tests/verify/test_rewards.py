"""Rewards: parity with the paper, ranges, and what nobody can earn."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import act, call, expect, failed, ok, step
from plain_ftrl import rewards as plain_rewards

from tool_gym.errors import UnknownName
from tool_gym.messages import AssistantMessage, ToolCall
from tool_gym.scenario import StateCheck
from tool_gym.verify.matching import matcher
from tool_gym.verify.metrics import solve_f1
from tool_gym.verify.rewards import REWARDS, Turn, reward
from tool_gym.verify.scorer import Scorer

OURS = ["solve_f1", "task_f1", "precision", "completeness", "none"]
PAPERS = ["ftrl_f1", "ftrl_pr", "ftrl_precision", "ftrl_rate"]

# Transcripts: plain data, as tests/verify/plain_ftrl.py describes them.

WORDS = st.sampled_from(["a", "b", "10", "1,000", "a, b", "Haven", "no"])
OUTCOMES = st.one_of(
    st.tuples(st.just("value"), WORDS | st.integers(0, 1100) | st.booleans() | st.none() | st.lists(WORDS, max_size=3)),
    st.tuples(st.just("value"), st.dictionaries(WORDS, WORDS | st.floats(0, 9), max_size=2)),
    st.tuples(st.just("failure"), WORDS),
)
CALLS = st.none() | st.tuples(st.sampled_from(["find", "seek", "unknown"]), OUTCOMES)
CONTENTS = WORDS | st.sampled_from(["", " ", "</tool_call>", "<tool_parsed_response> a", "A or Haven", "nothing"])
TURNS = st.fixed_dictionaries(
    {"content": CONTENTS, "parse_error": st.booleans(), "calls": st.lists(CALLS, max_size=4) | st.just([])}
)
TRANSCRIPTS = st.lists(TURNS, min_size=1, max_size=5)
UNSOLVED = st.dictionaries(st.sampled_from(["find", "seek"]), st.lists(WORDS, min_size=1, max_size=3), min_size=1)


def messages(turn):
    """A plain turn as an action and its results."""
    calls, results = [], []
    for i, one in enumerate(turn["calls"]):
        if one is None:
            made = ToolCall(id=f"c{i}", name="find", error="the arguments are not JSON")
            result = failed("the arguments are not JSON", made, "invalid_call")
        else:
            name, (kind, content) = one
            made = ToolCall(id=f"c{i}", name=name)
            result = ok(content, made) if kind == "value" else failed(content, made)
        calls.append(made)
        results.append(result)
    error = "broken" if turn["parse_error"] else None
    return AssistantMessage(content=turn["content"], tool_calls=tuple(calls), parse_error=error), results


def steps_of(unsolved):
    return [
        step(f"{name}{i}", expect(answer), tools=(name,))
        for name, answers in unsolved.items()
        for i, answer in enumerate(answers)
    ]


def play(steps, answer, name, transcript, rule="typed", state_checks=(), state=None, ended=True):
    """The rewards of each turn, and the last score."""
    scorer = Scorer(steps, state_checks, answer, reward(name), matcher(rule))
    earned = []
    for number, (action, results) in enumerate(transcript, 1):
        last = ended and number == len(transcript)
        value, score = scorer.turn(action, results, last=last, answered=last and not action.tool_calls, state=state)
        assert math.isclose(math.fsum(score.reward_components.values()), value, abs_tol=1e-15)
        earned.append(value)
    return earned, scorer.score


@given(TRANSCRIPTS, UNSOLVED, WORDS)
def test_the_papers_rewards_equal_their_plain_writing_on_every_transcript(transcript, unsolved, answer):
    expected = plain_rewards(transcript, unsolved, answer)
    for name in PAPERS:
        earned, _ = play(steps_of(unsolved), expect(answer), name, [messages(turn) for turn in transcript], "ftrl")
        assert earned == [row[name] for row in expected]


@pytest.mark.parametrize(
    ("solved", "calls", "values"),
    [
        (1, 1, (1, 1, 1, 1)),
        (2, 2, (4 / 3, 2, 1, 2)),
        (5, 5, (10 / 6, 5, 1, 5)),
        (1, 3, (0.5, 1 / 3, 1 / 3, 1)),
        (0, 2, (0,) * 4),
    ],
)
def test_the_papers_rewards_of_a_turn_with_calls(solved, calls, values):
    for name, value in zip(PAPERS, values, strict=True):
        assert REWARDS[name].function(facts(solved=solved, calls=calls, well_formed=calls)) == value


NOTHING = Turn(
    calls=0,
    well_formed=0,
    valid=0,
    solved=0,
    state_solved=0,
    calls_before=0,
    solved_before=0,
    total=9,
    content="",
    parse_error=False,
    replied=False,
    last=False,
    answer=None,
    answer_correct=False,
)


def facts(**changes):
    return NOTHING._replace(**{"replied": not changes.get("calls"), **changes})


@pytest.mark.parametrize("name", PAPERS)
def test_a_turn_whose_calls_did_not_get_through_earns_nothing_and_costs_nothing(name):
    assert REWARDS[name].function(facts(replied=False)) == 0.0


@pytest.mark.parametrize("name", PAPERS)
@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"calls": 2}, -0.3),
        ({"parse_error": True}, -0.3),
        ({"content": ""}, -0.5),
        ({"content": "x </tool_call>", "answer": expect("x")}, -0.3),
        ({"content": "x!", "answer": expect("x"), "solved_before": 7}, 1 / 3),
        ({"content": "y", "answer": expect("x"), "solved_before": 9}, 0.5),
        ({"content": "y", "answer": expect("x"), "solved_before": 8}, 0.0),
        ({"content": "y", "solved": 1, "state_solved": 1, "solved_before": 8}, 0.5),
        ({"calls": 1, "well_formed": 1, "solved": 3, "state_solved": 3}, 0.0),
    ],
)
def test_the_papers_rewards_of_a_turn_that_solves_nothing_by_calls(name, changes, value):
    assert REWARDS[name].function(facts(**changes)) == value


# Play with our own rewards: results hold letters, checks want letters.

LETTERS = st.sampled_from("abcd")
REPLIES = st.sampled_from(["", "a", "b", "c or d", "<answer>d</answer>", "<answer>a</answer>"])
OWN_CALLS = st.tuples(st.sampled_from("abcdx"), st.integers(0, 3), st.sampled_from(["ok", "ok", "failed", "malformed"]))
OWN_TURNS = st.lists(OWN_CALLS, max_size=4) | REPLIES
OWN = st.lists(OWN_TURNS, min_size=1, max_size=5)
STEPS = st.lists(LETTERS, min_size=1, max_size=4)
ANSWERS = st.none() | LETTERS.map(expect)


def own_turn(turn):
    if isinstance(turn, str):
        return act(content=turn), []
    calls, results = [], []
    for value, q, how in turn:
        made = ToolCall(id="c", name="find", error="broken") if how == "malformed" else call(q=q)
        status = "invalid_call" if how == "malformed" else "tool_error"
        calls.append(made)
        results.append(ok({"v": value}, made) if how == "ok" else failed(value, made, status))
    return act(*calls), results


def own_play(letters, answer, name, turns, **more):
    steps = [step(f"q{i}", expect(letter, path="/v")) for i, letter in enumerate(letters)]
    return play(steps, answer, name, [own_turn(turn) for turn in turns], **more)


@pytest.mark.parametrize("name", REWARDS)
@given(STEPS, ANSWERS, OWN, st.booleans(), st.sampled_from(["a", None]))
def test_every_reward_is_finite_and_in_its_stated_range(name, letters, answer, turns, ended, state):
    checks = [StateCheck(id="s", question="", path="", expected=expect("a"))]
    rule = REWARDS[name]
    earned, score = own_play(letters, answer, name, turns, state_checks=checks, state=state, ended=ended)
    assert all(math.isfinite(value) and rule.low <= value <= rule.high for value in earned)
    if name in OURS:
        assert -1e-12 <= math.fsum(earned) <= 1 + 1e-12 or not ended
    if name in ("ftrl_pr", "ftrl_rate"):
        assert max(earned) <= score.total


@given(STEPS, ANSWERS, OWN)
def test_the_returns_of_our_rewards_are_the_metrics(letters, answer, turns):
    def total(name):
        earned, score = own_play(letters, answer, name, turns)
        return sum(earned), score

    value, score = total("solve_f1")
    assert math.isclose(value, score.f1, abs_tol=1e-12)
    assert score.f1 == solve_f1(score.solved, score.calls, score.total)
    assert math.isclose(total("completeness")[0], score.completeness, abs_tol=1e-12)
    assert math.isclose(total("precision")[0], score.precision if score.calls else 0.0, abs_tol=1e-12)
    task = score.f1 if answer is None or score.answer_correct else score.f1 / 2
    assert math.isclose(total("task_f1")[0], task, abs_tol=1e-12)


@pytest.mark.parametrize("name", OURS)
@given(STEPS, ANSWERS, OWN, st.integers(0, 4), st.sampled_from(["ok", "failed", "malformed"]))
def test_a_useless_call_never_raises_the_return(name, letters, answer, turns, where, how):
    before, _ = own_play(letters, answer, name, turns)
    where %= len(turns)
    useless = [("nothing", 9, how)]
    if isinstance(turns[where], str):
        longer = [*turns[:where], useless, *turns[where:]]
    else:
        longer = [*turns[:where], [*turns[where], *useless], *turns[where + 1 :]]
    after, _ = own_play(letters, answer, name, longer)
    assert math.fsum(after) <= math.fsum(before) + 1e-12


@pytest.mark.parametrize("name", OURS)
@given(STEPS, ANSWERS, OWN, st.data())
def test_repeating_a_call_that_was_made_never_raises_the_return(name, letters, answer, turns, data):
    before, _ = own_play(letters, answer, name, turns)
    made = [(i, one) for i, turn in enumerate(turns) if not isinstance(turn, str) for one in turn if one[2] == "ok"]
    if not made:
        return
    i, repeated = data.draw(st.sampled_from(made))
    where = data.draw(st.integers(i + 1, len(turns)))
    after, score = own_play(letters, answer, name, [*turns[:where], [repeated], *turns[where:]])
    assert math.fsum(after) <= math.fsum(before) + 1e-12
    assert score.solved == own_play(letters, answer, name, turns)[1].solved


def test_repeating_the_solved_call_costs():
    first, again = own_play("ab", None, "solve_f1", [[("a", 0, "ok")], [("a", 0, "ok")]], ended=False)[0]
    assert first > 0 > again


def test_answering_alone_earns_nothing():
    for name in OURS:
        assert sum(own_play("ab", expect("a"), name, ["a"])[0]) == 0


def test_a_reply_is_paid_if_it_is_right_and_never_fined():
    solved = [("a", 0, "ok")]
    assert own_play("a", expect("a"), "task_f1", [solved, "a"])[0][-1] == 0.5
    assert own_play("a", expect("a"), "task_f1", [solved, "b"])[0][-1] == 0


def test_a_wrong_a_missing_and_a_cut_off_answer_cost_half_of_the_f1():
    solved = [("a", 0, "ok")]
    assert sum(own_play("a", expect("a"), "task_f1", [solved, "a"])[0]) == 1
    assert sum(own_play("a", expect("a"), "task_f1", [solved, "b"])[0]) == 0.5
    assert sum(own_play("a", expect("a"), "task_f1", [solved, ""])[0]) == 0.5
    assert sum(own_play("a", expect("a"), "task_f1", [solved])[0]) == 0.5
    assert sum(own_play("a", None, "task_f1", [solved])[0]) == 1


def test_a_reward_that_needs_the_papers_matcher_implies_it():
    assert {rule.matcher for name, rule in REWARDS.items() if name.startswith("ftrl_")} == {"ftrl"}
    assert all(REWARDS[name].matcher is None for name in OURS)


def test_an_unknown_reward_is_named_with_those_that_are_near():
    with pytest.raises(UnknownName, match="ftrl_f1"):
        reward("ftrl-f1")
