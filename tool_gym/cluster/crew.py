"""A crew: players of one pack with one policy, on the machines of a cluster."""

from __future__ import annotations

import functools
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from tool_gym.cluster.cluster import Cluster, Shared
from tool_gym.jsonvalue import Json
from tool_gym.packs.archive import archived
from tool_gym.packs.discovery import find_pack
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.perturb.pack import under
from tool_gym.perturb.spec import Perturbation
from tool_gym.player import Played, Player
from tool_gym.policies.catalog import Chosen
from tool_gym.rollouts import Play
from tool_gym.sandbox.executor import Executor

Maker: TypeAlias = Callable[[Pack, Executor], Chosen]
"""Makes the policy where it plays, from the pack and the sandbox there. It travels pickled: a function of a module, or
a `functools.partial` of one such as of `policies.catalog.make_policy`."""

_ROUNDS = 4
"""Jobs for each processor, so that those which are done first do not wait long for the last."""


@dataclass(frozen=True)
class _Plan:
    """What a process needs to become a player; two are the same if their keys are."""

    key: str
    maker: Maker = field(compare=False)
    pack: str = field(compare=False)
    digest: str = field(compare=False)
    perturbation: Perturbation | None = field(compare=False)
    archive: Shared[bytes] = field(compare=False)
    sandbox: dict[str, Any] = field(compare=False)


class _Job(NamedTuple):
    """Episodes that a process plays at a time, and the options of `rollouts.rollout`."""

    plan: _Plan
    todo: Sequence[Play]
    options: dict[str, Any]


class Crew:
    """Plays as a `Player` does, on the machines of a cluster, with the same trajectories.

    The pack travels to the machines that do not have it. What a policy bounds, as requests at a time or in a minute, it
    bounds in each process.

    Args:
        cluster: The machines.
        pack: Where the scenarios come from.
        maker: Makes the policy, once in each process.
        gpu: Whether each process needs a GPU of its own.
        **sandbox: Arguments of each process's `Executor`.

    Attributes:
        pack: Where the scenarios come from.
        batch_sensitive: The policy's, see `Policy`.
        fingerprint: The policy's.
        shown: Scenarios of the pack that the policy is shown as examples.

    Raises:
        ToolGymError: What the maker raises.
        ClusterError: As `Cluster.map`.
    """

    def __init__(self, cluster: Cluster, pack: Pack, maker: Maker, *, gpu: bool = False, **sandbox: Any) -> None:
        self.pack = pack
        self._cluster, self._gpu = cluster, gpu
        self._plan = _Plan(
            key=uuid.uuid4().hex,
            maker=maker,
            pack=pack.name,
            digest=pack.digest,
            perturbation=pack.perturbation,
            archive=cluster.share(archived(pack.path)),
            sandbox={"workers": 1, **sandbox},
        )
        ((self.batch_sensitive, self.fingerprint, self.shown),) = cluster.map(_introduce, [self._plan], gpu=gpu)

    def play(self, todo: Sequence[Play], *, at_once: int = 64, **options: Any) -> Iterator[Played]:
        """Plays episodes and yields them as they end, some at a time.

        Args:
            todo: What to play.
            at_once: Episodes that a process plays at a time, at most; a policy that is `batch_sensitive` plays the same
                groups as in one process.
            **options: The others of `rollouts.rollout`.
        """
        share = -(-len(todo) // (_ROUNDS * max(1, self._cluster.slots("GPU" if self._gpu else "CPU"))))
        size = at_once if self.batch_sensitive else max(1, min(at_once, share))
        jobs = (
            _Job(self._plan, todo[start : start + size], {**options, "at_once": at_once})
            for start in range(0, len(todo), size)
        )
        for played in self._cluster.map(_play, jobs, gpu=self._gpu):
            yield from played


def _introduce(plan: _Plan) -> tuple[bool, dict[str, Json], tuple[str, ...]]:
    player = _player(plan)
    return player.batch_sensitive, player.fingerprint, player.shown


def _play(job: _Job) -> list[Played]:
    return list(_player(job.plan).play(job.todo, **job.options))


@functools.lru_cache(maxsize=1)
def _player(plan: _Plan) -> Player:
    """The player that this process is, until another crew's job comes; its sandbox ends with it."""
    pack, executor = under(_pack(plan), plan.perturbation), Executor(**plan.sandbox)
    chosen = plan.maker(pack, executor)
    return Player(chosen.policy, pack, executor, chosen.shown)


def _pack(plan: _Plan) -> Pack:
    """The pack as it is installed here, else as it was sent."""
    source = find_pack(plan.pack)
    if source is not None and (installed := Pack(source.path)).digest == plan.digest:
        return installed
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pack.zip"
        file.write_bytes(plan.archive.get())
        return load_pack(file)
