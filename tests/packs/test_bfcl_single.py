"""BFCL's single-turn tasks: the tools hold each call against the possible answers."""

import pytest
from lamp_package import make_package

from tool_gym.episode import Episode
from tool_gym.evaluation.verdicts import all_and_nothing_else
from tool_gym.packs.importers import import_pack
from tool_gym.packs.importers.bfcl_single import _GRADER
from tool_gym.packs.reader import load_pack
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor


@pytest.fixture(scope="module")
def executor():
    with Executor() as one:
        yield one


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("single")
    report = import_pack("bfcl-single", make_package(folder), folder / "pack")
    return report, load_pack(folder / "pack")


def accuracy(pack, executor, scenario, *calls):
    episode = Episode.of_pack(pack, scenario, executor)
    tool_calls = [{"name": name, "arguments": arguments} for name, arguments in calls]
    episode.step({"content": "" if calls else "No tool helps.", "tool_calls": tool_calls})
    assert episode.done
    return all_and_nothing_else(episode.trajectory())["accuracy"]


def test_the_oracle_gets_all_and_tasks_without_a_tool_are_told(imported, executor):
    report, pack = imported
    played = [trajectory for _, trajectory in rollout(OraclePolicy(pack), pack, plays(pack.ids()), executor)]
    assert [all_and_nothing_else(trajectory)["accuracy"] for trajectory in played] == [1.0] * 3
    assert report.records == 3


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        ({"base": 10.0}, 1.0),
        ({"base": 10}, 1.0),
        ({"base": 10, "unit": "C.M"}, 1.0),
        ({"base": 10, "sides": [3, 4]}, 1.0),
        ({"base": 10, "sides": [4, 3]}, 0.0),
        ({"base": 10, "sides": ["3", "4"]}, 0.0),
        ({"base": 11}, 0.0),
        ({"base": "10"}, 0.0),
        ({"base": True}, 0.0),
        ({"unit": "cm"}, 0.0),
        ({"base": 10, "colour": "red"}, 0.0),
        ({"base": 10, "unit": "m"}, 0.0),
        ({"base": 10, "unit": ["cm"]}, 0.0),
    ],
)
def test_a_call_is_right_by_kinds_and_possible_values(imported, executor, arguments, right):
    assert accuracy(imported[1], executor, "simple-python-0", ("area_of", arguments)) == right


def test_parallel_calls_come_in_any_order_and_each_once(imported, executor):
    nina, abba = ("play", {"artist": "nina simone", "minutes": 20}), ("play", {"artist": "Abba", "minutes": 15})
    results = [
        accuracy(imported[1], executor, "parallel-0", *calls)
        for calls in ([nina, abba], [abba, nina], [nina], [nina, nina], [nina, abba, nina])
    ]
    assert results == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_where_no_tool_helps_a_call_is_wrong(imported, executor):
    assert accuracy(imported[1], executor, "irrelevance-0") == 1.0
    assert accuracy(imported[1], executor, "irrelevance-0", ("play", {"artist": "Abba"})) == 0.0


@pytest.mark.parametrize(
    ("value", "allowed", "wanted", "inner", "right"),
    [
        ({"size": "Large"}, [{"size": ["large"], "milk": ["oat", ""]}], "dict", None, True),
        ({"size": "Large", "cup": 1}, [{"size": ["large"]}], "dict", None, False),
        ({}, [{"size": ["large"]}], "dict", None, False),
        ([{"a": 1}], [[{"a": [1]}]], "array", "dict", True),
        ([{"a": 1}, {"a": 1}], [[{"a": [1]}]], "array", "dict", False),
        ("x", ["x"], "integer", None, True),  # a variable's name in place of a value
        (None, ["x"], "string", None, False),
        ("April 1, 2024", ["april 1 2024"], "string", None, True),
    ],
)
def test_values_are_compared_by_kind(value, allowed, wanted, inner, right):
    namespace: dict = {"DATA": {"expected": []}}
    exec(_GRADER.read_text(), namespace)
    assert namespace["value_fits"](value, allowed, wanted, inner) is right
