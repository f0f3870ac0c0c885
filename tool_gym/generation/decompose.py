"""Stage 1, scenario decomposition: a question becomes steps that hang together as ordered."""

from __future__ import annotations

import re

from tool_gym.generation.backend import Backend
from tool_gym.generation.proposals import Answer, Decomposed, Decomposition, Refused, Step
from tool_gym.generation.topic import Topic
from tool_gym.jsonvalue import canonical
from tool_gym.scenario import Structure, SubQuestion, depths

MOST_STEPS = 40
GUESSABLE = ("bool", "enum")
"""Kinds of answers that are guessed easily; at most one step of a scenario may have one, and never the only step."""

_HOLE = re.compile(r"\{(q\d+)\}")


def decompose(topic: Topic, backend: Backend) -> Decomposed:
    """Asks for a decomposition and checks it.

    Raises:
        Refused: If the steps do not hang together as ordered, or an answer is no answer.
    """
    proposal = backend.decompose(topic)
    _check_steps(proposal)
    found = structure_of(proposal.steps)
    if topic.structure not in (None, found):
        raise Refused("decompose", "another structure", f"{found}, expected {topic.structure}")
    return Decomposed(topic=topic, decomposition=proposal)


def _check_steps(proposal: Decomposition) -> None:
    seen: set[str] = set()
    if len(proposal.steps) > MOST_STEPS:
        raise Refused("decompose", "too many steps", f"{len(proposal.steps)}, at most {MOST_STEPS} are allowed")
    for step in proposal.steps:
        if step.id in seen or not seen.issuperset(step.depends_on):
            raise Refused("decompose", "steps out of order", f"{step.id} comes twice or before what it depends on")
        if set(_HOLE.findall(step.question)) != set(step.depends_on):
            raise Refused(
                "decompose", "dependencies not named", f"{step.id}: {step.question!r} needs a {{q…}} for each"
            )
        seen.add(step.id)
        _check_answer(step.answer, step.id)
    _check_answer(proposal.answer, "the question")
    _check_use(proposal)
    values = [canonical(step.answer.value) for step in proposal.steps]
    if len(set(values)) < len(values):
        raise Refused("decompose", "two steps share an answer", "one call could then pass for the other")
    guessable = sum(step.answer.kind in GUESSABLE for step in proposal.steps)
    if guessable > 1 or guessable == len(proposal.steps):
        raise Refused("decompose", "guessable answers", f"{guessable} of {len(proposal.steps)} steps")


def _check_use(proposal: Decomposition) -> None:
    """Every step but those that end a chain is needed by another, and all that end one feed the answer."""
    used = {need for step in proposal.steps for need in step.depends_on}
    ends = [step.id for step in proposal.steps if step.id not in used]
    if len(ends) == 1 and canonical(proposal.steps[-1].answer.value) != canonical(proposal.answer.value):
        raise Refused("decompose", "the last step is not the answer", f"{ends[0]} alone ends the steps")


def _check_answer(answer: Answer, place: str) -> None:
    try:
        answer.expected("")
    except ValueError as error:
        raise Refused("decompose", "an answer of the wrong kind", f"{place}: {error}") from None


def filled(step: Step, steps: tuple[Step, ...]) -> str:
    """A step's question with the answers of other steps in their places."""
    answers = {each.id: each.answer for each in steps}
    return _HOLE.sub(lambda hole: str(answers[hole.group(1)].value), step.question)


def structure_of(steps: tuple[Step, ...]) -> Structure:
    """The structure that the dependencies make, as `Scenario` derives it."""
    if len(steps) == 1:
        return "single_hop"
    if not any(step.depends_on for step in steps):
        return "parallel_single_hop"
    bare = [
        SubQuestion(id=step.id, question="", tools=("t",), expected=step.answer.expected(), depends_on=step.depends_on)
        for step in steps
    ]
    return "multi_hop" if max(depths(bare).values()) + 1 == len(steps) else "parallel_multi_hop"
