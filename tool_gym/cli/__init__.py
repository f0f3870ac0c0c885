"""The command line: `tool-gym COMMAND`. Exit code 0 well, 1 a failure of ours, 2 the user's input or a refused pack."""

from __future__ import annotations

import sys

import typer
from rich.markup import escape

from tool_gym._version import __version__
from tool_gym.cli import (
    ability,
    analyze,
    attack,
    authoring,
    doctor,
    evaluate,
    export,
    generate,
    measure,
    packs,
    play,
    report,
    serve,
    train,
)
from tool_gym.cli.output import stderr
from tool_gym.errors import ToolGymError

app = typer.Typer(
    name="tool-gym",
    help="Environments in which language models learn to use tools.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for part in (
    play,
    serve,
    packs,
    authoring,
    generate,
    attack,
    evaluate,
    measure,
    report,
    export,
    train,
    analyze,
    ability,
    doctor,
):
    part.register(app)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version.")
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


def main() -> None:
    """Runs the command that the arguments spell, and ends the process with its exit code."""
    try:
        app()
    except ToolGymError as error:
        stderr.print(f"[bold red]error:[/] {escape(str(error))}")
        sys.exit(error.exit_code)
