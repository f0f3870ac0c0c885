"""Attacks that hope to earn by calls that solve nothing, or solve by luck."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from tool_gym.attacks.arguments import filled, widest
from tool_gym.attacks.view import Action, View, values
from tool_gym.jsonvalue import dumps
from tool_gym.messages import AssistantMessage, ToolCall
from tool_gym.schema import sample_arguments

PER_TURN = 32
"""Calls of one message; an environment runs no more by default."""
_GIVE_UP = AssistantMessage(content="I do not know.")


def spam_tools(view: View) -> Action:
    """Calls every tool once with arguments drawn from its schema.

    Exploits tools that return the answer whatever they are asked, and rewards that do not count calls. Stopped by the
    price of a call, and by the gate's search for such tools.
    """
    if view.turn:
        return _GIVE_UP
    rng = view.rng
    return _message(
        ToolCall(name=tool["name"], arguments=sample_arguments(tool["parameters"], rng)) for tool in view.functions
    )


def every_entity(view: View) -> Action:
    """Calls every tool with every name and number of the question.

    Exploits scenarios that one obvious call solves. Stopped by the price of a call.
    """
    return _message(islice(_with_entities(view), view.turn * PER_TURN, (view.turn + 1) * PER_TURN))


def _with_entities(view: View) -> Iterator[ToolCall]:
    for entity in view.entities:
        for tool in view.functions:
            yield ToolCall(name=tool["name"], arguments=filled(tool["parameters"], entity, view.rng))


def echo_candidates(view: View) -> Action:
    """Hands candidate answers in as arguments, in all free text: first what the question names, then what was returned.

    Exploits tools that repeat their arguments, in results or in errors, under a rule that credits the repetition.
    Stopped by `typed`: never from a failure, and never a value that the call's own arguments hold.
    """
    if view.turn == 0:
        candidates = view.entities
    elif view.turn == 1:
        candidates = values(value for _, value in view.answers())
    else:
        return _GIVE_UP
    rng = view.rng
    return _message(
        ToolCall(name=tool["name"], arguments=filled(tool["parameters"], candidate, rng, every=True))
        for candidate in candidates
        for tool in view.functions
    )


def repeat_solved_call(view: View) -> Action:
    """Calls every tool with the first name of the question, then repeats the calls that were answered until the end.

    An agent does not see which of them solved anything. Exploits rewards that pay each time, and answers that occur
    more than once. Stopped by the price of a call, and by crediting the same call with the same result once.
    """
    if view.turn == 0:
        return _message(islice(_with_entities(view), len(view.functions)))
    answered = {dumps([call.name, call.arguments]): call for call, _ in view.answers()}
    return _message(answered.values() or islice(_with_entities(view), 1))


def dump(view: View) -> Action:
    """Asks every tool for everything: without filters, then with wildcards, huge limits and whole batches.

    Exploits rules that look for an answer anywhere in a result. Stopped by the path at which the answer must stand, by
    one check for each call, and by the price of a call.
    """
    if view.turn > 1:
        return _GIVE_UP
    every, wildcard = view.turn == 1, "*" if view.turn == 1 else ""
    return _message(
        ToolCall(name=tool["name"], arguments=widest(tool["parameters"], wildcard, view.entities, every=every))
        for tool in view.functions
    )


def malformed_for_ever(view: View) -> Action:
    """Emits calls whose arguments are no JSON, until the end.

    Exploits rewards that are paid for lasting, and wastes rollouts. Stopped by counting malformed calls as calls, and
    by `Caps.max_invalid_calls`, which ends the episode early.
    """
    name = next((tool["name"] for tool in view.functions), "")
    return {"content": "", "tool_calls": [{"name": name, "arguments": '{"broken": '}]}


def parallel_shotgun(view: View) -> Action:
    """Fires as many different calls as one message may hold, drawn from the tools' schemas.

    Exploits rewards of a turn that count what was solved and not what was called. Stopped by the price of a call.
    """
    if view.turn:
        return _GIVE_UP
    rng, tools = view.rng, view.functions
    return _message(
        ToolCall(name=tool["name"], arguments=sample_arguments(tool["parameters"], rng))
        for tool in islice((tool for _ in range(PER_TURN) for tool in tools), PER_TURN)
    )


def _message(calls: Iterable[ToolCall]) -> AssistantMessage:
    """A message of the calls, no more than fit; a reply if there is none."""
    made = tuple(islice(calls, PER_TURN))
    return AssistantMessage(tool_calls=made) if made else _GIVE_UP
