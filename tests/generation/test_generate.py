"""Packs from a seed: playable, the same bytes, and refused where the order makes no sense."""

import json
import math
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tool_gym.cli import app
from tool_gym.errors import InputError
from tool_gym.gate.leaks import validate_leaks
from tool_gym.gate.validate import validate_files, validate_scenario
from tool_gym.generation.batches import invented_domains, plan_batches
from tool_gym.generation.generate import generate_pack
from tool_gym.generation.pipeline import Tally
from tool_gym.packs.reader import load_pack
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES

LEVELS = (1, 4)


@pytest.fixture(scope="module", params=LEVELS)
def pack(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated") / f"level-{request.param}"
    generate_pack(folder, count=12, seed=11, level=request.param)
    return load_pack(folder)


@pytest.mark.parametrize("execution", ["isolated", "embedded"])
def test_the_oracle_earns_exactly_one_on_every_scenario(pack, execution):
    with Executor(execution=execution) as executor:
        for play, trajectory in rollout(OraclePolicy(pack), pack, plays(list(pack)), executor, reward="task_f1"):
            assert math.fsum(turn.reward for turn in trajectory.transitions) == 1.0, play.scenario


def test_the_gate_finds_nothing(pack):
    with Executor() as one, Executor() as other:
        findings = list(validate_files(pack))
        for scenario in pack:
            findings += [*validate_scenario(pack, scenario, [one, other]), *validate_leaks(pack, scenario, one)]
    assert not findings


def test_structures_take_turns_and_worlds_make_the_splits(pack):
    scenarios = [pack[name] for name in pack]
    assert [scenario.structure for scenario in scenarios] == [*STRUCTURES * 3]
    worlds = {}
    for scenario in scenarios:
        worlds.setdefault(scenario.provenance.detail["source"]["world"], set()).add(scenario.split)
    assert all(len(splits) == 1 for splits in worlds.values())
    assert {split for splits in worlds.values() for split in splits} == {"train", "test"}


def test_every_scenario_says_where_it_comes_from(pack):
    for name in pack:
        provenance = pack[name].provenance
        assert provenance.truth == "invented"
        assert {"seed", "level", "strategies", "source", "plan", "phrasings", "merged"} <= provenance.detail.keys()


def test_two_processes_make_the_same_bytes(tmp_path):
    made = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed / "pack"
        command = [sys.executable, "-m", "tool_gym", "generate", "--out", str(folder), "--count", "8", "--seed", "5"]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
        made.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert made[0] == made[1]


@pytest.mark.slow
def test_several_processes_make_the_same_bytes_as_one(tmp_path):
    made = []
    for processes in (1, 2):
        folder = tmp_path / str(processes) / "pack"
        generate_pack(folder, count=44, seed=5, level=1, processes=processes)
        made.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert made[0] == made[1]


def test_the_report_adds_up(tmp_path):
    report = generate_pack(tmp_path / "pack", count=8, seed=2, level=2)
    assert report.tally.made == report.figures()["scenarios"] == 8
    stages = report.yields()
    assert stages[0]["attempts"] == 8 + sum(each["refused"] for each in stages)
    assert stages[-1]["attempts"] - stages[-1]["refused"] == 8
    assert sum(each["count"] for each in report.refusals()) == sum(each["refused"] for each in stages)
    assert report.figures()["distinct_skeletons"] == 8


def test_tallies_add_up():
    one, other = Tally(2), Tally(3)
    one.refused["scale", "x"] += 1
    other.refused["scale", "x"] += 2
    total = one + other
    assert (total.made, total.refused["scale", "x"]) == (5, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"level": 6},
        {"backend": "wrlds"},
        {"structures": ["single"]},
        {"structures": []},
        {"domains": ["no-such-domain"]},
        {"hops": 9},
        {"branches": 1},
    ],
)
def test_an_order_that_makes_no_sense_is_an_input_error_and_leaves_nothing(wrong, tmp_path):
    with pytest.raises(InputError):
        generate_pack(tmp_path / "pack", **wrong)
    assert not list(tmp_path.iterdir())


def test_no_world_belongs_to_two_batches_or_two_domains_to_one_split_only():
    batches = plan_batches(2000, 0, STRUCTURES, invented_domains(), {})
    worlds = [batch.topics[0].source["world"] for batch in batches]
    assert len(set(worlds)) == len(worlds)
    by_split = {"train": set(), "test": set()}
    for batch in batches:
        by_split[batch.topics[0].split].add(batch.topics[0].source["domain"])
    assert len(by_split["test"]) > 1
    assert by_split["test"] <= by_split["train"]


def test_the_command_writes_a_pack_and_tells_its_figures(tmp_path):
    out = tmp_path / "mine"
    arguments = ["generate", "--out", str(out), "--count", "4", "--level", "1", "--domains", "shipping,libraries"]
    result = CliRunner().invoke(app, [*arguments, "--structures", "multi_hop", "--hops", "3", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["figures"]["steps_multi_hop"] == 3
    pack = load_pack(out)
    assert {pack[name].structure for name in pack} == {"multi_hop"}
    assert {pack[name].provenance.detail["source"]["domain"] for name in pack} <= {"shipping", "libraries"}
