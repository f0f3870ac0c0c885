"""How commands speak: tables for people, JSON for machines, progress bars on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

T = TypeVar("T")

# Where output is no terminal (a file, a pipe) nobody is served by 80 columns.
_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
stdout = Console(highlight=False, width=_WIDTH)
stderr = Console(stderr=True, soft_wrap=True, highlight=False)

_SHORT = 32  # characters of a cell that is not worth folding
_HEADINGS = {
    "solve_p": "Solve-P",
    "solve_r": "Solve-R",
    "solve_f1": "Solve-F1",
    "answer_correct": "answer",
    "mean_return": "return",
    "mean_turns": "turns",
    "mean_calls": "calls",
}


def show_table(title: str, rows: Sequence[Mapping[str, Any]], *, as_json: bool = False) -> None:
    """Prints rows that share their keys: a table, or with `as_json` a JSON list and nothing else."""
    if as_json:
        show_json(rows)
        return
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for key in rows[0] if rows else ():
        numeric = all(isinstance(row[key], (int, float)) for row in rows)
        longest = max(len(_cell(row[key])) for row in rows)
        table.add_column(
            _HEADINGS.get(key, key.replace("_", " ")),
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=longest <= _SHORT,
        )
    for row in rows:
        table.add_row(*[escape(_cell(value)) for value in row.values()])
    stdout.print(table)


def show_json(value: Any) -> None:
    """Prints one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "" if value is None else str(value)


class _Note(ProgressColumn):
    """How many items come a minute, and what else there is to say."""

    def __init__(self, note: Callable[[], str]) -> None:
        super().__init__()
        self._note = note

    def render(self, task: Task) -> Text:
        """The text of the moment."""
        return Text(f"{(task.speed or 0) * 60:.1f}/min, {self._note()}")


def progress(items: Iterable[T], total: int | None, what: str, note: Callable[[], str] | None = None) -> Iterator[T]:
    """Passes items on and shows on stderr how far they are; silent where stderr is no terminal.

    Args:
        items: The items.
        total: How many they are; None: not known.
        what: What they are.
        note: Says what else there is to say at any moment, as what has been spent; with it comes the rate.
    """
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    ]  # fmt: skip
    if note is not None:
        columns.append(_Note(note))
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        yield from bar.track(items, total=total, description=what)
