import pytest
from pydantic import ValidationError

from tool_gym.scenario import Expected, Provenance, Scenario, SubQuestion, Tool, UserTurn, depths

TOOL = Tool(name="f", description="d", parameters={"type": "object"}, source="def f():\n    return 1")


def step(name: str, *needs: str) -> SubQuestion:
    return SubQuestion(
        id=name,
        question="?",
        tools=("f",),
        arguments={},
        expected=Expected(value=1, kind="number", path=""),
        depends_on=needs,
    )


def scenario(*steps: SubQuestion, **changes) -> Scenario:
    fields = {
        "id": "a-1",
        "turns": (UserTurn(content="How many?"),),
        "answer": Expected(value=1, kind="number"),
        "tools": (TOOL,),
        "sub_questions": steps,
        "provenance": Provenance(truth="invented", source="test"),
    }
    return Scenario(**{**fields, **changes})


@pytest.mark.parametrize(
    ("steps", "structure"),
    [
        ([step("a")], "single_hop"),
        ([step("a"), step("b")], "parallel_single_hop"),
        ([step("a"), step("b", "a"), step("c", "b")], "multi_hop"),
        ([step("a"), step("b", "a"), step("c", "a", "b")], "multi_hop"),
        ([step("a"), step("b"), step("c", "a", "b")], "parallel_multi_hop"),
        ([step("a"), step("b", "a"), step("c"), step("d", "c")], "parallel_multi_hop"),
    ],
)
def test_the_structure_follows_from_the_dependencies(steps, structure):
    assert scenario(*steps).structure == structure


def test_a_source_may_state_the_structure_where_dependencies_are_unknown():
    stated = Provenance(truth="claimed", source="x", structure="multi_hop")
    assert scenario(step("a"), step("b"), provenance=stated).structure == "multi_hop"


def test_depth_is_the_longest_chain():
    assert depths([step("c", "b", "a"), step("b", "a"), step("a")]) == {"a": 0, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: scenario(), "at least one sub-question"),
        (lambda: scenario(step("a"), step("a")), "share a check name"),
        (lambda: scenario(step("a", "b"), step("b", "a")), "circle"),
        (lambda: scenario(step("a", "x")), "names 'x'"),
        (lambda: scenario(step("a"), tools=(TOOL, TOOL)), "share a tool name"),
        (lambda: scenario(step("a"), id="Not A Slug"), "pattern"),
        (lambda: scenario(step("a"), turns=(UserTurn(content="q", add_tools=("g",)),)), "names 'g'"),
        (lambda: scenario(step("a"), surprise=1), "Extra inputs"),
        (lambda: Expected(value=True, kind="number"), "not of kind"),
        (lambda: Expected(value="x", kind="bool"), "not of kind"),
        (lambda: Expected(value=1, kind="number", path="a/b"), "JSON Pointer"),
        (lambda: Expected(value=1, kind="number", tolerance=-1), "greater than or equal"),
        (lambda: Tool(name="_hidden", description="", parameters={}, source=""), "pattern"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused_with_the_reason(make, complaint):
    with pytest.raises(ValidationError, match=complaint):
        make()


def test_equal_content_has_an_equal_digest_and_a_change_another():
    assert scenario(step("a")).digest == scenario(step("a")).digest
    assert scenario(step("a")).digest != scenario(step("b")).digest


def test_a_scenario_survives_json():
    original = scenario(step("a"), step("b", "a"))
    again = Scenario.model_validate_json(original.model_dump_json())
    assert again == original
    assert again.digest == original.digest
