"""What `write_pack` promises: the same scenarios back, the same bytes each time, all of the folder or nothing of it."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_pack import ADD, INVENTED, MULTI, PLACES, SCENARIOS, SINGLE, TABLES

from tool_gym.errors import InputError, PackError
from tool_gym.packs.files import INDEXES
from tool_gym.packs.reader import Pack
from tool_gym.packs.writer import write_pack
from tool_gym.scenario import Expected, Scenario, SubQuestion, Tool, UserTurn

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,10}", fullmatch=True)
PROPERTIES = st.dictionaries(TEXT, st.fixed_dictionaries({"description": TEXT, "default": JSON}), max_size=3)
SCHEMAS = st.builds(lambda properties: {"type": "object", "properties": properties}, PROPERTIES)
TOOLS = st.builds(Tool, name=NAMES, description=TEXT, parameters=SCHEMAS, source=TEXT)
EXPECTED = st.builds(
    Expected, value=TEXT, kind=st.just("text"), path=st.none() | st.just("/a~1b/0"), echo_ok=st.booleans()
)


@st.composite
def scenarios(draw):
    tools = draw(st.lists(TOOLS, min_size=1, max_size=4, unique_by=lambda tool: tool.name))
    steps = [
        SubQuestion(
            id=f"q{number}",
            question=draw(TEXT),
            tools=(draw(st.sampled_from(tools)).name,),
            arguments=draw(st.none() | st.dictionaries(TEXT, JSON, max_size=3)),
            expected=draw(EXPECTED),
            depends_on=tuple(f"q{need}" for need in range(number) if draw(st.booleans())),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    return Scenario(
        id=draw(st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)),
        turns=tuple(UserTurn(content=text) for text in draw(st.lists(TEXT, min_size=1, max_size=3))),
        answer=draw(st.none() | EXPECTED),
        tools=tuple(tools),
        sub_questions=tuple(steps),
        initial_state=draw(JSON),
        split=draw(st.sampled_from(["train", "test", "Held_out-2"])),
        provenance=INVENTED.model_copy(update={"detail": draw(st.dictionaries(TEXT, JSON, max_size=2))}),
    )


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(max_examples=60)
@given(written=st.lists(scenarios(), max_size=5, unique_by=lambda scenario: scenario.id))
def test_what_is_written_is_read_back_equal_and_in_order(written, tmp_path_factory):
    folder = tmp_path_factory.mktemp("round") / "pack"
    pack = write_pack(folder, name="round-trip", scenarios=iter(written))
    assert list(pack) == [scenario.id for scenario in written]
    assert [pack[scenario.id] for scenario in written] == written
    assert [pack.split_of(scenario.id) for scenario in written] == [scenario.split for scenario in written]
    assert len(pack) == len(written)
    assert pack.verify() == []


def test_the_same_scenarios_give_the_same_bytes_each_time(tmp_path):
    for name in ("one", "two"):
        write_pack(tmp_path / name, name="twice", scenarios=iter(SCENARIOS), tables=TABLES)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_tool_or_table_that_several_scenarios_share_is_written_once(tmp_path):
    pack = write_pack(tmp_path / "p", name="shared", scenarios=SCENARIOS, tables=TABLES)
    assert pack.manifest.counts == {"scenarios": 6, "tools": 7, "tables": 1}
    assert dict(pack.tables) == TABLES


def test_the_canary_is_the_same_for_the_same_content_and_another_for_other_content(tmp_path):
    one, same, other = (
        write_pack(tmp_path / folder, name="canary", scenarios=scenarios, tables=TABLES).manifest.canary
        for folder, scenarios in (("a", [SINGLE]), ("b", [SINGLE]), ("c", [MULTI]))
    )
    assert one == same != other
    assert one in (tmp_path / "a" / "README.md").read_text()


def test_the_readme_tells_title_licence_attribution_and_what_is_inside(tmp_path):
    about = {"title": "Ten towns", "license": "CC-BY-4.0", "attribution": "Made by Ända.", "authors": ("Ada", "Bo")}
    write_pack(tmp_path / "p", name="towns", scenarios=SCENARIOS, tables=TABLES, **about)
    text = (tmp_path / "p" / "README.md").read_text(encoding="utf-8")
    for part in ("# Ten towns", "CC-BY-4.0", "Made by Ända.", "Ada, Bo", "| multi_hop | 2 |", "invented", "load_pack"):
        assert part in text


def test_scenarios_are_taken_one_by_one_while_they_are_written(tmp_path):
    alive = []

    def endless():
        for number in range(3):
            parts = list(tmp_path.glob(".p.*.part"))
            alive.append(len(parts))
            yield SINGLE.model_copy(update={"id": f"s-{number}"})

    write_pack(tmp_path / "p", name="stream", scenarios=endless(), tables=TABLES)
    assert alive == [1, 1, 1]


def failing():
    yield SINGLE
    raise RuntimeError("the source of scenarios broke")


@pytest.mark.parametrize(
    ("scenarios", "error", "text"),
    [
        (failing, RuntimeError, "broke"),
        (lambda: [SINGLE, MULTI, SINGLE], PackError, "'single-1': the id comes twice"),
        (lambda: [SINGLE.model_copy(update={"split": "two words"})], PackError, "split 'two words'"),
        (lambda: [SINGLE.model_copy(update={"split": "all"})], PackError, "not 'all'"),
        (lambda: [SINGLE.model_copy(update={"initial_state": {"x": math.nan}})], PackError, "single-1.*JSON"),
        (lambda: [SINGLE.model_copy(update={"initial_state": {"x": "\ud800"}})], PackError, "single-1.*JSON"),
        (lambda: [SINGLE.model_copy(update={"initial_state": {"x": b"bytes"}})], PackError, "single-1.*JSON"),
        (
            lambda: [SINGLE.model_copy(update={"tools": (ADD.model_copy(update={"parameters": {"x": math.inf}}),)})],
            PackError,
            "tool 'add'.*JSON",
        ),
    ],
)
def test_when_writing_fails_nothing_is_left_and_the_error_says_why(tmp_path, scenarios, error, text):
    with pytest.raises(error, match=text):
        write_pack(tmp_path / "p", name="fails", scenarios=scenarios(), tables=TABLES)
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_missing_or_not_what_its_hash_says_is_refused(tmp_path):
    with pytest.raises(PackError, match="tool 'population': the table 'places'"):
        write_pack(tmp_path / "p", name="bare", scenarios=[SINGLE])
    wrong = dict.fromkeys(TABLES, PLACES[:1])
    with pytest.raises(PackError, match="table 'places': the content has the hash"):
        write_pack(tmp_path / "p", name="bare", scenarios=[SINGLE], tables=wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_bad_name_is_told_before_any_scenario_is_asked_for(tmp_path):
    with pytest.raises(PackError, match="pack 'Bad Name': name"):
        write_pack(tmp_path / "p", name="Bad Name", scenarios=failing())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_kept_unless_a_pack_in_it_is_to_be_replaced(tmp_path):
    folder = tmp_path / "p"
    write_pack(folder, name="first", scenarios=[SINGLE], tables=TABLES)
    before = content(folder)
    with pytest.raises(InputError, match="exists already"):
        write_pack(folder, name="second", scenarios=[MULTI], tables=TABLES)
    with pytest.raises(RuntimeError):
        write_pack(folder, name="second", scenarios=failing(), tables=TABLES, on_exists="replace")
    assert content(folder) == before
    assert write_pack(folder, name="second", scenarios=[MULTI], tables=TABLES, on_exists="replace").name == "second"
    assert list(Pack(folder)) == ["multi-1"]
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_a_folder_with_something_else_in_it_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="something else than a pack"):
        write_pack(tmp_path, name="p", scenarios=[SINGLE], tables=TABLES, on_exists="replace")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_folder_that_cannot_be_made_and_a_row_that_nobody_would_read_are_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        write_pack(tmp_path / "file" / "p", name="p", scenarios=[SINGLE], tables=TABLES)
    monkeypatch.setattr("tool_gym.packs.rows.MAX_ROW_BYTES", 300)
    with pytest.raises(PackError, match="a row has at most 300"):
        write_pack(tmp_path / "p", name="p", scenarios=[SINGLE], tables=TABLES)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_manifest_names_the_hash_of_every_data_file(tmp_path):
    write_pack(tmp_path / "p", name="hashes", scenarios=SCENARIOS, tables=TABLES)
    named = json.loads((tmp_path / "p" / "pack.json").read_text())["sha256"].keys()
    assert named == {*INDEXES, *INDEXES.values(), "ids.txt"}
