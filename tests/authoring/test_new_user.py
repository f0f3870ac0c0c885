"""What a new user sees: the transcript beside this file is played again, command by command, in an empty folder.

In `new_user_transcript.md` a fenced block named `console` holds commands, each after "$ ", and what they print; any
other block, with a path behind its language, is a file to write. To write down anew what the commands print:

    python tests/authoring/test_new_user.py
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TRANSCRIPT = Path(__file__).with_name("new_user_transcript.md")
_BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n", re.MULTILINE)
_TIME = re.compile(r"\bin \d+\.\d+s")


def played(text: str, folder: Path) -> str:
    """The transcript with what its commands print when they run in the folder now."""

    def block(match: re.Match[str]) -> str:
        language, path, body = match.groups()
        if language == "console":
            body = "".join(f"$ {command}\n{printed(command, folder)}" for command in _COMMAND.findall(body))
        else:
            (folder / path).write_text(body, encoding="utf-8")
        return f"```{language}{' ' * bool(path)}{path}\n{body}```"

    return _BLOCK.sub(block, text)


def printed(command: str, folder: Path) -> str:
    """What a shell command prints, without what differs from run to run."""
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "110"}
    result = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=here, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False,
    )  # fmt: skip
    text = _TIME.sub("in … s", result.stdout.replace(str(folder), "~"))
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())


def commands(text: str) -> Iterator[str]:
    for language, _, body in _BLOCK.findall(text):
        if language == "console":
            yield from _COMMAND.findall(body)


@pytest.mark.slow
def test_every_command_of_a_new_user_prints_what_the_transcript_says(tmp_path):
    text = TRANSCRIPT.read_text(encoding="utf-8")
    assert played(text, tmp_path) == text


def test_the_transcript_writes_a_pack_of_three_tools_and_five_scenarios_with_our_command_alone():
    text = TRANSCRIPT.read_text(encoding="utf-8")
    tools = next(body for _, path, body in reversed(_BLOCK.findall(text)) if path.endswith("tools.py"))
    scenarios = "".join(body for _, path, body in _BLOCK.findall(text) if path.endswith("scenarios.toml"))
    assert len(re.findall(r"^def [a-z]", tools, re.MULTILINE)) == 3
    assert len(set(re.findall(r"^\[\[scenario\]\]\nid = (.*)$", scenarios, re.MULTILINE))) == 5
    assert {command.split()[0] for command in commands(text)} <= {
        "tool-gym",
        "rm",
        "sed",
        "pip",
        "PYTHONPATH=installed",
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        TRANSCRIPT.write_text(played(TRANSCRIPT.read_text(encoding="utf-8"), Path(temporary)), encoding="utf-8")
