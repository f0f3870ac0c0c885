"""Importers: others' data becomes a pack, with a report of what is dead in it, and why.

One file for each kind of data. To add one, write a file like `ftrl.py` and name its `IMPORTER` here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from tool_gym.errors import InputError, UnknownName
from tool_gym.jsonvalue import Json
from tool_gym.packs.importers import bfcl, bfcl_single, ftrl, rotbench, tau_bench, toolhop
from tool_gym.packs.importers.loading import load_check
from tool_gym.packs.importers.records import ImportedRecord
from tool_gym.packs.importers.report import DeadTool, ImportReport, StructureCount, ToolCheck
from tool_gym.packs.writer import write_pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Scenario, Structure

IMPORTERS = {
    "bfcl": bfcl.IMPORTER,
    "bfcl-single": bfcl_single.IMPORTER,
    "ftrl": ftrl.IMPORTER,
    "rotbench": rotbench.IMPORTER,
    "tau-bench": tau_bench.IMPORTER,
    "toolhop": toolhop.IMPORTER,
}
"""The importers by kind."""


def import_pack(
    kind: str,
    source: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    version: int = 0,
    calls: str | Path | None = None,
    check: ToolCheck | None = None,
    trust: bool = False,
    on_exists: Literal["error", "replace"] = "error",
) -> ImportReport:
    """Turns a file of others' data into a pack; nothing is written unless all of it can be read.

    Args:
        kind: A name of `IMPORTERS`.
        source: The file; for `bfcl` and `tau-bench`: the folder of the package.
        out: The pack's folder, to be made.
        name: Name of the pack; by default its folder's, as far as a pack may be called so.
        version: Version of the pack.
        calls: For `ftrl`: a file of calls that become the reference calls.
        check: Tells which tools do not load; by default they are loaded in the sandbox (`loading.load_check` does so
            with an executor of the caller's). Those that do not load are imported all the same, and reported.
        trust: Whether the source's own Python may run, sealed, where its tools are native.
        on_exists: What to do when the folder holds a pack: "error" or "replace".

    Raises:
        UnknownName: If there is no such kind.
        InputError: If the file cannot be read, with the line's number, or the folder exists.
        SandboxError: If the tools are to be loaded, and the machine lacks a layer that the sandbox needs.
    """
    importer = IMPORTERS.get(kind)
    if importer is None:
        raise UnknownName("importer", kind, IMPORTERS)
    if calls is not None and not importer.takes_calls:
        raise InputError(f"{kind} takes no file of calls; leave {calls} out")
    if importer.native and not trust:
        raise InputError(
            f"{kind} runs the Python that comes with its data, sealed but without the tool dialect; if you trust "
            f"{source}, say so with trust=True (--trust)"
        )
    path, tables = Path(source), dict[str, Json]()
    with ExitStack() as stack:
        executor = stack.enter_context(Executor(native=importer.native))  # no process starts before it is needed
        extra = executor if importer.native else Path(calls) if calls is not None else None
        records = importer.read(path) if extra is None else importer.read(path, extra)
        tried = (lambda tools: []) if importer.own_tools else load_check(executor, tables)
        tally = _Tally(check or tried, tables)
        pack = write_pack(
            out,
            name=_slug(Path(out).absolute().name) if name is None else name,
            version=version,
            scenarios=tally.scenarios(records),
            tables=tables,
            on_exists=on_exists,
            **importer.manifest,
        )
    return ImportReport(
        kind=kind,
        source=str(path),
        name=pack.name,
        version=pack.version,
        path=str(out),
        records=len(pack),
        tools=pack.manifest.counts["tools"],
        scenarios=tally.counts,
        dead_tools=tuple(tally.dead),
        mended=tuple(tally.mended),
    )


class _Tally:
    """Counts what passes, keeps its tables, and tries each different tool once."""

    def __init__(self, check: ToolCheck, tables: dict[str, Json]) -> None:
        self._tables = tables
        self.counts: dict[Structure, StructureCount] = {}
        self.dead: list[DeadTool] = []
        self.mended: list[str] = []
        self._check = check
        self._reasons: dict[str, str] = {}
        self._tried: set[str] = set()

    def scenarios(self, records: Iterable[ImportedRecord]) -> Iterator[Scenario]:
        for record in records:
            scenario, steps = record.scenario, record.scenario.sub_questions
            self._tables.update(record.tables)
            dead = self._dead(scenario)
            self.counts[scenario.structure] = self.counts.get(scenario.structure, StructureCount()) + StructureCount(
                scenarios=1,
                sub_questions=len(steps),
                reference_calls=sum(step.arguments is not None for step in steps),
                tools=len(scenario.tools),
                dead_tools=len(dead),
            )
            self.dead += dead
            self.mended += record.mended
            yield scenario

    def _dead(self, scenario: Scenario) -> list[DeadTool]:
        new = [tool for tool in scenario.tools if tool.digest not in self._tried]
        self._tried |= {tool.digest for tool in new}
        if new:
            self._reasons |= {tool.digest: reason for tool, reason in self._check(new)}
        return [
            DeadTool(scenario.id, tool.name, self._reasons[tool.digest])
            for tool in scenario.tools
            if tool.digest in self._reasons
        ]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "imported"
