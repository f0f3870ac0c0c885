"""How rich generated scenarios are, beside the paper's test set.

    python benchmarks/richness.py --seed 20261 --json results/richness.json --markdown results/richness.md

The paper's figures are means over its 200 test records, read from the records themselves.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from tool_gym.generation.generate import generate_pack
from tool_gym.packs.reader import load_pack

ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("tools_per_scenario", "tools per scenario", "9.3", "8 to 12"),
    ("distractors_per_scenario", "distractors per scenario", "5.4", "at least 5"),
    ("parameters_per_tool", "parameters per tool, mean", "7.1", "at least 6"),
    ("json_types", "JSON types of parameters", "5", "at least 5"),
    ("steps_single_hop", "sub-questions, single_hop", "1.0", "as the paper's or more"),
    ("steps_parallel_single_hop", "sub-questions, parallel_single_hop", "2.0", "as the paper's or more"),
    ("steps_multi_hop", "sub-questions, multi_hop", "5.7", "as the paper's or more"),
    ("steps_parallel_multi_hop", "sub-questions, parallel_multi_hop", "7.7", "as the paper's or more"),
    ("distinct_tool_documents", "distinct tool documents", "", "at least 1,500"),
    ("most_common_tool_document", "share of scenarios with the most common document", "", "at most 0.02"),
    ("distinct_graphs", "distinct operator graphs", "", "at least 150"),
    ("distinct_skeletons", "question skeletons", "", "at least 600"),
    ("most_common_skeleton", "share of the most common skeleton", "", "at most 0.01"),
    ("guessable_steps", "sub-questions with a bool or enum answer", "", "at most 0.15"),
    ("shared_by_splits", "worlds and phrasings in two splits", "", "0"),
    ("bytes_per_scenario", "bytes per scenario in the folder", "", ""),
)
"""Key, what it says, the paper's figure where the records give one, and the goal."""


def richness(count: int, seed: int) -> dict[str, Any]:
    """The figures of a pack of that many scenarios at the default level."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rich"
        report = generate_pack(out, count=count, seed=seed)
        size = sum(path.stat().st_size for path in out.iterdir())
        tools = [len(scenario.tools) for scenario in map(load_pack(out).__getitem__, load_pack(out))]
    figures = {
        **report.figures(),
        "bytes_per_scenario": size / count,
        "tools_least": min(tools),
        "tools_most": max(tools),
    }
    return {"count": count, "seed": seed, **report.as_json(), "figures": figures}


def table(result: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    lines = [
        f"{result['count']:,} scenarios at the default level, seed {result['seed']}.",
        "",
        "| | tool_gym | the paper's test set | goal |",
        "|---|---|---|---|",
    ]
    for key, what, paper, goal in ROWS:
        value = result["figures"][key]
        lines.append(f"| {what} | {value:,.3f} | {paper} | {goal} |".replace(".000 ", " "))
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    given = parser.parse_args()
    result = richness(given.count, given.seed)
    print(table(result))
    if given.json:
        Path(given.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if given.markdown:
        Path(given.markdown).write_text(table(result), encoding="utf-8")


if __name__ == "__main__":
    main()
