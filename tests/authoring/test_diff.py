import pytest

from tool_gym.authoring import build_pack
from tool_gym.authoring.diff import diff_packs
from tool_gym.authoring.project import new_pack


@pytest.fixture
def changes(tmp_path, executor):
    """Builds the sample pack twice, the second time with a text of its sources replaced, and compares."""
    new_pack(tmp_path / "garden")
    old = build_pack(tmp_path / "garden", tmp_path / "old", executor=executor)

    def compare(name, before, after):
        path = tmp_path / "garden" / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        return list(diff_packs(old, build_pack(tmp_path / "garden", tmp_path / "new", executor=executor), executor))

    return compare


def test_a_pack_that_is_built_again_has_not_changed(changes):
    assert changes("tools.py", "import", "import") == []


def test_a_source_that_is_only_written_otherwise_is_told_and_no_player_notices(changes):
    (change,) = changes("tools.py", "sum(litres_a_week) * weeks", "weeks * sum(litres_a_week)")
    assert change.place == "tool water_plan"
    assert "source changed; of" in change.change
    assert "0 answer differently" in change.change
    assert not change.played


def test_a_tool_that_answers_otherwise_is_told_with_a_call_and_both_answers(changes):
    found = changes("tools.py", '"litres": round(', '"total_days": weeks * 7, "litres": round(')
    (change,) = found
    assert change.played
    assert '"weeks":6' in change.change
    assert '{"litres":23.7} -> {"total_days":42,"litres":23.7}' in change.change


def test_a_table_that_changed_is_told_by_the_answers_that_changed(changes):
    found = {change.place: change for change in changes("tables/plants.json", "2031-05-20", "2031-05-21")}
    assert found["tool plant_record"].played
    assert "2031-05-20" in found["tool plant_record"].change
    assert "data changed" in found["tool plant_record"].change
    assert "0 answer differently" in found["tool plants_on_bench"].change


def test_words_that_a_model_reads_are_told_with_old_and_new(changes):
    change, source = changes("tools.py", "List the plants that", "Name the plants that")
    assert change.played
    assert not source.played
    assert "description: List the plants" in change.change
    assert "-> Name the plants" in change.change


@pytest.mark.parametrize(
    ("name", "before", "after", "place", "text", "played"),
    [
        ("pack.toml", 'title = "A', 'title = "The', "pack", "title: A greenhouse", False),
        ("pack.toml", "version = 0", "max_turns = 7", "pack", "max_turns: 20 -> 7", True),
        ("scenarios.toml", "six-hot-weeks", "hot", "pack", "scenario 'six-hot-weeks' is gone", True),
        ("scenarios.toml", "six-hot-weeks", "hot", "pack", "scenario 'hot' is new", True),
        ("scenarios.toml", "will last 6", "lasts 6", "scenario six-hot-weeks", "turns:", True),
        ("scenarios.toml", '"lily"', '"osk"', "scenario thirstier-of-two", "step 'osk' is new", True),
        ("scenarios.toml", 'split = "test"', 'split = "dev"', "scenario six-hot-weeks", "split: test -> dev", True),
        (
            "scenarios.toml",
            'value = 23.7, unit = "litres", path',
            'value = 23.7, tolerance = 1, unit = "litres", path',
            "scenario six-hot-weeks, step 'total'",
            "expected:",
            True,
        ),
        (
            "scenarios.toml",
            '["water_plan", "plant_record", "plants_on_bench"]',
            '["plant_record", "water_plan", "plants_on_bench"]',
            "scenario thirstier-of-two",
            "the order of its tools changed",
            True,
        ),
    ],
)
def test_each_kind_of_change_is_told_where_it_is(changes, name, before, after, place, text, played):
    found = changes(name, before, after)
    assert any(change.place == place and text in change.change and change.played == played for change in found), found
