import pytest
from small_pack import ADD, BROKEN, DICE, INVENTED, PEOPLE, TABLES, people, total

from tool_gym.gate.validate import validate_files, validate_scenario
from tool_gym.packs.reader import load_pack
from tool_gym.packs.writer import write_pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Expected, Scenario, SubQuestion, Tool, UserTurn


@pytest.fixture(scope="module")
def executors():
    with Executor() as one, Executor() as two:
        yield [one, two]


def findings(folder, executors, *steps, tools=(PEOPLE, ADD), **manifest):
    scenario = Scenario(
        id="one-1",
        turns=(UserTurn(content="?"),),
        answer=None,
        tools=tools,
        sub_questions=steps,
        provenance=INVENTED,
    )
    write_pack(folder, name="one", scenarios=[scenario], tables=TABLES, title="t", license="Apache-2.0", **manifest)
    pack = load_pack(str(folder))
    return [(f.level, f.check) for f in validate_scenario(pack, "one-1", executors)]


def test_a_sound_scenario_has_no_finding(tmp_path, executors):
    assert findings(tmp_path / "p", executors, people("a", "北门", 880), total("b", [880, 1], "a")) == []


def test_wrong_gold_is_an_error(tmp_path, executors):
    assert findings(tmp_path / "p", executors, people("a", "北门", 881)) == [("error", "gold")]


def test_reference_arguments_must_fit_the_schema(tmp_path, executors):
    step = people("a", "北门", 880).model_copy(update={"arguments": {"town": "北门", "zzz": 1}})
    assert ("error", "schema") in findings(tmp_path / "p", executors, step)


def test_a_tool_that_does_not_load_is_an_error_where_gold_needs_it_and_else_a_warning(tmp_path, executors):
    step = people("a", "北门", 880)
    assert findings(tmp_path / "p", executors, step, tools=(PEOPLE, BROKEN)) == [("warning", "dialect")]
    needing = step.model_copy(update={"tools": ("broken",), "arguments": {}})
    assert ("error", "dialect") in findings(tmp_path / "q", executors, needing, tools=(PEOPLE, BROKEN))


def test_two_steps_with_one_reference_call_are_an_error(tmp_path, executors):
    river = SubQuestion(
        id="b",
        question="?",
        tools=("population",),
        arguments={"town": "北门"},
        expected=Expected(value="北门", kind="text", path="/town", echo_ok=True),
    )
    assert ("error", "gold") in findings(tmp_path / "p", executors, people("a", "北门", 880), river)


def test_chance_in_a_gold_call_follows_the_seed_and_is_no_finding(tmp_path, executors):
    session = executors[0].session([DICE], 0)
    from tool_gym.messages import ToolCall

    value = session.call([ToolCall(name="dice", arguments={})])[0].value
    step = SubQuestion(
        id="a", question="?", tools=("dice",), arguments={}, expected=Expected(value=value, kind="number", path="")
    )
    assert findings(tmp_path / "p", executors, step, tools=(DICE,)) == []


def test_a_gold_call_that_runs_into_a_limit_is_an_error(tmp_path, executors):
    slow = Tool(
        name="slow",
        description="d",
        parameters={"type": "object"},
        source="def slow():\n    while True:\n        pass\n",
    )
    step = SubQuestion(id="a", question="?", tools=("slow",), arguments={}, expected=Expected(value=1, kind="number"))
    assert ("error", "gold") in findings(tmp_path / "p", executors, step, tools=(slow,))


def test_a_pack_without_reference_calls_is_said_to_prove_nothing(tmp_path, executors):
    step = people("a", "北门", 880).model_copy(update={"arguments": None})
    assert findings(tmp_path / "p", executors, step) == [("warning", "gold")]


def test_changed_bytes_are_found(tmp_path, pack_folder):
    import shutil

    shutil.copytree(pack_folder, tmp_path / "p")
    file = tmp_path / "p" / "scenarios.jsonl"
    file.write_bytes(file.read_bytes().replace(b"880", b"881"))
    assert [f.check for f in validate_files(load_pack(str(tmp_path / "p")))]
