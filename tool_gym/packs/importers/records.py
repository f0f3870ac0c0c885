"""What all importers share: reading records line by line, and what one record becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, NotJson, loads
from tool_gym.packs.files import MAX_ROW_BYTES
from tool_gym.scenario import Scenario
from tool_gym.trajectory import brief

Record = TypeVar("Record", bound=BaseModel)


@dataclass(frozen=True)
class ImportedRecord:
    """One record as a scenario.

    Attributes:
        scenario: The scenario.
        mended: What had to be changed for it to be one, a line each.
        tables: Content of the tables that its tools read, by content hash.
    """

    scenario: Scenario
    mended: tuple[str, ...] = ()
    tables: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Importer:
    """How one kind of data becomes a pack.

    Attributes:
        read: Reads a file as records, one by one. Where `takes_calls`, a second argument is a file of calls, or None;
            where the tools are native, it is an executor that runs them.
        manifest: What the pack's manifest says of all data of this kind (arguments of `write_pack`).
        takes_calls: Whether reference calls can be given in a file of their own.
        own_tools: Whether the importer writes the tools itself, so that none need be tried.
    """

    read: Callable[..., Iterable[ImportedRecord]]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    takes_calls: bool = False
    own_tools: bool = False

    @property
    def native(self) -> bool:
        """Whether the packs' tools are plain Python."""
        return self.manifest.get("dialect") == "native"


def read_records(path: Path, record: type[Record]) -> Iterator[tuple[int, str, Record]]:
    """Reads JSON lines, or a list of records.

    Args:
        path: The file; empty lines are passed over.
        record: The model of a record.

    Yields:
        The record's number from 0, the text that names its place, and the record.

    Raises:
        InputError: If the file cannot be read, or a line is not such a record; the text names the line.
    """
    number = 0
    try:
        with path.open("rb") as file:
            if file.read(1) == b"[":
                yield from _read_list(path, record)
                return
            file.seek(0)
            for line_number, line in enumerate(iter(lambda: file.readline(MAX_ROW_BYTES), b""), 1):
                if line.strip():
                    place = f"{path}, line {line_number}"
                    yield number, place, _read(line, record, place)
                    number += 1
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); expected a file of JSON lines") from None


def _read_list(path: Path, record: type[Record]) -> Iterator[tuple[int, str, Record]]:
    try:
        rows = loads(path.read_bytes())
    except NotJson as error:
        raise InputError(f"{path}: {error}; expected a list of records") from None
    for number, row in enumerate(rows):
        place = f"{path}, record {number}"
        yield number, place, _check(row, record, place)


def build(place: str, make: Callable[[], ImportedRecord]) -> ImportedRecord:
    """Builds a scenario of a record; what does not fit together becomes an `InputError` that names the place."""
    try:
        return make()
    except ValidationError as error:
        raise InputError(f"{place}: the record makes no scenario: {brief(error)}") from None


def _read(line: bytes, record: type[Record], place: str) -> Record:
    try:
        row = loads(line)
    except NotJson as error:
        raise InputError(f"{place}: {error}; expected a JSON object with {_needed(record)}") from None
    return _check(row, record, place)


def _check(row: Json, record: type[Record], place: str) -> Record:
    try:
        return record.model_validate(row)
    except ValidationError as error:
        raise InputError(f"{place}: {brief(error)}; expected a JSON object with {_needed(record)}") from None


def _needed(record: type[BaseModel]) -> str:
    return ", ".join(name for name, entry in record.model_fields.items() if entry.is_required())
