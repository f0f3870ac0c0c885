"""The command that lets other agents play: serve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tool_gym.cli.output import stderr
from tool_gym.cli.play import PackArgument, Perturb, PerturbSeed, Seed
from tool_gym.errors import InputError

if TYPE_CHECKING:
    from tool_gym.episode import Episode


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(serve)


def serve(
    pack: PackArgument,
    scenario: Annotated[str, typer.Argument(help="Id of the scenario.")],
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP instead of standard input and output.")] = False,
    host: Annotated[str, typer.Option(help="With --http: address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --http: port.", min=1, max=65535)] = 8765,
    save: Annotated[Path | None, typer.Option(help="File for the trajectory, written anew after every call.")] = None,
    max_turns: Annotated[
        int | None, typer.Option(help="Calls until the task ends; the pack's turn limit by default.", min=1)
    ] = None,
    seed: Seed = 0,
    perturb: Perturb = None,
    perturb_seed: PerturbSeed = 0,
) -> None:
    """Serve a scenario's tools to one MCP client, which plays it; what it earned is told on standard error."""
    try:
        from tool_gym.serving.mcp import serve_http, serve_stdio
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("mcp", "mcp_types", "uvicorn"):
            raise
        raise InputError("serve needs the packages of the extra `mcp`; run: pip install 'tool-gym[mcp]'") from None
    from tool_gym.episode import Episode
    from tool_gym.packs.reader import load_pack
    from tool_gym.perturb.pack import under
    from tool_gym.perturb.spec import Perturbation
    from tool_gym.sandbox.executor import Executor
    from tool_gym.serving.game import Game
    from tool_gym.trajectory import write_trajectories

    def after(episode: Episode) -> None:
        if save is not None:
            write_trajectories(save, [episode.trajectory()])
        if episode.done:
            _tell(episode, save)

    source = under(load_pack(pack), Perturbation.read(perturb, perturb_seed))
    if save is not None and not save.absolute().parent.is_dir():
        raise InputError(f"{save}: its folder does not exist; make it first")
    with Executor(native=source.native) as executor:
        game = Game(Episode.of_pack(source, scenario, executor, seed=seed, max_turns=max_turns), after=after)
        if http:
            stderr.print(f"Serving {scenario} at http://{host}:{port}/mcp; end it with Ctrl-C.", markup=False)
            serve_http(game, host=host, port=port)
        else:
            serve_stdio(game)
    if not game.episode.done:
        stderr.print(f"The client went before it replied ({game.reply}).", markup=False)


def _tell(episode: Episode, save: Path | None) -> None:
    score, earned = episode.score, sum(turn.reward for turn in episode.trajectory().transitions)
    answer = "right" if score.answer_correct else "not right"
    told = f"Ended ({episode.termination}): {score.solved} of {score.total} checks solved with {score.calls} calls"
    stderr.print(f"{told}, answer {answer}, return {earned:.3f}", markup=False)
    if save is not None:
        stderr.print(f"Score it again: tool-gym rescore {save} --reward NAME", markup=False)
