"""What labels, verdicts and figures are called where people read them."""

from __future__ import annotations

from typing import Final

FIGURE_NAMES: Final = {
    "solve_f1": "Solve-F1",
    "success": "success",
    "solve_p": "precision",
    "solve_r": "completeness",
    "answer_correct": "answer",
    "return": "return",
    "turns": "turns",
    "calls": "calls",
    "tokens": "tokens",
    "cost": "cost",
    "seconds": "seconds",
}
LABEL_NAMES: Final = {
    "success": ("success", "All checks solved, and the answer is right."),
    "wrong_answer": ("wrong answer", "All the right calls, then a wrong reply."),
    "answer_without_calls": ("answer without calls", "A right reply with checks still open."),
    "looped": ("looped", "At least half of its calls, and three, repeat earlier ones."),
    "malformed": ("malformed calls", "Most faults: calls that could not be read."),
    "unknown_tool": ("unknown tool", "Most faults: calls of tools that there are not."),
    "invalid_arguments": ("invalid arguments", "Most faults: arguments that do not fit the tool's schema."),
    "tool_failed": ("tool failed", "Most faults: calls on which the tool timed out, crashed, or raised without cause."),
    "wrong_argument": ("wrong argument", "Most faults: the right tool, asked for the wrong thing."),
    "wrong_tool": ("wrong tool", "Most faults: calls of tools that solve nothing here."),
    "no_calls": ("no calls", "Replied without calling any tool."),
    "gave_up": ("gave up early", "Replied with checks open, though no call had failed."),
    "cut_off": ("cut off", "A limit ended it, though no call had failed."),
    "unfinished": ("unfinished", "The episode has not ended."),
    "endpoint_failed": ("endpoint failed", "The policy had no action to give; no figure counts the episode."),
}
"""For each label of an episode its name and, in a sentence, what it means; `evaluation.failures` defines them."""
VERDICT_NAMES: Final = {
    "solved": "solved",
    "unavailable": "did not get through",
    "repeated": "repeated",
    "malformed": "malformed",
    "unknown_tool": "unknown tool",
    "invalid_arguments": "invalid arguments",
    "tool_failed": "tool failed",
    "wrong_argument": "wrong argument",
    "wrong_tool": "wrong tool",
    "unneeded": "unneeded",
    "unjudged": "unjudged",
}
