"""The command ability: what a model can do without tools, before and after training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tool_gym.cli.output import show_table
from tool_gym.cli.play import AsJson
from tool_gym.errors import InputError

if TYPE_CHECKING:
    from tool_gym.evaluation.ability.measure import Measure


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(ability)


def ability(
    model: Annotated[Path, typer.Argument(help="Folder or GGUF file of the model; also a LoRA adapter's folder.")],
    base: Annotated[Path | None, typer.Option(help="The model before training, to compare with.")] = None,
    tasks: Annotated[
        str, typer.Option(help="Tasks of lm-evaluation-harness too, as mmlu,gsm8k; most fetch their data.")
    ] = "",
    include: Annotated[Path | None, typer.Option(help="Folder of your own tasks for the harness, .yaml files.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first items of each task of the harness.", min=1)] = None,
    device: Annotated[str | None, typer.Option(help="As cuda:1; a GPU if there is one by default.")] = None,
    dtype: Annotated[str, typer.Option(help="As bfloat16; as saved by default.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure what a model can do without tools: foretell English text, reckon, and tell common facts.

    It needs no network but for --tasks. With --base, show what differs, with 95 % intervals of the paired differences.
    """
    try:
        from tool_gym.evaluation.ability.measure import rows
    except ImportError as error:
        raise InputError(f"measuring a model needs {error.name}; pip install 'tool-gym[train]'") from None
    names = [name.strip() for name in tasks.split(",") if name.strip()]
    if (include is not None or limit is not None) and not names:
        raise InputError("--include and --limit are for tasks of the harness; name some with --tasks")
    before = None if base is None else _measured(base, names, include, limit, device, dtype)
    after = _measured(model, names, include, limit, device, dtype)
    against = "" if base is None else f" against {base}"
    show_table(f"General ability of {model}{against}", rows(after, before), as_json=as_json)


def _measured(
    path: Path, tasks: list[str], include: Path | None, limit: int | None, device: str | None, dtype: str
) -> list[Measure]:
    from tool_gym.evaluation.ability.harness import run_tasks
    from tool_gym.evaluation.ability.measure import measure
    from tool_gym.models.local import LocalModel

    model = LocalModel(path, device=device, dtype=dtype)
    return [*measure(model), *(run_tasks(model, tasks, include, limit) if tasks else ())]
