"""Evaluation: a policy plays a pack into a folder, and can be interrupted at any moment.

The same pack, policy, seed and options give the same `trajectories.jsonl`, byte for byte, however often the run was
interrupted and in whatever order its episodes ended; a policy that is itself not repeatable (an endpoint) is the
exception. What varies from machine to machine stands in `meta.jsonl`: one line per episode, see `player.Played`.

Which episodes count: those that the policy broke off (`failure`) are left out of all means, and counted as `failed`
beside them. All others count, also those that a limit ended.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tool_gym._version import __version__
from tool_gym.cluster.crew import Crew
from tool_gym.episode import rules
from tool_gym.errors import UnknownName
from tool_gym.evaluation.folder import RunFolder
from tool_gym.jsonvalue import Json, digest, dumps
from tool_gym.packs.reader import Pack
from tool_gym.player import Player
from tool_gym.policies.policy import Policy
from tool_gym.rollouts import Play, plays
from tool_gym.sandbox.executor import Executor
from tool_gym.users import User, fingerprint
from tool_gym.verify.metrics import Summary

SUMMARY = "summary.json"


class Spec(NamedTuple):
    """What is played, and how.

    Attributes:
        split: Split of the pack, or `all`; None: `test` where the pack has it, else `all`.
        leave_out: Scenarios that are not played, such as those shown as examples.
        known_bad: Whether to play those that the pack's errata name, too.
        limit: Only so many scenarios, the first ones; None: all.
        k: Episodes per scenario, >= 1.
        seed: Seed of the run.
        reward: Name of the reward; None: the pack's.
        matcher: Name of the matcher; None: the reward's or the pack's.
        max_turns: Turn limit; None: the pack's.
        at_once: Episodes in play at a time, >= 1.
        system: Text of a system message before the question, or None.
        user: Speaks for the user, see `tool_gym.users`; None: the scenarios' own words.
    """

    split: str | None = None
    leave_out: tuple[str, ...] = ()
    known_bad: bool = False
    limit: int | None = None
    k: int = 1
    seed: int = 0
    reward: str | None = None
    matcher: str | None = None
    max_turns: int | None = None
    at_once: int = 64
    system: str | None = None
    user: User | None = None

    def scenarios(self, pack: Pack) -> list[str]:
        """Ids of the scenarios to play.

        Raises:
            UnknownName: If the pack has none in the split.
            PackError: If its errata are broken.
        """
        split = self.split or ("test" if pack.manifest.splits.get("test") else "all")
        left_out = {*self.leave_out, *(() if self.known_bad else pack.known_bad)}
        ids = [name for name in pack.ids(split) if name not in left_out][: self.limit]
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
    """Plays what is not played yet with a policy in this process, and writes the results when all is.

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
    return evaluate_with(Player(policy, pack, executor), out, spec, watch)


def evaluate_with(
    player: Player | Crew,
    out: Path,
    spec: Spec,
    watch: Callable[[Iterator[Play], int], Iterator[Play]] | None = None,
) -> Outcome:
    """As `evaluate`, with a player of this process or a crew on many machines; both come to the same results.

    Raises:
        InputError: If the folder holds another run.
        ClusterError: If the machines give up; the folder is resumed as any other.
    """
    todo = plays(spec.scenarios(player.pack), spec.k)
    with RunFolder(out, about(player, player.pack, spec), todo) as folder:
        missing = _missing(todo, folder.played, spec.at_once if player.batch_sensitive else 1)
        with closing(_play(player, missing, spec, folder)) as finished:
            for _ in watch(finished, len(missing)) if watch else finished:
                pass
        outcome = _outcome(folder)
        (out / SUMMARY).write_bytes(dumps(outcome.rows) + b"\n")
        folder.finish()
    return outcome


def about(policy: Policy | Player | Crew, pack: Pack, spec: Spec) -> dict[str, Json]:
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
        "user": fingerprint(spec.user),
        **(pack.perturbation.model_dump() if pack.perturbation else {}),
        "versions": {"tool_gym": __version__, "python": ".".join(platform.python_version_tuple()[:2])},
    }


def _missing(todo: Sequence[Play], played: frozenset[Play], group: int) -> list[Play]:
    """The plays to make: all of each group of which one is missing."""
    groups = [todo[start : start + group] for start in range(0, len(todo), group)]
    return [play for one in groups if not played.issuperset(one) for play in one]


def _play(player: Player | Crew, missing: Sequence[Play], spec: Spec, folder: RunFolder) -> Generator[Play, None, None]:
    options = {
        "reward": spec.reward, "matcher": spec.matcher, "max_turns": spec.max_turns, "system": spec.system,
        "user": spec.user,
    }  # fmt: skip
    for played in player.play(missing, seed=spec.seed, at_once=spec.at_once, **options):
        folder.add(*played)
        yield played.play


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
