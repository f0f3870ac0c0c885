"""The command export: datasets for other trainers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tool_gym.cli.output import show_json, stdout
from tool_gym.cli.play import AsJson, PackArgument, Seed


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(export)


def export(
    kind: Annotated[str, typer.Argument(help="sft (chats to imitate), trl, verl or ftrl (prompts to train on).")],
    pack: PackArgument,
    out: Annotated[Path, typer.Option(help="File: .jsonl, or .parquet for verl and ftrl.")],
    trajectories: Annotated[
        Path | None, typer.Option(help="Recorded episodes; without them the oracle's (sft), or the scenarios' starts.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split, or all.")] = "train",
    min_return: Annotated[float | None, typer.Option(help="Leave out trajectories that earned less.")] = None,
    gold: Annotated[
        bool, typer.Option("--gold/--no-gold", help="Whether rows may hold what the verifier knows.")
    ] = True,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Write a dataset for another trainer: chats to imitate, or prompts to train on."""
    from tool_gym.packs.reader import load_pack
    from tool_gym.training.export import export as write
    from tool_gym.trajectory import read_trajectories

    recorded = read_trajectories(trajectories) if trajectories else None
    options: dict[str, Any] = {"split": split, "min_return": min_return, "gold": gold, "seed": seed}
    done = write(kind, load_pack(pack), out, trajectories=recorded, **options)  # type: ignore[arg-type]  # checked there
    if as_json:
        show_json({"file": str(out), **done._asdict()})
        return
    stdout.print(f"{done.rows} rows in {out}", markup=False)
    for reason, count in done.left_out.items():
        stdout.print(f"{count} left out: {reason}", markup=False)
