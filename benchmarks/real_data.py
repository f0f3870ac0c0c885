"""FTRL's and ToolHop's records through the whole path: import, load, play, verify; isolated and embedded.

    python benchmarks/real_data.py FOLDER --json benchmarks/results/real_data.json

FOLDER holds `ftrl_dev.jsonl`, `ftrl_dev_calls.jsonl` (calls found to return sub-answers) and `toolhop_dev.jsonl`; none
of it is part of this project. The played calls are exactly those of the calls file, one turn each, under `ftrl_f1`.
ToolHop's items have no such calls: every tool of each is called once without arguments.
"""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from tool_gym.episode import Episode
from tool_gym.packs.importers import import_pack
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.sandbox.executor import Executor


def play_found_calls(pack: Pack, executor: Executor, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Plays the found calls of each record and counts what they solve."""
    solved, expected, short, text = 0, 0, [], hashlib.sha256()
    for scenario, row in zip(pack, rows, strict=True):
        episode = Episode.of_pack(pack, scenario, executor, reward="ftrl_f1", max_turns=1000)
        for call in row["calls"]:
            episode.step({"tool_calls": [{"name": call["name"], "arguments": call["arguments"]}]})
        solved += episode.score.solved
        expected += len(row["calls"])
        if episode.score.solved < len(row["calls"]):
            short.append({"record": row["record"], "solved": episode.score.solved, "expected": len(row["calls"])})
        text.update(episode.trajectory().model_dump_json().encode())
    return {"solved": solved, "expected": expected, "short": short, "sha256_of_trajectories": text.hexdigest()}


def play_every_tool(pack: Pack, executor: Executor) -> dict[str, Any]:
    """Calls every tool of every scenario without arguments: each must answer, none may break the play."""
    statuses: Counter[str] = Counter()
    text = hashlib.sha256()
    for scenario in pack:
        calls = [{"name": tool.name, "arguments": {}} for tool in pack[scenario].tools]
        episode = Episode.of_pack(pack, scenario, executor)
        result = episode.step({"tool_calls": calls})
        statuses.update(result.info["tool_statuses"])
        if all(answer.deterministic for answer in episode.trajectory().transitions[0].results):
            text.update(episode.trajectory().model_dump_json().encode())
    return {"statuses": dict(sorted(statuses.items())), "sha256_of_trajectories": text.hexdigest()}


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of the real data.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
) -> None:
    """Import, load and play the real records, and print what held."""
    result: dict[str, Any] = {
        "command": "python benchmarks/real_data.py FOLDER --json benchmarks/results/real_data.json",
        "python": platform.python_version(),
    }
    rows = [json.loads(line) for line in (folder / "ftrl_dev_calls.jsonl").read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as scratch, Executor() as isolated, Executor("embedded") as embedded:
        for kind in ("ftrl", "toolhop"):
            report = import_pack(kind, folder / f"{kind}_dev.jsonl", Path(scratch) / kind)
            pack = load_pack(str(report.path))
            figures: dict[str, Any] = {
                "records": report.records,
                "imported": len(pack),
                "tools": report.tools,
                "loaded": report.tools - len(report.dead_tools),
                "dead": [list(dead) for dead in report.dead_tools],
            }
            plays = []
            for executor in (isolated, embedded):
                play = play_found_calls(pack, executor, rows) if kind == "ftrl" else play_every_tool(pack, executor)
                plays.append(play)
            figures["play"] = plays[0]
            figures["same_bytes_isolated_and_embedded"] = plays[0] == plays[1]
            result[kind] = figures
    text = json.dumps(result, indent=1, ensure_ascii=False)
    print(text)
    if json_file:
        json_file.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
