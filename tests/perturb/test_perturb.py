"""A perturbed scenario is a sound scenario of its own, the same for the same seed, and its oracle earns everything."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tool_gym.errors import InputError, UnknownName
from tool_gym.packs.reader import load_pack
from tool_gym.perturb.noise import ANYTHING
from tool_gym.perturb.pack import PerturbedPack, perturb, under
from tool_gym.perturb.spec import LEVELS, NAMES, Perturbation
from tool_gym.perturb.tools import renamed
from tool_gym.perturb.toolset import DISTRACTORS
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import UNANSWERABLE, Tool
from tool_gym.schema import argument_problem, schema_problem

SHIPPED = ("starter", "lending", "invented", "extracted")
PACKS = {name: load_pack(name) for name in SHIPPED}
PLACES = st.sampled_from(SHIPPED).flatmap(lambda pack: st.tuples(st.just(pack), st.sampled_from(PACKS[pack].ids())))
LEVEL = st.sampled_from(LEVELS)
MISSING = st.sampled_from([[], ["missing"], ["unanswerable"]])
FURTHER = st.lists(st.sampled_from(["order", "distractors", "flaky"]), unique=True)
PERTURBATIONS = st.builds(
    lambda level, missing, further, seed: Perturbation.read("+".join([level, *missing, *further]), seed),
    LEVEL, MISSING, FURTHER, st.integers(0, 2**31),
).filter(bool)  # fmt: skip


@pytest.fixture(scope="module")
def embedded():
    with Executor(execution="embedded") as executor:
        yield executor


def oracle_returns(pack, scenarios, executor, seed=0):
    done = rollout(OraclePolicy(pack), pack, plays(scenarios), executor, seed=seed)
    return {play.scenario: math.fsum(turn.reward for turn in trajectory.transitions) for play, trajectory in done}


@given(PLACES, PERTURBATIONS, st.integers(0, 99))
@settings(max_examples=60)
def test_the_oracle_earns_everything_on_a_perturbed_scenario(embedded, place, perturbation, seed):
    name, scenario = place
    earned = oracle_returns(under(PACKS[name], perturbation), [scenario], embedded, seed)
    assert earned == {scenario: pytest.approx(1.0)}


@given(PLACES, PERTURBATIONS)
def test_the_same_seed_gives_the_same_bytes_and_the_scenario_itself_is_untouched(place, perturbation):
    name, scenario = place
    before = PACKS[name][scenario].model_dump_json()
    first, second = (under(load_pack(name), perturbation)[scenario].model_dump_json() for _ in range(2))
    assert first == second != before
    assert PACKS[name][scenario].model_dump_json() == before


@given(PLACES, PERTURBATIONS)
def test_schemas_are_sound_no_parameter_is_lost_and_reference_calls_fit_them(place, perturbation):
    name, scenario = place
    twin = under(PACKS[name], perturbation)[scenario]
    tools = {tool.name: tool for tool in twin.tools}
    assert len(tools) == len(twin.tools)
    for tool in twin.tools:
        assert schema_problem(tool.parameters) is None
        assert set(tool.parameters["required"]) <= tool.parameters["properties"].keys()
    for step in twin.sub_questions:
        assert argument_problem(tools[step.tools[0]].parameters, step.arguments) is None
    assert twin.structure == PACKS[name][scenario].structure
    assert twin.provenance.detail["perturbation"] == perturbation.model_dump()


def both(name, scenario, text):
    pack = PACKS[name]
    return pack[scenario], under(pack, Perturbation.read(text, 3))[scenario]


@pytest.mark.parametrize("level", LEVELS[1:])
def test_a_level_changes_every_tool_and_keeps_what_it_does(level):
    before, after = both("starter", PACKS["starter"].ids()[0], level)
    for old, new in zip(before.tools, after.tools, strict=True):
        assert (old.name, old.parameters) != (new.name, new.parameters)
        assert len(new.parameters["properties"]) >= len(old.parameters["properties"])
        assert old.data == new.data


def test_noise_of_the_slight_level_is_a_letter_of_a_name():
    before, after = both("starter", PACKS["starter"].ids()[0], "slight")
    for old, new in zip(before.tools, after.tools, strict=True):
        assert old.name[0] == new.name[0]
        assert abs(len(old.name) - len(new.name)) <= 1


def test_the_heavy_level_swaps_names_and_adds_parameters_that_take_anything():
    before, after = both("starter", PACKS["starter"].ids()[0], "heavy")
    swapped = {tool.name for tool in before.tools} & {
        new.name for old, new in zip(before.tools, after.tools, strict=True) if old.name != new.name
    }
    added = [
        tool for tool in after.tools if "Required, whatever" in str(list(tool.parameters["properties"].values())[-1])
    ]
    assert swapped
    assert added
    for scenario in PACKS["starter"]:
        for step in under(PACKS["starter"], Perturbation.read("heavy", 3))[scenario].sub_questions:
            if ANYTHING in step.arguments.values():
                return
    pytest.fail("no reference call hands anything to an added parameter")


def test_order_changes_nothing_but_the_order():
    before, after = both("starter", PACKS["starter"].ids()[0], "order")
    assert [tool.name for tool in before.tools] != [tool.name for tool in after.tools]
    assert {tool.name: tool for tool in before.tools} == {tool.name: tool for tool in after.tools}
    assert any(
        list(tool.parameters["properties"]) != list(old.parameters["properties"])
        for tool in after.tools
        for old in before.tools
        if old.name == tool.name
    )


def test_distractors_read_tables_that_no_reference_call_reads():
    for scenario in PACKS["starter"]:
        before, after = both("starter", scenario, "distractors")
        own = {tool.name for tool in before.tools}
        new = [tool for tool in after.tools if tool.name not in own]
        gold = {name for step in before.sub_questions for name in step.tools}
        read = {ref.name for tool in before.tools if tool.name in gold for ref in tool.data}
        assert len(after.tools) == len(own) + len(new)
        assert 0 < len(new) <= DISTRACTORS
        assert all(tool.data and read.isdisjoint(ref.name for ref in tool.data) for tool in new)


def test_missing_takes_only_tools_that_no_check_needs_where_the_scenario_can_still_be_answered():
    kinds = set()
    for scenario in PACKS["starter"]:
        before, after = both("starter", scenario, "missing")
        kinds.add(bool(after.sub_questions))
        assert "<answer>unanswerable</answer>" in after.turns[-1].content
        if after.sub_questions:
            assert len(after.tools) < len(before.tools)
            assert after.sub_questions == before.sub_questions
            assert after.answer == before.answer
    assert kinds == {True, False}


def test_an_unanswerable_scenario_has_no_tool_that_reads_what_its_reference_calls_read():
    for name in SHIPPED:
        for scenario in PACKS[name].ids()[:30]:
            before, after = both(name, scenario, "unanswerable")
            if after.sub_questions:
                assert before.initial_state is not None
                assert after.answer == before.answer
                continue
            gold = {each for step in before.sub_questions for each in step.tools}
            read = {ref.name for tool in before.tools if tool.name in gold for ref in tool.data}
            assert after.answer == UNANSWERABLE
            assert after.total == 1
            assert all(read.isdisjoint(ref.name for ref in tool.data) for tool in after.tools)


def test_descriptions_follow_the_new_names_where_they_spell_a_name_and_leave_common_words_alone():
    tool = Tool(
        name="rate_of",
        description="See `month`, from_date and find_items; the month of the rate.",
        parameters={"type": "object", "properties": {"month": {"type": "string", "description": "After `rate`."}}},
        source="def rate_of(month):\n    return month\n",
    )
    new = renamed(tool, {"rate_of": "abc", "find_items": "items_find"}, {"month": "mnth", "rate": "rote"})
    assert new.description == "See `mnth`, from_date and items_find; the month of the rate."
    assert new.parameters["properties"]["mnth"]["description"] == "After `rote`."


def test_a_tool_that_calls_itself_still_does_under_new_parameters(embedded):
    tool = Tool(
        name="double",
        description="",
        parameters={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        source="def double(n):\n    return 0 if n == 0 else 2 + double(n - 1)\n",
    )
    for name in ("double", "twice"):
        changed = renamed(tool, {"double": name}, {"n": "m"})
        call = {"id": "c", "name": name, "arguments": {"m": 4}}
        from tool_gym.messages import ToolCall

        [answer] = embedded.session([changed]).call([ToolCall(**call)])
        assert answer.value == 8, answer.content


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("sligth", UnknownName, "did you mean 'slight'"),
        ("slight+medium", InputError, "exclude each other"),
        ("missing+unanswerable", InputError, "exclude each other"),
        ("", UnknownName, "no perturbation is called ''"),
    ],
)
def test_a_perturbation_that_cannot_be_is_refused(text, error, says):
    with pytest.raises(error, match=says):
        Perturbation.read(text)


def test_names_are_read_in_any_order_and_clean_is_none_at_all():
    assert Perturbation.read("flaky+medium") == Perturbation.read("medium + flaky")
    assert Perturbation.read("clean") is None
    assert Perturbation.read(None) is None
    assert str(Perturbation.read("clean+flaky", 7)) == "flaky by seed 7"
    assert set(NAMES) >= set(LEVELS)


def test_a_perturbed_pack_is_its_pack_but_for_its_scenarios():
    pack, how = PACKS["starter"], Perturbation.read("medium")
    other = under(pack, how)
    assert (other.name, other.version, other.ids()) == (pack.name, pack.version, pack.ids())
    assert other != pack != other
    assert other == PerturbedPack(pack.path, how) != PerturbedPack(pack.path, Perturbation.read("medium", 1))
    assert under(other, how) is other
    with pytest.raises(InputError, match="perturbed already"):
        under(other, Perturbation.read("slight"))


def test_a_scenario_alone_can_be_perturbed_too():
    scenario = PACKS["starter"][PACKS["starter"].ids()[0]]
    twin = perturb(scenario, Perturbation.read("medium"))
    assert [tool.name for tool in twin.tools] != [tool.name for tool in scenario.tools]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["slight", "medium", "heavy", "union", "order+distractors", "missing+flaky", "unanswerable"]
)
@pytest.mark.parametrize("name", SHIPPED)
def test_the_oracle_earns_everything_on_every_shipped_scenario(embedded, name, text):
    pack = under(PACKS[name], Perturbation.read(text))
    earned = oracle_returns(pack, pack.ids(), embedded)
    assert {scenario: value for scenario, value in earned.items() if abs(value - 1) > 1e-9} == {}
