"""Which packs there are: installed with a distribution, listed in `TOOL_GYM_PACKS`, or registered in this process.

A distribution offers packs through the entry-point group `tool_gym.packs`; an entry's value is a package, or
`package:folder`. Only folders are looked for and manifests read: no code of a pack or of its package is run. Wherever
a folder may stand for a pack, a zip archive of one may too; the network is never asked.
`import tool_gym` runs this, so it imports no pydantic.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tool_gym.errors import InputError, PackError
from tool_gym.packs.files import MANIFEST
from tool_gym.packs.identity import manifest_row
from tool_gym.packs.ids import read_ids

GROUP = "tool_gym.packs"
VARIABLE = "TOOL_GYM_PACKS"
_SHIPPED = ("tool_gym", "tool_gym_envs")
_REGISTERED = "registered"
_ARCHIVE = ".zip"
_added: dict[Path, PackSource] = {}


@dataclass(frozen=True)
class PackSource:
    """A pack that was found.

    Attributes:
        name: Its name.
        version: Its version.
        path: Its folder; of an archive, the one that it is unpacked to.
        origin: Where it was found: "entry point NAME", "TOOL_GYM_PACKS" or "registered".
    """

    name: str
    version: int
    path: Path
    origin: str

    @property
    def key(self) -> str:
        """Name and version, as "starter-v0"."""
        return f"{self.name}-v{self.version}"

    @property
    def reference(self) -> str:
        """What `load_pack` finds it by in any process on this machine: its folder if it was registered, else `key`."""
        return str(self.path) if self.origin == _REGISTERED else self.key

    def ids(self) -> list[str]:
        """The ids of the pack's scenarios, in its order; reads `ids.txt` and no scenario.

        Raises:
            PackError: If that file is broken.
        """
        return list(read_ids(self.path))


@dataclass(frozen=True)
class Found:
    """What a look around found.

    Attributes:
        packs: Packs by `PackSource.key`.
        problems: One line for each place that holds no sound pack, or one whose name and version are taken.
    """

    packs: dict[str, PackSource]
    problems: tuple[str, ...]


def installed_packs() -> dict[str, PackSource]:
    """All packs that can be named, by name and version ("starter-v0"); see `problems` for those left out."""
    return discover().packs


def problems() -> tuple[str, ...]:
    """What is wrong with places where packs were looked for and left out, a line each."""
    return discover().problems


def discover() -> Found:
    """Looks for packs: entry points first, then `TOOL_GYM_PACKS`, then those registered in this process.

    A place that holds no sound pack costs no other pack anything. Of two packs with one name and version the first
    stays, and the other is a problem unless it has the same content.
    """
    packs: dict[str, PackSource] = {}
    problems: list[str] = []
    for folder, origin in _candidates(problems):
        try:
            source = _source(folder, origin)
            first = packs.setdefault(source.key, source)
            if not _same(first.path, source.path):
                raise PackError(
                    f"{source.path}: its name and version {source.key} are those of {first.path} ({first.origin}), "
                    "which is used; give one of them another version"
                )
        except PackError as error:
            problems.append(f"{origin}: {error}")
    return Found(packs, tuple(problems))


def find_pack(name: str) -> PackSource | None:
    """The pack with this name (its newest version) or this name and version ("starter-v0"), or None."""
    packs = installed_packs()
    named = [source for source in packs.values() if source.name == name]
    return max(named, key=lambda source: source.version) if named else packs.get(name)


def add_pack(path: str | Path) -> PackSource:
    """Makes a pack's folder or archive known to this process, until it ends. To add it once more changes nothing.

    Raises:
        InputError: If it is an address on the network; see `fetch_pack`.
        PackError: If it is no pack, or another pack with this name and version is known.
    """
    no_address(path)
    source = _source(Path(path).absolute(), _REGISTERED)
    first = installed_packs().get(source.key, source)
    if not _same(first.path, source.path):
        raise PackError(
            f"{source.path}: a pack {source.key} is known already, with other content: {first.path} ({first.origin}). "
            "Raise the version of one of them, or take that one away."
        )
    _added.setdefault(source.path, source)
    return first


def no_address(path: str | Path) -> None:
    """Refuses an address where a folder or an archive is expected: nothing is downloaded unasked.

    Raises:
        InputError: If it is one.
    """
    if re.match(r"https?:/", str(path)):
        raise InputError(f"{path}: an address, which is not asked unbidden; run: tool-gym pack fetch URL --sha256 HASH")


def shipped_folders() -> tuple[Path, ...]:
    """The folders of this distribution's own packages."""
    return tuple(folder.resolve() for package in _SHIPPED for folder in _package_folders(package))


def _candidates(problems: list[str]) -> Iterator[tuple[Path, str]]:
    """Folders and archives that hold or should hold a pack, and where each was found."""
    for name, value in _entry_points():
        package, _, inner = value.partition(":")
        origin = f"entry point {name}"
        folders = [folder / inner.strip() for folder in _package_folders(package.strip())]
        if not folders:
            problems.append(f"{origin}: the package {package!r} is not installed, or is not a folder")
        for folder in folders:
            yield from ((pack, origin) for pack in _packs_in(folder))
    for text in os.environ.get(VARIABLE, "").split(os.pathsep):
        if text.strip():
            yield from ((pack, VARIABLE) for pack in _packs_in(Path(text).expanduser().absolute()))
    for source in _added.values():
        yield source.path, source.origin


def _packs_in(folder: Path) -> list[Path]:
    """The place itself if it is a pack, else the packs right under it, else itself again, to be complained about."""
    try:
        if folder.is_dir() and not (folder / MANIFEST).exists():
            folders = [path.parent for path in folder.glob(f"*/{MANIFEST}")]
            return sorted([*folders, *folder.glob(f"*{_ARCHIVE}")]) or [folder]
    except OSError:
        pass  # an unreadable folder is reported by the one who reads its manifest
    return [folder]


def _source(place: Path, origin: str) -> PackSource:
    folder = place
    if place.suffix == _ARCHIVE:
        from tool_gym.packs.archive import unpacked  # most who import tool_gym have no archive

        folder = unpacked(place)
    row = manifest_row(folder)
    return PackSource(row["name"], row["version"], folder, origin)


def _same(first: Path, second: Path) -> bool:
    return first == second or first.resolve() == second.resolve() or manifest_row(first) == manifest_row(second)


def _package_folders(package: str) -> list[Path]:
    """The folders of an importable package; the package and its parents are not imported."""
    top, *rest = package.split(".")
    if not re.fullmatch(r"\w+", top):
        return []
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return []
    places = (spec.submodule_search_locations if spec else None) or []
    return [folder for place in places if (folder := Path(place, *rest)).is_dir()]


@functools.lru_cache(maxsize=1)
def _entry_points() -> tuple[tuple[str, str], ...]:
    """Name and value of each entry point; read once, since it goes through all installed distributions."""
    points = importlib.metadata.entry_points(group=GROUP)
    return tuple(sorted({(point.name, point.value) for point in points}))
