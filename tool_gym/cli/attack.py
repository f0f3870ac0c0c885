"""The command attack: does a pack pay for anything but solving?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tool_gym.cli.output import progress, show_json, show_table, stdout
from tool_gym.cli.play import AsJson, PackArgument, Seed

MAX_SHOWN = 3
"""Episodes that are shown in full where bounds are exceeded."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(attack)


def attack(
    pack: PackArgument,
    reward: Annotated[
        list[str] | None, typer.Option(help="Show this reward, or sum of rewards; may come again. All by default.")
    ] = None,
    scenarios: Annotated[int, typer.Option(help="Most scenarios to play; of more, that many are drawn.", min=1)] = 64,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for the episodes of each attack.")] = None,
    as_json: AsJson = False,
) -> None:
    """Play every attack on a pack under every reward; exit code 2 if one earns more than its bound."""
    from tool_gym.attacks import ATTACKS
    from tool_gym.gate.attacks import analytic_returns, breaches, play_attacks, sample_scenarios
    from tool_gym.packs.reader import load_pack
    from tool_gym.sandbox.executor import Executor
    from tool_gym.trajectory import write_trajectories
    from tool_gym.verify.rewards import REWARDS
    from tool_gym.verify.rewards import reward as find_reward

    rewards = [find_reward(name).name for name in reward or REWARDS]
    source = load_pack(pack)
    chosen = sample_scenarios(source, scenarios, seed)
    with Executor() as executor:
        played = play_attacks(source, chosen, executor, rewards, seed=seed)
        outcomes = list(progress(played, len(ATTACKS), "attacks"))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for outcome in outcomes:
            write_trajectories(out / f"{outcome.attack}.jsonl", outcome.trajectories)
    found = list(breaches(source, outcomes))
    rows, bounds = [outcome.row(rewards) for outcome in outcomes], analytic_returns(source, chosen)
    if as_json:
        findings = [each.finding._asdict() for each in found]
        show_json({"pack": source.name, "attacks": rows, "every_tool_once": bounds, "findings": findings})
    else:
        show_table(f"Mean return on {len(chosen)} scenarios of {source.name} version {source.version}", rows)
        show_table("Every tool once, the bound of a structure", [bounds])
        _show(found, source)
    if any(each.finding.level == "error" for each in found):
        raise typer.Exit(2)


def _show(found: list[Any], pack: Any) -> None:
    """Prints what exceeds a bound, and the episodes that show it."""
    from tool_gym.messages import chat_message
    from tool_gym.render import transcript_text

    if not found:
        stdout.print("No attack earns more than its bound.")
        return
    show_table("Findings", [each.finding._asdict() for each in found])
    for trajectory in list({each.trajectory.scenario: each.trajectory for each in found}.values())[:MAX_SHOWN]:
        messages = [{"role": "user", "content": pack[trajectory.scenario].question}]
        for turn in trajectory.transitions:
            messages += [chat_message(turn.action), *map(chat_message, turn.results)]
        stdout.print(f"[bold]{trajectory.scenario}[/]")
        stdout.print(transcript_text(messages, max_chars=400), markup=False)
