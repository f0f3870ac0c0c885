"""`tool-gym pack …` as an author uses it, each step's output naming the next."""

import json
import re

import pytest
from typer.testing import CliRunner

from tool_gym.cli import app
from tool_gym.errors import PackError


@pytest.fixture
def tool_gym(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)  # the author's tests are run by their own configuration
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_from_a_name_to_a_pack_that_validates_by_following_what_each_step_says(tool_gym, tmp_path):
    made = tool_gym("pack", "new", "garden")
    assert made.exit_code == 0
    tried = tool_gym(*re.search(r"tool-gym (pack test \S+)", made.output)[1].split())
    assert tried.exit_code == 0, tried.output
    assert "failed" not in tried.output
    assert "warning" not in tried.output
    assert "3 passed" in tried.output
    built = tool_gym(*re.search(r"tool-gym (pack build \S+)", tried.output)[1].split())
    assert built.exit_code == 0
    checked = tool_gym(*re.search(r"tool-gym (validate \S+)", built.output)[1].split())
    assert checked.exit_code == 0
    assert "passed" in checked.output
    assert (tmp_path / "garden" / "garden" / "pack" / "pack.json").is_file()


def test_a_trial_leaves_the_folder_as_it_was(tool_gym, tmp_path):
    tool_gym("pack", "new", "garden", "--bare")
    before = sorted(path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts)
    assert tool_gym("pack", "test", "garden").exit_code == 0
    assert sorted(path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts) == before


def test_a_failing_trial_names_what_failed_and_ends_with_exit_code_2(tool_gym, tmp_path):
    tool_gym("pack", "new", "garden", "--bare")
    file = tmp_path / "garden" / "test_tools.py"
    file.write_text(file.read_text().replace('"litres": 10.0', '"litres": 11.0'))
    result = tool_gym("pack", "test", "garden", "--json")
    assert result.exit_code == 2
    trials = json.loads(result.stdout)
    assert [trial["passed"] for trial in trials] == [True, True, True, False]
    assert "test_a_heat_wave_adds_a_quarter" in trials[-1]["said"]
    tools = tmp_path / "garden" / "tools.py"
    tools.write_text(tools.read_text() + "\nprint('hello')\n")
    result = tool_gym("pack", "test", "garden")
    assert result.exit_code == 2
    assert re.search(r"tools.py, line \d+: only imports, functions", result.output)
    assert "tool-gym pack test garden" in result.output


def test_a_leak_fails_the_trial(tool_gym, tmp_path):
    tool_gym("pack", "new", "garden", "--bare")
    file = tmp_path / "garden" / "scenarios.toml"
    file.write_text(
        file.read_text().replace("does the Pell vine need in that", "(say 23.7) does the Pell vine need in that")
    )
    trials = json.loads(tool_gym("pack", "test", "garden", "--json").stdout)
    assert not trials[1]["passed"]
    assert "the question holds the answer" in trials[1]["said"]


def test_a_difference_that_players_notice_needs_a_higher_version(tool_gym, tmp_path):
    tool_gym("pack", "new", "garden", "--bare")
    tool_gym("pack", "build", "garden", "--out", "old")
    file = tmp_path / "garden" / "scenarios.toml"
    file.write_text(file.read_text().replace("will last 6", "lasts 6"))
    tool_gym("pack", "build", "garden", "--out", "new")
    result = tool_gym("pack", "diff", "./old", "./new")
    assert result.exit_code == 2
    assert "Raise `version` in pack.toml to 1" in result.output
    about = tmp_path / "garden" / "pack.toml"
    about.write_text(about.read_text().replace("version = 0", "version = 1"))
    tool_gym("pack", "build", "garden", "--out", "new")
    result = tool_gym("pack", "diff", "./old", "./new", "--json")
    assert result.exit_code == 0
    assert [row["place"] for row in json.loads(result.stdout)] == ["scenario six-hot-weeks"]
    assert tool_gym("pack", "diff", "./new", "./new").exit_code == 0


def test_a_folder_that_is_taken_is_told(tool_gym, tmp_path):
    (tmp_path / "garden").write_text("mine")
    result = tool_gym("pack", "new", "garden")
    assert isinstance(result.exception, Exception)
    assert "exists already" in str(result.exception)
    assert not isinstance(result.exception, PackError)
