"""Families of tools: whatever is added to a tool, the gold call still answers; and nothing that is added is idle."""

import itertools

import pytest
from sample_worlds import order

from tool_gym.generation.backends.worlds.domain import domain_names
from tool_gym.generation.backends.worlds.families import FAMILIES, FAMILY_OF
from tool_gym.generation.backends.worlds.plan import Operation, evaluate
from tool_gym.generation.backends.worlds.planner import draw_plan
from tool_gym.generation.backends.worlds.wording import named, worded
from tool_gym.generation.backends.worlds.world import build_world
from tool_gym.generation.proposals import Refused
from tool_gym.generation.seeds import rng_of
from tool_gym.jsonvalue import digest
from tool_gym.messages import ToolCall
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES, TableRef, Tool

WORLD = 2


def operations():
    """Operations of every kind from many plans, with the values of their inputs."""
    found = {}
    for index, domain in itertools.product(range(40), domain_names()):
        world = build_world(domain, WORLD)
        topic = order(STRUCTURES[index % 4], index=index, source={"domain": domain, "world": WORLD})
        try:
            plan = draw_plan(world, topic, rng_of("families", index, domain))
        except Refused:
            continue
        for each in plan.operations:
            values = [plan.input_value(name) for name in each.inputs]
            found.setdefault(each.op, []).append((world, each, values))
    days = ["2031-05-14", "2031-03-12"]  # the later one first; rarely asked, and so not left to chance
    span = Operation(id="q1", op="workgap", inputs=tuple(f"={day}" for day in days))
    found["workgap"].append((build_world("shipping", WORLD), span, days))
    return {op: sorted(cases, key=rounds)[:6] + dated(cases)[:3] + cases[-8:] for op, cases in found.items()}


def dated(cases):
    """Cases whose answer is a date."""
    return [case for case in cases if evaluate(*case).kind == "date"]


def rounds(case):
    """Cases with decimals first, since there are few of them."""
    value = evaluate(*case).value
    return not isinstance(value, float) or value == round(value)


OPERATIONS = operations()


def variants():
    """Each family's operations with each of its options and shapes."""
    for op, family in FAMILY_OF.items():
        extra = {"record": ["check:{}"], "search": ["bounds:{}"], "figures": ["bounds:{}"]}.get(family.name, [])
        for option in [*family.options, *extra, None]:
            for shape in [*family.shapes, None]:
                yield pytest.param(op, option, shape, id=f"{op}-{option}-{shape}")


@pytest.fixture(scope="module")
def executor():
    with Executor(execution="embedded") as running:
        yield running


def specs(op, option, shape):
    """Scaled tools for some operations of a kind, option and shape."""
    for world, operation, values in OPERATIONS[op]:
        family = FAMILY_OF[op]
        narrow = named(family.narrow(operation, world), world, rng_of(op, option))
        fields, filters = family.generalised(narrow, world)
        spec = narrow.model_copy(update={"fields": fields, "filters": filters, "shapes": (shape,) if shape else ()})
        chosen = option
        if option and option.endswith("{}"):
            chosen = next((each for each in family.more_options(spec, world) if each.startswith(option[:-2])), None)
        spec = spec.model_copy(update={"options": (chosen,) if chosen else ()})
        yield world, operation, values, worded(spec, world, rng_of(op, option, shape))


def call(executor, spec, world, arguments):
    family = FAMILIES[spec.family]
    tables = {name: digest(world.tables[name]) for name in family.tables(spec, world)}
    tool = Tool(
        name=spec.name,
        description=spec.summary,
        parameters=family.schema(spec, world),
        source=family.source(spec, world),
        data=tuple(TableRef(name=name, sha256=key) for name, key in tables.items()),
    )
    rows = {key: world.tables[name] for name, key in tables.items()}
    return executor.session([tool], tables=rows).call([ToolCall(name=spec.name, arguments=arguments)])[0]


def at(value, path):
    for key in path.split("/")[1:]:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


@pytest.mark.parametrize(("op", "option", "shape"), list(variants()))
def test_the_gold_call_answers_whatever_the_tool_can_do_besides(op, option, shape, executor):
    for world, operation, values, spec in specs(op, option, shape):
        family = FAMILIES[spec.family]
        answer = call(executor, spec, world, family.arguments(operation, values, spec, world))
        assert answer.status == "ok", answer.content
        right = evaluate(world, operation, values)
        assert at(answer.value, family.path(operation, spec, world)) == pytest.approx(right.value, abs=1e-9)


OTHER_THAN_DEFAULT = {
    "look_up_by": "id", "on_missing": None, "decimals": 0, "date_format": "year", "with_position": True, "limit": 1,
    "offset": 1, "name_contains": "zzzz", "keep_unknown": None, "unknown_as_zero": None, "trim": 40,
    "with_timeline": True, "with_neighbours": True, "with_length": True, "skip": -1, "unit": None, "round_trip": True,
    "detour": 20, "speed": 12, "with_bearing": True, "rest_days": ["Monday", "Tuesday"], "closed_on": ["2000-01-01"],
    "input_format": "day_first", "with_weekday": True, "repeat": 2, "inclusive": True, "signed": True, "fee": 3,
    "fixed_fee": 5, "rounding": None, "with_reverse": True, "known_by": None, "with_rename": True, "exact_case": None,
    "expect_id": "none", "move": 1, "with_week": True, "abbreviated": True, "times": 3, "with_factor": True,
    "with_words": True, "scale_by": 3, "plus": 1, "absolute": None, "with_operands": True, "from_word": 2,
    "leave_out": "aeiou1234", "with_case": "upper", "with_text": True,
}  # fmt: skip
"""A value for each option that must show; None where that depends on the facts."""
UNITS = {"distance": "mi", "shift": "weeks", "gap": "weeks"}


def options():
    for op, family in FAMILY_OF.items():
        for option in family.options:
            value = UNITS.get(op) if option == "unit" else OTHER_THAN_DEFAULT[option]
            if value is not None and option != "closed_on":
                yield pytest.param(op, option, value, id=f"{op}-{option}")


@pytest.mark.parametrize(("op", "option", "value"), list(options()))
def test_no_option_is_idle(op, option, value, executor):
    seen = set()
    for world, operation, values, spec in specs(op, option, None):
        family = FAMILIES[spec.family]
        arguments = family.arguments(operation, values, spec, world)
        plain = call(executor, spec, world, arguments)
        turned = call(executor, spec, world, {**arguments, spec.word(option): value})
        seen.add((plain.status, plain.content) != (turned.status, turned.content))
    if (op, option) in {("follow", "decimals"), ("follow", "date_format"), ("find", "limit")}:
        assert seen == {False}, "a name is neither rounded nor cut, and of one entry none is left out"
    else:
        assert True in seen


@pytest.mark.parametrize("terse", [True, False])
def test_an_unknown_name_is_told_so_and_helped_only_where_the_level_allows(terse, executor):
    world, operation, values, spec = next(specs("attribute", None, None))
    spec = spec.model_copy(update={"terse": terse})
    arguments = FAMILIES[spec.family].arguments(operation, [values[0] + "x"], spec, world)
    answer = call(executor, spec, world, arguments)
    assert answer.status == "tool_error"
    assert (values[0] in answer.content) is not terse
