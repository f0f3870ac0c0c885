"""Results of a run: one flat record per episode, read from the run's folder.

A run's folder holds `trajectories.jsonl`, one trajectory per line; beside it may lie `run.json`, which says what was
run, and `meta.jsonl`, one line per episode with what varies from machine to machine: time, tokens, cost.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tool_gym.errors import InputError
from tool_gym.evaluation.failures import Diagnosis, diagnose, succeeded
from tool_gym.jsonvalue import Json, NotJson, loads
from tool_gym.trajectory import Trajectory, read_trajectories
from tool_gym.verify.metrics import episode_metrics

TRAJECTORIES, META, RUN = "trajectories.jsonl", "meta.jsonl", "run.json"
FIGURES: Final = (
    "solve_f1",
    "success",
    "solve_p",
    "solve_r",
    "answer_correct",
    "return",
    "turns",
    "calls",
    "tokens",
    "cost",
    "seconds",
)
"""Figures of an episode, in the order in which tables show them. `tokens` are those that the policy wrote, `cost` is in
the unit that the run's meta file has, `seconds` is the episode's duration."""


@dataclass(frozen=True, slots=True)
class Result:
    """One episode in figures.

    Attributes:
        scenario: Id of the scenario.
        content: What makes two scenarios the same: name of the pack, id, digest of the content.
        structure: The scenario's structure.
        repetition: How many episodes of this scenario stand before it in the run.
        termination: Why the episode ended, None while it runs.
        diagnosis: Label and verdicts, see `evaluation.failures`.
        tools: Names of the tools called, each once, in order.
        figures: A value for each of `FIGURES`; None where it is not known, or the scenario asks for no answer.
    """

    scenario: str
    content: tuple[str, str, str]
    structure: str
    repetition: int
    termination: str | None
    diagnosis: Diagnosis
    tools: tuple[str, ...]
    figures: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder.

    Attributes:
        name: Name of the folder, or what distinguishes it from others of the same name.
        path: The folder.
        about: What `run.json` says; empty without one.
    """

    name: str
    path: Path
    about: Mapping[str, Json]

    def count(self) -> int:
        """How many lines its trajectories take: episodes, and blank lines if there are any."""
        with (self.path / TRAJECTORIES).open("rb") as lines:
            return sum(1 for _ in lines)

    def episodes(self) -> Iterator[tuple[Trajectory, Result]]:
        """Reads the episodes one by one.

        Raises:
            InputError: If a line is not a trajectory or contradicts itself; the text names file and line.
        """
        metas = _metas(self.path / META)
        repetitions: Counter[str] = Counter()
        file = self.path / TRAJECTORIES
        for number, trajectory in enumerate(read_trajectories(file), 1):
            repetition = repetitions[trajectory.scenario]
            repetitions[trajectory.scenario] += 1
            meta = metas.get((trajectory.scenario, repetition), {})
            try:
                yield trajectory, result_of(trajectory, repetition, meta)
            except InputError as error:
                raise InputError(f"{file}, line {number}: {error}") from None


def open_runs(paths: list[Path]) -> list[Run]:
    """Opens runs under names that tell them apart.

    Args:
        paths: Folders of runs, or folders that hold such folders.

    Raises:
        InputError: If one of them holds no trajectories, or its `run.json` is not a JSON object.
    """
    folders = [folder for path in paths for folder in _run_folders(path.resolve())]
    if twice := [str(folder) for folder, times in Counter(folders).items() if times > 1]:
        raise InputError(f"{twice[0]}: given twice; name each run once")
    names = Counter(folder.name for folder in folders)
    return [
        Run(folder.name if names[folder.name] == 1 else f"{folder.parent.name}/{folder.name}", folder, _about(folder))
        for folder in folders
    ]


def _run_folders(path: Path) -> list[Path]:
    found = (
        [path] if (path / TRAJECTORIES).is_file() else sorted(file.parent for file in path.glob(f"*/{TRAJECTORIES}"))
    )
    if not found:
        raise InputError(
            f"{path}: no {TRAJECTORIES} in it, nor in a folder of it; expected what `tool-gym evaluate` has finished"
        )
    return found


def result_of(trajectory: Trajectory, repetition: int, meta: Mapping[str, Json]) -> Result:
    """The record of one episode.

    Args:
        trajectory: What happened.
        repetition: Its place among the episodes of its scenario, from 0.
        meta: Its line of the meta file; may be empty.

    Raises:
        InputError: If a turn has not one result for each call.
    """
    turns = trajectory.transitions
    for number, turn in enumerate(turns, 1):
        if len(turn.results) != len(turn.action.tool_calls):
            raise InputError(
                f"scenario {trajectory.scenario!r}, turn {number}: {len(turn.results)} results for "
                f"{len(turn.action.tool_calls)} calls; expected one each. The file is damaged: record it again"
            )
    called = dict.fromkeys(call.name for turn in turns for call in turn.action.tool_calls if call.error is None)
    return Result(
        scenario=trajectory.scenario,
        content=(trajectory.pack, trajectory.scenario, trajectory.scenario_digest),
        structure=trajectory.structure,
        repetition=repetition,
        termination=trajectory.termination,
        diagnosis=diagnose(trajectory),
        tools=tuple(called),
        figures=_figures(trajectory, meta),
    )


def _figures(trajectory: Trajectory, meta: Mapping[str, Json]) -> dict[str, float | None]:
    turns = trajectory.transitions
    score = turns[-1].score if turns else None
    metrics = episode_metrics(score) if score else {"solve_p": 1.0, "solve_r": 0.0, "solve_f1": 0.0}
    answerable = trajectory.gold is None or trajectory.gold.answer is not None
    figures = {
        **metrics,
        "success": float(succeeded(trajectory)),
        "answer_correct": float(score is not None and score.answer_correct) if answerable else None,
        "return": math.fsum(turn.reward for turn in turns),
        "turns": float(len(turns)),
        "calls": float(score.calls if score else 0),
        "tokens": _number(meta, "completion_tokens") or _sampled(trajectory),
        "cost": _number(meta, "cost"),
        "seconds": _number(meta, "seconds"),
    }
    return {name: figures[name] for name in FIGURES}


def _sampled(trajectory: Trajectory) -> float | None:
    """Sampled tokens, where the trajectory has them."""
    counts = [len(turn.token_ids) for turn in trajectory.transitions if turn.token_ids is not None]
    return float(sum(counts)) if counts else None


def _number(meta: Mapping[str, Json], key: str) -> float | None:
    value = meta.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _about(folder: Path) -> Mapping[str, Json]:
    file = folder / RUN
    if not file.is_file():
        return {}
    try:
        about = loads(file.read_bytes())
    except NotJson as error:
        raise InputError(f"{file}: {error}; expected the JSON object that `tool-gym evaluate` wrote") from None
    if not isinstance(about, dict):
        raise InputError(f"{file}: expected a JSON object, got {type(about).__name__}")
    return about


def _metas(file: Path) -> dict[tuple[Any, Any], dict[str, Json]]:
    """The lines of a meta file by scenario and repetition; lines of other kinds are passed over."""
    if not file.is_file():
        return {}
    found = {}
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = loads(line) if line.strip() else None
            except NotJson as error:
                raise InputError(f"{file}, line {number}: {error}") from None
            if isinstance(row, dict) and isinstance(row.get("scenario"), str):
                found[row["scenario"], row.get("repetition")] = row
    return found
