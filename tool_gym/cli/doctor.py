"""The command doctor."""

from __future__ import annotations

import typer

from tool_gym.cli.output import show_json, show_table, stdout
from tool_gym.cli.play import AsJson


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Report what the sandbox can rely on here: layers, limits, and a self-test that tries to break out."""
    from tool_gym.sandbox.doctor import doctor_report

    report = doctor_report()
    if as_json:
        show_json(report)
    else:
        host = ("platform", "kernel", "machine", "python")
        show_table("This machine", [{"what": name, "value": report[name]} for name in host])
        missing = report["layers"].items()
        show_table("Layers", [{"layer": name, "in force": why or "yes"} for name, why in missing])
        show_table("Limits", [{"limit": name, "value": str(value)} for name, value in report["limits"].items()])
        tried = report["escapes"].items()
        rows = [
            {"escape": name, "contained": "yes" if t["contained"] else "NO", "how": t["how"].strip()}
            for name, t in tried
        ]
        show_table("Attempts to break out of a worker, with the language layer switched off", rows)
        stdout.print("Tools are sealed here." if report["sealed"] else f"Tools are not sealed here: {report['error']}")
    if not report["sealed"]:
        raise typer.Exit(1)
