"""What a reward is: a named pure function from the facts of one turn to a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tool_gym.scenario import Expected


class Turn(NamedTuple):
    """The facts of one turn that a reward may look at.

    A named tuple, because a frozen dataclass of this size takes four times as long to make, at every step.

    Attributes:
        calls: Tool calls of this turn, malformed ones included, those that did not get through left out; >= 0.
        well_formed: Those that could be read, in [0, calls].
        valid: Those that reached a tool, in [0, well_formed].
        solved: Checks solved by this turn, state checks at the end included.
        state_solved: Those of them that no call solved: state checks, and declining; in [0, solved].
        calls_before: Tool calls of the turns before.
        solved_before: Checks solved by the turns before.
        total: Checks of the scenario, >= 1; solved_before + solved <= total.
        content: What the agent said.
        parse_error: Whether the message as a whole could not be read.
        replied: Whether the turn is a reply without calls, which closes the user's turn.
        last: Whether the episode ends with this turn.
        answer: The scenario's answer, or None if it has none.
        answer_correct: Whether this turn is the closing reply and holds the answer.
    """

    calls: int
    well_formed: int
    valid: int
    solved: int
    state_solved: int
    calls_before: int
    solved_before: int
    total: int
    content: str
    parse_error: bool
    replied: bool
    last: bool
    answer: Expected | None
    answer_correct: bool


Parts = dict[str, float]
"""Named summands of a turn's reward."""


@dataclass(frozen=True, slots=True)
class Reward:
    """A reward by name.

    Attributes:
        name: Its name.
        function: From a turn's facts to its reward, finite.
        low: Least reward of one turn.
        high: Largest reward of one turn; infinite where only the number of checks bounds it.
        matcher: Name of the matcher that it implies, or None.
        parts: The named summands, where there is more than one.
    """

    name: str
    function: Callable[[Turn], float]
    low: float
    high: float
    matcher: str | None = None
    parts: Callable[[Turn], Parts] | None = None

    def components(self, turn: Turn) -> Parts:
        """The named summands of a turn's reward; their sum is the reward."""
        return self.parts(turn) if self.parts else {self.name: self.function(turn)}
