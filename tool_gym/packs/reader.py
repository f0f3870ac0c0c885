"""`Pack`: a pack on disk, read lazily; `load_pack` finds one by name or path."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tool_gym.errors import PackError, UnknownName
from tool_gym.jsonvalue import Json
from tool_gym.packs.archive import unpacked
from tool_gym.packs.checking import find_problems, has_its_hashes
from tool_gym.packs.discovery import find_pack, installed_packs, no_address, shipped_folders
from tool_gym.packs.errata import Erratum, read_errata
from tool_gym.packs.files import MANIFEST, SCENARIOS, TABLES, TOOLS, check_advice
from tool_gym.packs.ids import Listing
from tool_gym.packs.manifest import PackManifest, read_manifest
from tool_gym.packs.rowfile import RowFile
from tool_gym.packs.rows import read_scenario, read_tool
from tool_gym.packs.tables import Tables
from tool_gym.perturb.spec import Perturbation
from tool_gym.scenario import Scenario, Tool

_SCENARIOS_KEPT, _TOOLS_KEPT = 64, 1024


class Pack:
    """The scenarios of a pack's folder, each read from disk when it is asked for.

    `pack[id]` is a scenario, iteration goes over the ids in the order of the file; a pack pickles as its path.

    Attributes:
        path: The folder.
        manifest: What its `pack.json` says.
        tables: The tables that tools read, by content hash, each read when it is asked for. They are shared: copy one
            before changing it.
        perturbation: What is done to the scenarios, None: nothing; see `tool_gym.perturb`.
    """

    perturbation: Perturbation | None = None

    def __init__(self, path: str | Path) -> None:
        """Opens a pack: reads its manifest and nothing else.

        Raises:
            PackError: If the folder is no pack, or one of another format version.
        """
        self.path = Path(path).absolute()
        self.manifest: PackManifest = read_manifest(self.path)
        self._advice = check_advice(self.path)
        hashes = self.manifest.sha256
        self._scenarios = RowFile(self.path, SCENARIOS, hashes.get(SCENARIOS))
        self._tools = RowFile(self.path, TOOLS, hashes.get(TOOLS))
        self.tables: Mapping[str, Json] = Tables(self.path, hashes.get(TABLES), self.manifest.counts["tables"])
        self._scenario = functools.lru_cache(_SCENARIOS_KEPT)(self._read_scenario)
        self._tool = functools.lru_cache(_TOOLS_KEPT)(self._read_tool)

    @property
    def name(self) -> str:
        """Name of the pack."""
        return self.manifest.name

    @property
    def version(self) -> int:
        """Version of the pack."""
        return self.manifest.version

    @property
    def digest(self) -> str:
        """SHA-256 that stands for the pack's whole content (through its manifest's hashes)."""
        return self.manifest.digest

    def __getitem__(self, scenario_id: str) -> Scenario:
        """The scenario with this id.

        Raises:
            UnknownName: If the pack has none of this id.
            PackError: If its row, or a tool's, is broken.
        """
        return self._scenario(scenario_id)

    def __contains__(self, scenario_id: object) -> bool:
        if not isinstance(scenario_id, str):
            return False
        return self._scenarios.find(scenario_id) is not None or self._listing.split_of(scenario_id) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids())

    def __len__(self) -> int:
        return self.manifest.counts["scenarios"]

    def __repr__(self) -> str:
        return f"Pack({str(self.path)!r}: {self.name}-v{self.version}, {len(self)} scenarios)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pack) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[type[Pack], tuple[Path]]:
        return Pack, (self.path,)

    def ids(self, split: str | None = "all") -> Sequence[str]:
        """The ids of a split, in the order of the file; equal to a tuple of the same ids.

        Args:
            split: Name of a split; "all" or None for all scenarios.

        Raises:
            UnknownName: If the pack has no such split.
            PackError: If `ids.txt` is broken.
        """
        wanted = "all" if split is None else split
        found = self._listing.splits.get(wanted)
        if found is None and wanted not in self.manifest.splits:
            raise UnknownName("split", wanted, self._listing.splits, f"The pack is {self.path}.")
        return found or ()

    def split_of(self, scenario_id: str) -> str:
        """The split of a scenario; reads no scenario.

        Raises:
            UnknownName: If the pack has no scenario of this id.
        """
        split = self._listing.split_of(scenario_id)
        if split is None:
            raise self._unknown(scenario_id)
        return split

    def truths(self) -> tuple[str, ...]:
        """The kinds of truth that the pack's scenarios have (see `Provenance`), in alphabetical order."""
        return tuple(sorted(self.manifest.truths))

    def verify(self) -> list[str]:
        """Reads the whole pack and tells all that is wrong with its files, one line each; empty if it is sound."""
        return find_problems(self.path, self.manifest)

    @functools.cached_property
    def known_bad(self) -> dict[str, Erratum]:
        """The scenarios that this version of the pack is known to have wrong, by id, and what is wrong with each.

        Raises:
            PackError: If `errata.json` is broken.
        """
        return {each.scenario: each for each in read_errata(self.path) if each.concerns(self.version)}

    @functools.cached_property
    def trusted(self) -> bool:
        """Whether the pack ships inside this distribution and its files are what its manifest says."""
        real = self.path.resolve()
        return any(real.is_relative_to(folder) for folder in shipped_folders()) and has_its_hashes(
            self.path, self.manifest
        )

    @property
    def native(self) -> bool:
        """Whether the tools are plain Python, which runs only where the caller trusts it."""
        return self.manifest.dialect == "native"

    @property
    def session_options(self) -> dict[str, Any]:
        """What `Executor.session` must know of the pack beside a scenario's tools."""
        return {
            "tables": self.tables,
            "domain": self.digest,
            "check_arguments": self.manifest.check_arguments,
            "trusted": self.trusted,
            "native": self.native,
        }

    @functools.cached_property
    def _listing(self) -> Listing:
        return Listing(self.path)

    def _unknown(self, scenario_id: str) -> UnknownName:
        return UnknownName("scenario", scenario_id, self.ids(), f"The pack is {self.path}.")

    def _read_scenario(self, scenario_id: str) -> Scenario:
        if scenario_id not in self:
            raise self._unknown(scenario_id)
        row, place = self._scenarios.get(scenario_id)
        return read_scenario(row, self._tool, place, self._advice)

    def _read_tool(self, sha256: str) -> Tool:
        row, place = self._tools.get(sha256)
        tool = read_tool(row, place, self._advice)
        for ref in tool.data:
            if ref.sha256 not in self.tables:
                raise PackError(f"{place}: the table {ref.name!r} ({ref.sha256}) is missing; {self._advice}")
        return tool


def load_pack(name_or_path: str | Path) -> Pack:
    """Opens a pack.

    Args:
        name_or_path: A pack's folder; or the name of a pack that is installed, registered or in `TOOL_GYM_PACKS`, as
            `starter` (its newest version) or `starter-v0`. A text with a slash or a leading dot is a folder; one that
            ends in `.zip` is an archive of one, which is unpacked into the user's cache.

    Raises:
        UnknownName: If no pack has this name.
        InputError: If it is an address on the network; see `fetch_pack`.
        PackError: If the folder is no pack, or one of another format version.
    """
    no_address(name_or_path)
    if str(name_or_path).endswith(".zip"):
        return Pack(unpacked(name_or_path))
    if isinstance(name_or_path, Path) or "/" in name_or_path or name_or_path.startswith("."):
        return Pack(name_or_path)
    source = find_pack(name_or_path)
    if source:
        return Pack(source.path)
    if os.path.isfile(os.path.join(name_or_path, MANIFEST)):
        return Pack(name_or_path)
    advice = f"A folder is given with a slash, as ./{name_or_path}; to see all packs, run: tool-gym packs"
    raise UnknownName("pack", name_or_path, installed_packs(), advice)
