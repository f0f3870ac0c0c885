"""Stage 2, document generation: each step gets a tool document such that one call of the tool answers the step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tool_gym.generation.backend import Backend
from tool_gym.generation.proposals import Call, Decomposed, Document, Documented, Refused, Step
from tool_gym.scenario import Expected
from tool_gym.schema import argument_problem, schema_problem
from tool_gym.verify.normal import normal_text
from tool_gym.verify.targets import targets

_TELLING = 3
"""Characters that an answer needs to be looked for in texts; shorter ones stand there by accident."""


def document(value: Decomposed, backend: Backend) -> Documented:
    """Asks for the documents and checks them.

    Raises:
        Refused: If a step has no document, its call does not fit it or does not use what it depends on, or a document
            gives an answer away.
    """
    proposal = backend.document(value)
    steps = value.decomposition.steps
    if proposal.documents.keys() != {step.id for step in steps}:
        raise Refused("document", "not a document for each step", ", ".join(proposal.documents))
    for step in steps:
        check_documents([proposal.documents[step.id]], "document")
    by_name = {each.name: each for each in proposal.documents.values()}
    check_calls("document", steps, by_name, proposal.calls)
    check_silence("document", steps, proposal.documents.values())
    return Documented(topic=value.topic, decomposition=value.decomposition, documents=proposal)


def check_documents(documents: Iterable[Document], stage: str) -> None:
    """Checks that schemas are sound and names differ.

    Raises:
        Refused: If not.
    """
    names = set()
    for each in documents:
        properties = each.parameters.get("properties")
        problem = schema_problem(each.parameters)
        if not problem and not (isinstance(properties, dict) and all(isinstance(p, dict) for p in properties.values())):
            problem = "expected properties, each an object with a type and a description"
        if problem:
            raise Refused(stage, "an unsound schema", f"{each.name}: {problem}")
        if not each.description.strip():
            raise Refused(stage, "a tool without a description", each.name)
        if each.name in names:
            raise Refused(stage, "two tools share a name", each.name)
        names.add(each.name)


def check_calls(
    stage: str, steps: Iterable[Step], documents: Mapping[str, Document], calls: Mapping[str, Call]
) -> None:
    """Checks that each step has a call, which fits its tool and holds the answers of the steps that it depends on.

    Raises:
        Refused: If not.
    """
    steps = tuple(steps)
    answers = {step.id: step.answer for step in steps}
    made = set()
    for step in steps:
        call = calls.get(step.id)
        if call is None or call.tool not in documents:
            raise Refused(stage, "a step without a call", step.id)
        if problem := argument_problem(documents[call.tool].parameters, call.arguments):
            raise Refused(stage, "a call that does not fit its tool", f"{step.id}: {call.tool}: {problem}")
        for need in step.depends_on:
            if not any(target.held(call.arguments) for target in targets(answers[need].expected(""))):
                raise Refused(
                    stage, "a dependency that is not used", f"{step.id} does not pass on the answer of {need}"
                )
        if call.model_dump_json() in made:
            raise Refused(stage, "two steps share a call", step.id)
        made.add(call.model_dump_json())


def check_silence(stage: str, steps: Iterable[Step], documents: Iterable[Document]) -> None:
    """Checks that no document holds an answer; numbers of few digits and enum members stand anywhere by accident.

    Raises:
        Refused: If one does.
    """
    texts = [
        (each.name, normal_text(each.model_dump_json(include={"description", "parameters"}))) for each in documents
    ]
    for step in steps:
        answer = step.answer.expected("")
        for name, text in texts:
            if telling(answer) and any(target.inside(text) for target in targets(answer)):
                raise Refused(stage, "a document holds an answer", f"{name} holds that of {step.id}")


def telling(answer: Expected) -> bool:
    """Whether an answer that stands in a text stands there for a reason, and not by accident."""
    value = answer.value
    written = f"{value:g}" if isinstance(value, float) else str(value)  # 3.0 is found wherever there is a 3
    return len(written) >= _TELLING and answer.kind not in ("bool", "enum")
