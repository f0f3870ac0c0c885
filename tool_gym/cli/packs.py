"""Commands about packs: packs, import, validate."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.output import progress, show_json, show_table, stdout
from tool_gym.cli.play import AsJson, PackArgument

if TYPE_CHECKING:
    from tool_gym.gate.validate import Finding
    from tool_gym.packs.reader import Pack
    from tool_gym.sandbox.executor import Executor


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("packs")(packs)
    app.command("import")(import_)
    app.command()(validate)


def packs(as_json: AsJson = False) -> None:
    """List the packs that are installed, or named in TOOL_GYM_PACKS."""
    from tool_gym.packs.discovery import installed_packs, problems
    from tool_gym.packs.reader import load_pack

    rows: list[dict[str, Any]] = []
    for source in installed_packs().values():
        pack = load_pack(source.path)
        rows.append(
            {
                "pack": pack.name,
                "version": pack.version,
                "scenarios": len(pack),
                "tools": pack.manifest.counts["tools"],
                "truth": ", ".join(pack.truths()),
                "license": pack.manifest.license,
                "environment": f"ToolUse/{pack.name}-v{pack.version}",
                "found": source.origin,
            }
        )
    show_table("Packs", rows, as_json=as_json)
    for problem in problems():
        stdout.print(f"[yellow]left out:[/] {problem}")


def import_(
    kind: Annotated[str, typer.Argument(help="Format of the data: ftrl, toolhop, bfcl, bfcl-single, rotbench.")],
    file: Annotated[Path, typer.Argument(help="The data, a file or a folder.")],
    out: Annotated[Path, typer.Option(help="Folder of the new pack; it must not exist.")],
    calls: Annotated[Path | None, typer.Option(help="For ftrl: known solving calls, as JSON lines.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the pack; the folder's by default.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Let Python that comes with the data run, sealed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Turn others' data into a pack, and report what is dead and why."""
    from tool_gym.packs.importers import import_pack

    report = import_pack(kind, file, out, name=name, calls=calls, trust=trust)
    if as_json:
        show_json(report.as_json())
        return
    show_table(f"{report.records} records became pack {report.name}", report.table())
    for scenario, tool, reason in report.dead_tools:
        stdout.print(f"  does not load: {scenario}, {tool}: {reason}", markup=False)
    stdout.print(f"Look at it: tool-gym show {out}   Check it: tool-gym validate {out}")


def validate(
    pack: PackArgument,
    attacks: Annotated[
        bool, typer.Option(help="Whether to look for leaks too, and to play attacks on up to 32 scenarios.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Check a pack: files, schemas, tool dialect, gold replay, determinism, leaks, attacks. Exit code 2 refuses it."""
    from tool_gym.packs.reader import load_pack

    source = load_pack(pack)
    findings = gate_findings(source, attacks=attacks)
    errors = sum(finding.level == "error" for finding in findings)
    if as_json:
        show_json({"pack": source.name, "errors": errors, "findings": [finding._asdict() for finding in findings]})
    else:
        if findings:
            show_table("Findings", [finding._asdict() for finding in findings])
        counts = Counter(finding.level for finding in findings)
        verdict = "refused" if errors else "passed"
        stdout.print(
            f"Pack {source.name}: [bold]{verdict}[/], {len(source)} scenarios, "
            f"{counts['error']} errors, {counts['warning']} warnings"
        )
    if errors:
        raise typer.Exit(2)


def gate_findings(pack: Pack, *, attacks: bool) -> list[Finding]:
    """All that the gate finds in a pack.

    Args:
        pack: The pack.
        attacks: Whether to look for leaks too, and to play attacks on a sample of the scenarios.
    """
    from tool_gym.gate.validate import validate_files, validate_scenario
    from tool_gym.sandbox.executor import Executor

    findings = list(validate_files(pack))
    with Executor() as one, Executor() as other:
        for scenario in progress(pack, len(pack), "scenarios"):
            findings += validate_scenario(pack, scenario, [one, other])
        # Attacks say nothing of a pack that cannot be played.
        if attacks and not any(finding.level == "error" for finding in findings):
            findings += _attacked(pack, one)
    return findings


def _attacked(pack: Pack, executor: Executor) -> list[Finding]:
    """What gives answers away, and what attacks earn too much on a sample of the scenarios."""
    from tool_gym.attacks import ATTACKS
    from tool_gym.gate.attacks import breaches, play_attacks, sample_scenarios
    from tool_gym.gate.leaks import validate_leaks

    findings = [
        finding
        for scenario in progress(pack, len(pack), "leaks")
        for finding in validate_leaks(pack, scenario, executor)
    ]
    played = play_attacks(pack, sample_scenarios(pack, 32, seed=0), executor)
    outcomes = list(progress(played, len(ATTACKS), "attacks"))
    return [*findings, *(breach.finding for breach in breaches(pack, outcomes))]
