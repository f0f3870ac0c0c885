from collections.abc import Iterator
from pathlib import Path

import pytest

from tool_gym.authoring import build_pack
from tool_gym.errors import InputError, PackError
from tool_gym.sandbox.executor import Executor

PACK = """
name = "harbour"
title = "A small harbour"
license = "Apache-2.0"
authors = ["A. Author"]
"""
TOOLS = '''
from tool_gym.authoring import DATA, STATE


def berth(ship: str) -> dict:
    """Tell where a ship lies.

    Args:
        ship: Name of the ship.
    """
    for row in DATA["ships"]:
        if row["name"] == ship:
            return {"ship": ship, "berth": row["berth"], "since": row["since"]}
    raise ValueError(f"no ship is called {ship!r}")


def pay(amount: float) -> float:
    """Pay harbour dues.

    Args:
        amount: How much, in crowns.
    """
    STATE["paid"] += amount
    return STATE["paid"]
'''
SCENARIOS = """
[[scenario]]
id = "where-is-the-tern"
question = "Where does the Tern lie?"
answer = { value = 7 }
tools = ["berth", "pay"]

[[scenario.step]]
id = "berth"
question = "At which berth does the Tern lie?"
tool = "berth"
arguments = { ship = "Tern" }
expected = { value = 7, path = "/berth" }

[[scenario.step]]
id = "since"
question = "Since when?"
tools = ["berth"]
arguments = { ship = "Tern" }
expected = { value = 2031-05-01, kind = "date", path = "/since" }
"""
SHIPS = '[{"name": "Tern", "berth": 7, "since": "2031-05-01"}, {"name": "Fern", "berth": 9, "since": "2031-05-02"}]'


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with Executor(execution="embedded") as one:
        yield one


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sources = tmp_path / "harbour"
    (sources / "tables").mkdir(parents=True)
    (sources / "pack.toml").write_text(PACK)
    (sources / "tools.py").write_text(TOOLS)
    (sources / "scenarios.toml").write_text(SCENARIOS)
    (sources / "tables" / "ships.json").write_text(SHIPS)
    return sources


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _complaint(folder: Path, executor: Executor) -> str:
    """What the build says; checks that it left nothing behind."""
    before = sorted(folder.parent.iterdir())
    with pytest.raises(PackError) as caught:
        build_pack(folder, folder.parent / "out", executor=executor)
    assert sorted(folder.parent.iterdir()) == before
    return str(caught.value)


def test_a_folder_of_sources_becomes_a_pack_whose_scenarios_say_what_the_author_said(folder, executor):
    pack = build_pack(folder, folder.parent / "out", executor=executor)
    scenario = pack["where-is-the-tern"]
    berth, since = scenario.sub_questions
    assert scenario.question == "Where does the Tern lie?"
    assert (berth.expected.value, berth.expected.kind, berth.expected.path) == (7, "number", "/berth")
    assert (since.expected.value, since.expected.kind, since.tools) == ("2031-05-01", "date", ("berth",))
    assert [tool.name for tool in scenario.tools] == ["berth", "pay"]
    assert [ref.name for ref in scenario.tools[0].data] == ["ships"]
    assert scenario.provenance.truth == "invented"
    assert pack.manifest.license == "Apache-2.0"


def test_the_same_sources_give_the_same_bytes(folder, executor):
    for name in ("one", "two"):
        build_pack(folder, folder.parent / name, executor=executor)
    files = [
        {path.name: path.read_bytes() for path in (folder.parent / name).iterdir() if path.is_file()}
        for name in ("one", "two")
    ]
    assert files[0]
    assert files[0] == files[1]


def test_a_build_takes_the_place_of_the_pack_that_was_there_and_a_failed_one_does_not(folder, executor):
    out = folder.parent / "out"
    build_pack(folder, out, executor=executor)
    _edit(folder / "pack.toml", "A small harbour", "A larger harbour")
    assert build_pack(folder, out, executor=executor).manifest.title == "A larger harbour"
    _edit(folder / "scenarios.toml", "value = 7, path", "value = 8, path")
    before = (out / "pack.json").read_bytes()
    with pytest.raises(PackError):
        build_pack(folder, out, executor=executor)
    assert (out / "pack.json").read_bytes() == before


def test_every_reference_call_and_its_result_can_be_shown(folder, executor):
    lines: list[str] = []
    build_pack(folder, folder.parent / "out", executor=executor, show=lines.append)
    assert len(lines) == 2
    assert lines[0].startswith("where-is-the-tern, step 'berth': berth(ship='Tern') -> ok: ")
    assert '"berth":7' in lines[0]


def test_a_reference_call_that_returns_something_else_is_refused_with_both_values(folder, executor):
    _edit(folder / "scenarios.toml", "value = 7, path", "value = 8, path")
    text = _complaint(folder, executor)
    for part in ("scenarios.toml", "'where-is-the-tern'", "'berth'", "berth(ship='Tern')", '"berth":7', "expected 8",
                 "'/berth'", "tool-gym pack test"):  # fmt: skip
        assert part in text


def test_a_reference_call_that_fails_is_refused_with_the_tools_own_words(folder, executor):
    _edit(
        folder / "scenarios.toml",
        'tool = "berth"\narguments = { ship = "Tern" }',
        'tool = "berth"\narguments = { ship = "Tarn" }',
    )
    assert "no ship is called 'Tarn'" in _complaint(folder, executor)


def test_a_step_without_an_expected_value_is_told_what_its_call_returned(folder, executor):
    _edit(folder / "scenarios.toml", 'expected = { value = 7, path = "/berth" }\n', "")
    text = _complaint(folder, executor)
    assert "no `expected` yet" in text
    assert '"berth":7' in text


def test_a_value_that_the_call_itself_hands_in_is_refused_until_the_author_says_echo_ok(folder, executor):
    _edit(folder / "scenarios.toml", 'value = 7, path = "/berth"', 'value = "Tern", path = "/ship"')
    assert "hold the expected value 'Tern'" in _complaint(folder, executor)
    _edit(folder / "scenarios.toml", 'path = "/ship"', 'path = "/ship", echo_ok = true')
    assert len(build_pack(folder, folder.parent / "out", executor=executor)) == 1


def test_a_tool_outside_the_dialect_is_refused_with_its_line_in_the_authors_file(folder, executor):
    _edit(folder / "tools.py", "    STATE[", "    amount.__class__\n    STATE[")
    line = (folder / "tools.py").read_text().splitlines().index("    amount.__class__") + 1
    assert f"{folder / 'tools.py'}, line {line}: tool 'pay'" in _complaint(folder, executor)


def test_all_failing_steps_are_told_at_once(folder, executor):
    _edit(folder / "scenarios.toml", "value = 7, path", "value = 8, path")
    _edit(folder / "scenarios.toml", "2031-05-01, kind", "2031-05-09, kind")
    text = _complaint(folder, executor)
    assert "'berth'" in text
    assert "'since'" in text


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("tools.py", 'DATA["ships"]', 'DATA["ship"]', "did you mean 'ships'?"),
        ("tools.py", 'DATA["ships"]', 'DATA["ship"]', "tools.py, line"),
        ("tables/ships.json", "[{", "[{,", "ships.json: not JSON"),
        ("scenarios.toml", '["berth", "pay"]', '["berth", "play"]', "did you mean 'pay'?"),
        ("scenarios.toml", 'tool = "berth"', 'tool = "bert"', "'bert', which the scenario does not have"),
        ("scenarios.toml", 'tool = "berth"\n', "", "give either `tool` or `tools`"),
        ("scenarios.toml", 'tool = "berth"\n', "", "scenarios.toml, line 3: scenario 'where-is-the-tern', step"),
        ("scenarios.toml", 'id = "since"', 'id = "since"\ndepend_on = []', "step 'since': depend_on"),
        ("scenarios.toml", 'question = "Since when?"\n', "", "step 'since': question"),
        ("scenarios.toml", "value = 7, path", "values = 7, path", "no value"),
        ("scenarios.toml", "answer = { value = 7 }", 'answer = { value = 7, kind = "text" }', "not of kind 'text'"),
        ("scenarios.toml", 'question = "Where', "question = Where", "line 4"),
        ("scenarios.toml", "answer = { value = 7 }", f"answer = {'[' * 300}{']' * 300}", "scenarios.toml: not TOML"),
        ("pack.toml", 'license = "Apache-2.0"', "", "pack.toml: license"),
        ("pack.toml", 'name = "harbour"', 'name = "Harbour!"', "name"),
    ],
)
def test_an_authors_mistake_in_any_file_is_told_where_it_is(folder, executor, name, old, new, words):
    _edit(folder / name, old, new)
    assert words in _complaint(folder, executor)


def test_two_scenarios_of_one_id_are_refused(folder, executor):
    path = folder / "scenarios.toml"
    path.write_text(SCENARIOS * 2)
    assert "two scenarios have this id" in _complaint(folder, executor)


@pytest.mark.parametrize("name", ["pack.toml", "tools.py", "scenarios.toml"])
def test_a_missing_source_is_named(folder, executor, name):
    (folder / name).unlink()
    assert f"{name}: no such file" in _complaint(folder, executor)


def test_a_folder_that_is_not_there_is_the_users_mistake(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        build_pack(tmp_path / "nowhere", tmp_path / "out")


STATEFUL = """
[[scenario]]
id = "pay-twice"
question = "Pay 2 crowns, then 3."
tools = ["pay"]
initial_state = { paid = 1 }

[[scenario.step]]
id = "first"
question = "Pay 2."
tool = "pay"
arguments = { amount = 2 }
expected = { value = 3 }

[[scenario.state_check]]
id = "total"
question = "How much was paid?"
path = "/paid"
expected = { value = 3, kind = "number" }
"""


def test_tools_may_change_a_declared_state_and_the_build_checks_how_it_ends(folder, executor):
    (folder / "scenarios.toml").write_text(STATEFUL)
    pack = build_pack(folder, folder.parent / "out", executor=executor)
    assert pack["pay-twice"].initial_state == {"paid": 1}
    assert pack["pay-twice"].total == 2


def test_a_state_check_that_does_not_hold_is_refused_with_both_values(folder, executor):
    (folder / "scenarios.toml").write_text(STATEFUL.replace("value = 3, kind", "value = 4, kind"))
    text = _complaint(folder, executor)
    assert "state check 'total'" in text
    assert "expected 4" in text
