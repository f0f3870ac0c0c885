"""The command rescore: saved trajectories under another reward."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from tool_gym.cli.output import show_table
from tool_gym.cli.play import AsJson
from tool_gym.errors import InputError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(rescore)


def rescore(
    file: Annotated[Path, typer.Argument(help="Trajectories as JSON lines.")],
    reward: Annotated[str, typer.Option(help="Name of the reward.")],
    matcher: Annotated[str | None, typer.Option(help="Matcher; the reward's or the recorded one by default.")] = None,
    pack: Annotated[str | None, typer.Option(help="Pack to take gold from, for trajectories without it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the rescored trajectories to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score saved trajectories again under another reward, one after another, however many there are."""
    from tool_gym.packs.reader import load_pack
    from tool_gym.trajectory import Trajectory, read_trajectories, write_trajectories
    from tool_gym.verify.metrics import Summary
    from tool_gym.verify.rescoring import rescore as score_again
    from tool_gym.verify.rewards import reward as find_reward

    find_reward(reward)
    source = load_pack(pack) if pack else None
    summary, count = Summary(), 0

    def again() -> Iterator[Trajectory]:
        nonlocal count
        for count, trajectory in enumerate(read_trajectories(file), 1):
            try:
                scenario = _scenario_of(trajectory, source)
                result = score_again(trajectory, reward, matcher=matcher, scenario=scenario)
            except InputError as error:
                raise InputError(f"{file}, line {count}: {error}") from None
            summary.add(result)
            yield result

    if out is None:
        for _ in again():
            pass
    else:
        write_trajectories(out, again())
    show_table(f"{count} trajectories under {reward}", summary.rows(), as_json=as_json)


def _scenario_of(trajectory: Any, pack: Any) -> Any:
    """The scenario of a pack that a trajectory was played on, None without a pack."""
    if pack is None:
        return None
    if trajectory.scenario not in pack:
        raise InputError(
            f"pack {pack.name!r} version {pack.version} has no scenario {trajectory.scenario!r}; it was played on pack "
            f"{trajectory.pack!r} version {trajectory.version}, give that one with --pack"
        )
    from tool_gym.perturb.pack import as_played

    return as_played(pack, trajectory)[trajectory.scenario]
