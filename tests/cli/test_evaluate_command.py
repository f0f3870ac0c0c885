"""`tool-gym evaluate` with models, suites and mistakes."""

import json
import os
import subprocess
import sys

import pytest


def run(*arguments):
    command = [sys.executable, "-m", "tool_gym", "evaluate", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tiny_model import save_tiny_model

    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", context=8192)


def test_a_local_model_plays_says_what_its_template_ignores_and_resumes(pack_folder, tiny, tmp_path):
    arguments = (
        "--policy", "local", "--model", tiny, "--pack", pack_folder, "--split", "test", "--k", 2, "--shots", 1,
        "--max-tokens", 8, "--temperature", 1, "--max-turns", 2, "--device", "cpu", "--out", tmp_path, "--json",
    )  # fmt: skip
    first = run(*arguments)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)[-1]["episodes"] == 4
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["policy"]["form"] == "text"
    assert about["policy"]["sampling"] == {"temperature": 1.0, "top_p": 1.0, "max_tokens": 8}
    assert len(about["policy"]["chat_template_sha256"]) == 64
    before = (tmp_path / "trajectories.jsonl").read_bytes()
    assert b'"token_ids"' in before
    again = run(*arguments)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert (tmp_path / "trajectories.jsonl").read_bytes() == before
    other = run(*arguments, "--constrained")
    assert other.returncode == 2
    assert "holds another run: its policy is" in other.stderr


def test_scenarios_that_are_shown_as_examples_are_not_played(pack_folder, tiny, tmp_path):
    result = run(
        "--policy", "local", "--model", tiny, "--pack", pack_folder, "--split", "train", "--shots", 1, "--max-tokens",
        2, "--max-turns", 1, "--out", tmp_path, "--json",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    played = [json.loads(line)["scenario"] for line in (tmp_path / "trajectories.jsonl").read_text().splitlines()]
    assert "single-1" not in played
    assert played


def test_a_suite_is_played_with_the_file_that_it_imports(tmp_path):
    from pathlib import Path

    fixture = Path(__file__).parents[1] / "fixtures" / "ftrl.jsonl"
    result = run("--policy", "random", "--suite", "ftrl", "--source", fixture, "--out", tmp_path, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)[-1]["structure"] == "overall"
    assert json.loads((tmp_path / "run.json").read_text())["reward"] == "ftrl_f1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--policy", "local"), "needs a model; name one with --model"),
        (("--policy", "oracle", "--suite", "ftrl"), "give it with --source. Take test.jsonl"),
        (("--policy", "oracle", "--suite", "ftrl", "--pack", "starter"), "not both"),
        (("--policy", "local", "--model", "/nowhere"), "no such folder"),
        (("--policy", "local", "--model", "m", "--form", "odd"), "no form is called 'odd'"),
        (("--policy", "oracle", "--split", "odd"), "no split is called 'odd'"),
    ],
)
def test_a_mistake_gets_exit_code_2_and_says_what_to_do(arguments, message):
    result = run(*arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
