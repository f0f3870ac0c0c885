"""Rewards: named pure functions from the facts of one turn to a number.

| reward | of one turn | return of an episode |
|---|---|---|
| `solve_f1` | change of Solve-F1 | Solve-F1, in [0, 1] |
| `task_f1` | half of that; half of the final F1 at the end, if the answer is right | F1 or F1/2, in [0, 1] |
| `precision` | change of solved / calls (0 without a call) | that share, in [0, 1] |
| `completeness` | change of solved / total | Solve-R, in [0, 1] |
| `none` | 0 | 0 |
| `ftrl_f1`, `ftrl_pr`, `ftrl_precision`, `ftrl_rate` | the paper's, see `ftrl_f1` | their sum |

What the first four rows pay for calls are differences, so that undiscounted returns are the metrics themselves and
nothing is earned twice. `precision`, `completeness` and `none` are for ablations.

A name may also be a sum of rewards and components (see `components`) with weights, such as
`task_f1+0.1*invalid_call_penalty`; being the name, it is what a trajectory records and what rescoring computes again.

To add a reward, write a function `Turn -> float` with formula, range and source, and list it in `REWARDS`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tool_gym.errors import InputError, UnknownName
from tool_gym.verify import ftrl, metrics
from tool_gym.verify.components import COMPONENTS
from tool_gym.verify.turn import Parts, Reward, Turn


def solve_f1(turn: Turn) -> float:
    """Change of Solve-F1, `2 * solved / (calls + total)`, over the turn.

    Returns:
        In [-1, 1]; the return of an episode is its Solve-F1, in [0, 1]. Malformed calls are calls.
    """
    return _f1_after(turn) - _f1(turn.solved_before, turn.calls_before, turn.total)


def task_f1(turn: Turn) -> float:
    """Half of `solve_f1`; at the end, half of the final F1, if the scenario asks for no answer or the answer is right.

    An answer that is wrong, missing or cut off earns nothing, and so does a right one alone. That the right answer is
    paid, and the wrong one is not fined, makes no difference to the return; it does to those who learn turn by turn:
    where replying can only cost, never to reply is best (`benchmarks/linear.py` measures it).

    Returns:
        In [-0.5, 1]; the return of an episode is F1 or F1 / 2, in [0, 1].
    """
    return math.fsum(task_f1_parts(turn).values())


def task_f1_parts(turn: Turn) -> Parts:
    """The summands of `task_f1`: half of `solve_f1`, and `right_answer`."""
    right = turn.last and (turn.answer is None or turn.answer_correct)
    return {"solve_f1": solve_f1(turn) / 2, "right_answer": _f1_after(turn) / 2 if right else 0.0}


def precision(turn: Turn) -> float:
    """Change of the share of calls that solved a check; before the first call the share is 0.

    Returns:
        In [-1, 1]; the return of an episode is solved / calls, in [0, 1], and 0 without a call.
    """
    before = _share(turn.solved_before, turn.calls_before)
    return _share(turn.solved_before + turn.solved, turn.calls_before + turn.calls) - before


def completeness(turn: Turn) -> float:
    """Share of the scenario's checks that the turn solved; calls cost nothing, so it teaches to spray them.

    Returns:
        solved / total, in [0, 1]; the return of an episode is Solve-R, in [0, 1].
    """
    return metrics.solve_recall(turn.solved, turn.total)


def nothing(turn: Turn) -> float:
    """No reward: the control of an ablation.

    Returns:
        0.0.
    """
    return 0.0


def ftrl_f1(turn: Turn) -> float:
    """The paper's `compute_solve_f1`: 2s / (n + 1), s checks solved by n well-formed calls of the turn.

    All four `ftrl_*` rewards differ in this formula only. Turns without a well-formed call earn

    - -0.3 with malformed calls, or without calls if the message could not be read;
    - -0.5 with no content;
    - -0.3 with a left-over `<tool_call>`, `</tool_call>` or `<tool_parsed_response>` in the content;
    - 1 / (1 + u) if the content holds the answer (as a substring), u checks being open before the turn;
    - 0.5 if all checks are solved;
    - 0 otherwise, the first case that holds.

    State checks, which the paper does not have, count as solved or open but never in s. Source: FTRL (arXiv 2508.08791)
    and the code released with it.

    Returns:
        In [-0.5, 2).
    """
    solved, calls = _by_calls(turn), turn.well_formed
    return 2 * solved / (calls + 1) if calls else _ftrl_without_calls(turn)


def ftrl_pr(turn: Turn) -> float:
    """The paper's `compute_solve_pr`: s * s / n; else as `ftrl_f1`.

    Returns:
        In [-0.5, total].
    """
    solved, calls = _by_calls(turn), turn.well_formed
    return solved * solved / calls if calls else _ftrl_without_calls(turn)


def ftrl_precision(turn: Turn) -> float:
    """The paper's `compute_solve_precision`: s / n; else as `ftrl_f1`.

    Returns:
        In [-0.5, 1].
    """
    solved, calls = _by_calls(turn), turn.well_formed
    return solved / calls if calls else _ftrl_without_calls(turn)


def ftrl_rate(turn: Turn) -> float:
    """The paper's `compute_solve_rate`: s; else as `ftrl_f1`.

    Returns:
        In [-0.5, total].
    """
    return float(_by_calls(turn)) if turn.well_formed else _ftrl_without_calls(turn)


def _ftrl_without_calls(turn: Turn) -> float:
    if turn.calls or turn.parse_error:
        return -0.3
    if not turn.replied:  # its calls did not get through
        return 0.0
    if not turn.content:
        return -0.5
    if ftrl.has_left_over(turn.content):
        return -0.3
    if turn.answer is not None and ftrl.in_reply(turn.answer, turn.content):
        return 1 / (1 + turn.total - turn.solved_before)
    return 0.5 if turn.solved_before + turn.solved == turn.total else 0.0


def _by_calls(turn: Turn) -> int:
    return turn.solved - turn.state_solved


def _f1_after(turn: Turn) -> float:
    return _f1(turn.solved_before + turn.solved, turn.calls_before + turn.calls, turn.total)


def _f1(solved: int, calls: int, total: int) -> float:
    return metrics.solve_f1(solved, metrics.counted_calls(calls, solved), total)


def _share(solved: int, calls: int) -> float:
    return metrics.solve_precision(solved, metrics.counted_calls(calls, solved)) if calls else 0.0


REWARDS: dict[str, Reward] = {
    rule.name: rule
    for rule in (
        Reward("solve_f1", solve_f1, -1.0, 1.0),
        Reward("task_f1", task_f1, -0.5, 1.0, parts=task_f1_parts),
        Reward("precision", precision, -1.0, 1.0),
        Reward("completeness", completeness, 0.0, 1.0),
        Reward("none", nothing, 0.0, 0.0),
        Reward("ftrl_f1", ftrl_f1, -0.5, 2.0, matcher="ftrl"),
        Reward("ftrl_pr", ftrl_pr, -0.5, math.inf, matcher="ftrl"),
        Reward("ftrl_precision", ftrl_precision, -0.5, 1.0, matcher="ftrl"),
        Reward("ftrl_rate", ftrl_rate, -0.5, math.inf, matcher="ftrl"),
    )
}
"""All rewards by name."""


_TERM = re.compile(r"(?:(\d+(?:\.\d+)?) ?\* ?)?(.+)", re.ASCII)
"""A term of a sum: a weight, 1 by default, and a name."""


def reward(name: str) -> Reward:
    """The reward of that name: one of `REWARDS` or of `COMPONENTS`, or a weighted sum such as `solve_f1+0.5*precision`.

    Raises:
        UnknownName: If there is none.
        InputError: If the name is no such sum, or adds rewards that imply a matcher to others.
    """
    known = {**REWARDS, **COMPONENTS}
    if name in known:
        return known[name]
    terms = [_TERM.fullmatch(term.strip()) for term in name.split("+")]
    read = [(float(term[1] or 1), term[2]) for term in terms if term]
    if len(read) < len(terms):
        raise InputError(
            f"reward {name!r} cannot be read; expected a name, or a sum such as task_f1+0.1*format_penalty"
        )
    unknown = [each for _, each in read if each not in known]
    if unknown:
        raise UnknownName("reward", unknown[0], known)
    return _weighted_sum(name, [(weight, known[each]) for weight, each in read])


def _weighted_sum(name: str, terms: Sequence[tuple[float, Reward]]) -> Reward:
    matchers = {rule.matcher for _, rule in terms if rule.name not in COMPONENTS}
    twice = len({rule.name for _, rule in terms}) < len(terms)
    if len(matchers) > 1 or twice or not all(0 < weight < math.inf for weight, _ in terms):
        raise InputError(
            f"reward {name!r}: expected different terms with weights above 0, all of them for one matcher "
            "(the ftrl_* rewards imply their own)"
        )

    def parts(turn: Turn) -> Parts:
        return {rule.name: weight * rule.function(turn) for weight, rule in terms}

    return Reward(
        name,
        lambda turn: math.fsum(parts(turn).values()),
        low=math.fsum(weight * rule.low for weight, rule in terms),
        high=math.fsum(weight * rule.high for weight, rule in terms),
        matcher=next(iter(matchers), None),
        parts=parts,
    )
