"""`tool-gym report`: the page, and the same tables for other tools."""

import json
import os
import subprocess
import sys

import pytest
from report_runs import play_small_runs

from tool_gym.evaluation.results import open_runs
from tool_gym.report.markdown import markdown


@pytest.fixture(scope="module")
def runs(tmp_path_factory, pack_folder, executor):
    return play_small_runs(tmp_path_factory.mktemp("runs"), pack_folder, executor)


def run(*arguments):
    command = [sys.executable, "-m", "tool_gym", "report", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "220"}, check=False)


@pytest.fixture(scope="module")
def made(runs, pack_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    result = run(
        *runs,
        *("--out", out / "deep" / "report.html", "--title", "Two policies", "--pack", pack_folder),
        *("--markdown", out / "report.md", "--json", out / "report.json", "--jsonl", out / "episodes.jsonl"),
        *("--tensorboard", out / "board"),
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("24 episodes of 2 runs: ")
    return out


def test_the_page_is_one_file_under_its_title(made):
    assert [file.name for file in (made / "deep").iterdir()] == ["report.html"]
    assert "<title>Two policies</title>" in (made / "deep" / "report.html").read_text()


def test_markdown_and_json_tell_the_same_figures(made):
    tables = json.loads((made / "report.json").read_text())
    text = (made / "report.md").read_text()
    assert [row["run"] for row in tables["leaderboard"]] == ["oracle", "random"]
    assert tables["leaderboard"][0]["solve_f1"] == [1.0, 1.0, 1.0]
    mean, low, high = tables["leaderboard"][1]["solve_f1"]
    assert f"| random | 12 | 4 | {mean:.3f} [{low:.3f}, {high:.3f}] |" in text
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Leaderboard",
        "## By structure",
        "## Several attempts",
        "## How episodes end",
        "## What became of the calls",
        "## Against the first",
    ]


def test_jsonl_has_a_flat_line_for_every_episode(made, runs):
    lines = [json.loads(line) for line in (made / "episodes.jsonl").read_text().splitlines()]
    results = [(each.name, result) for each in open_runs(runs) for _, result in each.episodes()]
    assert [(line["run"], line["scenario"], line["label"]) for line in lines] == [
        (name, result.scenario, result.diagnosis.label) for name, result in results
    ]
    assert [line["solve_f1"] for line in lines] == [result.figures["solve_f1"] for _, result in results]


def test_tensorboard_reads_the_leaderboards_means_at_the_runs_step(made):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    board = json.loads((made / "report.json").read_text())["leaderboard"][1]
    events = accumulator.EventAccumulator(str(made / "board" / "random")).Reload()
    [tensor] = events.Tensors("figures/solve_f1")
    assert tensor.step == 7
    assert tensor.tensor_proto.float_val[0] == pytest.approx(board["solve_f1"][0])


def test_a_cell_of_markdown_holds_whatever_a_name_contains():
    row = {"run": "a|b\n<script>`x`", "episodes": 1, "solve_f1": [0.5, 0.25, 0.75]}
    table = markdown({"leaderboard": [row]}).splitlines()
    assert table[-1] == "| a\\|b \\<script>\\`x\\` | 1 | 0.500 [0.250, 0.750] |"


def test_a_report_of_nothing_or_into_nothing_is_refused_with_advice(runs, tmp_path):
    nothing = run(tmp_path, "--out", tmp_path / "report.html")
    assert nothing.returncode == 2
    assert "no trajectories.jsonl in it, nor in a folder of it" in nothing.stderr
    nowhere = run(*runs)
    assert nowhere.returncode == 2
    assert "nothing to write; name a file: --out report.html" in nowhere.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_run_leaves_no_file_behind(runs, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    text = (runs[0] / "trajectories.jsonl").read_text()
    (damaged / "trajectories.jsonl").write_text(text + '{"pack": 1}\n')
    result = run(damaged, "--out", tmp_path / "report.html", "--jsonl", tmp_path / "x.jsonl")
    assert result.returncode == 2
    assert "trajectories.jsonl, line 13: not a trajectory" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged"]
