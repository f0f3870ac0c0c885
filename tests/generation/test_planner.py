"""Plans: as long and as wide as ordered, over facts that give one answer, with every operation and conclusion."""

from collections import Counter
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_worlds import made, order

from tool_gym.generation.backends.worlds.domain import domain_names
from tool_gym.generation.backends.worlds.families import FAMILY_OF
from tool_gym.generation.backends.worlds.plan import Operation, evaluate, members
from tool_gym.generation.backends.worlds.planner import draw_plan
from tool_gym.generation.backends.worlds.quantities import working_day_after, working_days_between
from tool_gym.generation.backends.worlds.world import build_world
from tool_gym.generation.proposals import Refused
from tool_gym.generation.seeds import rng_of
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES

WORLD = 4
CONCLUSIONS = {"value", "list", "difference", "total", "largest", "smallest", "ranking", "whether"}


def plans(count, **fields):
    """Plans of all structures from all domains."""
    names = domain_names()
    for index in range(count):
        domain, structure = names[index * len(names) // count], STRUCTURES[index % 4]
        world = build_world(domain, WORLD)
        topic = order(structure, index=index, source={"domain": domain, "world": WORLD}, **{"level": 3, **fields})
        try:
            yield world, draw_plan(world, topic, rng_of("plans", index))
        except Refused:
            continue


@pytest.mark.slow
def test_every_operation_and_every_conclusion_is_drawn():
    drawn = [plan for _, plan in plans(1200)]
    operations = Counter(each.op for plan in drawn for each in plan.operations)
    assert operations.keys() == FAMILY_OF.keys()
    assert {plan.conclusion for plan in drawn} == CONCLUSIONS
    guessable = sum(answer.kind in ("bool", "enum") for plan in drawn for answer in plan.answers.values())
    assert guessable <= 0.15 * operations.total()


def test_no_two_steps_of_a_plan_read_the_same_entity():
    for _, plan in plans(300):
        read = [plan.input_value(name) for each in plan.operations for name in each.inputs]
        entities = [value for value in read if isinstance(value, str)]
        assert len(set(entities)) == len(entities)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(domain_names()), st.integers(0, 3), st.integers(0, 10**6))
def test_the_one_that_meets_conditions_is_the_only_one_and_needs_all_of_them(domain, seed, index):
    world = build_world(domain, seed)
    topic = order("multi_hop", source={"domain": domain, "world": seed}, hops=4)
    try:
        plan = draw_plan(world, topic, rng_of("only", index))
    except Refused:
        return
    for each in plan.operations:
        if each.op == "find" and not each.also:
            values = [plan.input_value(name) for name in each.inputs]
            assert [row["name"] for row in members(world, each, values)] == [plan.answers[each.id].value]
            for i in range(len(each.limits)):
                weaker = each.model_copy(update={"limits": each.limits[:i] + each.limits[i + 1 :]})
                assert len(members(world, weaker, values)) > 1


def ways(plan):
    """For each step that goes along relations: those of its chain up to there, with the direction."""
    done = {}
    for each in plan.operations:
        before = done.get(each.inputs[0], [])
        along = each.op in ("follow", "past", "since") or each.scope
        step = [(each.kind, each.scope or each.field, bool(each.scope))] if along else []
        done[each.id] = before + step
    return done.values()


def test_no_chain_goes_along_one_relation_twice_running_or_three_times():
    chains = [way for _, plan in plans(500, level=5) for way in ways(plan) if len(way) > 2]
    assert len(chains) > 500
    for way in chains:
        assert max(Counter(way).values()) <= 2
        assert all(one != other for one, other in pairwise(way))


def test_means_and_ratios_are_asked_of_numbers_only_that_add_up():
    computed = 0
    for branches in (2, 3):
        for world, plan in plans(400, branches=branches):
            for each in plan.operations:
                if each.op == "compute" and each.statistic != "spread":
                    attribute = world.domain.types[each.kind].attributes[each.field]
                    assert attribute.additive or attribute.kind == "money"
                    computed += 1
    assert computed > 20


def test_the_limit_of_a_superlative_shuts_out_the_one_that_it_would_be_without():
    limited = 0
    for world, plan in plans(600):
        for each in plan.operations:
            if each.op == "extreme" and each.limits:
                values = [plan.input_value(name) for name in each.inputs]
                free = each.model_copy(update={"limits": ()})
                assert evaluate(world, free, values).value != plan.answers[each.id].value
                assert len(members(world, each, values)) >= 3
                limited += 1
    assert limited > 10


def test_what_two_things_have_in_common_is_of_another_type_than_both():
    common = [
        (world.domain.types[each.kind], each) for world, plan in plans(800) for each in plan.operations if each.also
    ]
    assert common
    for kind, each in common:
        assert each.kind not in {kind.relations[each.scope].target, kind.relations[each.also].target}


def test_the_name_of_an_entity_does_not_tell_where_a_step_leads():
    for _, plan in plans(800):
        for each in plan.operations:
            if each.result:
                assert all(plan.answers[each.id].value not in str(plan.input_value(name)) for name in each.inputs)


def test_nothing_is_asked_of_an_entity_that_was_told_to_find_it():
    asked = 0
    for _, plan in plans(800):
        for each in plan.operations:
            if each.op == "attribute" and each.needs:
                found = plan.operation(each.needs[0])
                assert not found.where or each.field != found.where[0]
                asked += bool(found.where)
    assert asked > 10


def test_a_place_in_an_order_counts_from_the_end_that_is_meant():
    world = build_world("shipping", WORLD)
    rows = world.entities["vessel"]
    home = Counter(row["home_port"] for row in rows).most_common(1)[0][0]
    known = [row for row in rows if row["home_port"] == home and row["length"] is not None]
    order_of_length = [row["name"] for row in sorted(known, key=lambda row: row["length"])]
    for place, most, right in ((1, True, -1), (2, True, -2), (3, False, 2)):
        asked = Operation(
            id="q1", op="extreme", inputs=(f"={home}",), kind="vessel", field="length", scope="home_port", most=most,
            place=place, result="vessel",
        )  # fmt: skip
        assert evaluate(world, asked, [home]).value == order_of_length[right]


def test_a_tie_at_the_place_that_is_asked_for_is_refused():
    world = build_world("shipping", WORLD)
    drives = {}
    for row in world.entities["vessel"]:
        drives.setdefault(row["home_port"], []).append(row["drive"])
    home = next(name for name, each in drives.items() if len(each) > 2 and each.count(max(each)) > 1)
    asked = Operation(
        id="q1", op="extreme", inputs=(f"={home}",), kind="vessel", field="drive", scope="home_port", result="vessel"
    )
    with pytest.raises(Refused, match="no definite extreme"):
        evaluate(world, asked, [home])


FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)


@pytest.mark.parametrize(
    ("day", "count", "right"),
    [(FRIDAY, 1, "2026-11-24"), (FRIDAY, 2, "2026-11-25"), (date(2026, 11, 24), -1, "2026-11-20")],
)
def test_working_days_pass_over_weekends_and_holidays(day, count, right):
    holidays = {(MONDAY.month, MONDAY.day)}
    assert working_day_after(day, count, holidays).isoformat() == right
    assert working_days_between(day, date.fromisoformat(right), holidays) == abs(count)


@pytest.mark.parametrize(
    ("operation", "values", "right"),
    [
        ({"op": "measure", "units": ("km", "mi")}, [160.9344], 100.0),
        ({"op": "measure", "units": ("t", "kg")}, [1.5], 1500.0),
        ({"op": "weekday"}, ["2026-11-23"], "Monday"),
        ({"op": "gap"}, ["2026-11-23", "2026-11-01"], 22),
        ({"op": "spell", "statistic": "initials"}, ["Fox & Owl Lines"], "FOL"),
        ({"op": "spell", "statistic": "letters"}, ["Fox & Owl Lines"], 11),
        ({"op": "spell", "statistic": "vowels"}, ["Ufa Lines"], 4),
        ({"op": "spell", "statistic": "backwards"}, ["Ufa"], "afU"),
        ({"op": "spell", "statistic": "digit_sum"}, [1907], 17),
        ({"op": "compute", "kind": "vessel", "field": "crew", "statistic": "ratio"}, [30, 40], 0.75),
        ({"op": "compute", "kind": "vessel", "field": "crew", "statistic": "percentage"}, [30, 40], 75.0),
        ({"op": "compute", "kind": "vessel", "field": "crew", "statistic": "portion", "percent": 20}, [40], 8.0),
        ({"op": "compute", "kind": "vessel", "field": "crew", "statistic": "mean"}, [30, 40, 50], 40.0),
        ({"op": "compute", "kind": "vessel", "field": "crew", "statistic": "spread"}, [30, 90, 50], 60),
    ],
)
def test_an_operation_on_values_gives_what_a_person_would_work_out(operation, values, right):
    asked = Operation(id="q1", inputs=tuple(f"={value}" for value in values), **operation)
    answer = evaluate(build_world("shipping", WORLD), asked, values).value
    assert answer == (pytest.approx(right) if isinstance(right, float) else right)


@pytest.mark.parametrize(("branches", "hops"), [(2, 8), (4, 2), (4, 5)])
def test_scenarios_with_many_branches_and_long_chains_are_made_whole(branches, hops):
    topic = order("parallel_multi_hop", level=3, branches=branches, hops=hops)
    with Executor(execution="embedded") as executor:
        scenario, _ = made(executor, topic)
    needed = {need for step in scenario.sub_questions for need in step.depends_on}
    starts = [step for step in scenario.sub_questions if not step.depends_on]
    assert len(starts) == branches
    assert len(scenario.sub_questions) > branches
    assert len(needed) >= branches
