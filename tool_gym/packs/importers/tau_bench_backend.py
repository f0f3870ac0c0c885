"""Calls of tau-bench's tools on its database, of which only what has changed is kept between calls.

This module's text travels in the pack, among the tools' own sources, and runs in the sandbox, see `sandbox.native`.

The state has `changes` (by table and id, each record that is not as it was at first; null where it was deleted), `hash`
(of the whole database, as tau-bench's authors take it: SHA-256 of the text of nested tuples, keys sorted) and `over`
(whether the conversation was handed to a human, which ends it: no call does anything any more).
"""

from __future__ import annotations

import hashlib
import importlib
from typing import Any

from tool_gym.jsonvalue import dumps, loads

LAST = "transfer_to_human_agents"
"""The tool that ends a conversation."""


def call(state: dict[str, Any], data: dict[str, Any], module: str, name: str, arguments: dict[str, Any]) -> str:
    """Calls a tool as its authors do, to whom an exception is an answer too, and keeps what became of the database.

    Args:
        state: See the module; changed.
        data: The database in its first state, see `Database`.
        module: Dotted name of the tool's module.
        name: Name of its class.
        arguments: Of the call.
    """
    if state["over"]:
        return "Error: the conversation was handed to a human agent"
    database = Database.of(data)
    before = dumps(state["changes"])
    database.change(state["changes"])
    try:
        answer = getattr(importlib.import_module(module), name).invoke(data=database.tables, **arguments)
    except Exception as error:
        answer = f"Error: {error}"
    changes = database.take_back()
    if dumps(changes) != before:
        state["changes"], state["hash"] = changes, database.hash(changes)
    state["over"] = module.endswith(f".{LAST}")
    return str(answer)


def first_state(tables: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A database as the pack has it, and tools as `data`: its tables, and each record as the hash has it.

    The texts are made here because they take longer than a call may.
    """
    texts = {table: {key: _text(record) for key, record in rows.items()} for table, rows in tables.items()}
    return {"tables": tables, "texts": texts}


class Database:
    """A database that is lent to tools and taken back, each time as it was at first.

    Attributes:
        tables: Records by table and id, for tools to work on.
    """

    _known: dict[int, Database] = {}

    def __init__(self, data: dict[str, Any]) -> None:
        self.tables: dict[str, dict[str, Any]] = data["tables"]
        self._data = data
        self._first = {table: {key: dumps(row) for key, row in rows.items()} for table, rows in self.tables.items()}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Database:
        """The one of this data; it is made once, and holds the data, so that no other takes its place."""
        if id(data) not in cls._known:
            cls._known[id(data)] = cls(data)
        return cls._known[id(data)]

    def change(self, changes: dict[str, dict[str, Any]]) -> None:
        """Puts records in; those that are None go."""
        for table, rows in changes.items():
            self.tables[table] |= rows
            for key in [key for key, record in rows.items() if record is None]:
                del self.tables[table][key]

    def take_back(self) -> dict[str, dict[str, Any]]:
        """What is not as it was at first, and makes it so."""
        changes = {}
        for table, first in self._first.items():
            rows = self.tables[table]
            changed = {key: record for key, record in rows.items() if dumps(record) != first.get(key)}
            changed |= {key: None for key in first if key not in rows}
            if changed:
                changes[table] = changed
                # In the first order again, which searches through a table go by.
                self.tables[table] = {key: loads(text) if key in changed else rows[key] for key, text in first.items()}
        return changes

    def hash(self, changes: dict[str, dict[str, Any]]) -> str:
        """The authors' hash of the database with changes."""
        tables = []
        for table, texts in sorted(self._data["texts"].items()):
            rows = dict(texts)
            for key, record in changes.get(table, {}).items():
                rows.pop(key, None)
                if record is not None:
                    rows[key] = _text(record)
            tables.append(_pair(table, _tuple([_pair(key, rows[key]) for key in sorted(rows)])))
        return hashlib.sha256(_tuple(tables).encode()).hexdigest()


def _text(value: Any) -> str:
    """A value as Python writes it, with each object as a tuple of its pairs, keys sorted, and each list as a tuple."""
    if isinstance(value, dict):
        return _tuple([_pair(key, _text(item)) for key, item in sorted(value.items())])
    return _tuple(list(map(_text, value))) if isinstance(value, list) else repr(value)


def _pair(key: str, text: str) -> str:
    return f"({key!r}, {text})"


def _tuple(texts: list[str]) -> str:
    return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"
