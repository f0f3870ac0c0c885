"""The command generate: a pack from a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tool_gym.cli.output import progress, show_json, show_table, stdout
from tool_gym.cli.play import AsJson, Seed


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(generate)


def generate(
    out: Annotated[Path, typer.Option(help="Folder of the new pack; it must not exist.")],
    backend: Annotated[str, typer.Option(help="Who proposes: worlds (invented facts, no model).")] = "worlds",
    count: Annotated[int, typer.Option(help="Scenarios.", min=1)] = 100,
    seed: Seed = 0,
    structures: Annotated[str, typer.Option(help="Structures, with commas between; all by default.")] = "",
    level: Annotated[int, typer.Option(help="Difficulty.", min=0, max=5)] = 3,
    hops: Annotated[int | None, typer.Option(help="Steps of each chain.", min=1, max=8)] = None,
    branches: Annotated[int | None, typer.Option(help="Parallel branches.", min=2, max=4)] = None,
    domains: Annotated[str, typer.Option(help="Domains, with commas between; all by default.")] = "",
    name: Annotated[str | None, typer.Option(help="Name of the pack; the folder's by default.")] = None,
    register: Annotated[bool, typer.Option("--register", help="Print how to find the pack from anywhere.")] = False,
    as_json: AsJson = False,
) -> None:
    """Generate a pack of scenarios: the same seed gives the same bytes, another seed another pack."""
    from tool_gym.generation.generate import generate_pack
    from tool_gym.scenario import STRUCTURES

    chosen: Any = _names(structures) or STRUCTURES
    report = generate_pack(
        out,
        backend=backend,
        count=count,
        seed=seed,
        structures=chosen,
        level=level,
        hops=hops,
        branches=branches,
        domains=_names(domains) or None,
        name=name,
        watch=lambda scenarios: progress(scenarios, count, "scenarios"),
    )
    ids = _registered(out) if register else []
    if as_json:
        show_json({**report.as_json(), "registered": len(ids)})
        return
    show_table("Scenarios", [{"figure": key, "value": value} for key, value in report.figures().items()])
    show_table("Stages", report.yields())
    if refusals := report.refusals():
        show_table("Refusals", refusals)
    if ids:
        stdout.print(
            f"{len(ids)} environments, as {ids[0]!r}; other programs find them with TOOL_GYM_PACKS={out.resolve()}",
            markup=False,
        )
    stdout.print(f"Look at it: tool-gym show {out}   Check it: tool-gym validate {out}", markup=False)


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _registered(out: Path) -> list[str]:
    from tool_gym.registration import register_pack

    return register_pack(str(out))
