"""The benchmark's workloads are what they say, solvable, and measured end to end."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import workloads

import tool_gym
from tool_gym.jsonvalue import canonical

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name", ["three-tools", "heavy"])
def test_a_workload_is_the_one_that_its_digest_names(name):
    plays = workloads.WORKLOADS[name].plays()
    seen = Counter((step.tool, canonical(step.arguments)) for play in plays for step in play.steps)
    assert max(seen.values()) == 1
    assert min(Counter(tool for tool, _ in seen).values()) > 2000


def test_the_shapes_of_the_workloads_are_those_that_figures_are_quoted_for():
    def shape(name):
        tools = [kind.tool for kind in workloads.WORKLOADS[name].kinds]
        return workloads.WORKLOADS[name].turns, len(tools), {len(tool.parameters["properties"]) for tool in tools}

    assert shape("three-tools") == (12, 3, {5})
    assert shape("heavy") == (8, 10, {7})


def test_a_workload_with_other_content_is_refused():
    changed = dataclasses.replace(workloads.WORKLOADS["three-tools"], count=2)
    with pytest.raises(ValueError, match="has changed"):
        changed.plays()


@pytest.mark.parametrize("name", ["three-tools", "heavy"])
def test_every_call_of_a_workload_returns_the_result_computed_in_another_way(name, executor):
    plays = dataclasses.replace(workloads.WORKLOADS[name], count=60).build()
    for play in plays:
        episode = tool_gym.Episode(play.scenario, executor)
        calls = [{"name": step.tool, "arguments": step.arguments} for step in play.steps]
        result = episode.step({"content": "", "tool_calls": calls})
        contents = [m["content"] for m in result.observation["messages"] if m["role"] == "tool"]
        # As text, in which 8 is not 8.0: the naive way looks for the text of the answer.
        assert [canonical(json.loads(content)) for content in contents] == [canonical(s.result) for s in play.steps]
        assert result.info["score"]["solved"] == len(play.steps)


def run(script: str, *options: str) -> dict:
    out = Path(options[-1])
    command = [sys.executable, str(BENCHMARKS / script), *options]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return json.loads(out.read_text())


@pytest.mark.slow
def test_the_throughput_benchmark_runs_end_to_end(tmp_path):
    report = run("throughput.py", "--rounds", "1", "--steps", "1", "--no-peers", "--json", str(tmp_path / "out.json"))
    ways = [row["way"] for row in report["rows"]]
    assert "naive: exec per call" in ways
    assert {f"{kind}, {size}" for kind in ("embedded", "isolated") for size in ("1 call", "vector 64")} <= set(ways)
    assert all(row["steps_per_s"] > 0 for row in report["rows"])
    assert [goal["goal"] for goal in report["goals"]][:1] == ["40x naive"]


@pytest.mark.slow
def test_the_interference_benchmark_runs_end_to_end(tmp_path):
    options = ("--steps", "24", "--batch-steps", "768", "--block", "12", "--json", str(tmp_path / "out.json"))
    report = run("interference.py", *options)
    assert [row["quiet"]["steps"] for row in report["rows"]] == [24, 768]
    assert {"p99_ratio", "throughput_ratio", "p99_met"} <= report["rows"][0].keys()
