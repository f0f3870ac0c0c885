"""The error tree: who did wrong, and who is told.

| error | whose mistake | who sees it |
|---|---|---|
| `InputError` and below | the person who typed a command or passed an argument | that person; exit code 2 |
| `PackError`, `ToolRejected` | a pack's author | whoever loads the pack; the gate; exit code 2 |
| `EpisodeError` | the programmer of a training loop | the programmer, as an exception |
| `SandboxError` | the machine, or this package | the programmer; exit code 1 |

An agent's mistake is never an exception: it becomes a `ToolMessage` with a status.
Every text says where, what happened, what was expected and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ToolGymError(Exception):
    """Root of all errors that this package raises on purpose; the command line exits with 1."""

    exit_code = 1


class InputError(ToolGymError):
    """A person's input is wrong: a path, a name, an option; the command line exits with 2."""

    exit_code = 2


class PackError(InputError):
    """A pack's files are missing, broken, or contradict each other."""


class ToolRejected(PackError):
    """A tool's source is outside the dialect or does not load.

    Attributes:
        tool: Name of the tool.
        reason: What is wrong with it, one line.
        line: 1-based line of the source, or None where no line is to blame.
    """

    def __init__(self, tool: str, reason: str, line: int | None = None) -> None:
        self.tool, self.reason, self.line = tool, reason, line
        place = f", line {line}" if line else ""
        super().__init__(f"tool {tool!r}{place}: {reason}")

    def __reduce__(self) -> tuple[type[ToolRejected], tuple[str, str, int | None]]:
        return type(self), (self.tool, self.reason, self.line)


class UnknownName(InputError, LookupError):
    """A name that nothing answers to: a pack, a scenario, a reward, a parser."""

    def __init__(self, kind: str, name: str, known: Iterable[str], advice: str = "") -> None:
        names = sorted(known)
        near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
        if near:
            expected = "did you mean " + " or ".join(map(repr, near)) + "?"
        elif len(names) <= 12:
            expected = f"known: {', '.join(names) or 'none'}."
        else:
            expected = f"there are {len(names)}, from {names[0]!r} to {names[-1]!r}."
        super().__init__(" ".join(filter(None, (f"no {kind} is called {name!r}; {expected}", advice))))
        self._parts = (kind, name, tuple(names), advice)

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...], str]]:
        return type(self), self._parts


class EpisodeError(ToolGymError):
    """An episode was used out of order: a step before `reset` or after its end, or a foreign snapshot."""


class SandboxError(ToolGymError):
    """The sandbox itself cannot do its work: no worker starts, or a needed layer is missing."""
