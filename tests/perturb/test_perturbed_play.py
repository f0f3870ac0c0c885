"""Playing perturbed packs: through the environments, with flaky tools, and where declining is right."""

import math
import pickle

import gymnasium as gym
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tool_gym.cli import app
from tool_gym.episode import Episode
from tool_gym.errors import InputError
from tool_gym.evaluation.failures import diagnose
from tool_gym.gate.replay import replay
from tool_gym.jsonvalue import loads
from tool_gym.messages import ToolCall
from tool_gym.packs.reader import load_pack
from tool_gym.perturb.faults import MOST, Faults
from tool_gym.perturb.pack import as_played, under
from tool_gym.perturb.spec import Perturbation
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.verify.rescoring import rescore
from tool_gym.verify.rewards import REWARDS

FLAKY, BLIND = Perturbation.read("flaky"), Perturbation.read("unanswerable")
STARTER = load_pack("starter")
DECLINE = {"content": "<answer>unanswerable</answer>"}
WRONG = {"content": "<answer>42</answer>"}


@pytest.fixture(scope="module")
def embedded():
    with Executor(execution="embedded") as executor:
        yield executor


def opened(how, executor, scenario=None, **options):
    pack = under(STARTER, how)
    return Episode.of_pack(pack, scenario or pack.ids()[0], executor, **options)


def played(episode, *actions):
    """The return of an episode."""
    return math.fsum(episode.step(action).reward for action in actions)


def oracle_trajectories(pack, executor, **options):
    return [trajectory for _, trajectory in rollout(OraclePolicy(pack), pack, plays(pack.ids()), executor, **options)]


def statuses(trajectory):
    return [result.status for turn in trajectory.transitions for result in turn.results]


# Flaky tools


def test_flaky_tools_fail_now_and_then_and_the_oracle_tries_again_and_loses_nothing(embedded):
    pack = under(STARTER, FLAKY)
    trajectories = oracle_trajectories(pack, embedded)
    lost = [statuses(each).count("unavailable") for each in trajectories]
    assert sum(lost) > len(lost) / 2
    assert max(lost) <= MOST
    assert all(math.isclose(math.fsum(turn.reward for turn in each.transitions), 1.0) for each in trajectories)
    assert all(
        each.transitions[-1].score.calls == len(statuses(each)) - n for each, n in zip(trajectories, lost, strict=True)
    )


def without_lost_calls(trajectory):
    """As if the calls that did not get through had never been made."""
    turns = []
    for turn in trajectory.transitions:
        kept = [
            (call, result)
            for call, result in zip(turn.action.tool_calls, turn.results, strict=True)
            if result.status != "unavailable"
        ]
        if kept or not turn.results:
            action = turn.action.model_copy(update={"tool_calls": tuple(call for call, _ in kept)})
            turns.append(turn.model_copy(update={"action": action, "results": tuple(result for _, result in kept)}))
    return trajectory.model_copy(update={"transitions": tuple(turns)})


@pytest.fixture(scope="module")
def flaky_trajectories(embedded):
    return [each for each in oracle_trajectories(under(STARTER, FLAKY), embedded) if "unavailable" in statuses(each)]


@pytest.mark.parametrize("reward", REWARDS)
def test_every_reward_is_what_it_were_without_the_calls_that_did_not_get_through(flaky_trajectories, reward):
    assert flaky_trajectories
    for trajectory in flaky_trajectories:
        one, other = rescore(trajectory, reward), rescore(without_lost_calls(trajectory), reward)
        assert [turn.reward for turn in one.transitions if turn.reward] == [
            turn.reward for turn in other.transitions if turn.reward
        ]
        assert one.transitions[-1].score == other.transitions[-1].score


CALLS = [ToolCall(id=f"c{n}", name=name, arguments={"x": n}) for name in "ab" for n in range(9)]


@given(st.integers(0, 2**31), st.lists(st.lists(st.sampled_from(CALLS), max_size=4), max_size=20))
def test_faults_follow_the_seed_and_are_bounded_for_a_call_and_for_an_episode(seed, turns):
    first, second = Faults(FLAKY, seed), Faults(FLAKY, seed)
    struck = [first.strike(turn) for turn in turns]
    assert struck == [second.strike(turn) for turn in turns]
    assert sum(map(len, struck)) <= MOST
    lost = [turn[place] for turn, found in zip(turns, struck, strict=True) for place in found]
    assert all(lost.count(each) <= 2 for each in lost)


def test_a_malformed_call_is_the_agents_own_fault():
    broken = ToolCall(id="c", name="a", error="not JSON")
    assert not any(Faults(FLAKY, seed).strike([broken]) for seed in range(50))


def flaky_opening(executor, **options):
    """An episode and a call that does not get through at first."""
    for seed in range(50):
        episode = opened(FLAKY, executor, seed=seed, **options)
        step = episode.scenario.sub_questions[0]
        call = {"tool_calls": [{"name": step.tools[0], "arguments": step.arguments}]}
        before = episode.snapshot()
        if episode.step(call).info["tool_statuses"] == ["unavailable"]:
            episode.restore(before)
            return episode, call
    pytest.fail("no call fails under any of these seeds")


def test_a_turn_of_lost_calls_takes_nothing_of_the_turn_limit(embedded):
    episode, call = flaky_opening(embedded, max_turns=1)
    assert not episode.step(call).truncated
    while episode.info["tool_statuses"] == ["unavailable"]:
        episode.step(call)
    assert episode.termination == "max_turns"
    assert episode.score.solved == episode.score.calls == 1


def test_only_the_lost_call_of_a_turn_is_kept_from_its_tool_and_answers_keep_their_places(embedded):
    episode, call = flaky_opening(embedded)
    unknown = {"name": "nothing", "arguments": {}}
    result = episode.step({"tool_calls": [{"name": "?"}, *call["tool_calls"], unknown]})
    assert result.info["tool_statuses"][1] == "unavailable"
    assert [each["name"] for each in result.observation["messages"][-3:]] == [
        "?",
        call["tool_calls"][0]["name"],
        "nothing",
    ]
    assert loads(result.observation["messages"][-2]["content"])["error"] == "unavailable"


def test_a_snapshot_remembers_which_calls_have_failed(embedded):
    episode, call = flaky_opening(embedded)
    episode.step(call)
    middle = pickle.loads(pickle.dumps(episode.snapshot()))
    after = [episode.step(call).observation["messages"][-1] for _ in range(3)]
    episode.restore(middle)
    assert [episode.step(call).observation["messages"][-1] for _ in range(3)] == after


def test_a_lost_call_is_no_fault_of_the_agent_in_the_failure_taxonomy(embedded):
    episode, call = flaky_opening(embedded)
    played(episode, call, WRONG)
    diagnosis = diagnose(episode.trajectory())
    assert diagnosis.counts == {"unavailable": 1}
    assert diagnosis.label == "gave_up"


# Where no tool can answer


@pytest.mark.parametrize(
    ("actions", "earned"),
    [
        ([DECLINE], 1.0),
        ([{"content": "Unanswerable."}], 1.0),
        ([{"content": "I looked, and it cannot be done.\nAnswer: it cannot be answered."}], 1.0),
        ([{"tool_calls": [{"name": "nothing", "arguments": {}}] * 3}, DECLINE], 0.5),
        ([WRONG], 0.0),
        ([{"content": ""}], 0.0),
        ([{"content": "<answer>unanswerable, or 42</answer>"}], 0.0),
        ([{"content": "<answer>42, else unanswerable</answer>"}], 0.0),
        ([{"content": "unanswerable <answer>42</answer>"}], 0.0),
    ],
)
def test_declining_earns_everything_where_no_tool_can_answer_and_nothing_else_does(embedded, actions, earned):
    episode = opened(BLIND, embedded)
    for reward in ("task_f1", "solve_f1"):
        episode = opened(BLIND, embedded, reward=reward)
        assert played(episode, *actions) == pytest.approx(earned)
        again = rescore(episode.trajectory(), reward)
        assert again.transitions == episode.trajectory().transitions


def test_who_declines_always_earns_nothing_where_the_tools_can_answer(embedded):
    pack = under(STARTER, Perturbation.read("missing"))
    for scenario in pack:
        answerable = bool(pack[scenario].sub_questions)
        assert played(opened(Perturbation.read("missing"), embedded, scenario), DECLINE) == (0.0 if answerable else 1.0)
    for scenario in STARTER:
        assert played(opened(None, embedded, scenario), DECLINE) == 0.0


def test_who_never_declines_earns_nothing_where_no_tool_can_answer(embedded):
    oracle = OraclePolicy(STARTER)
    for scenario in STARTER:
        episode = opened(BLIND, embedded, scenario)
        while not episode.done:
            action = oracle(episode.observation, episode.info)
            episode.step(action)
        assert episode.score.f1 == 0.0


def test_an_episode_that_declines_rightly_is_a_success(embedded):
    episode = opened(BLIND, embedded)
    played(episode, DECLINE)
    assert diagnose(episode.trajectory()).label == "success"


# Through the environments, and back


@pytest.mark.parametrize("text", ["medium", "union+distractors+order+missing+flaky"])
def test_the_environments_play_it_and_say_so_in_the_trajectory(text):
    env = gym.make("ToolUse-v0", split="all", execution="embedded", perturb=text, perturb_seed=3)
    policy, total, ended = OraclePolicy(env.unwrapped.pack), 0.0, False
    observation, info = env.reset(seed=1)
    while not ended:
        observation, reward, terminated, truncated, info = env.step(policy(observation, info))
        total, ended = total + reward, terminated or truncated
    assert total == pytest.approx(1.0)
    trajectory = env.unwrapped.episode.trajectory()
    assert trajectory.settings["perturbation"] == {"perturb": Perturbation.read(text).perturb, "perturb_seed": 3}
    with Executor(execution="embedded") as executor:
        assert replay(trajectory, STARTER, executor) is None
    assert as_played(STARTER, trajectory)[info["scenario"]].digest == trajectory.scenario_digest


def test_a_trajectory_with_a_perturbation_that_there_is_not_is_refused(embedded):
    trajectory = opened(None, embedded).trajectory()
    with pytest.raises(InputError, match="its perturbation"):
        as_played(STARTER, trajectory.model_copy(update={"settings": {"perturbation": {"perturb": "rm"}}}))


@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
def test_vector_environments_play_it(mode):
    envs = gym.make_vec(
        "ToolUse-v0", num_envs=2, vectorization_mode=mode, perturb="medium+flaky", execution="embedded", split="all"
    )
    observation, _ = envs.reset(seed=0, options={})
    plain = {tool.name for scenario in STARTER for tool in STARTER[scenario].tools}
    assert all(tool["function"]["name"] not in plain for tools in observation["tools"] for tool in tools)
    envs.close()


def test_check_env_passes_on_a_perturbed_environment():
    from gymnasium.utils.env_checker import check_env

    check_env(gym.make("ToolUse-v0", perturb="union+flaky", execution="embedded").unwrapped, skip_render_check=True)


def test_evaluate_plays_it_and_tells_of_it(tmp_path):
    def evaluated(folder, *options):
        command = f"evaluate --policy oracle --pack starter --limit 4 --execution embedded --out {tmp_path / folder}"
        return CliRunner().invoke(app, [*command.split(), *options])

    how = ("--perturb", "flaky+heavy", "--perturb-seed", "5")
    first = evaluated("a", *how)
    assert first.exit_code == 0, first.output
    assert "heavy+flaky by seed 5" in first.output
    about = loads((tmp_path / "a/run.json").read_bytes())
    assert (about["perturb"], about["perturb_seed"]) == ("heavy+flaky", 5)
    assert evaluated("b", *how).exit_code == 0
    assert (tmp_path / "a/trajectories.jsonl").read_bytes() == (tmp_path / "b/trajectories.jsonl").read_bytes()
    assert isinstance(evaluated("a", "--perturb", "slight").exception, InputError)
    again = CliRunner().invoke(app, ["replay", str(tmp_path / "a/trajectories.jsonl"), "--execution", "embedded"])
    assert again.exit_code == 0, again.output
    rescored = CliRunner().invoke(
        app, ["rescore", str(tmp_path / "a/trajectories.jsonl"), "--reward", "ftrl_f1", "--pack", "starter"]
    )
    assert rescored.exit_code == 0, rescored.output


def test_an_unknown_perturbation_is_the_users_mistake():
    result = CliRunner().invoke(app, ["evaluate", "--policy", "oracle", "--perturb", "mediun"])
    assert isinstance(result.exception, InputError)


def test_a_perturbed_pack_travels_to_other_processes():
    pack = under(STARTER, Perturbation.read("medium"))
    twin = pickle.loads(pickle.dumps(pack))
    assert twin == pack
    assert twin[pack.ids()[0]] == pack[pack.ids()[0]]


def test_tools_of_plain_python_are_not_perturbed(monkeypatch):
    monkeypatch.setattr(type(STARTER), "native", True)
    with pytest.raises(InputError, match="plain Python"):
        under(STARTER, FLAKY)
