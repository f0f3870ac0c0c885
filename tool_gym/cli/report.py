"""The command report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tool_gym.cli.output import progress, stdout
from tool_gym.errors import InputError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(report)


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders that `tool-gym evaluate` wrote, or of such folders.")
    ],
    out: Annotated[Path | None, typer.Option(help="Write the page, one HTML file.")] = None,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "Tool use, episode by episode",
    markdown: Annotated[Path | None, typer.Option(help="Write the tables as Markdown.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the tables as JSON.")] = None,
    jsonl: Annotated[Path | None, typer.Option(help="Write one JSON line per episode.")] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard's event files.")] = None,
    pack: Annotated[
        list[str] | None, typer.Option(help="Pack with the questions, if it is not installed; may come again.")
    ] = None,
) -> None:
    """Compare runs: a page to look at them episode by episode, and the same tables for other tools."""
    from tool_gym.evaluation.results import Result, open_runs
    from tool_gym.evaluation.tables import tables
    from tool_gym.report.exports import jsonl as as_jsonl
    from tool_gym.report.exports import write_tensorboard
    from tool_gym.report.markdown import markdown as as_markdown
    from tool_gym.report.page import Page
    from tool_gym.report.questions import Questions

    opened = open_runs(runs)
    if out is None and not (markdown or json_file or jsonl or tensorboard):
        raise InputError("nothing to write; name a file: --out report.html, --markdown, --json, --jsonl, --tensorboard")
    page = Page(opened, Questions(pack or ()), title) if out else None
    results: dict[str, list[Result]] = {run.name: [] for run in opened}
    for run in opened:
        for trajectory, result in progress(run.episodes(), run.count(), run.name):
            results[run.name].append(result)
            if page:
                page.add(run, trajectory, result)
    found = tables(results)
    if tensorboard:
        write_tensorboard(tensorboard, opened, found)
    if out and page:
        _write(out, page.html(found))
    if markdown:
        _write(markdown, as_markdown(found))
    if json_file:
        _write(json_file, json.dumps(found, indent=1) + "\n")
    if jsonl:
        _write(jsonl, as_jsonl(results))
    made = [str(path) for path in (out, markdown, json_file, jsonl, tensorboard) if path]
    stdout.print(f"{sum(map(len, results.values()))} episodes of {len(opened)} runs: {', '.join(made)}", markup=False)


def _write(path: Path, text: str) -> None:
    """Replaces a file only when the whole text is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
