import gymnasium as gym
import numpy as np
import pytest

from tool_gym.candidates import CandidateActions
from tool_gym.candidates.actions import FEATURES
from tool_gym.errors import UnknownName
from tool_gym.training.linear import CandidatePolicy, Outcome, Prefix, Prefixes, Settings, play, train

ALGORITHMS = ("grpo", "reinforce++")


class Bandit:
    """Prefixes of one action: of four candidates, which differ in a feature each, the third earns."""

    def __init__(self):
        self.prefix = Prefix(np.eye(4, len(FEATURES), dtype=np.float32), [{}] * 4, {})

    def first(self, scenario):
        return self.prefix

    def outcome(self, prefix, action):
        return prefix.outcomes.setdefault(action, Outcome(float(action == 2), {"f1": float(action == 2)}, None))

    def next(self, prefix, action):
        self.outcome(prefix, action)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_candidate_that_earns_becomes_the_likeliest(algorithm):
    policy = train(Bandit(), ["a", "b"], algorithm, 0, Settings(iterations=20, learning_rate=0.2))
    assert policy.best(Bandit().prefix.rows) == 2
    assert policy.probabilities(Bandit().prefix.rows)[2] > 0.8


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_seed_gives_the_same_weights(algorithm):
    one, other = (train(Bandit(), ["a", "b"], algorithm, 3, Settings(iterations=3)).weights for _ in range(2))
    assert np.array_equal(one, other)


def test_a_reward_that_never_differs_teaches_nothing():
    bandit = Bandit()
    for action in range(4):
        bandit.prefix.outcomes[action] = Outcome(0.5, {"f1": 0.5}, None)
    policy = train(bandit, ["a"], "grpo", 0, Settings(iterations=3, entropy=0.0))
    assert np.allclose(policy.probabilities(bandit.prefix.rows), 0.25)


def test_an_unknown_algorithm_is_refused_with_the_known_names():
    with pytest.raises(UnknownName, match="grpo"):
        train(Bandit(), ["a"], "sarsa", 0)


def test_probabilities_sum_to_one_whatever_the_weights():
    rows = np.random.default_rng(0).normal(size=(7, len(FEATURES))).astype(np.float32)
    policy = CandidatePolicy()
    policy.weights[:] = 1e3
    likely = policy.probabilities(rows)
    assert likely.sum() == pytest.approx(1.0)
    assert (likely >= 0).all()


def test_the_gradient_is_what_small_changes_of_the_weights_do():
    rng = np.random.default_rng(1)
    policy = CandidatePolicy(hidden=3)
    policy.weights[:] = rng.normal(size=len(policy.weights))
    rows = rng.normal(size=(5, len(FEATURES))).astype(np.float32)
    chosen = np.eye(5)[2]
    likely = policy.probabilities(rows)
    found = policy.gradient(rows, chosen - likely)
    for at in rng.choice(len(policy.weights), 40):
        logs = []
        for change in (1e-6, -1e-6):
            policy.weights[at] += change
            logs.append(np.log(policy.probabilities(rows)[2]))
            policy.weights[at] -= change
        assert found[at] == pytest.approx((logs[0] - logs[1]) / 2e-6, rel=1e-3, abs=1e-5)


@pytest.fixture(scope="module")
def prefixes():
    return Prefixes(CandidateActions(gym.make("ToolUse-v0", split="all", execution="embedded", max_turns=4), 48))


def test_a_prefix_that_was_visited_is_kept_and_leads_where_the_environment_leads(prefixes):
    scenario = prefixes._env.unwrapped.pack.ids()[0]
    first = prefixes.first(scenario)
    assert prefixes.first(scenario) is first
    action = next(i for i, message in enumerate(first.messages) if "tool_calls" in message)
    after = prefixes.next(first, action)
    assert prefixes.next(first, action) is after
    _, _ = prefixes._env.reset(seed=0, options={"scenario": scenario})
    rows, reward, *_ = prefixes._env.step(action)
    assert reward == prefixes.outcome(first, action).reward
    assert np.allclose(rows[: len(after.rows)], after.rows, atol=1e-2)


def test_an_episode_ends_with_the_score_of_the_environment(prefixes):
    visited, score = play(CandidatePolicy(), prefixes, prefixes._env.unwrapped.pack.ids()[1], np.random.default_rng(0))
    assert 1 <= len(visited) <= 4
    assert 0.0 <= score["f1"] <= 1.0


def test_prefixes_of_another_reward_share_the_candidates_and_not_the_rewards(prefixes):
    scenario = prefixes._env.unwrapped.pack.ids()[0]
    env = gym.make("ToolUse-v0", split="all", execution="embedded", max_turns=4, reward="none")
    other = Prefixes(CandidateActions(env, 48), prefixes)
    one, same = prefixes.first(scenario), other.first(scenario)
    assert same.rows is one.rows
    parts = [each.outcome(prefix, 0).score["reward_components"] for each, prefix in ((prefixes, one), (other, same))]
    assert parts[0].keys() != parts[1].keys()
    call = next(i for i, message in enumerate(one.messages) if "tool_calls" in message)
    assert other.next(same, call).rows.shape == prefixes.next(one, call).rows.shape


def test_a_trajectory_is_the_episode_that_was_played(prefixes):
    scenario = prefixes._env.unwrapped.pack.ids()[0]
    visited, score = play(CandidatePolicy(), prefixes, scenario)  # of equal candidates the first, a reply
    trajectory = prefixes.trajectory(visited[-1], 0)
    assert (trajectory.scenario, trajectory.termination) == (scenario, "answer")
    assert trajectory.transitions[-1].score.model_dump() == score
    assert [turn.action.content for turn in trajectory.transitions] == [visited[0].messages[0]["content"]]
