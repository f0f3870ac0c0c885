"""The command analyze."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.output import show_table, stdout
from tool_gym.cli.play import AsJson

if TYPE_CHECKING:
    from tool_gym.analysis.change import Change


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(analyze)


def analyze(
    base: Annotated[Path, typer.Argument(help="The model before training: a folder or file of safetensors.")],
    trained: Annotated[Path, typer.Argument(help="The model after it; also the folder of a LoRA adapter.")],
    plot: Annotated[Path | None, typer.Option(help="Draw the change by layer into this .png or .svg.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show where in the network the weights moved: relative change by layer and module, and the share that changed."""
    from tool_gym.analysis.change import by_place, compare, total

    changes = by_place(compare(base, trained))
    rows = [_row("" if where.layer is None else where.layer, where.module, each) for where, each in changes.items()]
    rows.append(_row("all", "", total(changes.values())))
    show_table(f"{trained} against {base}", rows, as_json=as_json)
    if plot is not None:
        from tool_gym.analysis.plot import plot_changes

        plot_changes(changes, plot)
        if not as_json:
            stdout.print(f"Picture: {plot}")


def _row(layer: int | str, module: str, change: Change) -> dict[str, Any]:
    return {
        "layer": layer,
        "module": module,
        "relative_change": f"{change.relative:.2e}",
        "changed_share": change.changed_share,
        "largest": f"{change.largest:.2e}",
        "elements": change.elements,
    }
