"""The backend `worlds`: what it makes holds what is promised, over all domains, structures and levels."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sample_worlds import made, order

from tool_gym.generation.backends.worlds.backend import WorldsBackend
from tool_gym.generation.backends.worlds.domain import domain_names, load_domain
from tool_gym.generation.backends.worlds.phrases import Phrases
from tool_gym.generation.backends.worlds.plan import Operation, evaluate
from tool_gym.generation.backends.worlds.planner import draw_plan
from tool_gym.generation.backends.worlds.world import build_world
from tool_gym.generation.decompose import structure_of
from tool_gym.generation.document import document
from tool_gym.generation.integrate import integrate
from tool_gym.generation.proposals import Decomposed, Decomposition, Refused, Step
from tool_gym.generation.seeds import rng_of
from tool_gym.generation.topic import Strategies
from tool_gym.messages import ToolCall
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES
from tool_gym.verify.matching import TypedMatcher

STRATEGIES = tuple(Strategies.model_fields)


@pytest.fixture(scope="module")
def executor():
    with Executor(execution="embedded") as running:
        yield running


def planned(operations, domain, world):
    """The operations as a decomposition, as the backend would propose it."""
    facts = build_world(domain, world)
    answers, steps = {}, []
    for each in operations:
        values = [name[1:] if name.startswith("=") else answers[name].value for name in each.inputs]
        answers[each.id] = evaluate(facts, each, values)
        hole = " ".join(f"{{{need}}}" for need in each.needs)
        steps.append(Step(id=each.id, question=hole or "?", answer=answers[each.id], depends_on=each.needs))
    plan = [each.model_dump(exclude_defaults=True) for each in operations]
    topic = order(structure_of(tuple(steps)), source={"domain": domain, "world": world})
    proposal = Decomposition(
        question="?", steps=tuple(steps), answer=steps[-1].answer, truth="invented", detail={"plan": plan}
    )
    return Decomposed(topic=topic, decomposition=proposal)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(domain_names()), st.integers(0, 5), st.integers(2, 4), st.randoms(use_true_random=False))
def test_several_tools_that_compute_distances_become_one(domain, world, count, random):
    facts = build_world(domain, world)
    places = [
        f"={row['name']}" for key, rows in facts.entities.items() if facts.domain.types[key].located for row in rows
    ]
    ends = random.sample(places, 2 * count)
    operations = [Operation(id=f"q{i + 1}", op="distance", inputs=(ends[2 * i], ends[2 * i + 1])) for i in range(count)]
    documented = document(planned(operations, domain, world), WorldsBackend())
    integrated = integrate(documented, WorldsBackend())
    assert len({each.name for each in documented.documents.documents.values()}) == count
    (tool,) = integrated.integration.tools
    assert len(integrated.integration.merged[tool.name]) == count
    assert {call.tool for call in integrated.integration.calls.values()} == {tool.name}


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(domain_names()), st.integers(0, 5), st.randoms(use_true_random=False))
def test_one_value_of_two_entities_is_two_independent_questions_to_one_tool(domain, world, random):
    facts = build_world(domain, world)
    kind = random.choice([key for key, each in facts.domain.types.items() if len(facts.entities[key]) > 1])
    field = random.choice(list(facts.domain.types[kind].attributes))
    known = {row[field]: row["name"] for row in facts.entities[kind] if row[field] is not None}
    names = random.sample(sorted(known.values()), 2)
    operations = [
        Operation(id=f"q{i + 1}", op="attribute", inputs=(f"={name}",), kind=kind, field=field)
        for i, name in enumerate(names)
    ]
    value = planned(operations, domain, world)
    assert value.topic.structure == "parallel_single_hop"
    integrated = integrate(document(value, WorldsBackend()), WorldsBackend())
    assert len(integrated.integration.tools) == 1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(domain_names()))
def test_a_relation_and_a_number_of_its_end_are_separate_checks(index, domain):
    topic = order("multi_hop", index=index, level=1, hops=2, source={"domain": domain, "world": index % 3})
    with Executor(execution="embedded") as executor:
        scenario, tables = made(executor, topic)
        relation, number = scenario.sub_questions
        session = executor.session(scenario.tools, tables=tables)
        typed = TypedMatcher()

        def solves(step, arguments):
            call = ToolCall(name=step.tools[0], arguments=arguments)
            return typed.accepts(step.expected, call, session.call([call])[0], step.arguments)

        other = another(build_world(domain, index % 3), Operation(**scenario.provenance.detail["plan"][1]), relation)
        assume(other is not None)
        wrong = {name: other if value == relation.expected.value else value for name, value in number.arguments.items()}
        assert number.depends_on == (relation.id,)
        assert solves(relation, relation.arguments)
        assert solves(number, number.arguments)
        assert not solves(number, wrong)


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


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("level", [0, 5])
def test_a_scenario_has_the_structure_that_was_ordered(structure, level, executor):
    for index in range(3):
        scenario, _ = made(executor, order(structure, index=index, level=level))
        assert scenario.provenance.structure is None, "the structure must follow from the dependencies"
        assert scenario.structure == structure


@pytest.mark.parametrize("hops", [2, 5, 8])
def test_a_chain_has_as_many_steps_as_ordered(hops, executor):
    scenario, _ = made(executor, order("multi_hop", hops=hops))
    assert len(scenario.sub_questions) == hops


def test_a_parallel_question_has_as_many_branches_as_ordered(executor):
    for branches in (2, 3, 4):
        scenario, _ = made(executor, order("parallel_single_hop", branches=branches))
        assert len(scenario.sub_questions) == branches


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_alone_changes_what_it_says_and_nothing_else(strategy, executor):
    off = Strategies.of_level(0)
    plain, _ = made(executor, order(level=2, strategies=off))
    scaled, _ = made(executor, order(level=2, strategies=off.model_copy(update={strategy: 5})))
    assert plain.provenance.detail["changes"] == []
    assert {change[0] for change in scaled.provenance.detail["changes"]} == {strategy}
    assert scaled.question == plain.question
    gold = {step.tools[0] for step in plain.sub_questions}
    assert gold == {step.tools[0] for step in scaled.sub_questions}
    before = {tool.name: len(tool.parameters["properties"]) for tool in plain.tools}
    after = {tool.name: len(tool.parameters["properties"]) for tool in scaled.tools}
    if strategy == "toolset_extension":
        assert len(after) >= len(before) + 5
    else:
        assert after.keys() == before.keys()
    if strategy == "parameter_expansion":
        assert sum(after.values()) >= sum(before.values()) + 3


def test_harder_levels_have_longer_chains_and_more_tools_with_more_parameters(executor):
    def size(level):
        scenarios = [made(executor, order(each, index=i, level=level))[0] for i, each in enumerate(STRUCTURES * 2)]
        tools = [tool for scenario in scenarios for tool in scenario.tools]
        parameters = sum(len(tool.parameters["properties"]) for tool in tools) / len(tools)
        return sum(len(each.sub_questions) for each in scenarios), len(tools), parameters

    sizes = [size(level) for level in (0, 2, 5)]
    for figures in zip(*sizes, strict=True):
        assert figures[0] < figures[1] < figures[2]


def test_the_same_order_gives_the_same_scenario_and_another_seed_another(executor):
    topic = order("parallel_multi_hop")
    first, again = made(executor, topic)[0], made(executor, topic)[0]
    other = made(executor, topic.model_copy(update={"seed": 4}))[0]
    assert first == again
    assert other.question != first.question


def test_no_tool_name_stands_in_the_question_and_no_answer_in_a_document(executor):
    for index, structure in enumerate(STRUCTURES * 3):
        scenario, _ = made(executor, order(structure, index=index, level=3))
        texts = " ".join(f"{tool.name} {tool.description} {tool.parameters}" for tool in scenario.tools)
        for step in scenario.sub_questions:
            if step.expected.kind == "text":
                assert step.expected.value not in texts
        assert not any(tool.name in scenario.question for tool in scenario.tools if "_" in tool.name)


@pytest.mark.parametrize("name", domain_names())
def test_a_domain_says_everything_with_the_entity_in_its_place(name):
    domain = load_domain(name)
    assert len(domain.types) >= 4
    assert any(kind.located for kind in domain.types.values())
    for kind in domain.types.values():
        assert re.fullmatch(r"[a-z]+( [a-z]+)*", kind.noun)
        for attribute in kind.attributes.values():
            assert all(text.count("{x}") == 1 for text in attribute.asks)
            assert not attribute.values or (attribute.adjective + attribute.clause).count("{v}") == 1
        for relation in kind.relations.values():
            for text in (*relation.verbs, *relation.pasts, *relation.inverses, *relation.clauses, *relation.asks):
                assert text.count("{x}") == 1


@pytest.mark.parametrize(("split", "said"), [("train", {"a", "b"}), ("test", {"a", "b", "c"})])
def test_the_last_of_three_phrasings_is_kept_for_the_test_split(split, said):
    world = build_world("shipping", 1)
    plan = draw_plan(world, order("single_hop"), rng_of("plan"))
    phrases = Phrases(world, plan, rng_of("words"), split, level=3)
    assert {phrases.pick("greeting", ("a", "b", "c")) for _ in range(200)} == said
    assert {phrases.pick("pair", ("a", "b")) for _ in range(200)} == {"a", "b"}
    assert "greeting.0" in phrases.chosen
