"""A small policy over candidate actions, trained by GRPO or REINFORCE++ in numpy: the smallest proof that one learns.

Training goes as in FTRL (arXiv 2508.08791): the policy plays the training scenarios, every prefix of an episode becomes
a prompt, n actions are sampled for each prompt, each is rewarded by what its one turn earns, and the advantages of
`tool_gym.training.advantages` weigh the gradient. It departs from the paper in this: an action is one choice among
candidates, so a response has one token; every batch is used for one update, so no ratio needs clipping; there is no
reference model and no KL term, but a bonus for entropy that fades. The policy is linear but for one small hidden layer.
It chooses among candidates: it proves environment, reward and algorithm, not text.

Tools are deterministic, so what an action led to is kept: a prefix that comes up again costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from tool_gym.candidates.actions import FEATURES, CandidateActions
from tool_gym.training.advantages import estimator
from tool_gym.trajectory import Trajectory

_SPREAD = 0.2
"""Standard deviation of the weights of the hidden layer at the start."""
_FORGET = 0.05
"""Share of the newest weights in the running mean of them."""
_HIDDEN_PACE = 1 / 3
"""How fast the hidden layer learns beside the direct weights: what it learns carries over to other domains less."""
Rows = NDArray[np.floating[Any]]


class Settings(NamedTuple):
    """How long and how fast it learns.

    Attributes:
        iterations: Times that trajectories are collected, >= 1.
        scenarios: Scenarios that are played in an iteration, >= 1.
        prompts: Prefixes of an update, >= 1.
        samples: Actions that are sampled for a prefix, >= 2.
        epochs: Updates in which a prefix takes part in its iteration, >= 1; each time its actions are sampled anew.
        learning_rate: Of Adam at the start; it falls to a tenth of it.
        decay: Weight decay of each update.
        entropy: Weight of the entropy, which is raised, at the start; it falls to a thirtieth.
        hidden: Units of the policy's hidden layer, >= 0; with 0 it is linear.
    """

    iterations: int = 16
    scenarios: int = 240
    prompts: int = 32
    samples: int = 32
    epochs: int = 1
    learning_rate: float = 0.03
    decay: float = 0.03
    entropy: float = 0.3
    hidden: int = 32


@dataclass(eq=False)
class Prefix:
    """A point of an episode.

    Attributes:
        rows: float16[n, features], the candidates.
        messages: The candidates as messages.
        snapshot: The environment there.
        path: The scenario, and the actions so far.
        outcomes: What the candidates that were tried led to.
    """

    rows: Rows
    messages: list[dict[str, Any]]
    snapshot: dict[str, Any]
    path: tuple[str | int, ...] = ()
    outcomes: dict[int, Outcome] = field(default_factory=dict)


class Outcome(NamedTuple):
    """What an action led to: the turn's reward, the score after it, and where the episode stands, None at its end."""

    reward: float
    score: dict[str, Any]
    snapshot: dict[str, Any] | None


class Prefixes:
    """The prefixes of an environment's episodes as far as they were visited; see the module."""

    def __init__(self, env: CandidateActions, like: Prefixes | None = None) -> None:
        """Begins without any.

        Args:
            env: `CandidateActions` around `ToolUse-v0`, whose snapshots it uses.
            like: Prefixes of an environment that differs by its reward alone: candidates are made once for both.
        """
        self._env = env
        self._base: Any = env.unwrapped
        self._known: dict[tuple[str | int, ...], Prefix] = {}
        self._seen: dict[tuple[str | int, ...], tuple[Rows, list[dict[str, Any]]]] = like._seen if like else {}

    def first(self, scenario: str) -> Prefix:
        """Where the episodes of a scenario begin."""
        if (scenario,) not in self._known:
            observation, info = self._base.reset(seed=0, options={"scenario": scenario})
            self._known[(scenario,)] = self._prefix(observation, info, (scenario,))
        return self._known[(scenario,)]

    def outcome(self, prefix: Prefix, action: int) -> Outcome:
        """What an action at a prefix leads to."""
        if action not in prefix.outcomes:
            self._base.restore(prefix.snapshot)
            _, reward, terminated, truncated, info = self._base.step(prefix.messages[action])
            after = None if terminated or truncated else self._base.snapshot()
            prefix.outcomes[action] = Outcome(float(reward), info["score"], after)
        return prefix.outcomes[action]

    def next(self, prefix: Prefix, action: int) -> Prefix | None:
        """The prefix that an action leads to; None at the end of the episode."""
        outcome = self.outcome(prefix, action)
        if outcome.snapshot is None:
            return None
        path = (*prefix.path, action)
        if path not in self._known:
            observation, info = self._base.restore(outcome.snapshot)
            self._known[path] = self._prefix(observation, info, path)
        return self._known[path]

    def trajectory(self, prefix: Prefix, action: int) -> Trajectory:
        """What happened in an episode up to a prefix and with an action there."""
        self._base.restore(prefix.snapshot)
        self._base.step(prefix.messages[action])
        return cast(Trajectory, self._base.episode.trajectory())

    def _prefix(self, observation: Any, info: dict[str, Any], path: tuple[str | int, ...]) -> Prefix:
        if path not in self._seen:
            rows, info = self._env.look(observation, info)
            # Half precision: a run keeps tens of thousands of them.
            self._seen[path] = rows[: int(info["action_mask"].sum())].astype(np.float16), info["candidates"]
        return Prefix(*self._seen[path], self._base.snapshot(), path)


class CandidatePolicy:
    """Softmax over candidates of a score: a weighted sum of their features, and what a hidden layer adds to it.

    Attributes:
        weights: float64[n], all of them in a row.
        pace: float64[n], how fast each learns.
    """

    def __init__(self, seed: int = 0, hidden: int = 32) -> None:
        """Begins with every candidate as likely as any: the hidden layer is drawn, what is made of it is zero.

        Args:
            seed: Decides the hidden layer.
            hidden: Its units, >= 0; with 0 the policy is linear.
        """
        size = len(FEATURES)
        self._hidden, self._ends = hidden, np.cumsum([size, size * hidden, hidden])
        self.weights = np.zeros(int(self._ends[-1]) + hidden)
        inner = np.random.default_rng(seed).normal(0.0, _SPREAD, size * hidden)
        self.weights[self._ends[0] : self._ends[1]] = inner
        self.pace = np.where(np.arange(len(self.weights)) < size, 1.0, _HIDDEN_PACE)

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """float64[n], of n candidates."""
        scores = self._scores(rows)
        likely = np.exp(scores - scores.max())
        return np.asarray(likely / likely.sum())

    def best(self, rows: Rows) -> int:
        """The likeliest candidate."""
        return int(np.argmax(self._scores(rows)))

    def gradient(self, rows: Rows, pull: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the weights do to a weighted sum of the candidates' scores.

        Args:
            rows: float[n, features].
            pull: float64[n], the weight of each score.
        """
        rows = rows.astype(np.float64)
        _, inner, bias, outer = self._parts()
        units = rows @ inner + bias
        back = np.outer(pull, outer) * (units > 0)
        parts = (pull @ rows, rows.T @ back, back.sum(0), pull @ np.maximum(units, 0.0))
        return np.concatenate([each.ravel() for each in parts])

    def _scores(self, rows: Rows) -> NDArray[np.float64]:
        rows = rows.astype(np.float64)
        direct, inner, bias, outer = self._parts()
        return np.asarray(rows @ direct + np.maximum(rows @ inner + bias, 0.0) @ outer)

    def _parts(self) -> tuple[NDArray[np.float64], ...]:
        direct, inner, bias, outer = np.split(self.weights, self._ends)
        return direct, inner.reshape(len(direct), self._hidden), bias, outer


def play(
    policy: CandidatePolicy, prefixes: Prefixes, scenario: str, rng: np.random.Generator | None = None
) -> tuple[list[Prefix], dict[str, Any]]:
    """Plays an episode.

    Args:
        policy: Who plays.
        prefixes: Of the environment.
        scenario: What is played.
        rng: Samples the actions; without it the likeliest are taken.

    Returns:
        The prefixes that were visited, and the score at the end.
    """
    prefix: Prefix | None = prefixes.first(scenario)
    visited = []
    while prefix is not None:
        visited.append(prefix)
        rows = prefix.rows
        action = policy.best(rows) if rng is None else int(rng.choice(len(rows), p=policy.probabilities(rows)))
        last, prefix = prefix, prefixes.next(prefix, action)
    return visited, last.outcomes[action].score


def train(
    prefixes: Prefixes,
    scenarios: Sequence[str],
    algorithm: str,
    seed: int = 0,
    settings: Settings | None = None,
    watch: Callable[[int, CandidatePolicy], None] | None = None,
) -> CandidatePolicy:
    """Trains a policy from nothing.

    Args:
        prefixes: Of the environment; its reward is what is learned.
        scenarios: Ids of the training scenarios.
        algorithm: `grpo` or `reinforce++`.
        seed: Decides all that is drawn.
        settings: How long and how fast.
        watch: Is called with the number of updates and the policy after each iteration.

    Raises:
        UnknownName: If there is no such algorithm.
    """
    settings = settings or Settings()
    estimate, rng, adam = estimator(algorithm), np.random.default_rng(seed), _Adam()
    policy, mean = (CandidatePolicy(seed, settings.hidden) for _ in range(2))
    updates = 0
    for iteration in range(settings.iterations):
        drawn = rng.choice(len(scenarios), min(settings.scenarios, len(scenarios)), replace=False)
        prompts = [prefix for i in drawn for prefix in play(policy, prefixes, scenarios[i], rng)[0]]
        left = 0.1 ** (iteration / settings.iterations)
        now = settings._replace(learning_rate=settings.learning_rate * left, entropy=settings.entropy * left**1.5)
        for _ in range(settings.epochs):
            order = rng.permutation(len(prompts))
            for batch in np.array_split(order, max(1, len(order) // settings.prompts)):
                chosen = [prompts[i] for i in batch]
                gradient = _gradient(policy, prefixes, chosen, estimate, rng, now)
                step = adam.direction(gradient) - now.decay * policy.weights
                policy.weights += now.learning_rate * policy.pace * step
                mean.weights += _FORGET * (policy.weights - mean.weights)
                updates += 1
        if watch is not None:
            watch(updates, mean)
    return mean


def _gradient(
    policy: CandidatePolicy,
    prefixes: Prefixes,
    prompts: Sequence[Prefix],
    estimate: Any,
    rng: np.random.Generator,
    settings: Settings,
) -> NDArray[np.float64]:
    """The gradient of the expected advantage, and of the entropy, at sampled actions."""
    samples = settings.samples
    likely = [policy.probabilities(prompt.rows) for prompt in prompts]
    drawn = [rng.choice(len(p), samples, p=p) for p in likely]
    rewards = [prefixes.outcome(prompt, int(a)).reward for prompt, own in zip(prompts, drawn, strict=True) for a in own]
    groups = np.repeat(np.arange(len(prompts)), samples)
    advantages = estimate(rewards, groups, np.ones(len(rewards))).reshape(len(prompts), samples)
    total = np.zeros_like(policy.weights)
    for prompt, p, own, advantage in zip(prompts, likely, drawn, advantages, strict=True):
        pull = np.bincount(own, advantage, len(p)) - advantage.sum() * p
        spread = np.log(np.maximum(p, 1e-12))
        pull -= settings.entropy * samples * p * (spread - p @ spread)
        total += policy.gradient(prompt.rows, pull)
    return total / (len(prompts) * samples)


class _Adam:
    """Adam's direction (Kingma & Ba 2014, arXiv 1412.6980)."""

    def __init__(self) -> None:
        self._mean: NDArray[np.float64] | float = 0.0
        self._square: NDArray[np.float64] | float = 0.0
        self._steps = 0

    def direction(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        self._steps += 1
        self._mean = 0.9 * self._mean + 0.1 * gradient
        self._square = 0.99 * self._square + 0.01 * gradient**2
        mean = self._mean / (1 - 0.9**self._steps)
        return np.asarray(mean / (np.sqrt(self._square / (1 - 0.99**self._steps)) + 1e-8))
