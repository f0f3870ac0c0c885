"""`tool-gym pack build`: a folder of sources (pack.toml, tools.py, scenarios.toml, tables/*.json) becomes a pack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from tool_gym.authoring.functions import ToolDraft, read_tools
from tool_gym.authoring.replay import Show, replay_problems
from tool_gym.authoring.scenarios import make_scenario, read_scenarios, read_toml, scenario_lines
from tool_gym.authoring.standins import read_tables
from tool_gym.errors import InputError, PackError, ToolRejected, UnknownName
from tool_gym.jsonvalue import Json, digest
from tool_gym.messages import Noun
from tool_gym.packs.errata import read_errata
from tool_gym.packs.reader import Pack
from tool_gym.packs.writer import write_pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Provenance, Scenario, TableRef, Tool, Truth
from tool_gym.trajectory import brief
from tool_gym.verify.matching import matcher

_MAX_SHOWN = 10


class PackRow(Noun):
    """`pack.toml`: what the manifest says that nobody can compute."""

    name: str
    version: int = 0
    release: str = ""
    title: str
    license: str
    authors: tuple[str, ...]
    attribution: str = ""
    reward: str = "task_f1"
    matcher: str = "typed"
    max_turns: int = 20
    truth: Truth = "invented"


def build_pack(
    folder: str | Path, out: str | Path, *, show: Show | None = None, executor: Executor | None = None
) -> Pack:
    """Compiles a pack's sources and writes the pack, once every reference call returned what its step expects.

    Args:
        folder: Holds pack.toml, tools.py, scenarios.toml and, where tools read tables, tables/*.json; where mistakes
            are known, errata.json.
        out: Folder of the pack; a pack that stands there is replaced when the new one is complete.
        show: Is told what each reference call returned, one line each, so that expected values can be filled in.
        executor: Runs the reference calls; by default one of its own.

    Raises:
        PackError: If a source is wrong; the text names file and line, or scenario and step, and says what to do.
    """
    source = Path(folder)
    if not source.is_dir():
        raise InputError(f"{source}: no such folder; expected one with pack.toml, tools.py and scenarios.toml")
    about = _read_about(source / "pack.toml")
    tables = read_tables(source)
    drafts = {draft.name: draft for draft in read_tools(source / "tools.py")}
    tools = {name: _tool(draft, tables, source) for name, draft in drafts.items()}
    by_hash = {digest(rows): rows for rows in tables.values()}
    if executor is None:
        with Executor() as own:
            scenarios = _proved(source, about, drafts, tools, by_hash, own, show)
    else:
        scenarios = _proved(source, about, drafts, tools, by_hash, executor, show)
    used = {ref.sha256 for scenario in scenarios for tool in scenario.tools for ref in tool.data}
    return write_pack(
        Path(out),
        scenarios=scenarios,
        tables={sha256: rows for sha256, rows in by_hash.items() if sha256 in used},
        errata=read_errata(source),
        on_exists="replace",
        **about.model_dump(exclude={"truth"}),
    )


def _read_about(path: Path) -> PackRow:
    try:
        return PackRow.model_validate(read_toml(path))
    except ValidationError as error:
        raise PackError(f"{path}: {brief(error)}") from None


def _tool(draft: ToolDraft, tables: Mapping[str, Json], folder: Path) -> Tool:
    for name, line in draft.tables.items():
        if name not in tables:
            place = f"{folder / 'tools.py'}, line {line}: tool {draft.name!r}"
            raise PackError(f"{place}: {UnknownName('table', name, tables, f'Add tables/{name}.json.')}")
    return Tool(
        name=draft.name,
        description=draft.description,
        parameters=draft.parameters,
        source=draft.source,
        data=tuple(TableRef(name=name, sha256=digest(tables[name])) for name in draft.tables),
    )


def _proved(
    folder: Path,
    about: PackRow,
    drafts: Mapping[str, ToolDraft],
    tools: Mapping[str, Tool],
    tables: Mapping[str, Json],
    executor: Executor,
    show: Show | None,
) -> list[Scenario]:
    """The folder's scenarios, after all of them were replayed."""
    _load_all(folder, drafts, tools, tables, executor)
    provenance = Provenance(truth=about.truth, source=about.name)
    scenarios, problems = [], []
    path = folder / "scenarios.toml"
    judge, rows, lines = matcher(about.matcher), read_scenarios(path), scenario_lines(path)
    for row in rows:
        place = f"{path}, line {lines[row.id]}: scenario {row.id!r}"
        scenario = make_scenario(row, tools, provenance=provenance, place=place)
        unknown = frozenset(step.id for step in row.step if step.expected is None)
        found = replay_problems(scenario, executor, judge, tables=tables, unknown=unknown, show=show)
        problems += [f"{place}, {problem}" for problem in found]
        scenarios.append(scenario)
    if problems:
        more = f"\n(and {len(problems) - _MAX_SHOWN} more)" if len(problems) > _MAX_SHOWN else ""
        advice = f"\nFix tools.py or the steps, then run: tool-gym pack test {folder}"
        raise PackError("\n".join(problems[:_MAX_SHOWN]) + more + advice)
    return scenarios


def _load_all(
    folder: Path,
    drafts: Mapping[str, ToolDraft],
    tools: Mapping[str, Tool],
    tables: Mapping[str, Json],
    executor: Executor,
) -> None:
    """Compiles every tool in the sandbox; a refusal is told with the line of tools.py."""
    try:
        executor.session(list(tools.values()), tables=tables)
    except ToolRejected as error:
        draft = drafts[error.tool]
        line = draft.lines[error.line - 1] if error.line and error.line <= len(draft.lines) else 0
        place = f"{folder / 'tools.py'}, line {line}" if line else str(folder / "tools.py")
        raise PackError(f"{place}: tool {error.tool!r}: {error.reason}") from None
