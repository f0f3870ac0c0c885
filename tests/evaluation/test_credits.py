"""Credits agree with verification, whatever is played."""

import pytest

from tool_gym.attacks import ATTACKS
from tool_gym.evaluation.credits import call_credits
from tool_gym.gate.attacks import AttackPolicy
from tool_gym.packs.reader import load_pack
from tool_gym.policies.scripted import OraclePolicy, RandomPolicy
from tool_gym.rollouts import plays, rollout


@pytest.mark.parametrize("reward", ["task_f1", "ftrl_f1"])
@pytest.mark.parametrize("name", ["oracle", "random", "every_entity", "repeat_solved_call"])
def test_each_solved_check_is_credited_to_one_call_of_the_turn_that_solved_it(executor, name, reward):
    pack = load_pack("starter")
    scripted = {"oracle": OraclePolicy(pack), "random": RandomPolicy(0)}
    policy = scripted.get(name) or AttackPolicy(ATTACKS[name], pack)
    todo = plays(list(pack)[::3])
    for play, trajectory in rollout(policy, pack, todo, executor, reward=reward, max_turns=8):
        solved = 0
        credited = []
        found = list(call_credits(trajectory, trajectory.gold))
        assert len(found) == len(trajectory.transitions)
        for (checks, still_open), turn in zip(found, trajectory.transitions, strict=True):
            assert len(checks) == len(turn.results)
            earned = [check for check in checks if check]
            assert set(earned) <= still_open, play
            assert len(earned) == turn.score.solved - solved, play
            solved = turn.score.solved
            credited += earned
        assert len(set(credited)) == len(credited)
        if name == "oracle":
            assert set(credited) == {step.id for step in trajectory.gold.sub_questions}
