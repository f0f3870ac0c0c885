"""A pack's files held against its manifest and against each other: what `Pack.verify` tells."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

from tool_gym.errors import PackError
from tool_gym.jsonvalue import Json
from tool_gym.packs.errata import read_errata
from tool_gym.packs.files import (
    ERRATA,
    IDS,
    INDEXES,
    KEYS,
    MANIFEST,
    ROW_FILES,
    SCENARIOS,
    TABLES,
    TOOLS,
    file_hash,
    lines,
    open_inside,
)
from tool_gym.packs.ids import read_ids
from tool_gym.packs.manifest import PackManifest
from tool_gym.packs.rowfile import RowFile
from tool_gym.packs.rows import decode_row, read_scenario, read_table, read_tool
from tool_gym.schema import schema_problem

_MAX_TOLD = 20
_TOOLS_KEPT = 4096


def find_problems(folder: Path, manifest: PackManifest) -> list[str]:
    """Reads a whole pack and tells what is wrong with its files.

    Checked are the hashes; that every row parses, has the content hash it names, and comes once; that `ids.txt` and
    `scenarios.jsonl` agree; that the tools and tables in use are there; that schemas are schemas; and the counts.

    Args:
        folder: The pack's folder.
        manifest: Its manifest.

    Returns:
        One line for each problem, at most 20 and a count of the rest; empty if the pack is sound.
    """
    problems = _Check(folder, manifest).run()
    more = len(problems) - _MAX_TOLD
    return problems[:_MAX_TOLD] + ([f"and {more} more"] if more > 0 else [])


def has_its_hashes(folder: Path, manifest: PackManifest) -> bool:
    """Whether every file is what the manifest says, byte for byte; reads no row."""
    check = _Check(folder, manifest)
    check.check_hashes()
    return not check.problems


class _Check:
    """One look through one pack."""

    def __init__(self, folder: Path, manifest: PackManifest) -> None:
        self.folder, self.manifest = folder, manifest
        self.problems: list[str] = []
        self.tables: set[str] = set()
        self.splits: Counter[str] = Counter()
        self.truths: Counter[str] = Counter()
        tools = RowFile(folder, TOOLS, None)
        self.tool = functools.lru_cache(_TOOLS_KEPT)(lambda sha256: read_tool(*tools.get(sha256)))

    def run(self) -> list[str]:
        """All problems."""
        self.check_hashes()
        counts = {"tables": self.check_rows(TABLES, self.check_table), "tools": self.check_rows(TOOLS, self.check_tool)}
        counts["scenarios"] = self.check_rows(SCENARIOS, self.check_scenario)
        for what, found in (("counts", counts), ("splits", self.splits), ("truths", self.truths)):
            if getattr(self.manifest, what) != found:
                said = getattr(self.manifest, what)
                self.problems.append(f"{self.folder / MANIFEST}: {what} are {said}, found were {dict(found)}")
        self.check_ids()
        self.check_errata()
        return self.problems

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Notes a `PackError` of the block as a problem."""
        try:
            yield
        except PackError as error:
            self.problems.append(str(error))

    def check_hashes(self) -> None:
        """Every file has the hash that the manifest names; a missing sidecar only makes reading slower."""
        needed, known = {*ROW_FILES, IDS}, {*ROW_FILES, IDS, *INDEXES.values()}
        said = self.manifest.sha256
        for name in sorted(needed - said.keys()):
            self.problems.append(f"{self.folder / MANIFEST}: sha256 does not name {name}")
        for name in sorted(said):
            if name not in known:
                self.problems.append(f"{self.folder / MANIFEST}: sha256 names {name!r}, which is no file of a pack")
            elif name in needed or os.path.lexists(self.folder / name):
                with self.telling():
                    found = file_hash(self.folder, name)
                    if found != said[name]:
                        raise PackError(f"{self.folder / name}: its SHA-256 is {found}, {MANIFEST} says {said[name]}")

    def check_rows(self, name: str, check: Callable[[dict[str, Json], str], None]) -> int:
        """Every row of a file parses, comes once, and passes its check; returns how many rows there are."""
        seen: set[str] = set()
        number = 0
        with self.telling(), open_inside(self.folder, name) as file:
            for number, line in enumerate(lines(file), 1):
                place = f"{self.folder / name}, line {number}"
                with self.telling():
                    row = decode_row(line, place)
                    check(row, place)
                    key = str(row.get(KEYS[name]))
                    if key in seen:
                        raise PackError(f"{place}: the {KEYS[name]} {key!r} comes twice")
                    seen.add(key)
        return number

    def check_table(self, row: dict[str, Json], place: str) -> None:
        """The content has the hash that its row names."""
        read_table(row, place)
        self.tables.add(row["sha256"])

    def check_tool(self, row: dict[str, Json], place: str) -> None:
        """It is a tool, has the hash that its row names, and its schema is one."""
        tool = read_tool(row, place)
        if tool.digest != row["sha256"]:
            raise PackError(f"{place}: the row leaves fields out; a tool's row holds all of them")
        if problem := schema_problem(tool.parameters):
            raise PackError(f"{place}: tool {tool.name!r}: {problem}")
        for ref in tool.data:
            if ref.sha256 not in self.tables:
                raise PackError(f"{place}: tool {tool.name!r} reads the table {ref.sha256}, which the pack has not")

    def check_scenario(self, row: dict[str, Json], place: str) -> None:
        """It is a scenario, and all its tools are there."""
        scenario = read_scenario(row, self.tool, place)
        self.splits[scenario.split] += 1
        self.truths[scenario.provenance.truth] += 1

    def check_ids(self) -> None:
        """`ids.txt` lists the ids and splits of `scenarios.jsonl`, in its order."""
        with self.telling(), open_inside(self.folder, SCENARIOS) as file:
            listed = read_ids(self.folder).items()
            for number, (line, pair) in enumerate(zip_longest(lines(file), listed), 1):
                row = {} if line is None else decode_row(line, f"{self.folder / SCENARIOS}, line {number}")
                found = (row.get("id"), row.get("split", "train"))
                if found != pair:
                    shown = "nothing" if pair is None else " ".join(pair)
                    raise PackError(
                        f"{self.folder / IDS}, line {number}: says {shown}, {SCENARIOS} has {found[0]} {found[1]}"
                    )

    def check_errata(self) -> None:
        """The scenarios that are known to be bad are scenarios of the pack."""
        with self.telling():
            ids = read_ids(self.folder)
            for each in read_errata(self.folder):
                if each.concerns(self.manifest.version) and each.scenario not in ids:
                    raise PackError(f"{self.folder / ERRATA}: names {each.scenario!r}, which the pack does not have")
