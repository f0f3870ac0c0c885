"""Attacks earn on their controls and nowhere else."""

import pytest

from tool_gym.attacks import ATTACKS
from tool_gym.episode import Caps
from tool_gym.gate.attacks import (
    BOUNDED,
    MEAN_BOUND,
    SLACK,
    AttackPolicy,
    Outcome,
    analytic_returns,
    breaches,
    every_tool_once,
    play_attacks,
    sample_scenarios,
)
from tool_gym.gate.controls import CONTROL_LEAST, control_id, controls, write_controls
from tool_gym.packs.reader import load_pack
from tool_gym.policies.policy import Request
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.scenario import STRUCTURES
from tool_gym.verify.rescoring import rescore
from tool_gym.verify.rewards import REWARDS

ANSWER_ATTACKS = [name for name, attack in ATTACKS.items() if attack.given_calls]


@pytest.fixture(scope="module")
def starter():
    return load_pack("starter")


@pytest.fixture(scope="module")
def outcomes(starter, executor):
    played = play_attacks(starter, list(starter), executor, list(REWARDS))
    return {outcome.attack: outcome for outcome in played}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return write_controls(tmp_path_factory.mktemp("packs") / "controls")


def mean(values):
    return sum(values) / len(values)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_pays_on_its_planted_control(name, outcomes):
    reward, earned = outcomes[name].control
    assert reward in REWARDS
    assert earned >= CONTROL_LEAST


def test_every_attack_has_one_control():
    assert sorted(one.id for one in controls()) == sorted(map(control_id, ATTACKS))


def test_the_oracle_earns_exactly_one_on_the_pack_that_ships(starter, executor):
    for _, trajectory in rollout(OraclePolicy(starter), starter, plays(starter), executor):
        for reward in ("solve_f1", "task_f1"):
            assert sum(turn.reward for turn in rescore(trajectory, reward).transitions) == 1.0, trajectory.scenario


@pytest.mark.parametrize("name", [name for name in ATTACKS if name not in ANSWER_ATTACKS])
@pytest.mark.parametrize("reward", BOUNDED)
def test_an_attack_earns_no_more_than_spraying_on_the_pack_that_ships(name, reward, starter, outcomes):
    outcome = outcomes[name]
    assert len(outcome.trajectories) == len(starter)
    assert mean(outcome.returns[reward]) < MEAN_BOUND
    analytic = analytic_returns(starter, list(starter))
    assert list(analytic) == list(STRUCTURES)
    for structure in STRUCTURES:
        pairs = zip(outcome.trajectories, outcome.returns[reward], strict=True)
        earned = mean([value for trajectory, value in pairs if trajectory.structure == structure])
        assert earned <= analytic[structure] + SLACK


@pytest.mark.parametrize("name", ANSWER_ATTACKS)
def test_right_calls_with_a_bad_answer_lose_half_in_a_scenario_of_every_structure(name, outcomes):
    outcome = outcomes[name]
    assert set(outcome.returns["solve_f1"]) == {1.0}
    pairs = list(zip(outcome.trajectories, outcome.returns["task_f1"], strict=True))
    assert {trajectory.structure for trajectory, earned in pairs if earned == 0.5} == set(STRUCTURES)
    assert {earned for _, earned in pairs} <= {0.5, 1.0}
    if name == "wrong_answer":
        assert {earned for _, earned in pairs} == {0.5}


def test_the_pack_that_ships_exceeds_no_bound(starter, outcomes):
    assert list(breaches(starter, list(outcomes.values()))) == []


def test_attacks_stay_within_the_packs_turns(starter, outcomes):
    turns = [len(each.transitions) for outcome in outcomes.values() for each in outcome.trajectories]
    assert max(turns) == starter.manifest.max_turns


def test_malformed_calls_are_cut_short_where_invalid_turns_are_bounded(starter, executor):
    policy, few = AttackPolicy(ATTACKS["malformed_for_ever"], starter), plays(list(starter)[:2])
    for _, trajectory in rollout(policy, starter, few, executor, caps=Caps(max_invalid_calls=3)):
        assert trajectory.termination == "invalid_calls"
        assert len(trajectory.transitions) == 3


def test_the_same_seed_gives_the_same_episodes(starter, executor, outcomes):
    few = list(starter)[:3]
    for outcome in play_attacks(starter, few, executor):
        assert outcome.trajectories == outcomes[outcome.attack].trajectories[:3]


def test_calling_every_tool_once_and_solving_all_is_the_analytic_return(starter):
    scenario = starter["isklow-spring-rain"]
    assert every_tool_once(scenario) == pytest.approx(2 / (len(scenario.tools) + 1))


@pytest.mark.parametrize("name", ["empty_answer", "decline", "spam_tools", "every_entity", "dump"])
def test_an_attack_that_pays_is_a_breach_that_names_scenario_and_episode(name, planted, executor):
    played = play_attacks(planted, [control_id(name)], executor)
    breach = next(each for each in breaches(planted, list(played)) if f"attack {name} " in each.finding.message)
    assert breach.finding.level == "error"
    assert breach.finding.scenario == breach.trajectory.scenario == control_id(name)
    assert f"less than {MEAN_BOUND}" in breach.finding.message


def test_earning_more_than_every_tool_once_on_a_structure_is_a_breach(planted, starter, outcomes):
    outcome = outcomes["spam_tools"]
    singles = [trajectory.structure == "single_hop" for trajectory in outcome.trajectories]
    for earned, breached in ((0.2, False), (0.21, True)):
        returns = {"solve_f1": tuple(earned if single else 0.0 for single in singles)}
        found = list(breaches(starter, [Outcome("spam_tools", outcome.trajectories, returns, ("none", 0.0))]))
        assert [("single_hop" in breach.finding.message) for breach in found] == [True] * breached


def test_a_wrong_answer_that_counts_as_right_is_a_breach(planted, executor):
    (outcome,) = [each for each in play_attacks(planted, ["wrong-answer"], executor) if each.attack == "wrong_answer"]
    assert list(breaches(planted, [outcome])) == []
    kept = {"solve_f1": (1.0,), "task_f1": (1.0,)}
    (breach,) = breaches(planted, [Outcome("wrong_answer", outcome.trajectories, kept, outcome.control)])
    assert breach.finding.level == "error"
    assert "counts as the answer" in breach.finding.message


def test_saying_all_that_was_seen_where_that_is_the_answer_is_a_warning(planted, executor):
    played = play_attacks(planted, ["every-value-seen"], executor)
    (outcome,) = [each for each in played if each.attack == "every_value_seen"]
    (breach,) = breaches(planted, [outcome])
    assert breach.finding.level == "warning"


def test_only_the_attacks_that_say_so_are_given_calls_and_none_the_answer(starter):
    scenario = "isklow-spring-rain"
    observation = {"messages": [{"role": "user", "content": "?"}], "tools": []}
    seen = []
    for attack in ATTACKS.values():
        spy = attack.__class__(attack.name, lambda view: seen.append(view) or {"content": ""}, attack.given_calls)
        observation["tools"] = [tool.chat_form for tool in starter[scenario].tools]
        AttackPolicy(spy, starter).act([Request("e", 0, observation, {"scenario": scenario})])
    assert [bool(view.right_calls) for view in seen] == [attack.given_calls for attack in ATTACKS.values()]


def test_scenarios_without_reference_calls_are_left_to_the_other_attacks(tmp_path, executor):
    from tool_gym.packs.writer import write_pack

    one = next(each for each in controls() if each.id == "spam-tools")
    step = one.sub_questions[0].model_copy(update={"arguments": None})
    pack = write_pack(tmp_path / "p", name="p", scenarios=[one.model_copy(update={"sub_questions": (step,)})])
    played = {outcome.attack: len(outcome.trajectories) for outcome in play_attacks(pack, list(pack), executor)}
    assert played["wrong_answer"] == 0
    assert played["spam_tools"] == 1
    rows = [outcome.row(list(BOUNDED)) for outcome in play_attacks(pack, list(pack), executor)]
    assert [row["task_f1"] for row in rows if row["attack"] == "wrong_answer"] == [None]


def test_a_sample_is_drawn_by_its_seed_in_the_packs_order(starter):
    ids = list(starter)
    assert sample_scenarios(starter, 99, 0) == ids
    some = sample_scenarios(starter, 5, 0)
    assert len(set(some)) == 5
    assert some == [name for name in ids if name in some] == sample_scenarios(starter, 5, 0)
    assert some != sample_scenarios(starter, 5, 1)
