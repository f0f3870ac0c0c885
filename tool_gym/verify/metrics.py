"""Metrics of episodes: Solve-P, Solve-R and Solve-F1 as the paper defines them, and their means by structure.

Source: FTRL (arXiv 2508.08791). They count checks solved, calls made (malformed ones included) and checks in all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tool_gym.jsonvalue import Json
from tool_gym.scenario import STRUCTURES
from tool_gym.trajectory import Score, Trajectory


def solve_precision(solved: int, calls: int) -> float:
    """Share of the calls that solved a check.

    Args:
        solved: Checks solved, in [0, calls].
        calls: Tool calls made, valid or not; >= 0.

    Returns:
        solved / calls, in [0, 1]; 1.0 without a call.

    Raises:
        ValueError: If a count is out of its range.
    """
    if not 0 <= solved <= calls:
        raise ValueError(f"solved must be in [0, calls], got {solved} of {calls} calls")
    return solved / calls if calls else 1.0


def solve_recall(solved: int, total: int) -> float:
    """Share of the checks that are solved, also called completeness.

    Args:
        solved: Checks solved, in [0, total].
        total: Checks of the scenario; >= 1.

    Returns:
        solved / total, in [0, 1].

    Raises:
        ValueError: If a count is out of its range.
    """
    if total < 1 or not 0 <= solved <= total:
        raise ValueError(f"solved must be in [0, total] and total >= 1, got {solved} of {total} checks")
    return solved / total


def solve_f1(solved: int, calls: int, total: int) -> float:
    """Harmonic mean of call precision and task completeness over an episode so far.

    Args:
        solved: Checks solved, in [0, min(calls, total)].
        calls: Tool calls made, valid or not; >= 0.
        total: Checks of the scenario; >= 1.

    Returns:
        2 * solved / (calls + total), in [0, 1]; 1 only if every call solved one and none is open.

    Raises:
        ValueError: If a count is out of its range.
    """
    if total < 1 or not 0 <= solved <= min(calls, total):
        raise ValueError(
            f"solved must be in [0, min(calls, total)] and total >= 1, got {solved} solved by {calls} calls "
            f"of {total} checks"
        )
    return 2 * solved / (calls + total)


def counted_calls(calls: int, solved: int) -> int:
    """The calls that a metric counts: those made, but at least one for each check solved.

    One call can bring about several state checks at once, so that more checks than calls are solved; without this a
    share of calls would exceed 1.
    """
    return calls if calls > solved else solved


def episode_metrics(score: Score) -> dict[str, float]:
    """`solve_p`, `solve_r` and `solve_f1` of one episode, each in [0, 1]."""
    calls = counted_calls(score.calls, score.solved)
    return {
        "solve_p": solve_precision(score.solved, calls),
        "solve_r": solve_recall(score.solved, score.total),
        "solve_f1": solve_f1(score.solved, calls, score.total),
    }


class Summary:
    """Means over episodes, by structure and overall, from one episode after another; none of them is kept."""

    def __init__(self) -> None:
        self._facts: list[tuple[str, dict[str, float | None]]] = []

    def add(self, trajectory: Trajectory) -> None:
        """Counts one episode."""
        self._facts.append((trajectory.structure, _facts(trajectory)))

    def rows(self) -> list[dict[str, Json]]:
        """See `summarise`."""
        groups = [(structure, [row for name, row in self._facts if name == structure]) for structure in STRUCTURES]
        rows = [_mean_row(name, group) for name, group in groups if group]
        return [*rows, _mean_row("overall", [row for _, row in self._facts])] if rows else []


def summarise(trajectories: Iterable[Trajectory]) -> list[dict[str, Json]]:
    """Means over episodes, by structure and overall; the order of the episodes does not matter.

    Returns:
        One row for each structure that occurs, in the order of `STRUCTURES`, and a last row `overall`, the mean over
        all episodes (not over structures). Keys: `structure`, `episodes`, `solve_p`, `solve_r`, `solve_f1`,
        `answer_correct` (share, or None where no scenario has an answer; without gold it is taken to have one),
        `mean_return`, `mean_turns`, `mean_calls`. No episode, no row.
    """
    summary = Summary()
    for trajectory in trajectories:
        summary.add(trajectory)
    return summary.rows()


def _facts(trajectory: Trajectory) -> dict[str, float | None]:
    """One episode's figures, by the keys of a row; an episode without a turn has solved nothing and called nothing."""
    turns = trajectory.transitions
    score = turns[-1].score if turns else None
    metrics = episode_metrics(score) if score else {"solve_p": 1.0, "solve_r": 0.0, "solve_f1": 0.0}
    answerable = trajectory.gold is None or trajectory.gold.answer is not None
    return {
        **metrics,
        "answer_correct": float(score is not None and score.answer_correct) if answerable else None,
        "mean_return": math.fsum(turn.reward for turn in turns),
        "mean_turns": float(len(turns)),
        "mean_calls": float(score.calls if score else 0),
    }


def _mean_row(name: str, group: Sequence[dict[str, float | None]]) -> dict[str, Json]:
    return {
        "structure": name,
        "episodes": len(group),
        **{key: _mean([value for row in group if (value := row[key]) is not None]) for key in group[0]},
    }


def _mean(values: Sequence[float]) -> float | None:
    # An exact sum does not depend on the order of its terms.
    return math.fsum(values) / len(values) if values else None
