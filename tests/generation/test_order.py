"""What is ordered, and what a pack admits: strategies by name, worlds by number, no two scenarios alike."""

import pytest
from sample_worlds import made, order

from tool_gym.errors import InputError
from tool_gym.generation.admission import Admission
from tool_gym.generation.batches import plan_batches
from tool_gym.generation.skeleton import skeleton
from tool_gym.generation.topic import Strategies
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES


def test_strategies_are_named_one_by_one_and_the_others_follow_the_level():
    parsed = Strategies.parse("toolset_extension=0, parameter_expansion=5", 2)
    assert parsed == Strategies(
        functional_generalisation=2, parameter_expansion=5, type_generalisation=2, toolset_extension=0
    )
    assert Strategies.parse("", 4) == Strategies.of_level(4)


@pytest.mark.parametrize("wrong", ["toolset_extension=6", "toolset_extension", "toolset=1", "toolset_extension=x"])
def test_a_strategy_that_is_none_is_an_input_error(wrong):
    with pytest.raises(InputError):
        Strategies.parse(wrong, 3)


@pytest.mark.parametrize("worlds", [1, 7, 30])
def test_as_many_worlds_are_planned_as_were_ordered_and_every_scenario_once(worlds):
    batches = plan_batches(30, 0, STRUCTURES, ["shipping", "clinics"], {}, worlds)
    assert len({batch.topics[0].source["world"] for batch in batches}) == worlds
    assert [topic.index for batch in batches for topic in batch.topics] == list(range(30))


def test_a_scenario_is_admitted_once_and_its_likeness_never():
    with Executor(execution="embedded") as executor:
        deployed = made(executor, order("multi_hop", level=1))
        other = made(executor, order("multi_hop", index=1, level=1))
    admission = Admission()
    assert admission(deployed) is None
    assert admission(deployed) == "like another scenario"
    reworded = deployed.scenario.model_copy(update={"turns": other.scenario.turns})
    assert admission(deployed._replace(scenario=reworded)) == "like another scenario"
    assert admission(other) is None


def test_the_gate_refuses_a_scenario_whose_gold_is_wrong():
    with Executor(execution="embedded") as one, Executor(execution="embedded") as two:
        deployed = made(one, order("single_hop", level=1))
        assert Admission((one, two))(deployed) is None
        step = deployed.scenario.sub_questions[0]
        wrong = step.model_copy(update={"expected": step.expected.model_copy(update={"path": "/nowhere"})})
        broken = deployed.scenario.model_copy(update={"sub_questions": (wrong,)})
        assert Admission((one, two))(deployed._replace(scenario=broken)) == "gold"


def test_a_skeleton_has_neither_names_nor_numbers_nor_courtesy():
    with Executor(execution="embedded") as executor:
        scenario, _ = made(executor, order("parallel_single_hop", level=1))
    padded = scenario.model_copy(
        update={"turns": (scenario.turns[0].model_copy(update={"content": f"{scenario.question} Please."}),)}
    )
    assert "please" not in skeleton(padded)
    named = [name[1:] for each in scenario.provenance.detail["plan"] for name in each["inputs"] if name[0] == "="]
    assert named
    assert not any(name.lower() in skeleton(scenario) for name in named)
