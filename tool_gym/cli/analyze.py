"""The command analyze."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.output import progress, show_table, stdout
from tool_gym.cli.play import AsJson, _execution
from tool_gym.errors import InputError

if TYPE_CHECKING:
    from tool_gym.analysis.change import Change


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(analyze)


def analyze(
    base: Annotated[Path, typer.Argument(help="The model before training: a folder or file of safetensors.")],
    trained: Annotated[Path, typer.Argument(help="The model after it; also the folder of a LoRA adapter.")],
    plot: Annotated[Path | None, typer.Option(help="Draw the change by layer into this .png or .svg.")] = None,
    ablate: Annotated[
        str | None, typer.Option(help="Pack: put each part back to BASE and show the Solve-F1 that it costs there.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split for --ablate; test if the pack has it by default.")] = None,
    limit: Annotated[int, typer.Option(help="Scenarios for --ablate, the first ones.", min=1)] = 50,
    max_turns: Annotated[int | None, typer.Option(help="Turn limit for --ablate.", min=1)] = None,
    max_tokens: Annotated[int, typer.Option(help="Longest turn for --ablate.", min=1)] = 512,
    execution: Annotated[str, typer.Option(help="isolated or embedded, for --ablate.")] = "isolated",
    as_json: AsJson = False,
) -> None:
    """Show where in the network the weights moved: relative change by layer and module, and the share that changed.

    With --ablate, show instead what they do: Solve-F1 with the lower, middle and upper layers, their MLPs, and their
    attention put back to the base.
    """
    if ablate is not None:
        _ablate(base, trained, ablate, split, limit, max_turns, max_tokens, execution, as_json)
        return
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


def _ablate(
    base: Path,
    trained: Path,
    pack: str,
    split: str | None,
    limit: int,
    max_turns: int | None,
    max_tokens: int,
    execution: str,
    as_json: bool,
) -> None:
    """Plays with parts of the network put back, and shows what each costs."""
    try:
        from tool_gym.analysis.cost import costs
        from tool_gym.models.decoding import Sampling
        from tool_gym.models.local import LocalModel
        from tool_gym.policies.local import LocalPolicy
    except ImportError as error:
        raise InputError(f"--ablate needs {error.name}; pip install 'tool-gym[train]'") from None
    from tool_gym.evaluation.run import Spec
    from tool_gym.packs.reader import load_pack
    from tool_gym.sandbox.executor import Executor

    source = load_pack(pack)
    scenarios = Spec(split=split, limit=limit).scenarios(source)
    model = LocalModel(trained)
    policy = LocalPolicy(model, Sampling(max_tokens=max_tokens))
    with Executor(execution=_execution(execution)) as executor:
        found = costs(model, policy, base, source, scenarios, executor, max_turns)
        rows = [each._asdict() for each in progress(found, None, "parts")]
    show_table(f"{trained} with parts as in {base}, on {len(scenarios)} scenarios of {pack}", rows, as_json=as_json)


def _row(layer: int | str, module: str, change: Change) -> dict[str, Any]:
    return {
        "layer": layer,
        "module": module,
        "relative_change": f"{change.relative:.2e}",
        "changed_share": change.changed_share,
        "largest": f"{change.largest:.2e}",
        "elements": change.elements,
    }
