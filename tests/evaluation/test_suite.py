"""Suites: small data files that say what is played, by which rule it counts, and what others have published."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lamp_package import make_package

from tool_gym.errors import InputError
from tool_gym.evaluation.suite import WithoutTools, load_suite, suites, verdicts
from tool_gym.evaluation.verdicts import VERDICTS
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.trajectory import read_trajectories

FIXTURES = Path(__file__).parents[1] / "fixtures"


def run(*arguments):
    command = [sys.executable, "-m", "tool_gym", "evaluate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_every_suite_that_ships_says_what_it_is():
    assert {"bfcl", "bfcl-single", "ftrl", "rotbench", "shipped", "tau-bench", "toolhop"} == set(suites())
    for name in suites():
        suite = load_suite(name)
        assert suite.metric
        assert suite.verdict is None or suite.verdict in VERDICTS
        imported = any(part.importer for part in suite.parts)
        assert not imported or (suite.source and suite.get and suite.published)
        assert all(published.source and published.date for published in suite.published)


def test_the_name_of_an_installed_pack_is_a_suite_of_it_alone():
    assert [part.pack for part in load_suite("starter").parts] == ["starter"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[pack]]\nimport = "odd"\n', "no importer is called 'odd'"),
        ('[[pack]]\npack = "starter"\n[[pack]]\npack = "starter"\n', "two parts share a name"),
        ('verdict = "odd"\n[[pack]]\npack = "starter"\n', "no verdict is called 'odd'"),
        ("[[pack]\n", "not TOML"),
    ],
)
def test_a_file_that_is_no_suite_says_why(tmp_path, text, complaint):
    file = tmp_path / "mine.toml"
    file.write_text(('title = "Mine"\nmetric = "solve_f1"\n' if text != "[[pack]\n" else "") + text)
    with pytest.raises(InputError, match=complaint):
        load_suite(str(file))


class _Seen(Policy):
    tools: list = []

    def act(self, requests):
        self.tools = [request.observation["tools"] for request in requests]
        return [Decision({"content": "<answer>42</answer>"}) for _ in requests]


def test_a_policy_without_tools_is_shown_none_and_is_not_the_same_run():
    seen = _Seen()
    WithoutTools(seen).act([Request("a", 0, {"messages": [], "tools": [1]}, {})])
    assert seen.tools == [[]]
    assert WithoutTools(seen).fingerprint == {**seen.fingerprint, "tools": False}


def test_toolhop_is_played_in_its_three_settings(tmp_path):
    result = run(
        "--suite", "toolhop", "--source", FIXTURES / "toolhop.jsonl", "--policy", "random", "--out", tmp_path, "--json"
    )
    assert result.returncode == 0, result.stderr
    settings = {name: next(read_trajectories(tmp_path / name / "trajectories.jsonl")) for name in ("direct", "free")}
    assert "know" in settings["direct"].settings["system"]
    assert settings["direct"].transitions[-1].score.calls == 0
    assert json.loads((tmp_path / "mandatory/run.json").read_text())["system"].startswith("Answer the question with")
    assert {row["part"] for row in json.loads(result.stdout)} == {"direct", "mandatory", "free"}
    assert json.loads((tmp_path / "suite.json").read_text())["published"][0]["figures"] == {"GPT-4o": 49.04}


def test_bfcl_is_played_when_its_python_is_trusted_and_counts_by_its_own_rule(tmp_path):
    package = make_package(tmp_path)
    arguments = ("--suite", "bfcl", "--source", package, "--policy", "oracle", "--out", tmp_path / "run", "--json")
    refused = run(*arguments)
    assert (refused.returncode, "--trust" in refused.stderr) == (2, True)
    result = run(*arguments, "--trust")
    assert result.returncode == 0, result.stderr
    last = json.loads(result.stdout)[-1]
    assert last == {"part": "mean", "episodes": 6, "accuracy": 1.0}


def test_each_part_weighs_the_same_in_a_verdict(tmp_path):
    suite = load_suite("bfcl")
    package = make_package(tmp_path)
    run("--suite", "bfcl", "--trust", "--source", package, "--policy", "random", "--out", tmp_path / "run")
    played = {
        part.name: list(read_trajectories(tmp_path / "run" / part.name / "trajectories.jsonl")) for part in suite.parts
    }
    rows = verdicts(suite, played)
    assert [row["episodes"] for row in rows] == [2, 2, 1, 1, 6]
    assert rows[-1]["accuracy"] == pytest.approx(sum(row["accuracy"] for row in rows[:-1]) / 4)
    assert verdicts(load_suite("ftrl"), played) == []


def test_data_that_is_missing_says_where_to_get_it():
    result = run("--suite", "rotbench", "--policy", "oracle")
    assert result.returncode == 2
    assert "--source" in result.stderr
    assert "git clone https://github.com/Junjie-Ye/RoTBench" in result.stderr


def test_a_suite_tells_all_about_itself():
    command = [sys.executable, "-m", "tool_gym", "suites"]
    listed = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=300)
    assert [row["suite"] for row in json.loads(listed.stdout)] == suites()
    told = subprocess.run([*command, "bfcl"], capture_output=True, text=True, timeout=300).stdout
    assert all(text in told for text in ("pip install --no-deps bfcl-eval", "4,625", "data_multi_turn.csv"))
