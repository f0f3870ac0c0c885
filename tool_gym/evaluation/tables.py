"""Tables of runs: leaderboard, structures, pass@k, failures, calls, comparisons. JSON data throughout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from tool_gym.evaluation.failures import LABELS, VERDICTS
from tool_gym.evaluation.results import FIGURES, Result
from tool_gym.evaluation.statistics import compare, intervals, pass_at_k, pass_hat_k
from tool_gym.jsonvalue import Json
from tool_gym.scenario import STRUCTURES

MAX_K = 32
COMPARED = ("solve_f1", "success")
Runs = Mapping[str, Sequence[Result]]
"""Results by the name of their run."""


def tables(runs: Runs) -> dict[str, list[dict[str, Json]]]:
    """All tables, each a list of rows with the same keys; figures with an interval are `[mean, low, high]`.

    Runs stand in the order of the leaderboard: the highest mean F1 first, among equals the highest success. Episodes
    that were broken off because the policy had no action to give count in `failures` and `calls` alone.

    Returns:
        - `leaderboard`: `run`, `episodes`, `scenarios`, and an interval for each of `FIGURES`.
        - `structures`: the same for each run and structure.
        - `pass_k`: `run`, `k`, and intervals `pass_at_k` and `pass_hat_k`, for every k that each scenario was played.
        - `failures`: `run` and a count of episodes for each of `LABELS`.
        - `calls`: `run` and a count of calls for each of `VERDICTS`.
        - `comparisons`: each run against the first, see `evaluation.statistics.compare`: `run`, `against`, `figure`,
          `scenarios`, `difference` (an interval), `better`, `worse`, `p_value`.
    """
    played = {
        name: [result for result in results if result.diagnosis.label != "endpoint_failed"]
        for name, results in runs.items()
    }
    board = [{"run": name, **_means(results)} for name, results in played.items()]
    board.sort(key=lambda row: [-(row[figure][0] or 0.0) for figure in COMPARED])
    ranked = {row["run"]: played[row["run"]] for row in board}
    return {
        "leaderboard": board,
        "structures": [row for name, results in ranked.items() for row in _by_structure(name, results)],
        "pass_k": [row for name, results in ranked.items() for row in _pass_k(name, results)],
        "failures": [
            {"run": name, **_counts(LABELS, Counter(result.diagnosis.label for result in runs[name]))}
            for name in ranked
        ],
        "calls": [
            {"run": name, **_counts(VERDICTS, sum((result.diagnosis.counts for result in runs[name]), Counter()))}
            for name in ranked
        ],
        "comparisons": _comparisons(ranked),
    }


def _means(results: Sequence[Result]) -> dict[str, Json]:
    values = [[result.figures[name] for name in FIGURES] for result in results]
    scenarios = [result.content for result in results]
    table = np.array(values, dtype=np.float64).reshape(len(results), len(FIGURES))
    found = zip(FIGURES, intervals(table, scenarios), strict=True)
    return {
        "episodes": len(results),
        "scenarios": len(set(scenarios)),
        **{name: list(interval) for name, interval in found},
    }


def _by_structure(run: str, results: Sequence[Result]) -> list[dict[str, Json]]:
    groups = {name: [result for result in results if result.structure == name] for name in STRUCTURES}
    return [{"run": run, "structure": name, **_means(group)} for name, group in groups.items() if group]


def _pass_k(run: str, results: Sequence[Result]) -> list[dict[str, Json]]:
    played = Counter(result.content for result in results)
    won = Counter(result.content for result in results if result.figures["success"])
    rows = []
    for k in range(1, min([MAX_K, *played.values()]) + 1 if played else 1):
        estimates = [[pass_at_k(n, won[each], k), pass_hat_k(n, won[each], k)] for each, n in played.items()]
        one, all_k = intervals(estimates, list(played))
        rows.append({"run": run, "k": k, "pass_at_k": list(one), "pass_hat_k": list(all_k)})
    return rows


def _counts(names: Sequence[str], counts: Counter[str]) -> dict[str, Json]:
    return {name: counts[name] for name in names}


def _comparisons(runs: Runs) -> list[dict[str, Json]]:
    if not runs:
        return []
    first, *others = runs
    rows = []
    for name in others:
        for figure in COMPARED:
            found = compare(_by_scenario(runs[first], figure), _by_scenario(runs[name], figure))
            if found.scenarios:
                row = found._asdict() | {"difference": list(found.interval)}
                del row["interval"]
                rows.append({"run": name, "against": first, "figure": figure, **row})
    return rows


def _by_scenario(results: Sequence[Result], figure: str) -> dict[Hashable, float]:
    values: dict[Hashable, list[float]] = {}
    for result in results:
        values.setdefault(result.content, []).append(result.figures[figure] or 0.0)
    return {scenario: sum(each) / len(each) for scenario, each in values.items()}
