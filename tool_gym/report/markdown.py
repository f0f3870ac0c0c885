"""The tables of a report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tool_gym.jsonvalue import Json
from tool_gym.report.wording import FIGURE_NAMES, LABEL_NAMES, VERDICT_NAMES

_TITLES = {
    "leaderboard": "Leaderboard",
    "structures": "By structure",
    "pass_k": "Several attempts",
    "failures": "How episodes end",
    "calls": "What became of the calls",
    "comparisons": "Against the first",
}
_NAMES = {
    **FIGURE_NAMES,
    **{name: words for name, (words, _) in LABEL_NAMES.items()},
    **VERDICT_NAMES,
    "pass_at_k": "pass@k",
    "pass_hat_k": "pass^k",
    "p_value": "p",
}


def markdown(tables: Mapping[str, Sequence[Mapping[str, Json]]]) -> str:
    """The tables of `evaluation.tables` as Markdown, each under its title; columns without a value are left out."""
    parts = ["Means with 95 % intervals, bootstrapped over scenarios.\n"]
    for name, rows in tables.items():
        if rows:
            parts += [f"## {_TITLES[name]}\n", _table(rows)]
    return "\n".join(parts)


def _table(rows: Sequence[Mapping[str, Json]]) -> str:
    keys = [key for key in rows[0] if any(_cell(row[key]) not in ("", "0") for row in rows)]
    lines = [
        [_NAMES.get(key, key.replace("_", " ")) for key in keys],
        ["---" if isinstance(rows[0][key], str) else "--:" for key in keys],
        *[[_cell(row[key]) for key in keys] for row in rows],
    ]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _cell(value: Json) -> str:
    if isinstance(value, list):
        mean, low, high = value
        return "" if mean is None else f"{mean:.3f} [{low:.3f}, {high:.3f}]"
    if isinstance(value, float):
        return f"{value:.3g}"
    # What a cell holds may come from a file: it must not end the cell or begin markup.
    return "".join(f"\\{char}" if char in "\\|<`[*_" else char for char in str(value).replace("\n", " "))
