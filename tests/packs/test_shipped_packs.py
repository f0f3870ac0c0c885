"""The generated packs that ship: as many scenarios as promised, sound, playable by id, and what their commands make."""

import json
import math
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import gymnasium as gym
import pytest
from gymnasium.utils.env_checker import check_env

import tool_gym
from tool_gym.gate.attacks import breaches, play_attacks, sample_scenarios
from tool_gym.gate.leaks import validate_leaks
from tool_gym.gate.validate import validate_files, validate_scenario
from tool_gym.generation.generate import REPORT
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor

ENVS = Path(__file__).parents[2] / "envs"
GENERATED = ("invented", "extracted")
_SAMPLED = 20
"""Of so many scenarios the quick tests look at one."""


def commands():
    """The generating commands that the README of the packs records, by pack."""
    lines = (ENVS / "README.md").read_text(encoding="utf-8").splitlines()
    found = [line.split() for line in lines if line.startswith("tool-gym generate")]
    return {Path(words[words.index("--out") + 1]).name: words[1:] for words in found}


def ids(name):
    return [f"ToolUse/{name}.{scenario}-v0" for scenario in tool_gym.load_pack(name)]


@pytest.fixture(params=GENERATED)
def pack(request):
    return tool_gym.load_pack(request.param)


def checked(name):
    env = gym.make(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
    env.close()


def test_a_shipped_pack_has_a_hundred_scenarios_of_each_structure_in_two_splits_and_three_megabytes(pack):
    scenarios = [pack[name] for name in pack]
    assert len(scenarios) >= 400
    assert min(Counter(scenario.structure for scenario in scenarios).values()) >= 100
    assert len(Counter(scenario.structure for scenario in scenarios)) == 4
    assert {scenario.split for scenario in scenarios} == {"train", "test"}
    assert sum(path.stat().st_size for path in pack.path.iterdir()) <= 3_000_000


def test_a_shipped_pack_says_whose_it_is_and_how_it_was_made(pack):
    readme = (pack.path / "README.md").read_text(encoding="utf-8")
    assert pack.manifest.license in readme
    assert pack.manifest.attribution in readme
    assert {pack[name].provenance.truth for name in pack} == {pack.name}
    assert commands()[pack.name]
    assert not json.loads((pack.path / REPORT).read_text(encoding="utf-8"))["findings"]


def test_true_facts_name_every_source_and_its_licence():
    manifest = tool_gym.load_pack("extracted").manifest
    for source in ("GeoNames", "Unicode CLDR", "airportsdata", "mendeleev"):
        assert source in manifest.attribution
    for licence in ("CC-BY-4.0", "Unicode-3.0", "MIT"):
        assert licence in manifest.license


@pytest.mark.parametrize("name", [name for pack in GENERATED for name in ids(pack)[::_SAMPLED]])
def test_a_sample_of_the_shipped_environments_passes_gymnasiums_checker_without_a_warning(name):
    checked(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for pack in GENERATED for name in (f"ToolUse/{pack}-v0", *ids(pack))])
def test_every_shipped_environment_passes_gymnasiums_checker_without_a_warning(name):
    checked(name)


def test_the_gate_finds_nothing_in_the_files_and_in_a_sample_of_the_scenarios(pack):
    assert gate_findings(pack, list(pack)[::_SAMPLED]) == []


@pytest.mark.slow
def test_the_gate_finds_nothing_in_any_scenario(pack):
    assert gate_findings(pack, list(pack)) == []


def gate_findings(pack, names):
    with Executor() as one, Executor() as other:
        findings = list(validate_files(pack))
        for name in names:
            findings += [*validate_scenario(pack, name, [one, other]), *validate_leaks(pack, name, one)]
    return findings


@pytest.mark.slow
def test_attacks_stay_within_their_bounds(pack):
    with Executor() as executor:
        outcomes = list(play_attacks(pack, sample_scenarios(pack, 64, seed=1), executor))
    assert list(breaches(pack, outcomes)) == []


@pytest.mark.slow
@pytest.mark.parametrize("execution", ["isolated", "embedded"])
def test_the_oracle_earns_exactly_one_on_every_scenario(pack, execution):
    with Executor(execution=execution) as executor:
        for play, trajectory in rollout(OraclePolicy(pack), pack, plays(list(pack)), executor, reward="task_f1"):
            assert math.fsum(turn.reward for turn in trajectory.transitions) == 1.0, play.scenario


@pytest.mark.slow
def test_the_recorded_command_makes_the_shipped_pack_again_byte_for_byte(pack, tmp_path):
    words = commands()[pack.name]
    words[words.index("--out") + 1] = str(tmp_path / pack.name)
    subprocess.run([sys.executable, "-m", "tool_gym", *words], check=True, capture_output=True)
    made = {path.name: path.read_bytes() for path in (tmp_path / pack.name).iterdir()}
    assert made == {path.name: path.read_bytes() for path in pack.path.iterdir()}
