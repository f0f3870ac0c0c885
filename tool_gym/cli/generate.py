"""The command generate: a pack from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tool_gym.cli.chat import ChatOptions, chat_settings
from tool_gym.cli.cluster import Ray, connected
from tool_gym.cli.output import progress, show_json, show_table, stderr, stdout
from tool_gym.cli.play import AsJson, Seed


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(generate)


def generate(
    out: Annotated[Path, typer.Option(help="Folder of the new pack; it must not exist.")],
    backend: Annotated[
        str, typer.Option(help="Who proposes: worlds (invented facts, no model) or chat (a model).")
    ] = "worlds",
    count: Annotated[int, typer.Option(help="Scenarios.", min=1)] = 100,
    seed: Seed = 0,
    structures: Annotated[str, typer.Option(help="Structures, with commas between; all by default.")] = "",
    level: Annotated[int, typer.Option(help="Difficulty.", min=0, max=5)] = 3,
    hops: Annotated[int | None, typer.Option(help="Steps of each chain.", min=1, max=8)] = None,
    branches: Annotated[int | None, typer.Option(help="Parallel branches.", min=2, max=4)] = None,
    strategies: Annotated[
        str, typer.Option(help="Levels of single strategies, as parameter_expansion=5,toolset_extension=0.")
    ] = "",
    domains: Annotated[str, typer.Option(help="Domains, with commas between; all invented ones by default.")] = "",
    worlds: Annotated[int | None, typer.Option(help="Worlds; the fewer, the smaller the pack.", min=1)] = None,
    gate: Annotated[bool, typer.Option(help="Whether every scenario must pass the gate, as `validate` has it.")] = True,
    name: Annotated[str | None, typer.Option(help="Name of the pack; the folder's by default.")] = None,
    ray: Ray = None,
    model: Annotated[str, typer.Option(help="For chat: the model, as its server knows it, or its folder.")] = "",
    base_url: Annotated[str | None, typer.Option(help="For chat: the server, as http://localhost:8000/v1.")] = None,
    questions: Annotated[Path | None, typer.Option(help="For chat: a file with your questions, one a line.")] = None,
    concurrency: Annotated[int, typer.Option(help="For chat: scenarios in work at a time.", min=1)] = 4,
    timeout: Annotated[float, typer.Option(help="For chat: seconds that the server may be silent.", min=0.1)] = 300.0,
    max_tokens: Annotated[int, typer.Option(help="For chat: longest answer.", min=1)] = 16384,
    prices: Annotated[str, typer.Option(help="For chat: what a million tokens cost, as INPUT,OUTPUT.")] = "",
    max_cost: Annotated[float | None, typer.Option(help="For chat: the most that the run may cost.", min=0)] = None,
    register: Annotated[bool, typer.Option("--register", help="Print how to find the pack from anywhere.")] = False,
    as_json: AsJson = False,
) -> None:
    """Generate a pack of scenarios: the same seed gives the same bytes, another seed another pack."""
    from tool_gym.generation.generate import generate_pack
    from tool_gym.generation.topic import Strategies
    from tool_gym.scenario import STRUCTURES

    chosen: Any = _names(structures) or STRUCTURES
    with ExitStack() as stack:
        chat, note = None, None
        if backend == "chat":
            options = ChatOptions(model, base_url, questions, concurrency, timeout, max_tokens, prices, max_cost)
            chat, note = stack.enter_context(chat_settings(out, options))
            count = min(count, len(chat.questions) or count)
        stack.enter_context(_told_when_stopped())
        report = generate_pack(
            out,
            backend=backend,
            count=count,
            seed=seed,
            structures=chosen,
            level=level,
            strategies=Strategies.parse(strategies, level),
            hops=hops,
            branches=branches,
            domains=_names(domains) or None,
            worlds=worlds,
            name=name,
            gate=gate,
            cluster=stack.enter_context(connected(ray)),
            chat=chat,
            watch=lambda scenarios: progress(scenarios, count, "scenarios", note),
        )
    ids = _registered(out) if register else []
    if as_json:
        show_json({**report.as_json(), "registered": len(ids)})
        _refuse(report.findings)
        return
    show_table("Scenarios", [{"figure": key, "value": value} for key, value in report.figures().items()])
    show_table("Stages", report.yields())
    if refusals := report.refusals():
        show_table("Refusals", refusals)
    if report.findings:
        show_table("What the gate found", report.findings)
    if ids:
        stdout.print(
            f"{len(ids)} environments, as {ids[0]!r}; other programs find them with TOOL_GYM_PACKS={out.resolve()}",
            markup=False,
        )
    stdout.print(f"Look at it: tool-gym show {out}   Check it: tool-gym validate {out}", markup=False)
    _refuse(report.findings)


def _refuse(findings: list[dict[str, Any]]) -> None:
    """Ends as `tool-gym validate` would where the gate refuses the pack."""
    if any(finding["level"] == "error" for finding in findings):
        raise typer.Exit(2)


@contextmanager
def _told_when_stopped() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        stderr.print("Stopped. Nothing that was made is lost: the same command goes on from here.")
        raise typer.Exit(1) from None


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _registered(out: Path) -> list[str]:
    from tool_gym.registration import register_pack

    return register_pack(str(out))
