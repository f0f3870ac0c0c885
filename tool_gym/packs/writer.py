"""`write_pack`: scenarios become a pack's folder, streaming, all of it or nothing, the same bytes each time."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from pydantic import ValidationError

from tool_gym.errors import InputError, PackError
from tool_gym.jsonvalue import Json
from tool_gym.packs.errata import Erratum, write_errata
from tool_gym.packs.files import IDS, INDEXES, KEYS, MANIFEST, README, SCENARIOS, TABLES, TOOLS
from tool_gym.packs.ids import ids_line
from tool_gym.packs.index import IndexBuilder
from tool_gym.packs.manifest import PackManifest, canary, check_split
from tool_gym.packs.reader import Pack
from tool_gym.packs.readme import Tally, pack_readme
from tool_gym.packs.rows import encode_row, read_table, scenario_row, table_row, tool_row
from tool_gym.scenario import Scenario, Tool
from tool_gym.trajectory import brief


def write_pack(
    out: str | Path,
    *,
    name: str,
    scenarios: Iterable[Scenario],
    tables: Mapping[str, Json] | None = None,
    version: int = 0,
    release: str = "",
    title: str = "",
    license: str = "",
    authors: tuple[str, ...] = (),
    attribution: str = "",
    reward: str = "task_f1",
    matcher: str = "typed",
    max_turns: int = 20,
    check_arguments: bool = True,
    dialect: Literal[1, "native"] = 1,
    errata: Sequence[Erratum] = (),
    on_exists: Literal["error", "replace"] = "error",
) -> Pack:
    """Writes a pack. The scenarios are taken one by one and not kept, so there may be any number of them.

    The folder appears when it is complete; when anything goes wrong, nothing appears and an older pack stays as it was.
    The same arguments give the same bytes.

    Args:
        out: The folder to make.
        name: Name of the pack, letters a-z, digits and "-".
        scenarios: The scenarios, with different ids.
        tables: Content of the tables that the scenarios' tools read, by content hash (`tool_gym.jsonvalue.digest`).
        version: See `PackManifest`, as the following.
        release: See `PackManifest`.
        title: See `PackManifest`.
        license: See `PackManifest`.
        authors: See `PackManifest`.
        attribution: See `PackManifest`.
        reward: See `PackManifest`.
        matcher: See `PackManifest`.
        max_turns: See `PackManifest`.
        check_arguments: See `PackManifest`.
        dialect: See `PackManifest`.
        errata: Scenarios known to be bad, in this version or an older one.
        on_exists: What to do when the folder exists and is not empty: "error", or "replace" a pack that is there.

    Returns:
        The pack, opened.

    Raises:
        InputError: If the folder exists already, holds something else than a pack, or cannot be made.
        PackError: If an id comes twice, a table is missing, a value is not JSON data, or the manifest is not sound.
    """
    target = Path(out)
    check_target(target, on_exists)
    about: dict[str, Any] = {
        "name": name, "version": version, "release": release, "title": title, "license": license,
        "authors": tuple(authors), "attribution": attribution, "reward": reward, "matcher": matcher,
        "max_turns": max_turns, "check_arguments": check_arguments, "dialect": dialect,
    }  # fmt: skip
    _manifest(about)  # a bad name is told before the scenarios are made
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{target}: cannot be made ({error.strerror or error}); choose another folder") from None
    try:
        with _PackFiles(part, {} if tables is None else tables) as files:
            for scenario in scenarios:
                files.add(scenario)
        tally = files.tally
        content = {
            "splits": dict(sorted(tally.splits.items())),
            "truths": dict(sorted(tally.truths.items())),
            "counts": files.counts,
            "canary": canary(name, files.hashes),
            "sha256": files.hashes,
        }
        manifest = _manifest({**about, **content})
        write_errata(part, errata)
        (part / README).write_text(pack_readme(manifest, tally), encoding="utf-8")
        (part / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _move(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Pack(target)


class _RowWriter:
    """One file of rows and its sidecar."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.rows, self._size = name, 0, 0
        self._folder, self._key = folder, KEYS[name]
        self._file = (folder / name).open("xb")
        self._hash, self._index = hashlib.sha256(), IndexBuilder()

    def add(self, row: dict[str, Json], place: str) -> None:
        line = encode_row(row, place)
        self._file.write(line)
        self._hash.update(line)
        self._index.add(row[self._key], self._size, len(line) - 1)
        self._size += len(line)
        self.rows += 1

    def close(self) -> None:
        self._file.close()

    def finish(self) -> dict[str, str]:
        """Writes the sidecar; returns the hashes of both files."""
        self.close()
        sha256 = self._hash.hexdigest()
        sidecar = self._index.build().dump(self._size, sha256)
        (self._folder / INDEXES[self.name]).write_bytes(sidecar)
        return {self.name: sha256, INDEXES[self.name]: hashlib.sha256(sidecar).hexdigest()}


class _PackFiles:
    """The data files of a pack while scenarios are added; `hashes` and `counts` stand once the block has ended well."""

    def __init__(self, folder: Path, tables: Mapping[str, Json]) -> None:
        self.tally = Tally()
        self.hashes: dict[str, str] = {}
        self._given = tables
        self._seen_ids: set[str] = set()
        self._seen: set[str] = set()
        self._scenarios, self._tools, self._tables = (_RowWriter(folder, name) for name in (SCENARIOS, TOOLS, TABLES))
        self._ids = (folder / IDS).open("x", encoding="utf-8")
        self._ids_hash = hashlib.sha256()

    @property
    def counts(self) -> dict[str, int]:
        return {"scenarios": self._scenarios.rows, "tools": self._tools.rows, "tables": self._tables.rows}

    def __enter__(self) -> _PackFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        writers = (self._scenarios, self._tools, self._tables)
        self._ids.close()
        for writer in writers:
            if kind is None:
                self.hashes |= writer.finish()
            writer.close()
        self.hashes[IDS] = self._ids_hash.hexdigest()

    def add(self, scenario: Scenario) -> None:
        """Writes a scenario, and those of its tools and tables that are new."""
        place = f"scenario {scenario.id!r}"
        if scenario.id in self._seen_ids:
            raise PackError(f"{place}: the id comes twice; every scenario of a pack needs its own")
        self._seen_ids.add(scenario.id)
        try:
            check_split(scenario.split)
        except ValueError as error:
            raise PackError(f"{place}: {error}") from None
        for tool in scenario.tools:
            self._add_tool(tool, f"{place}, tool {tool.name!r}")
        self._scenarios.add(scenario_row(scenario), place)
        line = ids_line(scenario.id, scenario.split)
        self._ids.write(line)
        self._ids_hash.update(line.encode())
        self.tally.add(scenario)

    def _add_tool(self, tool: Tool, place: str) -> None:
        if tool.digest in self._seen:
            return
        for ref in tool.data:
            if ref.sha256 not in self._given:
                raise PackError(f"{place}: the table {ref.name!r} ({ref.sha256}) is not among the tables given")
            if ref.sha256 not in self._seen:
                row = table_row(ref.sha256, self._given[ref.sha256])
                read_table(row, f"{place}, table {ref.name!r}")
                self._tables.add(row, f"{place}, table {ref.name!r}")
                self._seen.add(ref.sha256)
        self._tools.add(tool_row(tool), place)
        self._seen.add(tool.digest)


def _manifest(about: dict[str, Any]) -> PackManifest:
    blank: dict[str, Any] = {
        "splits": {}, "truths": {}, "counts": {"scenarios": 0, "tools": 0, "tables": 0}, "canary": "", "sha256": {}
    }  # fmt: skip
    try:
        return PackManifest.model_validate({**blank, **about})
    except ValidationError as error:
        raise PackError(f"pack {about['name']!r}: {brief(error)}") from None


def check_target(target: Path, on_exists: str = "error") -> None:
    """Checks that a pack can be made at a path.

    Raises:
        InputError: If not; see `write_pack`.
    """
    if on_exists not in ("error", "replace"):
        raise InputError(f"on_exists is {on_exists!r}; expected 'error' or 'replace'")
    if not target.name:
        raise InputError(f"{target}: cannot be the folder of a pack; name a folder to make")
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if on_exists == "error":
        raise InputError(f"{target}: exists already; choose another folder, or remove it first")
    if not (target / MANIFEST).is_file():
        raise InputError(f"{target}: holds something else than a pack, so it is not replaced; choose another folder")


def _move(part: Path, target: Path) -> None:
    """Puts the finished folder in its place; an older pack there is set aside first and removed at the end."""
    if not target.exists() or not any(target.iterdir()):
        part.replace(target)
        return
    old = part.with_suffix(".old")
    target.replace(old)
    try:
        part.replace(target)
    except OSError:
        old.replace(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
