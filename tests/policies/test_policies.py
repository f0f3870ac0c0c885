import pytest
from small_pack import JOINED, SINGLE, TURNS

import tool_gym
from tool_gym.errors import InputError
from tool_gym.packs.reader import load_pack
from tool_gym.rollouts import episode_seed, plays, rollout
from tool_gym.schema import argument_problem


@pytest.fixture(scope="module")
def pack(pack_folder):
    return load_pack(str(pack_folder))


def finished(policy, pack, executor, ids=None, **options):
    todo = plays(ids or list(pack), options.pop("k", 1))
    return dict(rollout(policy, pack, todo, executor, **options))


def test_the_oracle_earns_exactly_one_in_every_structure(pack, executor):
    ids = [scenario for scenario in pack if scenario != "stateful-1"]
    for play, trajectory in finished(tool_gym.OraclePolicy(pack), pack, executor, ids).items():
        assert sum(t.reward for t in trajectory.transitions) == pytest.approx(1.0, abs=1e-12), play
        assert trajectory.transitions[-1].score.answer_correct


def test_the_oracle_makes_calls_that_are_ready_together_in_one_turn(pack, executor):
    (trajectory,) = finished(tool_gym.OraclePolicy(pack), pack, executor, [JOINED.id]).values()
    assert [len(t.action.tool_calls) for t in trajectory.transitions] == [2, 1, 0]


def test_the_oracle_waits_for_tools_that_a_later_turn_brings(pack, executor):
    (trajectory,) = finished(tool_gym.OraclePolicy(pack), pack, executor, [TURNS.id]).values()
    assert [len(t.action.tool_calls) for t in trajectory.transitions] == [1, 0, 1, 0]


def test_the_oracle_says_what_it_cannot_play(tmp_path, executor):
    from pathlib import Path

    fixtures = Path(__file__).parents[1] / "fixtures"
    report = tool_gym.import_pack("ftrl", source=fixtures / "ftrl.jsonl", out=tmp_path / "ftrl")
    imported = load_pack(str(report.path))
    with pytest.raises(InputError, match="no reference call"):
        finished(tool_gym.OraclePolicy(imported), imported, executor)


def test_the_order_and_number_of_running_episodes_changes_no_trajectory(pack, executor):
    one = finished(tool_gym.RandomPolicy(1), pack, executor, k=3, at_once=1, seed=5)
    many = finished(tool_gym.RandomPolicy(1), pack, executor, k=3, at_once=64, seed=5)
    deterministic = [p for p, t in one.items() if all(r.deterministic for x in t.transitions for r in x.results)]
    assert len(deterministic) > 12
    assert [one[play] for play in deterministic] == [many[play] for play in deterministic]


def test_seeds_of_episodes_depend_on_run_scenario_and_repetition():
    seeds = {episode_seed(s, name, k) for s in (0, 1) for name in ("a-1", "a-2") for k in (0, 1)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_the_random_policy_calls_tools_that_exist_with_arguments_that_fit(pack, executor):
    trajectories = finished(tool_gym.RandomPolicy(3), pack, executor, k=5).values()
    tools = {tool.name: tool for tool in SINGLE.tools} | {tool.name: tool for s in pack for tool in pack[s].tools}
    calls = [call for t in trajectories for transition in t.transitions for call in transition.action.tool_calls]
    assert len(calls) > 20
    assert all(argument_problem(tools[call.name].parameters, call.arguments) is None for call in calls)


def test_a_function_is_a_policy(pack, executor):
    policy = tool_gym.FunctionPolicy(lambda observation, info: {"content": f"turn {info['turn']}"})
    (trajectory,) = finished(policy, pack, executor, [SINGLE.id]).values()
    assert trajectory.transitions[0].action.content == "turn 0"


def test_sampled_tokens_reach_the_trajectory(pack, executor):
    class Sampling(tool_gym.Policy):
        ended: list[str] = []

        def act(self, requests):
            return [tool_gym.Decision({"content": "x"}, (1, 2, 3), (-0.5, -0.25, 0.0)) for _ in requests]

        def end(self, episode_id):
            self.ended.append(episode_id)

    (trajectory,) = finished(Sampling(), pack, executor, [SINGLE.id]).values()
    assert trajectory.transitions[0].token_ids == (1, 2, 3)
    assert trajectory.transitions[0].logprobs == (-0.5, -0.25, 0.0)
    assert Sampling.ended == ["single-1/0"]
