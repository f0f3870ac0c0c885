"""The journal of a run: the batches that are finished, on disk, so that a stopped run goes on where it was.

A batch is a small pack and, beside it, the tally of its attempts. It appears whole or not at all.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

from tool_gym.errors import InputError
from tool_gym.generation.deploy import Deployed
from tool_gym.generation.pipeline import Tally
from tool_gym.jsonvalue import canonical, dumps, loads
from tool_gym.locked import open_locked
from tool_gym.packs.reader import Pack
from tool_gym.packs.writer import write_pack

_ORDER = "order.json"


class Journal:
    """A folder beside the pack to be made, held by one run at a time.

    Leaving the block removes it if nothing is in it that a later run could use.

    Args:
        folder: The folder; `journal_of` names it.
        order: What was ordered, as JSON data.

    Raises:
        InputError: If it holds another order's work, another run holds it, or it cannot be made.
    """

    def __init__(self, folder: Path, order: dict[str, Any]) -> None:
        self.folder = folder
        self._file = open_locked(folder / _ORDER)
        try:
            self._check(order)
        except InputError:
            self._file.close()
            raise

    def _check(self, order: dict[str, Any]) -> None:
        self._file.seek(0)
        earlier = self._file.read()
        if not earlier or not any(self.folder.glob("*.json")):
            self._file.truncate(0)
            self._file.write(canonical(order))
            self._file.flush()
        elif earlier != canonical(order):
            raise InputError(
                f"{self.folder}: holds what an unfinished run with other arguments has made "
                f"({earlier[:500].decode()}); give those arguments to go on with it, or remove the folder"
            )

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or not any(self.folder.glob("[0-9]*.json")):
            shutil.rmtree(self.folder, ignore_errors=True)
        self._file.close()

    def has(self, number: int) -> bool:
        """Whether a batch is finished."""
        return (self.folder / f"{number:05d}").is_dir()

    def pack(self, number: int) -> Pack:
        """A finished batch."""
        return Pack(self.folder / f"{number:05d}")

    def tally(self, number: int) -> Tally:
        """What became of the attempts of a finished batch.

        Raises:
            InputError: If its file is broken.
        """
        file = self.folder / f"{number:05d}.json"
        try:
            return Tally.from_json(loads(file.read_bytes()))
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise InputError(f"{file}: cannot be read ({error}); remove {self.folder} and begin anew") from None


def write_batch(folder: Path, number: int, deployed: list[Deployed], tally: Tally) -> None:
    """Puts a batch into a journal's folder; any process may."""
    (folder / f"{number:05d}.json").write_bytes(dumps(tally.as_json()))
    tables = {digest: rows for each in deployed for digest, rows in each.tables.items()}
    scenarios = [each.scenario for each in deployed]
    write_pack(folder / f"{number:05d}", name="batch", scenarios=scenarios, tables=tables, on_exists="replace")


def journal_of(out: Path) -> Path:
    """The folder of the journal of the pack to be made at `out`."""
    return out.with_name(f".{out.name}.journal")
