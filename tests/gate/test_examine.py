"""The whole gate over a pack: what it reports, what it refuses, and what it plays."""

import json

import pytest
from small_pack import INVENTED, MULTI, ORDER, SCENARIOS, SINGLE, STATEFUL, TABLES, people
from typer.testing import CliRunner

from tool_gym.cli import app
from tool_gym.errors import InputError
from tool_gym.gate.difficulty import difficulty
from tool_gym.gate.examine import examine
from tool_gym.gate.validate import Rules, check_scenario
from tool_gym.messages import ToolCall
from tool_gym.packs.discovery import installed_packs
from tool_gym.packs.errata import Erratum
from tool_gym.packs.reader import load_pack
from tool_gym.packs.writer import write_pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Expected, Scenario, StateCheck, SubQuestion, Tool, UserTurn


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    monkeypatch.setattr("tool_gym.gate.examine.installed_packs", dict)


def written(folder, *scenarios, **about):
    about = {"name": "one", "license": "CC0-1.0", "tables": TABLES, **about}
    return write_pack(folder, scenarios=scenarios, **about)


def stateful(*steps, checks=STATEFUL.state_checks, answer=None, **fields):
    changes = {"sub_questions": steps, "state_checks": checks, "answer": answer, "tools": (ORDER,), **fields}
    return STATEFUL.model_copy(update=changes)


def order(name, item, count):
    expected = Expected(value=count, kind="number", path="/count")
    return SubQuestion(id=name, question="?", tools=("order",), arguments={"item": item}, expected=expected)


ORDERS = (order("a", "bread", 1), order("b", "salt", 2).model_copy(update={"depends_on": ("a",)}))


def told(report):
    return [(finding.level, finding.check, finding.scenario) for finding in report.findings]


def test_a_sound_pack_passes_strictly_and_its_difficulty_is_told(tmp_path):
    report = examine(written(tmp_path / "p", MULTI.model_copy(update={"tools": MULTI.tools[:3]})))
    assert told(report) == []
    assert report.passes(strict=True)
    assert [(row["structure"], row["scenarios"], row["oracle"]) for row in report.difficulty] == [
        ("multi_hop", 1, 1.0),
        ("overall", 1, 1.0),
    ]
    assert 0 <= report.difficulty[0]["random"] <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["starter", "lending", "invented", "extracted"])
def test_every_pack_that_ships_passes_strictly(name, monkeypatch):
    monkeypatch.setattr("tool_gym.gate.examine.installed_packs", installed_packs)
    assert told(examine(load_pack(name))) == []


def test_reference_calls_that_leave_the_state_wrong_refuse_the_pack(tmp_path):
    assert told(examine(written(tmp_path / "p", stateful(*ORDERS)), attacks=False)) == []
    report = examine(written(tmp_path / "q", stateful(ORDERS[0])), attacks=False)
    assert told(report) == [("error", "gold", "stateful-1")]
    assert "leave 1 of 2 checks open" in report.findings[0].message


def test_an_answer_that_does_not_count_refuses_the_pack(tmp_path):
    wrong = SINGLE.model_copy(update={"answer": Expected(value="880 people", kind="text", alternatives=("",))})
    report = examine(written(tmp_path / "p", wrong.model_copy(update={"tools": SINGLE.tools[:3]})), attacks=False)
    assert [finding for finding in report.findings if finding.level == "error"] == []
    unsaid = SINGLE.model_copy(update={"answer": Expected(value="</answer>", kind="text")})
    report = examine(written(tmp_path / "q", unsaid.model_copy(update={"tools": SINGLE.tools[:3]})), attacks=False)
    assert told(report) == [("error", "gold", "single-1")]
    assert "its own answer '</answer>' does not count" in report.findings[0].message


def test_a_state_that_no_reference_call_leads_to_is_a_warning(tmp_path):
    report = examine(written(tmp_path / "p", stateful()), attacks=False)
    assert told(report) == [("warning", "gold", "stateful-1")]


def test_what_follows_the_processs_hash_seed_refuses_a_trusted_native_pack(tmp_path):
    source = "def order():\n    return list({'bread', 'salt', 'milk', 'eggs', 'oats', 'rice', 'beans', 'tea'})\n"
    tool = Tool(name="order", description="", parameters={"type": "object", "properties": {}}, source=source)
    values = []
    for seed in (0, 1):
        with Executor(native=True, hash_seed=seed) as executor:
            (answer,) = executor.session([tool], native=True).call([ToolCall(name="order", arguments={})])
            values.append(answer.value)
    value = values[0]
    assert values[1] != value
    step = SubQuestion(
        id="a", question="?", tools=("order",), arguments={}, expected=Expected(value=value, kind="list", path="")
    )
    scenario = Scenario(
        id="a", turns=(UserTurn(content="?"),), answer=None, tools=(tool,), sub_questions=(step,), provenance=INVENTED
    )
    pack = written(tmp_path / "p", scenario, dialect="native")
    report = examine(pack, trust=True, attacks=False)
    assert told(report) == [("error", "determinism", "a")]
    with pytest.raises(InputError, match="plain Python"):
        examine(pack)


def test_a_state_that_follows_the_processs_hash_seed_is_found():
    source = "def order(item):\n    STATE['items'] += list(set('abcdefgh'))\n    return {'count': 8}\n"
    tool = ORDER.model_copy(update={"source": source})
    check = StateCheck(id="s", question="?", path="/items", expected=Expected(value=[], kind="list"))
    scenario = stateful(order("a", "bread", 8), checks=(check,)).model_copy(update={"tools": (tool,)})
    session = {"check_arguments": True, "native": True}
    with Executor(native=True) as one, Executor(native=True, hash_seed=1) as other:
        findings = list(check_scenario(scenario, Rules("typed", session), [one, other]))
    assert [(finding.check, "another state" in finding.message) for finding in findings] == [("determinism", True)]


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_hash_seed_out_of_range_is_refused(seed):
    with pytest.raises(InputError, match="hash_seed"):
        Executor(hash_seed=seed)


ODD = {
    "no properties": {"type": "object"},
    "anything goes": {"type": "object", "properties": {"x": True}, "required": ["x"]},
    "several types": {"type": "object", "properties": {"x": {"type": ["string", "null"]}}, "required": ["x"]},
    "no type": {"type": "object", "properties": {"x": {"enum": [1]}, "y": {}, "z": {"items": True}}},
}


@pytest.mark.parametrize("schema", ODD.values(), ids=ODD)
def test_the_difficulty_is_measured_whatever_the_schemas_are_and_without_reference_calls(tmp_path, executor, schema):
    step = people("a", "北门", 880).model_copy(update={"arguments": None})
    odd = Tool(name="odd", description="Odd.", parameters=schema, source="def odd(**x):\n    return 1\n")
    tools = (SINGLE.tools[0], odd)
    pack = written(tmp_path / "p", SINGLE.model_copy(update={"sub_questions": (step,), "tools": tools}))
    assert [row["oracle"] for row in difficulty(pack, list(pack), executor)] == [None, None]


def test_the_command_tells_machines_everything_and_is_strict_when_asked(tmp_path):
    scenarios = [each.model_copy(update={"tools": each.tools[:3]}) for each in SCENARIOS[:4]]
    folder = written(tmp_path / "p", *scenarios, license="").path
    result = CliRunner().invoke(app, ["validate", str(folder), "--no-attacks", "--json"])
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert {key: report[key] for key in ("pack", "version", "scenarios", "strict", "passed", "errors", "warnings")} == {
        "pack": "one", "version": 0, "scenarios": 4, "strict": False, "passed": True, "errors": 0, "warnings": 1,
    }  # fmt: skip
    assert report["sha256"] == load_pack(folder).digest
    assert [finding["check"] for finding in report["findings"]] == ["license"]
    result = CliRunner().invoke(app, ["validate", str(folder), "--no-attacks", "--strict"])
    assert result.exit_code == 2
    assert "refused" in result.output


def test_packs_and_evaluate_know_of_scenarios_that_are_known_to_be_bad(tmp_path, monkeypatch):
    known = [Erratum(scenario="single-1", problem="wrong", mended_in=1), Erratum(scenario="multi-1", problem="right")]
    scenarios = [each.model_copy(update={"split": "test"}) for each in SCENARIOS[:4]]
    folder = written(tmp_path / "p", *scenarios, errata=known).path
    monkeypatch.setenv("TOOL_GYM_PACKS", str(folder))
    rows = json.loads(CliRunner().invoke(app, ["packs", "--json"]).stdout)
    assert [(row["known_bad"], row["truth"], row["license"]) for row in rows if row["pack"] == "one"] == [
        (2, "invented", "CC0-1.0")
    ]
    command = ["evaluate", "--policy", "oracle", "--pack", "one", "--execution", "embedded", "--json"]
    assert json.loads(CliRunner().invoke(app, command).stdout)[-1]["episodes"] == 2
    assert json.loads(CliRunner().invoke(app, [*command, "--known-bad"]).stdout)[-1]["episodes"] == 4


def test_a_mistake_is_one_until_the_version_that_mends_it(tmp_path):
    known = [Erratum(scenario="single-1", problem="wrong", mended_in=2)]
    for version, bad in ((0, ["single-1"]), (1, ["single-1"]), (2, [])):
        pack = written(tmp_path / str(version), *SCENARIOS[:2], version=version, errata=known)
        assert list(pack.known_bad) == bad
        assert pack.verify() == []
