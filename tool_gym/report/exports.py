"""Exports for other tools: one JSON line per episode, and scalars for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tool_gym.errors import InputError
from tool_gym.evaluation.results import Result, Run
from tool_gym.jsonvalue import Json, dumps


def episode_row(run: str, result: Result) -> dict[str, Json]:
    """One episode as a flat record: where it stands, its label, its calls by verdict, its figures."""
    return {
        "run": run,
        "pack": result.content[0],
        "scenario": result.scenario,
        "structure": result.structure,
        "repetition": result.repetition,
        "termination": result.termination,
        "label": result.diagnosis.label,
        "verdicts": dict(result.diagnosis.counts),
        "tools": list(result.tools),
        **result.figures,
    }


def jsonl(results: Mapping[str, Sequence[Result]]) -> str:
    """All episodes of all runs as JSON lines."""
    rows = (episode_row(run, result) for run, found in results.items() for result in found)
    return "".join(dumps(row).decode() + "\n" for row in rows)


def write_tensorboard(folder: Path, runs: Sequence[Run], tables: Mapping[str, Sequence[Mapping[str, Json]]]) -> None:
    """Writes the leaderboard's means and the outcomes' shares as scalars, one TensorBoard run for each run.

    A run whose `run.json` has an integer `step` (a checkpoint of a training) stands at that step, others at 0.

    Raises:
        InputError: If the package tensorboard is not installed.
    """
    try:
        from tensorboard.summary import Writer  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise InputError(
            "--tensorboard needs the package tensorboard; install it: pip install 'tool-gym[report]'"
        ) from None
    steps = {run.name: run.about.get("step") for run in runs}
    outcomes = {row["run"]: row for row in tables["failures"]}
    for row in tables["leaderboard"]:
        name = row["run"]
        step = steps[name] if isinstance(steps[name], int) else 0
        writer = Writer(str(folder / name))
        for figure, value in row.items():
            if isinstance(value, list) and value[0] is not None:
                writer.add_scalar(f"figures/{figure}", value[0], step)
        for label, count in outcomes[name].items():
            if label != "run":
                writer.add_scalar(f"outcomes/{label}", count / row["episodes"], step)
        writer.close()
