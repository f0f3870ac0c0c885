"""Playing a trajectory again: the same scenario, seed and actions must give the same bytes."""

from __future__ import annotations

from typing import NamedTuple

from tool_gym.episode import Caps, Episode
from tool_gym.errors import InputError
from tool_gym.packs.reader import Pack
from tool_gym.perturb.pack import as_played
from tool_gym.sandbox.executor import Executor
from tool_gym.trajectory import Trajectory, Transition
from tool_gym.users import recorded


class Difference(NamedTuple):
    """Where a replay first departs from the recording.

    Attributes:
        turn: 0-based turn.
        field: What differs: `results`, `reward`, `score`, `state_digest` or `termination`.
        recorded: Its JSON text in the recording.
        replayed: Its JSON text now.
        excused: True if clock, memory or a crash decided a result of the turn, so that a difference proves nothing.
    """

    turn: int
    field: str
    recorded: str
    replayed: str
    excused: bool


def replay(trajectory: Trajectory, pack: Pack, executor: Executor) -> Difference | None:
    """Plays the actions of a trajectory again and compares every turn; None if nothing differs.

    Raises:
        InputError: If the pack's scenario is not the one that was recorded.
    """
    episode = reopen(trajectory, pack, executor)
    for turn, before in enumerate(trajectory.transitions):
        episode.step(before.action)
        difference = _compare(turn, before, episode.trajectory().transitions[-1])
        if difference:
            return difference
    if episode.termination != trajectory.termination:
        last = len(trajectory.transitions) - 1
        return Difference(last, "termination", str(trajectory.termination), str(episode.termination), excused=False)
    return None


def reopen(trajectory: Trajectory, pack: Pack, executor: Executor) -> Episode:
    """The episode of a trajectory at its beginning.

    Raises:
        InputError: If the pack has no such scenario, or it has changed since the recording.
    """
    pack = as_played(pack, trajectory)
    name = f"scenario {trajectory.scenario!r} of pack {pack.name!r} version {pack.version}"
    if trajectory.scenario not in pack or pack[trajectory.scenario].digest != trajectory.scenario_digest:
        raise InputError(
            f"{name} is not the one that was recorded (pack {trajectory.pack!r} version {trajectory.version}); "
            "give the pack of that version with --pack"
        )
    return Episode.of_pack(
        pack,
        trajectory.scenario,
        executor,
        seed=trajectory.seed,
        reward=trajectory.reward,
        matcher=trajectory.matcher,
        max_turns=trajectory.max_turns,
        system=trajectory.settings.get("system"),
        user=recorded(said) if (said := trajectory.settings.get("said")) else None,
        caps=Caps(**trajectory.settings.get("caps", {})),
    )


def _compare(turn: int, recorded: Transition, now: Transition) -> Difference | None:
    excused = not all(result.deterministic for result in (*recorded.results, *now.results))
    for field in ("results", "reward", "score", "state_digest"):
        before, after = (item.model_dump_json(include={field}) for item in (recorded, now))
        if before != after:
            return Difference(turn, field, before, after, excused)
    return None
