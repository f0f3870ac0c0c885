"""Do the tools load? The question is put to the sandbox, where untrusted sources belong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tool_gym.errors import ToolRejected
from tool_gym.jsonvalue import Json
from tool_gym.packs.importers.report import ToolCheck
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Tool

_DOMAIN = "import"


def load_check(executor: Executor, tables: Mapping[str, Json] | None = None) -> ToolCheck:
    """A check that loads each tool in the sandbox.

    Args:
        executor: Runs the sources; it stays the caller's to close.
        tables: Content of the tables that they read, by content hash; may fill while tools come.
    """

    def check(tools: Sequence[Tool]) -> list[tuple[Tool, str]]:
        dead = []
        for tool in tools:
            try:
                # One file of data is one domain: its tools may share a process, one after another.
                executor.session([tool], tables=tables, domain=_DOMAIN, native=executor.native)
            except ToolRejected as error:
                line = f"line {error.line}: " if error.line else ""
                dead.append((tool, line + error.reason))
        return dead

    return check
