"""The example of a policy of one's own runs as its docstring says."""

import json
import subprocess
import sys


def test_the_example_runs_and_prints_what_its_policies_solve():
    command = [sys.executable, "-m", "tool_gym.examples.own_policy"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    first, second = result.stdout.splitlines()
    assert first.startswith("{'policy': 'act'} {'solve_f1': 0.")
    assert "'patience': 3" in second


def test_the_command_line_plays_a_policy_of_ones_own(pack_folder):
    command = [
        sys.executable, "-m", "tool_gym", "evaluate", "--policy", "tool_gym.examples.own_policy:Persistent",
        "--pack", str(pack_folder), "--split", "all", "--json",
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    overall = json.loads(result.stdout)[-1]
    assert overall["episodes"] == 6
    assert 1 < overall["mean_turns"] <= 5
