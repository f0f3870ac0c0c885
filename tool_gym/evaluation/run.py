"""Evaluation: a policy plays a pack into a folder, and can be interrupted at any moment.

The same pack, policy, seed and options give the same `trajectories.jsonl`, byte for byte, however often the run was
interrupted and in whatever order its episodes ended; a policy that is itself not repeatable (an endpoint) is the
exception. What varies from machine to machine stands in `meta.jsonl`: one line per episode with `scenario`,
`repetition`, `seconds` (in which the episode was in play), `policy_seconds` (its share of the policy's time), what the
policy tells of its usage (`prompt_tokens`, `completion_tokens`, `cost`), `host`, and `failure` where there was one.

Which episodes count: those that the policy broke off (`failure`) are left out of all means, and counted as `failed`
beside them. All others count, also those that a limit ended.
"""

from __future__ import annotations

import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tool_gym._version import __version__
from tool_gym.episode import rules
from tool_gym.errors import UnknownName
from tool_gym.evaluation.folder import RunFolder
from tool_gym.jsonvalue import Json, digest, dumps
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.rollouts import Play, episode_id, plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.verify.metrics import Summary

SUMMARY = "summary.json"


class Spec(NamedTuple):
    """What is played, and how.

    Attributes:
        split: Split of the pack, or `all`; None: `test` where the pack has it, else `all`.
        leave_out: Scenarios that are not played, such as those shown as examples.
        limit: Only so many scenarios, the first ones; None: all.
        k: Episodes per scenario, >= 1.
        seed: Seed of the run.
        reward: Name of the reward; None: the pack's.
        matcher: Name of the matcher; None: the reward's or the pack's.
        max_turns: Turn limit; None: the pack's.
        at_once: Episodes in play at a time, >= 1.
        system: Text of a system message before the question, or None.
    """

    split: str | None = None
    leave_out: tuple[str, ...] = ()
    limit: int | None = None
    k: int = 1
    seed: int = 0
    reward: str | None = None
    matcher: str | None = None
    max_turns: int | None = None
    at_once: int = 64
    system: str | None = None

    def scenarios(self, pack: Pack) -> list[str]:
        """Ids of the scenarios to play.

        Raises:
            UnknownName: If the pack has none in the split.
        """
        split = self.split or ("test" if pack.manifest.splits.get("test") else "all")
        ids = [name for name in pack.ids(split) if name not in self.leave_out][: self.limit]
        if not ids:
            raise UnknownName(f"split with scenarios in pack {pack.name!r}", split, [*pack.manifest.splits, "all"])
        return ids


class Outcome(NamedTuple):
    """What an evaluation came to.

    Attributes:
        rows: Means by structure and overall, see `verify.metrics.summarise`, and how many episodes `failed`.
        failed: Episodes that the policy broke off, with the reasons and how often each was given.
    """

    rows: list[dict[str, Json]]
    failed: dict[str, int]


def evaluate(
    policy: Policy,
    pack: Pack,
    out: Path,
    executor: Executor,
    spec: Spec,
    watch: Callable[[Iterator[Play], int], Iterator[Play]] | None = None,
) -> Outcome:
    """Plays what is not played yet, and writes the results when all is.

    Args:
        policy: Chooses the actions.
        pack: Where the scenarios come from.
        out: The run's folder; a folder with the same run in it is resumed.
        executor: Runs the tools.
        spec: What is played.
        watch: Passes the plays on as their episodes end; is told how many there are to make.

    Raises:
        InputError: If the folder holds another run.
    """
    todo = plays(spec.scenarios(pack), spec.k)
    with RunFolder(out, about(policy, pack, spec), todo) as folder:
        missing = _missing(todo, folder.played, spec.at_once if policy.batch_sensitive else 1)
        finished = _play(policy, pack, missing, executor, spec, folder)
        for _ in watch(finished, len(missing)) if watch else finished:
            pass
        outcome = _outcome(folder)
        (out / SUMMARY).write_bytes(dumps(outcome.rows) + b"\n")
        folder.finish()
    return outcome


def about(policy: Policy, pack: Pack, spec: Spec) -> dict[str, Json]:
    """Everything that decides the results of a run: what `run.json` keeps."""
    scenarios = spec.scenarios(pack)
    return {
        "pack": {"name": pack.name, "version": pack.version, "sha256": pack.manifest.digest},
        "scenarios": {"count": len(scenarios), "sha256": digest(scenarios)},
        "policy": {**policy.fingerprint, **({"at_once": spec.at_once} if policy.batch_sensitive else {})},
        "k": spec.k,
        "seed": spec.seed,
        **rules(pack, spec.reward, spec.matcher, spec.max_turns),
        **({} if spec.system is None else {"system": spec.system}),
        "versions": {"tool_gym": __version__, "python": ".".join(platform.python_version_tuple()[:2])},
    }


def _missing(todo: Sequence[Play], played: frozenset[Play], group: int) -> list[Play]:
    """The plays to make: all of each group of which one is missing."""
    groups = [todo[start : start + group] for start in range(0, len(todo), group)]
    return [play for one in groups if not played.issuperset(one) for play in one]


def _play(
    policy: Policy, pack: Pack, missing: Sequence[Play], executor: Executor, spec: Spec, folder: RunFolder
) -> Iterator[Play]:
    meter = _Meter(policy)
    options = {
        "reward": spec.reward, "matcher": spec.matcher, "max_turns": spec.max_turns, "system": spec.system
    }  # fmt: skip
    for play, trajectory in rollout(meter, pack, missing, executor, seed=spec.seed, at_once=spec.at_once, **options):
        meta: dict[str, Json] = {**play._asdict(), **meter.take(play), "host": platform.node()}
        if trajectory.failure is not None:
            meta["failure"] = trajectory.failure
        folder.add(play, trajectory, meta)
        yield play


def _outcome(folder: RunFolder) -> Outcome:
    summary, failed = Summary(), dict[str, int]()
    for trajectory in folder.trajectories():
        if trajectory.failure is None:
            summary.add(trajectory)
        else:
            failed[trajectory.failure] = failed.get(trajectory.failure, 0) + 1
    rows = summary.rows()
    if failed and rows:
        rows[-1] = {**rows[-1], "failed": sum(failed.values())}
        rows[:-1] = [{**row, "failed": None} for row in rows[:-1]]
    return Outcome(rows, failed)


class _Meter(Policy):
    """A policy with a meter on it: how long each episode was in play, and what it used."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.batch_sensitive = policy.batch_sensitive
        self._begun: dict[str, float] = {}
        self._used: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        start = time.perf_counter()
        for request in requests:
            self._begun.setdefault(request.episode_id, start)
        decisions = self._policy.act(requests)
        share = (time.perf_counter() - start) / len(requests)
        for request, decision in zip(requests, decisions, strict=True):
            used = self._used[request.episode_id]
            used["policy_seconds"] += share
            for key, value in decision.usage.items():
                used[key] += value
        return decisions

    def end(self, episode_id: str) -> None:
        self._policy.end(episode_id)

    def take(self, play: Play) -> Mapping[str, Any]:
        """The figures of an episode that has ended, which are dropped."""
        name = episode_id(play)
        seconds = time.perf_counter() - self._begun.pop(name)
        return {"seconds": round(seconds, 6), **{key: round(value, 9) for key, value in self._used.pop(name).items()}}
