"""The backend: answers the five stages from a world. What one stage needs of another travels in `detail`."""

from __future__ import annotations

import random
from typing import Any

from tool_gym.generation.backends.worlds.distractors import draw_distractors
from tool_gym.generation.backends.worlds.families import FAMILIES, FAMILY_OF
from tool_gym.generation.backends.worlds.language import Speaker
from tool_gym.generation.backends.worlds.plan import Operation, Plan, evaluate
from tool_gym.generation.backends.worlds.planner import draw_plan
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.toolbox import Toolbox, toolbox
from tool_gym.generation.backends.worlds.world import World, build_world
from tool_gym.generation.proposals import (
    Call,
    Change,
    Decomposed,
    Decomposition,
    Deployment,
    Document,
    Documented,
    Documents,
    Integrated,
    Integration,
    Probe,
    Refused,
    Scaled,
    Scaling,
    Step,
)
from tool_gym.generation.seeds import rng_of
from tool_gym.generation.topic import Topic

_WALKS = 50
_NAMES, _MOST_NAMES = 12, 99
"""Names that a narrow tool may have, and how many are tried until one is free."""
_OTHERS = 32
"""How many other entities a probe may try before one has another answer."""


class WorldsBackend:
    """Scenarios from invented worlds. A topic's source names the `domain` and the seed of its `world`."""

    name = "worlds 1"

    def decompose(self, request: Topic) -> Decomposition:
        """Draws a plan and reads it aloud."""
        world = _world(request)
        plan = _plan(world, request)
        speaker = Speaker(world, plan, _rng(request, "language"), request.split, request.level)
        question = speaker.question()
        phrasings = sorted(set(speaker.chosen))
        steps = tuple(
            Step(id=each.id, question=speaker.step(each), answer=plan.answers[each.id], depends_on=each.needs)
            for each in plan.operations
        )
        detail = {
            "plan": [each.model_dump(exclude_defaults=True) for each in plan.operations],
            "conclusion": plan.conclusion,
            "phrasings": phrasings,
            "preamble": speaker.preamble,
        }
        if world.sources:
            detail["sources"] = list(world.sources)
        truth = world.domain.truth
        return Decomposition(question=question, steps=steps, answer=plan.answer, truth=truth, detail=detail)

    def document(self, request: Decomposed) -> Documents:
        """The least tool for each step, under a name of its own."""
        world, box, rng = _world(request.topic), _box(request.topic), _rng(request.topic, "document")
        documents: dict[str, Document] = {}
        calls: dict[str, Call] = {}
        taken: set[str] = set()
        for operation in _operations(request):
            narrow = FAMILY_OF[operation.op].narrow(operation, world)
            first = rng.randrange(_NAMES)
            spec = next(
                each
                for number in range(first, first + _MOST_NAMES)
                if (each := box.single(narrow, number)).name not in taken
            )
            taken.add(spec.name)
            documents[operation.id] = box.document(spec)
            calls[operation.id] = _call(operation, spec, request, world)
        return Documents(documents=documents, calls=calls)

    def integrate(self, request: Documented) -> Integration:
        """One tool of the toolbox for each function, with all that its documents could do and no more."""
        world, box = _world(request.topic), _box(request.topic)
        groups: dict[str, list[ToolSpec]] = {}
        for document in request.documents.documents.values():
            groups.setdefault(document.function, []).append(_spec(document))
        merged = {function: box.needed(specs) for function, specs in groups.items()}
        calls = {
            operation.id: _call(operation, merged[_function(operation, request)], request, world)
            for operation in _operations(request)
        }
        return Integration(
            tools=tuple(map(box.document, merged.values())),
            calls=calls,
            merged={merged[function].name: tuple(spec.name for spec in specs) for function, specs in groups.items()},
        )

    def scale(self, request: Integrated) -> Scaling:
        """More fields, options and types for every tool, and distractors from the same world."""
        world, box, topic = _world(request.topic), _box(request.topic), request.topic
        rng = _rng(topic, "scale")
        gold = [_spec(document) for document in request.integration.tools]
        distractors = draw_distractors(gold, box, topic.strategies.toolset_extension, rng)
        scaled: dict[str, ToolSpec] = {}
        changes: list[Change] = []
        for spec in gold:
            scaled[spec.name], done = box.scaled(spec, topic.strategies)
            changes += done
        for spec in distractors:
            scaled[spec.name], _ = box.scaled(spec, topic.strategies)
            changes.append(Change(strategy="toolset_extension", tool=spec.name, what=f"added: {spec.function}"))
        calls = {
            operation.id: _call(operation, scaled[request.integration.calls[operation.id].tool], request, world)
            for operation in _operations(request)
        }
        shown = list(scaled.values())
        rng.shuffle(shown)
        return Scaling(
            tools=tuple(map(box.document, shown)),
            calls=calls,
            distractors=tuple(spec.name for spec in distractors),
            changes=tuple(changes),
        )

    def deploy(self, request: Scaled) -> Deployment:
        """Sources, tables, and calls that must not answer."""
        world, box, rng = _world(request.topic), _box(request.topic), _rng(request.topic, "deploy")
        specs = {document.name: _spec(document) for document in request.scaling.tools}
        sources = {name: box.source(spec) for name, spec in specs.items()}
        used = {table for source in sources.values() for table in source.tables}
        paths: dict[str, str] = {}
        for operation in _operations(request):
            spec = specs[request.scaling.calls[operation.id].tool]
            paths[operation.id] = FAMILIES[spec.family].path(operation, spec, world)
        return Deployment(
            sources=sources,
            tables={name: world.tables[name] for name in sorted(used)},
            paths=paths,
            probes=tuple(_probes(request, specs, world, rng)),
        )


def _plan(world: World, topic: Topic) -> Plan:
    """A plan; walks that lead nowhere are cheap, so many are tried."""
    rng = _rng(topic, "plan")
    for _ in range(_WALKS - 1):
        try:
            return draw_plan(world, topic, rng)
        except Refused:
            continue
    return draw_plan(world, topic, rng)


def _world(topic: Topic) -> World:
    return build_world(topic.source["domain"], topic.source["world"])


def _box(topic: Topic) -> Toolbox:
    return toolbox(topic.source["domain"], topic.source["world"])


def _rng(topic: Topic, stage: str) -> random.Random:
    return rng_of(topic.seed, stage, topic.index, topic.attempt)


def _operations(request: Decomposed) -> list[Operation]:
    return [Operation.model_validate(each) for each in request.decomposition.detail["plan"]]


def _spec(document: Document) -> ToolSpec:
    return ToolSpec.model_validate(document.detail["spec"])


def _values(operation: Operation, request: Decomposed) -> list[Any]:
    answers = {step.id: step.answer.value for step in request.decomposition.steps}
    return [name[1:] if name.startswith("=") else answers[name] for name in operation.inputs]


def _call(operation: Operation, spec: ToolSpec, request: Decomposed, world: World) -> Call:
    arguments = FAMILIES[spec.family].arguments(operation, _values(operation, request), spec, world)
    return Call(tool=spec.name, arguments=arguments)


def _function(operation: Operation, request: Documented) -> str:
    return request.documents.documents[operation.id].function


def _probes(
    request: Scaled, specs: dict[str, ToolSpec], world: World, rng: random.Random
) -> list[Probe]:  # fmt: skip
    """Gold calls with another entity or value in each input's place, and distractors asked about the same entities."""
    probes = []
    for operation in _operations(request):
        other = _others(operation, _values(operation, request), world, rng) if operation.needs else None
        if other is None:
            continue
        spec = specs[request.scaling.calls[operation.id].tool]
        arguments = FAMILIES[spec.family].arguments(operation, other, spec, world)
        probes.append(
            Probe(
                call=Call(tool=spec.name, arguments=arguments), step=operation.id, why="another entity, the same answer"
            )
        )
    for name in request.scaling.distractors:
        probes += _asked_distractor(specs[name], request, world)
    return probes


def _others(operation: Operation, values: list[Any], world: World, rng: random.Random) -> list[Any] | None:
    """Other inputs with which the operation has another answer, or none; None if all that were tried have the same."""
    right = evaluate(world, operation, values).value
    for _ in range(_OTHERS):
        other = [_another(value, world, rng) for value in values]
        try:
            if evaluate(world, operation, other).value != right:
                return other
        except Refused:  # it has no definite answer, so certainly not this one
            return other
    return None


def _another(value: Any, world: World, rng: random.Random) -> Any:
    """Another entity of the same type, or another value like this one."""
    if isinstance(value, str) and value[4:5] == value[7:8] == "-" and value[:4].isdigit():
        return f"{int(value[:4]) - rng.randint(1, 9)}{value[4:8]}{rng.randint(1, 28):02d}"
    if isinstance(value, (int, float)):
        return value * rng.randint(2, 9) + rng.randint(1, 99)
    for rows in world.entities.values():
        names = [row["name"] for row in rows]
        if value in names:
            return rng.choice([name for name in names if name != value])
    raise Refused("deploy", "an input that is no entity", str(value))


def _asked_distractor(spec: ToolSpec, request: Scaled, world: World) -> list[Probe]:
    """A record-like distractor, asked about the entities that gold calls ask about."""
    if spec.family != "record":
        return []
    probes = []
    for operation in _operations(request):
        value = _values(operation, request)[0]
        if operation.kind == spec.kind and operation.op in ("attribute", "follow") and operation.field in spec.fields:
            arguments = FAMILIES[spec.family].arguments(operation, [value], spec, world)
            probes.append(
                Probe(
                    call=Call(tool=spec.name, arguments=arguments), step=operation.id, why="a distractor that answers"
                )
            )
    return probes
