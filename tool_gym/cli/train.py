"""The command train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tool_gym.cli.output import progress, stdout
from tool_gym.errors import InputError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(train)


def train(
    config: Annotated[Path | None, typer.Option(help="Settings of the run, a TOML file.")] = None,
    template: Annotated[
        bool, typer.Option("--template", help="Print settings to begin with: every key, default and meaning.")
    ] = False,
) -> None:
    """Train a local model on a pack with GRPO or REINFORCE++, as the paper does.

    Interrupted or killed, the same command goes on where its last checkpoint was, to the same end.
    """
    from tool_gym.training.config import read_config
    from tool_gym.training.config import template as make_template

    if template:
        typer.echo(make_template(), nl=False)
        return
    if config is None:
        raise InputError("give the settings with --config FILE; `tool-gym train --template` prints some to begin with")
    settings = read_config(config)
    try:
        from tool_gym.training.trainer import Trainer
    except ImportError as error:
        raise InputError(f"training needs {error.name}; pip install 'tool-gym[train]'") from None
    trainer = Trainer(settings)
    if trainer.batch:
        stdout.print(f"Going on after batch {trainer.batch}.")
    last: dict[str, float] = {}
    for row in progress(trainer.run(), None, "batches", lambda: f"reward {last.get('reward', 0):.3f}"):
        last.update(row)
    stdout.print(f"Done after {trainer.batch} batches.")
    stdout.print(f"Model: {trainer.out / 'model'}   Curves: {trainer.out / 'curves.png'}")
