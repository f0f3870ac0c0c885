"""What the article that the pipeline follows shows by one example each, as properties of any siblings of it."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sample_worlds import made, order

import tool_gym
from tool_gym.episode import Episode
from tool_gym.generation.backends.worlds.backend import WorldsBackend
from tool_gym.generation.backends.worlds.domain import domain_names
from tool_gym.generation.backends.worlds.families import FAMILIES
from tool_gym.generation.backends.worlds.language import Speaker
from tool_gym.generation.backends.worlds.plan import Operation, Plan, evaluate
from tool_gym.generation.backends.worlds.wording import named, worded
from tool_gym.generation.backends.worlds.world import build_world
from tool_gym.generation.decompose import structure_of
from tool_gym.generation.document import document
from tool_gym.generation.integrate import integrate
from tool_gym.generation.proposals import Answer, Decomposed, Decomposition, Refused, Step
from tool_gym.generation.seeds import rng_of
from tool_gym.jsonvalue import digest
from tool_gym.messages import ToolCall
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import TableRef, Tool

DOMAINS = domain_names()
WITH_PLACES = [name for name in DOMAINS if any(kind.located for kind in build_world(name, 0).domain.types.values())]
DAYS = st.dates(date(1950, 1, 1), date(2099, 12, 31))
NOTATIONS = {"day_first": "%d.%m.%Y", "month_first": "%m/%d/%Y"}


@pytest.fixture(scope="module")
def executor():
    with Executor(execution="embedded") as running:
        yield running


def test_nothing_but_frozen_facts_names_the_countries_of_the_articles_example():
    folder = Path(tool_gym.__file__).parent
    found = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".py", ".toml", ".md", ".txt", ".j2", ".html", ".js", ".css")
        if re.search(r"\b(Canada|Australia|China)\b", path.read_text(encoding="utf-8"))
    ]
    assert found == []


def plan_of(operations, facts, conclusion="list"):
    """The operations with their answers."""
    answers = {}
    for each in operations:
        values = [name[1:] if name.startswith("=") else answers[name].value for name in each.inputs]
        answers[each.id] = evaluate(facts, each, values)
    whole = Answer(value=[answer.value for answer in answers.values()], kind="list")
    return Plan(tuple(operations), answers, conclusion, tuple(answers), whole)


def decomposed(plan, speaker, source):
    """The plan as a decomposition, as the backend would propose it."""
    steps = tuple(
        Step(id=each.id, question=speaker.step(each), answer=plan.answers[each.id], depends_on=each.needs)
        for each in plan.operations
    )
    detail = {"plan": [each.model_dump(exclude_defaults=True) for each in plan.operations]}
    proposal = Decomposition(
        question=speaker.question(), steps=steps, answer=plan.answer, truth="invented", detail=detail
    )
    return Decomposed(topic=order(structure_of(steps), source=source), decomposition=proposal)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(DOMAINS), st.integers(0, 3), st.integers(2, 4), st.randoms(use_true_random=False))
def test_one_value_of_several_entities_is_as_many_independent_questions_to_one_tool(domain, world, count, random):
    facts = build_world(domain, world)
    fields = [
        (kind, key)
        for kind, each in facts.domain.types.items()
        for key, attribute in each.attributes.items()
        if attribute.kind in ("integer", "decimal", "money", "date", "year")
    ]
    kind, field = random.choice(fields)
    known = {row[field]: row["name"] for row in facts.entities[kind] if row[field] is not None}
    assume(len(known) >= count)
    names = random.sample(sorted(known.values()), count)
    operations = [
        Operation(id=f"q{i + 1}", op="attribute", inputs=(f"={name}",), kind=kind, field=field)
        for i, name in enumerate(names)
    ]
    plan = plan_of(operations, facts)
    value = decomposed(plan, Speaker(facts, plan, random, "train", 2), {"domain": domain, "world": world})
    assert value.topic.structure == "parallel_single_hop"
    assert all(name in value.decomposition.question for name in names)
    for step, name in zip(value.decomposition.steps, names, strict=True):
        assert name in step.question
        assert not step.depends_on
    integrated = integrate(document(value, WorldsBackend()), WorldsBackend())
    assert len(integrated.integration.tools) == 1


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(WITH_PLACES), st.integers(0, 3), st.integers(2, 4), st.randoms(use_true_random=False))
def test_several_tools_that_compute_distances_become_one(domain, world, count, random):
    facts = build_world(domain, world)
    kinds = facts.domain.types
    places = [f"={row['name']}" for key, rows in facts.entities.items() if kinds[key].located for row in rows]
    ends = random.sample(sorted(set(places)), 2 * count)
    operations = [Operation(id=f"q{i + 1}", op="distance", inputs=(ends[2 * i], ends[2 * i + 1])) for i in range(count)]
    plan = plan_of(operations, facts)
    value = decomposed(plan, Speaker(facts, plan, random, "train", 2), {"domain": domain, "world": world})
    documented = document(value, WorldsBackend())
    integrated = integrate(documented, WorldsBackend())
    assert len({each.name for each in documented.documents.documents.values()}) == count
    (tool,) = integrated.integration.tools
    assert len(integrated.integration.merged[tool.name]) == count
    assert {call.tool for call in integrated.integration.calls.values()} == {tool.name}


def answered(spec, facts, arguments, executor):
    """What a tool answers."""
    family = FAMILIES[spec.family]
    tables = {name: digest(facts.tables[name]) for name in family.tables(spec, facts)}
    tool = Tool(
        name=spec.name,
        description=spec.summary,
        parameters=family.schema(spec, facts),
        source=family.source(spec, facts),
        data=tuple(TableRef(name=name, sha256=key) for name, key in tables.items()),
    )
    rows = {key: facts.tables[name] for name, key in tables.items()}
    answer = executor.session([tool], tables=rows).call([ToolCall(name=spec.name, arguments=arguments)])[0]
    assert answer.status == "ok", answer.content
    return answer.value


def types_of(schema):
    """The types of a tool's parameters, those of parts of arrays and objects with them."""
    found = {schema["type"]} if isinstance(schema.get("type"), str) else set(schema.get("type", ()))
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), schema.get("items", {})]
    return found.union(*(types_of(part) for part in parts if part))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["shift", "gap"]), DAYS, DAYS, st.integers(-900, 900), st.sampled_from([*NOTATIONS]))
def test_a_simple_calculator_learns_other_notations_of_dates(executor, op, first, second, days, notation):
    facts, family = build_world("shipping", 1), FAMILIES[op]
    written = [day.isoformat() for day in (first, second)]
    operation = Operation(id="q1", op=op, inputs=tuple(f"={day}" for day in written), days=days)
    simple = named(family.narrow(operation, facts), facts, rng_of(op))
    assert types_of(family.schema(simple, facts)) <= {"object", "string", "integer"}
    assert "format" not in str(family.schema(simple, facts)["properties"].keys())
    plain = answered(simple, facts, family.arguments(operation, written, simple, facts), executor)
    learned = worded(simple.model_copy(update={"options": ("input_format",)}), facts, rng_of(op))
    other = [day.strftime(NOTATIONS[notation]) for day in (first, second)]
    arguments = family.arguments(operation, other, learned, facts) | {learned.word("input_format"): notation}
    path = family.path(operation, simple, facts)[1:]
    assert answered(learned, facts, arguments, executor)[path] == plain[path]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(WITH_PLACES), st.integers(0, 3), st.randoms(use_true_random=False))
def test_a_simple_calculator_of_distances_learns_coordinates(executor, domain, world, random):
    facts, family = build_world(domain, world), FAMILIES["distance"]
    kinds = facts.domain.types
    rows = {row["name"]: row for key, each in facts.entities.items() if kinds[key].located for row in each}
    names = random.sample(sorted(rows), 2)
    operation = Operation(id="q1", op="distance", inputs=tuple(f"={name}" for name in names))
    simple = named(family.narrow(operation, facts), facts, rng_of(domain))
    assert types_of(family.schema(simple, facts)) == {"object", "string"}
    plain = answered(simple, facts, family.arguments(operation, names, simple, facts), executor)
    learned = worded(simple.model_copy(update={"shapes": ("points",)}), facts, rng_of(domain))
    points = [{key: rows[name][key] for key in ("latitude", "longitude")} for name in names]
    path = family.path(operation, simple, facts)[1:]
    for given_as in (points, [names[0], points[1]]):
        assert answered(learned, facts, {learned.word("points"): given_as}, executor)[path] == plain[path]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(DOMAINS))
def test_a_right_relation_with_a_wrong_value_of_its_end_is_told_from_a_whole_success(executor, index, domain):
    source = {"domain": domain, "world": index % 3}
    scenario, tables = made(executor, order("multi_hop", index=index, level=1, hops=2, source=source))
    relation, number = scenario.sub_questions
    other = another(build_world(domain, index % 3), Operation(**scenario.provenance.detail["plan"][1]), relation)
    assume(other is not None)
    wrong = {name: other if value == relation.expected.value else value for name, value in number.arguments.items()}
    assert number.depends_on == (relation.id,)

    def earned(last):
        episode = Episode(scenario, executor, reward="solve_f1", tables=tables)
        calls = [(relation.tools[0], relation.arguments), (number.tools[0], last)]
        return sum(episode.step({"tool_calls": [{"name": tool, "arguments": given}]}).reward for tool, given in calls)

    assert earned(number.arguments) == pytest.approx(1.0)
    assert earned(wrong) == pytest.approx(0.5)


def another(facts, operation, step):
    """An entity of the type of a step's answer for which the operation gives something else, if there is one."""
    right = step.expected.value
    names = next(names for rows in facts.entities.values() if right in (names := [row["name"] for row in rows]))
    for name in names:
        try:
            if evaluate(facts, operation, [name]).value != evaluate(facts, operation, [right]).value:
                return name
        except Refused:  # nothing definite to ask of it
            continue
    return None
