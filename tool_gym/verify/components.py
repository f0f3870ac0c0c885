"""Reward components: what can be added to a reward with a weight, as in `task_f1+0.1*invalid_call_penalty`.

| component | of one turn | return of an episode |
|---|---|---|
| `answer_validity` | 1 with the right answer at the end, else 0 | 0 or 1 |
| `format_penalty` | -1 if the message could not be read, else 0 | minus such turns |
| `invalid_call_penalty` | minus the calls that reached no tool | minus all of them |

The two penalties never pay, and no further call makes them smaller. `precision` and `completeness`, rewards of their
own in `rewards`, can be added in the same way. The knob that bounds invalid calls is `Caps.max_invalid_calls`.
"""

from __future__ import annotations

import math

from tool_gym.verify import ftrl
from tool_gym.verify.turn import Reward, Turn


def answer_validity(turn: Turn) -> float:
    """1 if the turn is the closing reply and holds the scenario's answer, else 0; answering alone earns it.

    Source: answer correctness, as ToolHop (arXiv 2501.02506) measures it.

    Returns:
        0.0 or 1.0; the return of an episode is 0 or 1.
    """
    return float(turn.answer_correct)


def format_penalty(turn: Turn) -> float:
    """-1 for a turn whose message could not be read, or which says a left-over mark of a tool call instead of calling.

    Source: the turns that FTRL (arXiv 2508.08791) gives -0.3, with the weight left to the sum.

    Returns:
        -1.0 or 0.0; the return of an episode is minus the number of such turns.
    """
    broken = turn.parse_error or (not turn.calls and ftrl.has_left_over(turn.content))
    return -1.0 if broken else 0.0


def invalid_call_penalty(turn: Turn) -> float:
    """Minus the calls of the turn that reached no tool: malformed, unknown tool, arguments against the schema.

    Source: this project's; a share of the calls instead of their number could be raised by useless calls.

    Returns:
        valid - calls, <= 0; the return of an episode is minus the number of its invalid calls.
    """
    return float(turn.valid - turn.calls)


COMPONENTS: dict[str, Reward] = {
    rule.name: rule
    for rule in (
        Reward("answer_validity", answer_validity, 0.0, 1.0),
        Reward("format_penalty", format_penalty, -1.0, 0.0),
        Reward("invalid_call_penalty", invalid_call_penalty, -math.inf, 0.0),
    )
}
"""All components by name."""
