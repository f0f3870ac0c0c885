"""Simulated users: functions, and models behind a scripted server."""

import asyncio
import json
import pickle
import subprocess
import sys
import threading

import gymnasium as gym
import pytest
from scripted_server import NAME, serving
from small_pack import SINGLE, TABLES, TURNS

import tool_gym
from tool_gym.episode import Episode
from tool_gym.errors import EpisodeError, InputError, UnknownName
from tool_gym.evaluation.run import Spec, evaluate
from tool_gym.gate.replay import replay
from tool_gym.models.chat import Completion, ModelError
from tool_gym.models.endpoint import Endpoint
from tool_gym.policies.policy import FunctionPolicy
from tool_gym.report.questions import Questions
from tool_gym.rollouts import plays, rollout
from tool_gym.training.export import export
from tool_gym.trajectory import read_trajectories
from tool_gym.users import STOP, ModelUser, Talk, fingerprint, make_user, recorded
from tool_gym.verify.rescoring import rescore

WORDS = ["It is about a town.", "北门 it is called.", f"Thanks. {STOP}"]
CALL = {"tool_calls": [{"name": "population", "arguments": {"town": "北门"}}]}
ASK, TELL = {"content": "Which town?"}, {"content": "<answer>880</answer>"}


@pytest.fixture(scope="module")
def pack(pack_folder):
    return tool_gym.load_pack(str(pack_folder))


def user(talk):
    """Says the words above, one after another."""
    return recorded(WORDS[:2])(talk)


def agent(observation, info):
    """Asks, looks up, tells."""
    return [ASK, CALL, TELL][info["turn"]]


def spoken(body):
    """What the scripted server, as the user, says: the words above by how often it has spoken."""
    return WORDS[sum(message["role"] == "assistant" for message in body["messages"])]


def open_episode(executor, scenario=SINGLE, **options):
    return Episode(scenario, executor, tables=TABLES, **{"user": user, **options})


def said(episode):
    return [(message["role"], message["content"]) for message in episode.observation["messages"]]


def test_the_user_speaks_first_answers_replies_and_ends_the_episode(executor):
    episode = open_episode(executor)
    assert said(episode) == [("user", WORDS[0])]
    episode.step(ASK)
    assert said(episode)[-1] == ("user", WORDS[1])
    assert not episode.step(CALL).terminated
    result = episode.step(TELL)
    assert (result.terminated, result.truncated) == (True, False)
    assert (episode.termination, episode.score.answer_correct, episode.score.f1) == ("answer", True, 1.0)
    with pytest.raises(EpisodeError, match="has ended"):
        episode.step(TELL)


def test_the_user_hears_what_is_said_and_nothing_of_the_tools(executor):
    heard = []

    def listener(talk):
        heard.append(talk)
        return user(talk)

    episode = open_episode(executor, user=listener, seed=7, system="Be kind.")
    for action in (ASK, {**CALL, "content": "I look it up."}, TELL):
        episode.step(action)
    assert [talk.messages for talk in heard] == [
        (),
        ({"role": "user", "content": WORDS[0]}, {"role": "assistant", "content": "Which town?"}),
        (
            *heard[1].messages,
            {"role": "user", "content": WORDS[1]},
            {"role": "assistant", "content": TELL["content"]},
        ),
    ]
    assert {(talk.instruction, talk.seed) for talk in heard} == {(SINGLE.question, 7)}


def test_the_turn_limit_holds_for_a_user_who_never_ends(executor):
    episode = open_episode(executor, user=lambda talk: "And then?", max_turns=2)
    episode.step(ASK)
    result = episode.step(ASK)
    assert (result.terminated, result.truncated, episode.termination) == (False, True, "max_turns")


def test_words_that_do_not_fit_the_observation_end_it(executor):
    def talkative(talk):
        return "Well. " * 40_000 if talk.messages else "Hello."

    episode = open_episode(executor, user=talkative, caps=tool_gym.Caps(max_observation_bytes=100_000))
    episode.step(ASK)
    assert episode.termination == "limit"


def test_a_scenario_with_user_turns_of_its_own_takes_no_other_user(executor):
    with pytest.raises(InputError, match="2 user turns of its own"):
        open_episode(executor, TURNS)


def test_an_episode_goes_on_from_a_snapshot(executor):
    first = open_episode(executor)
    first.step(ASK)
    kept = pickle.loads(pickle.dumps(first.snapshot()))
    second = open_episode(executor)
    second.restore(kept)
    for episode in (first, second):
        episode.step(CALL)
        episode.step(TELL)
    assert first.trajectory() == second.trajectory()


def test_a_trajectory_keeps_who_spoke_and_what_and_is_replayed_rescored_shown_and_exported(pack, executor, tmp_path):
    ((_, trajectory),) = rollout(FunctionPolicy(agent), pack, plays([SINGLE.id]), executor, user=user)
    assert trajectory.settings["user"] == {"user": "user"}
    assert trajectory.settings["said"] == WORDS[:2]
    assert (trajectory.user_turns, trajectory.termination) == (2, "answer")
    assert replay(trajectory, pack, executor) is None
    assert rescore(trajectory, trajectory.reward).transitions == trajectory.transitions
    assert Questions().of(trajectory) == tuple(WORDS[:2])
    export("sft", pack, tmp_path / "sft.jsonl", trajectories=[trajectory])
    (row,) = map(json.loads, (tmp_path / "sft.jsonl").read_text().splitlines())
    assert [message["content"] for message in row["messages"] if message["role"] == "user"] == WORDS[:2]
    with pytest.raises(InputError, match="3 because a simulated user speaks in it"):
        export("trl", pack, tmp_path / "trl.jsonl", trajectories=[trajectory])


def test_scripted_users_leave_trajectories_as_they_were(pack, executor):
    ((_, trajectory),) = rollout(FunctionPolicy(agent), pack, plays([SINGLE.id]), executor)
    assert trajectory.settings == {}
    assert trajectory.user_turns == 1
    assert len(trajectory.transitions) == 1, "the reply closes the one user turn"


def test_users_of_many_episodes_are_asked_at_once(pack, executor):
    all_here = threading.Barrier(8, timeout=120)

    def patient(talk):
        all_here.wait()  # breaks, and fails the test, unless all are asked before one is waited for
        return user(talk)

    played = list(rollout(FunctionPolicy(agent), pack, plays([SINGLE.id], 8), executor, user=patient))
    assert [trajectory.termination for _, trajectory in played] == ["answer"] * 8


def test_other_tasks_run_while_a_user_thinks(executor):
    thought = threading.Event()

    def slow(talk):
        if talk.messages:
            assert thought.wait(20)
        return user(talk)

    async def both():
        step = asyncio.create_task(episode.astep(ASK))
        await asyncio.sleep(0)
        thought.set()
        return await step

    episode = open_episode(executor, user=slow)
    asyncio.run(both())
    assert said(episode)[-1] == ("user", WORDS[1])


def test_gymnasium_environments_take_a_user(pack):
    env = gym.make("ToolUse-v0", pack=pack, scenario=SINGLE.id, user=user)
    observation, _ = env.reset(seed=0)
    assert observation["messages"][-1]["content"] == WORDS[0]
    for action in (ASK, CALL):
        _, _, terminated, _, _ = env.step(action)
        assert not terminated
    assert env.step(TELL)[2]
    envs = gym.make_vec(
        "ToolUse-v0", 2, vectorization_mode="vector_entry_point", pack=pack, scenario=SINGLE.id, user=user
    )
    envs.reset(seed=0)
    observations, *_ = envs.step([ASK, CALL])
    assert [messages[-1]["role"] for messages in observations["messages"]] == ["user", "tool"]


def test_a_model_plays_the_user_and_is_told_the_wish_and_the_words(pack, executor):
    with serving(spoken) as server:
        customer = ModelUser(Endpoint(NAME, server.url))
        played = rollout(FunctionPolicy(agent), pack, plays([SINGLE.id]), executor, user=customer)
        ((_, trajectory),) = played
    assert (trajectory.termination, trajectory.failure) == ("answer", None)
    assert trajectory.settings["said"] == WORDS[:2]
    assert trajectory.settings["user"]["model"] == NAME
    first, second, third = (body["messages"] for body in server.bodies)
    assert SINGLE.question in first[0]["content"]
    assert STOP in first[0]["content"]
    assert [message["role"] for message in third] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [message["content"] for message in second[2:]] == [WORDS[0], "Which town?"]
    assert not any("tools" in body for body in server.bodies)


@pytest.mark.parametrize("when", [0, 1], ids=["before the first word", "later"])
def test_an_endpoint_that_fails_costs_its_episode_and_no_other(pack, executor, when):
    seeds = set()

    def fault(body, times):
        seeds.add(body["seed"])
        unlucky = body["seed"] == min(seeds) and sum(each["role"] == "assistant" for each in body["messages"]) == when
        return "404" if unlucky and len(seeds) == 1 else None

    with serving(spoken, fault) as server:
        customer = ModelUser(Endpoint(NAME, server.url, retries=0))
        played = list(rollout(FunctionPolicy(agent), pack, plays([SINGLE.id], 3), executor, at_once=1, user=customer))
    failures = [trajectory.failure for _, trajectory in played]
    assert len(played) == 3
    assert NAME in failures[0]
    assert "base_url" in failures[0]
    assert failures[1:] == [None, None]
    assert played[0][1].termination is None
    assert len(played[0][1].transitions) == when


def test_environments_raise_what_the_users_endpoint_says_and_can_be_reset(pack):
    with serving(spoken, lambda body, times: "404" if len(body["messages"]) > 2 and times == 0 else None) as server:
        customer = ModelUser(Endpoint(NAME, server.url, retries=0), temperature=0.0)
        env = gym.make("ToolUse-v0", pack=pack, scenario=SINGLE.id, user=customer)
        env.reset(seed=0)
        with pytest.raises(ModelError, match="the simulated user: model"):
            env.step(ASK)
        with pytest.raises(EpisodeError, match="has ended"):
            env.step(ASK)
        env.reset(seed=0)
        assert env.step(ASK)[0]["messages"][-1]["content"] == WORDS[1]
    with serving(spoken, lambda body, times: "404") as server:
        customer = ModelUser(Endpoint(NAME, server.url, retries=0))
        with pytest.raises(ModelError, match="the simulated user: model"):
            gym.make("ToolUse-v0", pack=pack, scenario=SINGLE.id, user=customer).reset(seed=0)


def test_a_user_without_a_word_is_a_failure_of_its_model(executor):
    class Mute:
        name = "mute"

        def complete(self, request):
            return Completion(message={"role": "assistant", "content": None}, finish="length")

    episode = open_episode(executor, user=ModelUser(Mute()))
    assert episode.observation["messages"] == []
    assert episode.done
    assert "ended with 'length'" in episode.failure


def test_a_user_who_ends_before_the_beginning_is_a_failure(executor):
    episode = open_episode(executor, user=lambda talk: None)
    with pytest.raises(EpisodeError, match="first words do not come"):
        episode.step(ASK)


def test_an_evaluation_says_who_the_user_was_and_leaves_failed_episodes_out(pack, executor, tmp_path):
    policy = FunctionPolicy(agent)
    fails = iter([True])

    def moody(talk):
        if not talk.messages and next(fails, False):
            raise ModelError("it sulks")
        return user(talk)

    ids = [name for name in pack.ids("all") if name != SINGLE.id]
    spec = Spec(split="all", leave_out=tuple(ids), k=2, at_once=1)
    outcome = evaluate(policy, pack, tmp_path / "a", executor, spec._replace(user=moody))
    assert outcome.failed == {"it sulks": 1}
    assert outcome.rows[-1]["episodes"] == 1
    evaluate(policy, pack, tmp_path / "b", executor, spec)
    users = [json.loads((tmp_path / name / "run.json").read_text())["user"] for name in "ab"]
    assert users[0]["user"].endswith("moody")
    assert users[1] == {"user": "scripted"}


def test_the_command_line_plays_with_a_remote_user(pack, tmp_path):
    with serving(spoken) as server:
        arguments = [
            "evaluate", "--pack", pack.path, "--policy", "oracle", "--split", "train", "--limit", 1, "--out", tmp_path,
            "--user", "remote", "--user-model", NAME, "--user-base-url", server.url, "--json",
        ]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tool_gym", *map(str, arguments)], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run.json").read_text())["user"]["model"] == NAME
    (trajectory,) = read_trajectories(tmp_path / "trajectories.jsonl")
    assert trajectory.settings["said"] == WORDS[:2]


def test_users_by_name():
    assert make_user("scripted") is None
    remote = make_user("remote", "some-model", "http://localhost:1/v1")
    assert fingerprint(remote)["model"] == "some-model"
    assert fingerprint(None) == {"user": "scripted"}
    with pytest.raises(UnknownName, match="no user is called 'robot'"):
        make_user("robot")
    with pytest.raises(InputError, match="--user-model"):
        make_user("remote")
    with pytest.raises(InputError, match="the user scripted is no model"):
        make_user("scripted", "some-model")


def test_a_remote_user_travels_to_other_processes():
    with serving(spoken) as server:
        there = pickle.loads(pickle.dumps(make_user("remote", NAME, server.url)))
        assert there(Talk("Ask.", (), 0)) == WORDS[0]
