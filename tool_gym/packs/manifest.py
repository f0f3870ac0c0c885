"""The manifest, `pack.json`: what a pack is, how it is played and scored, and the hashes of its files."""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from tool_gym._version import __version__
from tool_gym.jsonvalue import digest
from tool_gym.messages import Noun
from tool_gym.packs.files import MANIFEST, check_advice
from tool_gym.packs.identity import manifest_row
from tool_gym.packs.reading import reading
from tool_gym.scenario import Sha256, Slug, Truth

NEEDS = ">=0.1"
"""What a pack of this format and dialect needs of this package: the first version that reads it."""
_COUNTED = ("scenarios", "tools", "tables")
_NEEDS = re.compile(r">=(\d+(?:\.\d+)*)")
_WORDS = re.compile(r"[A-Za-z0-9_-]{1,100}")

Count = Annotated[int, Field(ge=0)]


class PackManifest(Noun):
    """What `pack.json` says.

    Attributes:
        format: Version of the format on disk.
        dialect: Version of the tool dialect that the sources are written in, or `native` for plain Python, which runs
            only where the caller trusts it.
        check_arguments: Whether calls are checked against the tools' schemas; False for imported data whose tools
            disagree with their schemas.
        name: Name of the pack; becomes part of environment ids.
        version: Bumped whenever any return of the pack can change.
        release: Date or name of the release, for readers.
        title: One line for readers.
        license: SPDX identifier of the content's licence.
        authors: Who made it.
        attribution: What has to be said where the pack is used.
        reward: Name of the reward by which the pack is scored unless another is asked for.
        matcher: Name of the matcher, likewise.
        max_turns: Turn limit, likewise; >= 1.
        splits: Scenarios in each split.
        truths: Scenarios of each kind of truth (see `Provenance`).
        counts: How many `scenarios`, `tools` and `tables` the pack holds.
        requires_tool_gym: The least version of this package that plays it, as ">=0.1".
        canary: A text found nowhere else; a model that knows it has seen the pack.
        sha256: SHA-256 of each data file.
    """

    format: Literal[1] = 1
    dialect: Literal[1, "native"] = 1
    check_arguments: bool = True
    name: Slug
    version: Count = 0
    release: str = ""
    title: str = ""
    license: str = ""
    authors: tuple[str, ...] = ()
    attribution: str = ""
    reward: str = "task_f1"
    matcher: str = "typed"
    max_turns: Annotated[int, Field(ge=1)] = 20
    splits: dict[str, Count]
    truths: dict[Truth, Count]
    counts: dict[str, Count]
    requires_tool_gym: str = NEEDS
    canary: str
    sha256: dict[str, Sha256]

    @field_validator("counts")
    @classmethod
    def _check_counts(cls, counts: dict[str, int]) -> dict[str, int]:
        if set(counts) != set(_COUNTED):
            raise ValueError(f"expected counts of {', '.join(_COUNTED)}, got {', '.join(sorted(counts)) or 'none'}")
        return counts

    @field_validator("splits")
    @classmethod
    def _check_splits(cls, splits: dict[str, int]) -> dict[str, int]:
        for name in splits:
            check_split(name)
        return splits

    @field_validator("requires_tool_gym")
    @classmethod
    def _check_needs(cls, text: str) -> str:
        found = _NEEDS.fullmatch(text)
        if not found:
            raise ValueError(f"expected a version such as '>=0.1', got {text!r}")
        if _numbers(found[1]) > _numbers(__version__):
            raise ValueError(f"the pack needs tool-gym {text}, this is {__version__}; run: pip install -U tool-gym")
        return text

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the manifest; through its hashes it stands for the whole content of the pack."""
        return digest(self.model_dump())


def check_split(name: str) -> None:
    """Checks the name of a split: letters, digits, "-" and "_"; "all" is taken.

    Raises:
        ValueError: If it is not such a name.
    """
    if not _WORDS.fullmatch(name) or name == "all":
        raise ValueError(f"split {name!r} is not a usable name; expected letters, digits, '-', '_', and not 'all'")


def read_manifest(folder: Path) -> PackManifest:
    """Reads a pack's `pack.json`.

    Raises:
        PackError: If the folder holds none, or one that is broken or of another format version.
    """
    row = manifest_row(folder)
    with reading(folder / MANIFEST, check_advice(folder)):
        return PackManifest.model_validate(row)


def canary(name: str, hashes: Mapping[str, str]) -> str:
    """The canary of a pack with this name and these file hashes: the same content, the same canary."""
    return f"tool-gym canary {uuid.UUID(hex=digest({'name': name, 'sha256': dict(hashes)})[:32])}"


def _numbers(version: str) -> tuple[int, ...]:
    """The release number of a version: "0.10.0.dev1" is (0, 10); a pre-release counts as its release."""
    numbers = [int(part) for part in re.match(r"\d+(?:\.\d+)*", version)[0].split(".")]  # type: ignore[index]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
