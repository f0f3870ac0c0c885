"""Importers: records of FTRL and ToolHop become scenarios, whatever their quirks; a broken line stops all of it."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tool_gym.errors import InputError, UnknownName
from tool_gym.packs.importers import import_pack
from tool_gym.packs.importers.mending import mend_schema
from tool_gym.packs.reader import load_pack
from tool_gym.schema import schema_problem

FIXTURES = Path(__file__).parents[1] / "fixtures"
FTRL, CALLS, TOOLHOP = FIXTURES / "ftrl.jsonl", FIXTURES / "ftrl_calls.jsonl", FIXTURES / "toolhop.jsonl"


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def does_not_compile(tools):
    """Stands in for the sandbox: finds the sources that are not Python."""
    dead = []
    for tool in tools:
        try:
            compile(tool.source, tool.name, "exec")
        except SyntaxError as error:
            dead.append((tool, f"line {error.lineno}"))
    return dead


@pytest.fixture(scope="module")
def ftrl(tmp_path_factory):
    out = tmp_path_factory.mktemp("imported") / "ftrl"
    report = import_pack("ftrl", FTRL, out, calls=CALLS, check=does_not_compile)
    return report, load_pack(out)


@pytest.fixture(scope="module")
def toolhop(tmp_path_factory):
    out = tmp_path_factory.mktemp("imported") / "Tool Hop"
    report = import_pack("toolhop", TOOLHOP, out, check=does_not_compile)
    return report, load_pack(out)


def test_every_ftrl_record_becomes_a_scenario_of_its_structure(ftrl):
    report, pack = ftrl
    assert report.records == len(pack) == 12
    assert list(pack)[:4] == ["single-hop-000", "single-hop-001", "single-hop-002", "parallel-single-hop-000"]
    assert Counter(pack[name].structure for name in pack) == dict.fromkeys(report.scenarios, 3)
    assert pack.verify() == []


def test_an_ftrl_scenario_keeps_the_message_the_answer_and_the_split(ftrl):
    _, pack = ftrl
    for name, record in zip(pack, records(FTRL), strict=True):
        scenario = pack[name]
        assert scenario.question == record["messages"][0]["content"]
        assert (scenario.answer.value, scenario.answer.kind, scenario.answer.path) == (record["answer"], "text", None)
        assert scenario.split == pack.split_of(name) == record["split"]
        assert scenario.provenance.truth == "claimed"
        forms = [form["function"] for form in json.loads(record["tools"])]
        assert [tool.name for tool in scenario.tools] == [form["name"] for form in forms]
        assert {tool.name: tool.source for tool in scenario.tools} == json.loads(record["codes"])


def test_the_unsolved_multiset_becomes_one_sub_question_for_each_answer_duplicates_included(ftrl):
    _, pack = ftrl
    for name, record in zip(pack, records(FTRL), strict=True):
        answers: dict[str, list[str]] = {}
        for step in pack[name].sub_questions:
            assert (step.expected.kind, step.expected.path) == ("text", None)
            answers.setdefault(step.tools[0], []).append(step.expected.value)
        assert answers == json.loads(record["unsolved_set"])
    assert [step.expected.value for step in pack["parallel-single-hop-000"].sub_questions] == ["7", "7"]


def test_known_calls_become_reference_calls_of_the_answers_they_solve(ftrl, tmp_path):
    report, pack = ftrl
    steps = pack["parallel-single-hop-000"].sub_questions
    assert [step.arguments for step in steps] == [{"shop": "Kornblume"}, {"shop": "Zum Ofen", "item": "rye"}]
    assert [step.arguments for step in pack["multi-hop-002"].sub_questions] == [None, {"amount": 1250, "rate": 5}]
    assert report.table()[-1] == {
        "structure": "all", "scenarios": 12, "sub_questions": 27, "reference_calls": 26, "tools": 44, "dead_tools": 2
    }  # fmt: skip
    without = import_pack("ftrl", FTRL, tmp_path / "bare")
    assert without.table()[-1]["reference_calls"] == 0


def test_the_manifest_of_an_ftrl_pack_scores_as_the_paper_does(ftrl):
    manifest = ftrl[1].manifest
    assert (manifest.reward, manifest.matcher, manifest.max_turns, manifest.check_arguments) == (
        "ftrl_f1", "ftrl", 20, False
    )  # fmt: skip
    assert manifest.license == "Apache-2.0"
    assert "arXiv 2508.08791" in manifest.attribution


def test_a_tool_that_does_not_load_is_imported_and_listed_for_each_scenario_with_the_reason(ftrl):
    report, pack = ftrl
    assert [(dead.scenario, dead.tool, dead.reason) for dead in report.dead_tools] == [
        ("single-hop-000", "map_search", "line 2"),
        ("parallel-multi-hop-001", "map_search", "line 2"),
    ]
    assert "map_search" in [tool.name for tool in pack["single-hop-000"].tools]
    assert report.as_json()["dead_tools"][0] == {
        "scenario": "single-hop-000", "tool": "map_search", "reason": "line 2"
    }  # fmt: skip


def test_by_default_the_sandbox_says_which_tools_do_not_load(tmp_path):
    report = import_pack("ftrl", FTRL, tmp_path / "ftrl")
    dead = {tool.tool: tool.reason for tool in report.dead_tools}
    assert dead.keys() == {"map_search", "coin_catalogue"}
    assert "load_prices" in dead["coin_catalogue"]
    report = import_pack("toolhop", TOOLHOP, tmp_path / "toolhop")
    assert [(tool.scenario, tool.tool) for tool in report.dead_tools] == [("hop-003", "palindrome_finder")]


def test_each_different_tool_is_tried_once(tmp_path):
    tried = []
    import_pack("ftrl", FTRL, tmp_path / "p", check=lambda tools: tried.extend(tools) or [])
    assert len(tried) == len({tool.digest for tool in tried}) == 14


def test_schemas_with_quirks_are_kept_and_only_unsound_ones_mended_and_told(ftrl):
    report, pack = ftrl
    by_name = {tool.name: tool for name in pack for tool in pack[name].tools}
    assert by_name["tram_fare"].parameters["properties"]["rider"]["optional"] is True
    assert by_name["tram_fare"].parameters["required"] == ["line", "zones"]
    assert by_name["loan_cost"].parameters == {
        "type": "object",
        "properties": {
            "amount": {"type": "number", "description": "The sum lent."},
            "rate": {"type": "number", "description": "Percent a year."},
        },
        "required": ["amount", "rate"],
    }
    assert len(report.mended) == 1
    assert "multi-hop-002, tool 'loan_cost': schema mended" in report.mended[0]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (None, {"type": "object", "properties": {}}),
        ({"type": "dict", "properties": {"a": {"type": "any"}}}, {"type": "object", "properties": {"a": {}}}),
        ({"type": "object", "properties": {"a": {"type": ["str", "None"]}}}, {"a": {"type": ["string"]}}),
        ({"type": "object", "properties": {"a": {"enum": 3, "description": "x"}}}, {"a": {"description": "x"}}),
        ({"type": "object", "properties": {"a": {"type": "list", "items": {"type": "int"}}}}, {"a": {"type": "array"}}),
        ({"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1/x"}}}, {"a": {}}),
        ({"type": "object", "properties": 3}, {"type": "object", "properties": {}}),
    ],
)
def test_an_unsound_schema_becomes_a_sound_one_with_the_same_names(schema, expected):
    mended, change = mend_schema(schema)
    assert change
    assert schema_problem(mended) is None
    if "type" in expected:
        assert mended == expected
    else:
        assert mended["properties"]["a"] | expected["a"] == mended["properties"]["a"]


def test_toolhop_records_become_chains_with_the_tools_that_the_hops_name(toolhop):
    report, pack = toolhop
    assert (report.name, report.records, pack.verify()) == ("tool-hop", 6, [])
    scenario = pack["hop-002"]
    steps = scenario.sub_questions
    assert [step.tools[0] for step in steps] == ["author_lookup", "birth_register", "digit_sum"]
    assert [step.expected.value for step in steps] == ["Łucja Šimková", "1899-12-03", "33"]
    assert [step.depends_on for step in steps] == [(), ("q1",), ("q2",)]
    assert scenario.answer.value == "33"
    assert scenario.structure == "multi_hop"
    assert scenario.provenance.detail["hop_count"] == 3
    assert pack.manifest.license == "CC-BY-4.0"
    assert pack.manifest.check_arguments is False


def test_every_toolhop_sub_question_is_there_with_its_answer(toolhop):
    _, pack = toolhop
    for name, record in zip(pack, records(TOOLHOP), strict=True):
        found = {step.question: step.expected.value for step in pack[name].sub_questions}
        assert found == record["sub_task"]


def test_two_toolhop_tools_of_one_name_are_told_apart_and_both_may_answer(toolhop):
    report, pack = toolhop
    scenario = pack["hop-001"]
    tools = {tool.name: tool for tool in scenario.tools}
    assert {"extract_first_name", "extract_first_name_2"} <= tools.keys()
    for name, parameter in (("extract_first_name", "full_name"), ("extract_first_name_2", "name_text")):
        (found,) = [tool for tool in tools.values() if parameter in tool.parameters["properties"]]
        assert f"def {found.name}({parameter}" in found.source, name
    by_answer = {step.expected.value: step.tools for step in scenario.sub_questions}
    assert set(by_answer["Jörg"]) == set(by_answer["Efua"]) == {"extract_first_name", "extract_first_name_2"}
    assert report.mended == (
        "hop-001, tool 'extract_first_name': a second tool of this name is now called 'extract_first_name_2'",
    )


def test_toolhop_sub_questions_that_share_one_tool_keep_it_as_one(toolhop):
    _, pack = toolhop
    names = [tool.name for tool in pack["hop-005"].tools]
    assert sorted(names) == ["extract_first_name", "keeper_lookup", "string_joiner"]
    assert [step.tools for step in pack["hop-005"].sub_questions].count(("keeper_lookup",)) == 2


def spoiled(tmp_path: Path, source: Path, line: int, change) -> Path:
    lines = (source.read_text(encoding="utf-8").splitlines() * 10)[:60]
    lines[line - 1] = change(lines[line - 1])
    path = tmp_path / "spoiled.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("kind", "source", "change", "text"),
    [
        ("ftrl", FTRL, lambda line: line[:300], "not JSON: .*expected a JSON object with messages, tools, codes"),
        ("ftrl", FTRL, lambda line: "[]", "expected a JSON object with"),
        ("ftrl", FTRL, lambda line: line.replace('"answer"', '"reply"'), "answer: Field required"),
        ("ftrl", FTRL, lambda line: json.dumps({**json.loads(line), "tools": "[{"}), "tools: .*not JSON"),
        (
            "ftrl",
            FTRL,
            lambda line: json.dumps({**json.loads(line), "unsolved_set": "{}"}),
            "makes no scenario: .*at least",
        ),
        ("ftrl", FTRL, lambda line: json.dumps({**json.loads(line), "unsolved_set": '{"nobody": ["1"]}'}), "'nobody'"),
        ("ftrl", FTRL, lambda line: json.dumps({**json.loads(line), "messages": []}), "messages"),
        (
            "toolhop",
            TOOLHOP,
            lambda line: line[:-3],
            "not JSON: .*expected a JSON object with question, answer, sub_task",
        ),
        ("toolhop", TOOLHOP, lambda line: json.dumps({**json.loads(line), "functions": {}}), "functions"),
        (
            "toolhop",
            TOOLHOP,
            lambda line: json.dumps({**json.loads(line), "sub_task": {}}),
            "at least one sub-question",
        ),
    ],
)
def test_a_broken_line_57_is_named_with_what_was_expected_and_nothing_is_written(tmp_path, kind, source, change, text):
    path = spoiled(tmp_path, source, 57, change)
    with pytest.raises(InputError, match=rf"spoiled.jsonl, line 57: .*{text}"):
        import_pack(kind, path, tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["spoiled.jsonl"]


def test_broken_files_of_calls_are_told(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_text('{"record": 0, "calls": []}\n{"record": 0, "calls": []}\n')
    with pytest.raises(InputError, match=r"calls.jsonl, line 2: the calls of record 0 come twice"):
        import_pack("ftrl", FTRL, tmp_path / "out", calls=path)
    with pytest.raises(InputError, match="toolhop takes no file of calls"):
        import_pack("toolhop", TOOLHOP, tmp_path / "out", calls=path)


def test_a_missing_file_and_an_unknown_kind_are_told(tmp_path):
    with pytest.raises(InputError, match=r"nothing.jsonl: cannot be read \(No such file"):
        import_pack("ftrl", tmp_path / "nothing.jsonl", tmp_path / "out")
    with pytest.raises(UnknownName, match="no importer is called 'ftlr'; did you mean 'ftrl'"):
        import_pack("ftlr", FTRL, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_real_ftrl_records_all_import(real_data, tmp_path):
    report = import_pack("ftrl", real_data / "ftrl_dev.jsonl", tmp_path / "p", calls=real_data / "ftrl_dev_calls.jsonl")
    row = report.table()[-1]
    assert (row["scenarios"], row["sub_questions"], row["reference_calls"], row["tools"]) == (100, 418, 394, 929)
    assert len(report.dead_tools) == row["dead_tools"] <= 0.05 * row["tools"]
    assert report.mended == ()
    assert load_pack(tmp_path / "p").verify() == []


def test_the_real_toolhop_records_all_import(real_data, tmp_path):
    report = import_pack("toolhop", real_data / "toolhop_dev.jsonl", tmp_path / "p")
    row = report.table()[-1]
    assert (row["scenarios"], row["sub_questions"], row["tools"]) == (50, 225, 225)
    assert len(report.dead_tools) <= 0.05 * 225
    pack = load_pack(tmp_path / "p")
    assert pack.verify() == []
    for record, name in zip(records(real_data / "toolhop_dev.jsonl"), pack, strict=True):
        assert {step.question: step.expected.value for step in pack[name].sub_questions} == record["sub_task"]
        assert all(tool.source for tool in pack[name].tools)
