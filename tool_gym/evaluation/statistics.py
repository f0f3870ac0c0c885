"""Statistics of repeated episodes: pass@k, pass^k, confidence intervals and paired comparisons.

Episodes of one scenario resemble each other, so whatever is drawn again here is scenarios, never single episodes.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000
LEVEL = 0.95


class Interval(NamedTuple):
    """A mean and its confidence interval; all None where there was nothing to take the mean of."""

    mean: float | None
    low: float | None
    high: float | None


class Difference(NamedTuple):
    """How one run differs from another on the scenarios of both.

    Attributes:
        scenarios: How many scenarios both have.
        interval: Mean difference over these scenarios, the second run minus the first, and its interval.
        better: Scenarios on which the second run is better.
        worse: Scenarios on which it is worse.
        p_value: Of the sign test over the scenarios that differ; see `sign_test`.
    """

    scenarios: int
    interval: Interval
    better: int
    worse: int
    p_value: float


def pass_at_k(n: int, c: int, k: int) -> float:
    """Probability that at least one of k episodes succeeds, estimated without bias from n episodes.

    Source: Chen et al. 2021 (arXiv 2107.03374).

    Args:
        n: Episodes of the scenario, >= k.
        c: Those that succeeded, in [0, n].
        k: Episodes drawn without putting any back, >= 1.

    Returns:
        1 - C(n - c, k) / C(n, k), in [0, 1].

    Raises:
        ValueError: If a count is out of its range.
    """
    _check(n, c, k)
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def pass_hat_k(n: int, c: int, k: int) -> float:
    """Probability that all of k episodes succeed (pass^k), estimated without bias from n episodes.

    Source: tau-bench (arXiv 2406.12045).

    Args:
        n: Episodes of the scenario, >= k.
        c: Those that succeeded, in [0, n].
        k: Episodes drawn without putting any back, >= 1.

    Returns:
        C(c, k) / C(n, k), in [0, 1].

    Raises:
        ValueError: If a count is out of its range.
    """
    _check(n, c, k)
    return math.comb(c, k) / math.comb(n, k)


def _check(n: int, c: int, k: int) -> None:
    if not (1 <= k <= n and 0 <= c <= n):
        raise ValueError(f"expected 1 <= k <= n and 0 <= c <= n, got k={k}, n={n}, c={c}")


def intervals(
    values: npt.ArrayLike,
    scenarios: Sequence[Hashable],
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> list[Interval]:
    """Means of several figures over episodes, each with its percentile bootstrap interval, clustered by scenario.

    Args:
        values: Figures, float[episodes, figures]; NaN where an episode has no such figure.
        scenarios: The scenario of each episode; one draw takes or leaves all episodes of a scenario.
        resamples: How many times as many scenarios are drawn with replacement.
        level: Confidence, in (0, 1).
        seed: Decides the draws.

    Returns:
        One interval per figure; the mean is that over all episodes.

    Raises:
        ValueError: If there are not as many scenarios as episodes.
    """
    table = np.asarray(values, dtype=np.float64)
    if len(table) != len(scenarios):
        raise ValueError(f"expected one scenario per episode, got {len(scenarios)} for {len(table)} episodes")
    if not len(table):
        return [Interval(None, None, None)] * (table.shape[1] if table.ndim == 2 else 0)
    places = {scenario: place for place, scenario in enumerate(dict.fromkeys(scenarios))}
    rows = np.array([places[scenario] for scenario in scenarios])
    there = ~np.isnan(table)
    sums, counts = np.zeros((2, len(places), table.shape[1]))
    np.add.at(sums, rows, np.where(there, table, 0.0))
    np.add.at(counts, rows, there)
    drawn = np.random.default_rng(seed).multinomial(len(places), [1 / len(places)] * len(places), size=resamples)
    with np.errstate(invalid="ignore"):
        means = (drawn @ sums) / (drawn @ counts)
    # A draw that holds no such figure says nothing about its mean.
    return [
        _interval(total / count, column[~np.isnan(column)], level) if count else Interval(None, None, None)
        for total, count, column in zip(sums.sum(axis=0), counts.sum(axis=0), means.T, strict=True)
    ]


def _interval(mean: float, draws: npt.NDArray[np.float64], level: float) -> Interval:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(mean), float(low), float(high))


def compare(
    first: Mapping[Hashable, float],
    second: Mapping[Hashable, float],
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Difference:
    """Compares two runs scenario by scenario: paired bootstrap of the mean difference, and the sign test.

    Args:
        first: A figure's mean over the episodes of each scenario, in the first run.
        second: The same in the second run; scenarios that only one of them has are left out.
        resamples: See `intervals`.
        level: See `intervals`.
        seed: See `intervals`.
    """
    both = [scenario for scenario in first if scenario in second]
    gaps = [second[scenario] - first[scenario] for scenario in both]
    better, worse = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    column = np.array(gaps, dtype=np.float64).reshape(len(gaps), 1)
    [interval] = intervals(column, both, resamples=resamples, level=level, seed=seed)
    return Difference(len(both), interval, better, worse, sign_test(better, worse))


def sign_test(better: int, worse: int) -> float:
    """Exact two-sided sign test; for figures that are 0 or 1 it is McNemar's exact test.

    Args:
        better: Pairs that differ in one direction, >= 0.
        worse: Pairs that differ in the other, >= 0.

    Returns:
        The probability, in [0, 1], of a split at least this uneven if both directions were equally likely.
    """
    pairs = better + worse
    tail = ways = 1  # of i pairs in the rarer direction, for i from 0
    for i in range(min(better, worse)):
        ways = ways * (pairs - i) // (i + 1)
        tail += ways
    return min(1.0, float(2 * tail / 2**pairs))
