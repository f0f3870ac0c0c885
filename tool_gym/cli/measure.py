"""Commands that measure: evaluate, rescore."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from tool_gym.cli.output import progress, show_table
from tool_gym.cli.play import AsJson, Seed, _execution
from tool_gym.errors import InputError, UnknownName


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (evaluate, rescore):
        app.command()(command)


def evaluate(
    policy: Annotated[str, typer.Option(help="oracle or random.")],
    pack: Annotated[str, typer.Option(help="Name or folder of a pack.")] = "starter",
    split: Annotated[str | None, typer.Option(help="Split, or all; test where the pack has it by default.")] = None,
    k: Annotated[int, typer.Option(help="Episodes per scenario.", min=1)] = 1,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for trajectories.jsonl and summary.json.")] = None,
    reward: Annotated[str | None, typer.Option(help="Reward; the pack's own by default.")] = None,
    matcher: Annotated[str | None, typer.Option(help="Matcher; the reward's or the pack's own by default.")] = None,
    max_turns: Annotated[int | None, typer.Option(help="Turn limit; the pack's own by default.", min=1)] = None,
    execution: Annotated[str, typer.Option(help="isolated or embedded.")] = "isolated",
    as_json: AsJson = False,
) -> None:
    """Play a pack with a policy and print Solve-P, Solve-R, Solve-F1, answers and returns by structure."""
    from tool_gym.packs.reader import load_pack
    from tool_gym.rollout import plays, rollout
    from tool_gym.sandbox.executor import Executor
    from tool_gym.trajectory import write_trajectories
    from tool_gym.verify.metrics import summarise

    source = load_pack(pack)
    if split is None:
        split = "test" if source.manifest.splits.get("test") else "all"
    ids = list(source.ids(split))
    if not ids:
        raise UnknownName(f"split with scenarios in pack {source.name!r}", split, [*source.manifest.splits, "all"])
    todo = plays(ids, k)
    options: dict[str, Any] = {"reward": reward, "matcher": matcher, "max_turns": max_turns}
    with Executor(execution=_execution(execution)) as executor:
        games = rollout(_policy(policy, source, seed), source, todo, executor, seed=seed, **options)
        finished = dict(progress(games, len(todo), policy))
    trajectories = [finished[play] for play in todo]
    rows = summarise(trajectories)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_trajectories(out / "trajectories.jsonl", trajectories)
        (out / "summary.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    show_table(
        f"{policy} on {source.name} version {source.version} ({split}, k={k}, seed {seed})", rows, as_json=as_json
    )


def _policy(name: str, pack: Any, seed: int) -> Any:
    from tool_gym.policies.scripted import OraclePolicy, RandomPolicy

    if name == "oracle":
        return OraclePolicy(pack)
    if name == "random":
        return RandomPolicy(seed)
    raise UnknownName("policy", name, ["oracle", "random"])


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
    return pack[trajectory.scenario]
