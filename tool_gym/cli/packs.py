"""Commands about packs: packs, import, validate, pack fetch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from tool_gym.cli.output import progress, show_json, show_table, stderr, stdout
from tool_gym.cli.play import AsJson, PackArgument
from tool_gym.errors import PackError

if TYPE_CHECKING:
    from tool_gym.packs.reader import Pack


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("packs")(packs)
    app.command("import")(import_)
    app.command()(validate)


def packs(as_json: AsJson = False) -> None:
    """List the packs that are installed, or named in TOOL_GYM_PACKS."""
    from tool_gym.packs.discovery import discover
    from tool_gym.packs.reader import load_pack

    found = discover()
    rows, problems = [], list(found.problems)
    for source in found.packs.values():
        try:
            rows.append({**_pack_row(load_pack(source.path)), "found": source.origin})
        except PackError as error:
            problems.append(str(error))
    show_table("Packs", rows, as_json=as_json)
    for problem in problems:
        stderr.print(f"[yellow]left out:[/] {escape(problem)}")


def _pack_row(pack: Pack) -> dict[str, Any]:
    return {
        "pack": pack.name,
        "version": pack.version,
        "scenarios": len(pack),
        "tools": pack.manifest.counts["tools"],
        "truth": ", ".join(pack.truths()),
        "license": pack.manifest.license,
        "known_bad": len(pack.known_bad),
        "environment": f"ToolUse/{pack.name}-v{pack.version}",
    }


def import_(
    kind: Annotated[
        str, typer.Argument(help="Format of the data: ftrl, toolhop, bfcl, bfcl-single, rotbench, tau-bench.")
    ],
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
        bool,
        typer.Option(help="Whether to look for leaks, play attacks on 32 scenarios and measure how hard it is, too."),
    ] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse for warnings too, as packs that ship are.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Let the tools of a native pack run, sealed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a pack. Exit code 2 refuses it.

    Files and hashes, licence and attribution, known mistakes, scenarios that are alike (in it, and in other packs that
    are installed), schemas, tool dialect, gold replay in two orders and under two hash seeds, leaks, attacks; and how
    hard it is for scripted policies.
    """
    from tool_gym.gate.examine import examine
    from tool_gym.packs.reader import load_pack

    source = load_pack(pack)
    report = examine(source, attacks=attacks, trust=trust, watch=progress)
    passed = report.passes(strict=strict)
    if as_json:
        show_json(report.as_json(strict=strict))
    else:
        if report.findings:
            show_table("Findings", [finding._asdict() for finding in report.findings])
        if report.difficulty:
            show_table("Mean Solve-F1 of scripted policies", report.difficulty)
        stdout.print(
            f"Pack {source.name}: [bold]{'passed' if passed else 'refused'}[/], {len(source)} scenarios, "
            f"{report.count('error')} errors, {report.count('warning')} warnings"
        )
    if not passed:
        raise typer.Exit(2)


def fetch(
    url: Annotated[str, typer.Argument(help="Address of a zip archive of a pack.")],
    sha256: Annotated[str, typer.Option(help="SHA-256 of the archive, as whoever offers it names it.")],
    as_json: AsJson = False,
) -> None:
    """Download a pack into the user's cache, if it is the one with this hash."""
    from tool_gym.packs.reader import load_pack
    from tool_gym.packs.remote import fetch_pack

    folder = fetch_pack(url, sha256)
    pack = load_pack(folder)
    if as_json:
        show_json({"pack": pack.name, "version": pack.version, "scenarios": len(pack), "folder": str(folder)})
        return
    stdout.print(f"{pack.name} version {pack.version}, {len(pack)} scenarios, is in {folder}", soft_wrap=True)
    stdout.print(f"Check it: tool-gym validate {folder}", soft_wrap=True)
    stdout.print(f"Find it by name from anywhere: export TOOL_GYM_PACKS={folder}", soft_wrap=True)
