"""The journal: every completion is on disk before it is used, so that none is paid twice."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from pydantic import ValidationError

from tool_gym.errors import InputError
from tool_gym.jsonvalue import NotJson, dumps, loads
from tool_gym.locked import open_locked
from tool_gym.messages import Noun
from tool_gym.models.chat import ChatModel, ChatRequest, Completion
from tool_gym.models.ledger import Ledger


class _Row(Noun):
    """A row of the file; `key` is `request.key(model)`."""

    key: str
    model: str
    request: ChatRequest
    completion: Completion


class Journaled:
    """A model whose completions are kept in a file, one JSON row each, appended and flushed to the disk.

    A request that the file answers is not asked again, in this process or a later one. What the file holds counts in
    the ledger, so that a bound of the cost holds over all runs together. A row that a killed process left unfinished
    is cut off.

    Args:
        model: The model.
        path: The file; made, with its folder, if it is not there.
        ledger: Where completions are paid.

    Raises:
        InputError: If the file cannot be opened, is open elsewhere, or holds something else.
    """

    def __init__(self, model: ChatModel, path: str | Path, ledger: Ledger) -> None:
        self.name = model.name
        self._model, self._ledger = model, ledger
        self._lock = threading.Lock()
        self._known: dict[str, Completion] = {}
        self._file = open_locked(Path(path))
        try:
            for row in _rows(self._file, Path(path)):
                self._known[row.key] = row.completion
                ledger.pay(row.request, row.completion)
        except InputError:
            self._file.close()
            raise

    def complete(self, request: ChatRequest) -> Completion:
        """The completion that is known, or the model's, which is known from then on.

        Raises:
            ModelError: If the model has none.
            BudgetSpent: If asking might cost more than is left.
        """
        key = request.key(self.name)
        known = self._known.get(key)
        if known is not None:
            self._ledger.reuse()
            return known
        with self._ledger.reserve(request):
            completion = self._model.complete(request)
            row = _Row(key=key, model=self.name, request=request, completion=completion)
            with self._lock:
                self._file.write(dumps(row.model_dump()) + b"\n")
                self._file.flush()
                os.fsync(self._file.fileno())
                self._known[key] = completion
            self._ledger.pay(request, completion)
        return completion

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> Journaled:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _rows(file: BinaryIO, path: Path) -> Iterator[_Row]:
    """The rows of the file, which is left without the unfinished one at its end."""
    file.seek(0)
    whole = 0
    for number, line in enumerate(file, start=1):
        if not line.endswith(b"\n"):
            file.truncate(whole)
            return
        try:
            yield _Row.model_validate(loads(line))
        except (NotJson, ValidationError):
            raise InputError(
                f"{path}, line {number}: no row of a journal; give another file, or remove this one"
            ) from None
        whole += len(line)
