"""The README's commands and code blocks do what they say."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(mark: str) -> list[str]:
    return re.findall(rf"<!-- {re.escape(mark)} -->\n```\w+\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", blocks("run"))
def test_a_code_block_of_the_readme_runs(code, tmp_path):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr


def test_the_first_code_block_solves_its_scenario(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", blocks("run")[0]], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    solved = re.search(r"(\d+) of (\d+) solved; return (\S+)", result.stdout)
    assert solved
    assert solved[1] == solved[2]
    assert float(solved[3]) == pytest.approx(1.0)


@pytest.mark.parametrize("mark", ["commands: run", "commands: generate"])
def test_the_commands_of_the_readme_run_one_after_the_other(mark, tmp_path):
    for line in blocks(mark)[0].splitlines():
        program, *arguments = shlex.split(line)
        assert program == "tool-gym"
        result = subprocess.run(
            [sys.executable, "-m", "tool_gym", *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"


def test_the_set_up_commands_name_what_exists():
    assert "tool-gym demo" in blocks("command: demo")[0]
    constraints = re.search(r"-c (\S+)", blocks("command: test")[0])
    assert constraints
    assert (ROOT / constraints[1]).is_file()


def test_every_figure_file_that_the_readme_names_exists():
    for name in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / name).exists(), name
