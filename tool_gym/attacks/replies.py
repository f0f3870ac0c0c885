"""Attacks on the answer: what is said at the end, with or without the work done."""

from __future__ import annotations

from tool_gym.attacks.view import Action, View, values
from tool_gym.messages import AssistantMessage
from tool_gym.scenario import UNANSWERABLE


def empty_answer(view: View) -> Action:
    """Says nothing at once.

    Exploits checks that hold before anything is done, and answers that an empty text matches. Stopped by both being no
    answer, and by the gate's look at the initial state.
    """
    return AssistantMessage()


def decline(view: View) -> Action:
    """Says at once that the question cannot be answered.

    Exploits packs whose scenarios mostly cannot, and rewards that pay for a refusal where there is work to do. Stopped
    by such a reply being right only where a scenario has no check besides, and by the bound on the mean over all.
    """
    return AssistantMessage(content=f"<answer>{UNANSWERABLE.value}</answer>")


def every_value_seen(view: View) -> Action:
    """Makes the reference calls, which it is given, and then says every value that the tools returned.

    Exploits rules that look for the answer anywhere in the reply. Stopped by the rule against hedging: other values of
    the answer's kind that a tool returned, so that `task_f1` loses half.
    """
    if view.right_calls:
        return AssistantMessage(tool_calls=view.right_calls)
    return AssistantMessage(content=", ".join(values(value for _, value in view.answers())))


def wrong_answer(view: View) -> Action:
    """Makes the reference calls, which it is given, and then says what is no answer.

    Exploits rewards that do not look at the answer. Stopped by `task_f1`, which loses half.
    """
    if view.right_calls:
        return AssistantMessage(tool_calls=view.right_calls)
    return AssistantMessage(content="<answer>none of these</answer>")
