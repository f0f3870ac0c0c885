"""The page: one HTML file that holds its data, opens from a disk, and loads nothing from anywhere.

Episodes travel as gzip in base64, `EPISODES_PER_CHUNK` to a chunk, and are unpacked when they are looked at; what lists
and filters need of all of them is one index. Whatever a model, a tool or a pack wrote is data: it never becomes markup,
and the page's content policy runs no script but its own, by hash.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING

from tool_gym._version import __version__
from tool_gym.errors import InputError
from tool_gym.evaluation.failures import LABELS, VERDICTS
from tool_gym.evaluation.results import Result, Run
from tool_gym.jsonvalue import Json, dumps
from tool_gym.report.episodes import episode_data
from tool_gym.report.questions import Questions
from tool_gym.report.wording import FIGURE_NAMES, LABEL_NAMES, VERDICT_NAMES
from tool_gym.scenario import STRUCTURES
from tool_gym.trajectory import Trajectory

if TYPE_CHECKING:
    from jinja2 import Template

EPISODES_PER_CHUNK = 50
SCRIPTS = ("dom", "store", "state", "charts", "overview", "episodes", "viewer", "main")
"""Files of `page/`, joined into one script in this order."""
_LISTED = ("solve_f1", "return", "calls", "turns")  # figures of the index, which lists show and sort by


class Page:
    """Takes the episodes of some runs one by one, keeps them packed, and makes the page."""

    def __init__(self, runs: Sequence[Run], questions: Questions, title: str) -> None:
        """Begins the page of these runs.

        Raises:
            InputError: If the package jinja2 is not installed.
        """
        self._template = _template()
        self._questions, self._title = questions, title
        self._about = {run.name: about_lines(run) for run in runs}
        self._runs = {run.name: place for place, run in enumerate(runs)}
        self._scenarios: dict[tuple[str, str, str], int] = {}
        self._texts: list[dict[str, Json]] = []
        self._rows: list[list[Json]] = []
        self._tools: dict[str, int] = {}
        self._chunks: list[str] = []
        self._waiting: list[dict[str, Json]] = []

    def add(self, run: Run, trajectory: Trajectory, result: Result) -> None:
        """Adds one episode of one of the runs."""
        self._rows.append(
            [
                self._runs[run.name],
                self._scenario(trajectory, result),
                result.repetition,
                LABELS.index(result.diagnosis.label),
                [self._tools.setdefault(name, len(self._tools)) for name in result.tools],
                [VERDICTS.index(kind) for kind in result.diagnosis.counts],
                *(round(result.figures[name] or 0.0, 4) for name in _LISTED),
            ]
        )
        self._waiting.append(episode_data(trajectory, result))
        if len(self._waiting) == EPISODES_PER_CHUNK:
            self._pack()

    def _scenario(self, trajectory: Trajectory, result: Result) -> int:
        """The place of an episode's scenario in the index."""
        if result.content not in self._scenarios:
            self._scenarios[result.content] = len(self._texts)
            steps = trajectory.gold.sub_questions if trajectory.gold else ()
            self._texts.append(
                {
                    "id": trajectory.scenario,
                    "pack": f"{trajectory.pack} version {trajectory.version}" if trajectory.pack else "",
                    "structure": STRUCTURES.index(trajectory.structure),
                    "turns": self._questions.of(trajectory),
                    "steps": " ".join(step.question for step in steps),
                }
            )
        return self._scenarios[result.content]

    def _pack(self) -> None:
        self._chunks.append(packed(self._waiting))
        self._waiting = []

    def html(self, tables: Mapping[str, Json]) -> str:
        """The page with all episodes added so far, under the tables that `evaluation.tables` made of them."""
        if self._waiting:
            self._pack()
        index = {
            "title": self._title,
            "version": __version__,
            "runs": [{"name": name, "about": about} for name, about in self._about.items()],
            "tables": tables,
            "scenarios": self._texts,
            "structures": STRUCTURES,
            "tools": list(self._tools),
            "labels": [[name, *LABEL_NAMES[name]] for name in LABELS],
            "verdicts": [[name, VERDICT_NAMES[name]] for name in VERDICTS],
            "figures": FIGURE_NAMES,
            "perChunk": EPISODES_PER_CHUNK,
            "rows": self._rows,
        }
        style, script = _asset("page.css"), "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
        return self._template.render(
            title=self._title,
            style=style,
            script=script,
            style_hash=_content_hash(style),
            script_hash=_content_hash(script),
            index=packed(index),
            chunks=self._chunks,
        )


def about_lines(run: Run) -> list[list[str]]:
    """What a run's file says about it, as names and texts: its plain values, and those one level below."""
    return [[name, text] for name, text in _flat(run.about) if text]


def _flat(about: Json, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in about.items():
        if isinstance(value, dict) and not prefix:
            yield from _flat(value, f"{name} ")
        elif isinstance(value, (str, int, float)):
            yield prefix + name.replace("_", " "), str(value)


def packed(value: Json) -> str:
    """JSON data as gzip in base64, the same text for the same data."""
    return base64.b64encode(gzip.compress(dumps(value), compresslevel=6, mtime=0)).decode()


def _template() -> Template:
    try:
        import jinja2
    except ImportError:
        raise InputError("the page needs the package jinja2; install it: pip install 'tool-gym[report]'") from None
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_asset("page.html"))


def _asset(name: str) -> str:
    return (resources.files("tool_gym.report") / "page" / name).read_text(encoding="utf-8")


def _content_hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
