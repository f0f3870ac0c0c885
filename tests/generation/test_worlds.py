"""The backend `worlds`: what it makes holds what is promised, over all domains, structures and levels."""

import re

import pytest
from sample_worlds import made, order

from tool_gym.generation.backends.worlds.backend import WorldsBackend
from tool_gym.generation.backends.worlds.domain import domain_names, load_domain
from tool_gym.generation.backends.worlds.phrases import Phrases
from tool_gym.generation.backends.worlds.planner import draw_plan
from tool_gym.generation.backends.worlds.toolbox import toolbox
from tool_gym.generation.backends.worlds.world import build_world
from tool_gym.generation.pipeline import Tally, build
from tool_gym.generation.seeds import rng_of
from tool_gym.generation.topic import Strategies
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES

STRATEGIES = tuple(Strategies.model_fields)


@pytest.fixture(scope="module")
def executor():
    with Executor(execution="embedded") as running:
        yield running


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


def test_for_every_value_that_a_step_takes_there_is_another_with_another_answer(executor):
    tally = Tally()
    for index in range(60):
        topic = order("multi_hop", index=index, hops=3)
        build(topic, WorldsBackend(), executor, f"s-{index}", tally)
    assert tally.made == 60
    assert ("deploy", "a tool without a probe") not in tally.refused


@pytest.mark.parametrize("domain", domain_names())
def test_every_tool_of_a_domain_is_described_in_whole_words(domain):
    box = toolbox(domain, 7)
    for function in box.tools:
        spec = box.unneeded(function)
        assert not re.search(r"  |\bthe of\b|\b[b-z]\b", spec.summary.replace("'s", "")), spec.summary


def test_a_parallel_question_has_as_many_branches_as_ordered(executor):
    for branches in (2, 3, 4):
        scenario, _ = made(executor, order("parallel_single_hop", branches=branches))
        assert len(scenario.sub_questions) == branches


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_alone_changes_what_it_says_and_nothing_else(strategy, executor):
    off = Strategies.of_level(0)
    plain, _ = made(executor, order(level=2, strategies=off))
    scaled, _ = made(executor, order(level=2, strategies=off.model_copy(update={strategy: 5})))
    assert plain.provenance.detail["changes"] == {}
    assert set(scaled.provenance.detail["changes"]) == {strategy}
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
    assert domain.facts or any(kind.located for kind in domain.types.values())
    for kind in domain.types.values():
        assert re.fullmatch(r"[a-z]+( [a-z]+)*", kind.noun)
        for attribute in kind.attributes.values():
            assert all(text.count("{x}") == 1 for text in attribute.asks)
            assert attribute.kind != "enum" or (attribute.adjective + attribute.clause).count("{v}") == 1
        for relation in kind.relations.values():
            for text in (*relation.verbs, *relation.pasts, *relation.inverses, *relation.clauses, *relation.asks):
                assert text.count("{x}") == 1


@pytest.mark.parametrize(("split", "said"), [("train", {"a", "b"}), ("test", {"c"})])
def test_the_last_of_three_phrasings_belongs_to_the_test_split_alone(split, said):
    world = build_world("shipping", 1)
    plan = draw_plan(world, order("single_hop"), rng_of("plan"))
    phrases = Phrases(world, plan, rng_of("words"), split, level=3)
    assert {phrases.pick("greeting", ("a", "b", "c")) for _ in range(200)} == said
    assert phrases.pick("fixed", ("only",)) == "only"
    assert not any(each.startswith("fixed") for each in phrases.chosen), "where there is no choice there is no phrasing"
