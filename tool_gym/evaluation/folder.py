"""The folder of a run: a journal while it runs, results in the order of the plays when it is done.

`run.json` says what is run: everything that decides the results. `journal.tsv` gets one line when an episode ends, in
whatever order they end: the play, what varies from machine to machine, and the trajectory, each as JSON. A process that
is killed leaves at most its last line unfinished. When all episodes have ended, the lines are put in the order of the
plays as `trajectories.jsonl` and `meta.jsonl`, and the journal goes.

An episode with a `failure` counts as not played yet: the next run on the folder plays it again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

from tool_gym.errors import InputError
from tool_gym.evaluation.results import META, RUN, TRAJECTORIES
from tool_gym.jsonvalue import Json, NotJson, dumps, loads
from tool_gym.locked import open_locked
from tool_gym.rollouts import Play
from tool_gym.trajectory import Trajectory

JOURNAL = "journal.tsv"


class _Place(NamedTuple):
    """Where an episode's line stands in the journal."""

    start: int
    length: int
    failed: bool


class RunFolder:
    """A run's folder, open for writing by one process.

    Args:
        path: The folder; made if it is not there.
        about: What is run, as `run.json` keeps it.
        todo: All plays of the run, in order.

    Raises:
        InputError: If the folder holds another run, or another process writes it.
    """

    def __init__(self, path: Path, about: Mapping[str, Json], todo: Sequence[Play]) -> None:
        self.path, self._todo = path, todo
        _claim(path, about)
        self._journal = open_locked(path / JOURNAL)
        try:
            if not _size(self._journal) and (path / TRAJECTORIES).is_file():
                self._journal.write(b"".join(self._finished_lines()))
                self._journal.flush()
            self._places = dict(_places(self._journal))
        except BaseException:
            self._journal.close()
            raise

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.close()

    @property
    def played(self) -> frozenset[Play]:
        """Plays whose episode has ended, those that failed left out."""
        return frozenset(play for play, place in self._places.items() if not place.failed)

    def add(self, play: Play, trajectory: Trajectory, meta: Mapping[str, Json]) -> None:
        """Notes an episode that has ended; a later one of the same play takes its place."""
        line = b"\t".join([dumps(list(play)), dumps(dict(meta)), _line(trajectory)]) + b"\n"
        start = self._journal.seek(0, os.SEEK_END)
        self._journal.write(line)
        self._journal.flush()
        self._places[play] = _Place(start, len(line), trajectory.failure is not None)

    def trajectories(self) -> Iterator[Trajectory]:
        """The episodes that have ended, in the order of the plays."""
        for play in self._todo:
            if play in self._places:
                yield Trajectory.model_validate_json(self._parts(play)[2])

    def finish(self) -> None:
        """Writes the results in the order of the plays, each file at once, and removes the journal."""
        for name, column in ((META, 1), (TRAJECTORIES, 2)):
            part = self.path / f"{name}.part"
            with part.open("wb") as file:
                for play in self._todo:
                    file.write(self._parts(play)[column] + b"\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path / name)
        (self.path / JOURNAL).unlink()

    def _parts(self, play: Play) -> list[bytes]:
        place = self._places[play]
        self._journal.seek(place.start)
        return self._journal.read(place.length).rstrip(b"\n").split(b"\t")

    def _finished_lines(self) -> Iterator[bytes]:
        """The lines of a journal that say what the results say."""
        metas, trajectories = ((self.path / name).read_bytes().splitlines() for name in (META, TRAJECTORIES))
        if not len(metas) == len(trajectories) == len(self._todo):
            raise InputError(
                f"{self.path}: {len(trajectories)} trajectories and {len(metas)} lines of meta data for "
                f"{len(self._todo)} episodes; its files were changed. Evaluate into another folder"
            )
        for play, meta, trajectory in zip(self._todo, metas, trajectories, strict=True):
            yield b"\t".join([dumps(list(play)), meta, trajectory]) + b"\n"


def _line(trajectory: Trajectory) -> bytes:
    return trajectory.model_dump_json(exclude_defaults=True).encode()


def _claim(path: Path, about: Mapping[str, Json]) -> None:
    """Writes `run.json`, or sees that the one there says the same."""
    path.mkdir(parents=True, exist_ok=True)
    file = path / RUN
    if not file.is_file():
        part = file.with_name(RUN + ".part")
        part.write_bytes(dumps(dict(about)) + b"\n")
        part.replace(file)
        return
    try:
        there = loads(file.read_bytes())
    except NotJson as error:
        raise InputError(f"{file}: {error}; evaluate into another folder") from None
    differing = [key for key in {**there, **about} if there.get(key) != loads(dumps(about.get(key)))]
    if differing:
        key = differing[0]
        raise InputError(
            f"{path} holds another run: its {key} is {_short(there.get(key))}, now it is {_short(about.get(key))}. "
            "Give the same options to resume it, or another folder"
        )


def _short(value: Json) -> str:
    text = dumps(value).decode()
    return text if len(text) <= 300 else text[:300] + " …"


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _places(file: BinaryIO) -> Iterator[tuple[Play, _Place]]:
    """Where each episode stands; a last line that is not whole is cut off."""
    file.seek(0)
    start = 0
    for line in file:
        if not line.endswith(b"\n"):
            file.truncate(start)
            return
        play, meta, _ = line.split(b"\t")
        yield Play(*loads(play)), _Place(start, len(line), "failure" in loads(meta))
        start += len(line)
