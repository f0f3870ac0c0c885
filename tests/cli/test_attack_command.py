"""`tool-gym attack`, and the attacks of `tool-gym validate`."""

import json
import os
import subprocess
import sys

import pytest

from tool_gym.attacks import ATTACKS
from tool_gym.gate.controls import controls
from tool_gym.packs.writer import write_pack
from tool_gym.verify.rewards import REWARDS


def run(*arguments):
    command = [sys.executable, "-m", "tool_gym", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "220"}, check=False)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "flawed"
    flawed = [one for one in controls() if one.id in ("spam-tools", "dump", "wrong-answer")]
    write_pack(folder, name="flawed", scenarios=flawed)
    return folder


def test_the_pack_that_ships_stands_all_attacks():
    result = run("attack", "starter", "--scenarios", 4, "--json")
    assert result.returncode == 0, result.stderr
    printed = json.loads(result.stdout)
    assert [row["attack"] for row in printed["attacks"]] == list(ATTACKS)
    assert {"attack", *REWARDS, "worst_scenario", "on_its_control"} == printed["attacks"][0].keys()
    assert printed["findings"] == []
    assert all(0 < bound < 1 for bound in printed["every_tool_once"].values())


def test_a_pack_with_flaws_is_refused_with_scenario_and_transcript(planted, tmp_path):
    result = run(
        "attack", planted, "--reward", "solve_f1", "--reward", "task_f1+0.5*answer_validity", "--out", tmp_path
    )
    assert result.returncode == 2, result.stderr
    assert "spam-tools" in result.stdout
    assert "User:" in result.stdout
    assert "0.5*answer validity" in result.stdout or "0.5*answer_validity" in result.stdout
    assert {file.stem for file in tmp_path.iterdir()} == set(ATTACKS)
    replayed = run("replay", tmp_path / "dump.jsonl", "--pack", planted)
    assert replayed.returncode == 0, replayed.stdout


def test_validation_refuses_leaks_and_attacks_unless_told_not_to(planted):
    result = run("validate", planted, "--json")
    assert result.returncode == 2
    checks = {finding["check"] for finding in json.loads(result.stdout)["findings"] if finding["level"] == "error"}
    assert {"leak", "attacks"} <= checks
    assert run("validate", planted, "--no-attacks").returncode in (0, 2)
    left = json.loads(run("validate", planted, "--no-attacks", "--json").stdout)["findings"]
    assert not {"leak", "attacks"} & {finding["check"] for finding in left}


def test_an_unknown_reward_is_named():
    result = run("attack", "starter", "--reward", "solve")
    assert result.returncode == 2
    assert "solve_f1" in result.stderr


def test_rescoring_with_the_wrong_pack_names_both(planted, tmp_path):
    assert run("evaluate", "--policy", "random", "--split", "test", "--out", tmp_path).returncode == 0
    result = run("rescore", tmp_path / "trajectories.jsonl", "--reward", "solve_f1", "--pack", planted)
    assert result.returncode == 2
    assert "line 1" in result.stderr
    assert "'flawed'" in result.stderr
    assert "'starter' version" in result.stderr
