"""Runs to report on: scripted policies on the small pack, and one in which every text is hostile."""

import json
from pathlib import Path
from typing import Any

from tool_gym.evaluation.results import open_runs
from tool_gym.evaluation.tables import tables
from tool_gym.packs.reader import Pack
from tool_gym.policies.scripted import OraclePolicy, RandomPolicy
from tool_gym.report.page import Page
from tool_gym.report.questions import Questions
from tool_gym.rollouts import plays, rollout
from tool_gym.trajectory import Trajectory, write_trajectories

PLAYED = ("single-1", "parallel-1", "multi-1", "joined-1")
HOSTILE = "</script><script>window.taken=1</script><img src=x onerror='window.taken=1'>\u202e"
_KEPT = {"structure", "termination", "status", "kind", "matcher", "path", "tools", "arguments", "depends_on", "id"}
"""Fields that only take certain words, or that refer to each other."""


def play_small_runs(folder: Path, pack_folder: Path, executor: Any, k: int = 3) -> list[Path]:
    """The oracle and a random policy, in a folder each, with what may lie beside the trajectories."""
    pack = Pack(pack_folder)
    todo = plays(PLAYED, k)
    for name, policy in (("oracle", OraclePolicy(pack)), ("random", RandomPolicy(1, reply_chance=0.3))):
        found = dict(rollout(policy, pack, todo, executor, max_turns=6))
        run = folder / name
        run.mkdir()
        write_trajectories(run / "trajectories.jsonl", [found[play] for play in todo])
        (run / "run.json").write_text(json.dumps({"policy": name, "seed": 0, "step": 7, "pack": {"name": "small"}}))
    return sorted(folder.iterdir())


def hostile(value: Any, key: str = "") -> Any:
    """The same data with markup in front of every text that may be any text."""
    if isinstance(value, dict):
        return {name: hostile(each, name) for name, each in value.items()} if key not in _KEPT else value
    if isinstance(value, list):
        return [hostile(each, key) for each in value] if key not in _KEPT else value
    return HOSTILE + value if isinstance(value, str) and key not in _KEPT else value


def hostile_run(run: Path, folder: Path) -> Path:
    """A copy of a run in which every text is hostile, its name included."""
    copy = folder / "<img src=x onerror=alert(1)>"
    copy.mkdir()
    rows = [hostile(json.loads(line)) for line in (run / "trajectories.jsonl").read_text().splitlines()]
    for row in rows:
        row["transitions"][0]["action"] |= {"reasoning": HOSTILE, "parse_error": HOSTILE, "content": HOSTILE}
        for call in row["transitions"][0]["action"].get("tool_calls", []):
            call |= {"raw": HOSTILE, "error": HOSTILE}
    write_trajectories(copy / "trajectories.jsonl", map(Trajectory.model_validate, rows))
    (copy / "run.json").write_text(json.dumps({HOSTILE: HOSTILE}))
    return copy


def page_of(runs: list[Path], packs: tuple[str, ...] = (), title: str = "A report") -> str:
    opened = open_runs(runs)
    page = Page(opened, Questions(packs), title)
    results: dict[str, list[Any]] = {run.name: [] for run in opened}
    for run in opened:
        for trajectory, result in run.episodes():
            results[run.name].append(result)
            page.add(run, trajectory, result)
    return page.html(tables(results))
