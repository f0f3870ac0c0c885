"""Matchers: does this call's result hold this expected value?

| matcher | rule |
|---|---|
| `ftrl` | the paper's: all parts of the answer are substrings of the rendered result, failures included |
| `typed` | the value, of its kind, at its path in an `ok` result, and not handed in by the call itself |
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from tool_gym.errors import UnknownName
from tool_gym.jsonvalue import Json
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.scenario import Expected
from tool_gym.verify import ftrl
from tool_gym.verify.numbers import close
from tool_gym.verify.targets import Target, targets

Check: TypeAlias = Callable[[ToolCall, ToolMessage], bool]
"""Whether a call and its result hold one expected value, everything about which is prepared."""

_Steps: TypeAlias = tuple[tuple[str, int | None], ...]
"""A JSON Pointer taken apart: each step as a key, and as an index where it can be one."""
_SCALARS = frozenset((str, int, float, bool))
_NUMBERS = frozenset((int, float))
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_INDEX = re.compile(r"0|[1-9]\d{0,15}", re.ASCII)


class _Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""What `json_pointer` returns where nothing stands."""


class Matcher(Protocol):
    """A rule that decides whether a result holds an expected value.

    Attributes:
        name: Its name.
        greedy: Whether the calls of a turn take the first open check they fit, in order, as in the paper; otherwise
            they are matched so that as many checks as possible are solved.
    """

    name: str
    greedy: bool

    def check(self, expected: Expected, reference: Mapping[str, Any] | None) -> Check:
        """Prepares an expected value; `reference` are the arguments of the call that is known to return it."""

    def accepts(
        self, expected: Expected, call: ToolCall, result: ToolMessage, reference: Mapping[str, Any] | None
    ) -> bool:
        """Whether the result of a call holds the expected value."""


class FtrlMatcher:
    """The paper's substring rule; see `verify.ftrl`."""

    name = "ftrl"
    greedy = True

    def check(self, expected: Expected, reference: Mapping[str, Any] | None) -> Check:
        """Prepares an expected value; the reference call plays no part."""

        def check(call: ToolCall, result: ToolMessage) -> bool:
            return ftrl.in_result(expected, ftrl.rendering(result))

        return check

    def accepts(
        self, expected: Expected, call: ToolCall, result: ToolMessage, reference: Mapping[str, Any] | None
    ) -> bool:
        """Whether the rendered result holds every part of the expected value as a substring."""
        return self.check(expected, reference)(call, result)


class TypedMatcher:
    """The value, of its kind, at its path, from a call that did not hand it in.

    Never from a failure. Without a path (imported data) the value may stand anywhere in the result, as a whole token. A
    call whose own arguments hold the value proves nothing by returning it, unless `echo_ok` says so, or the reference
    call's arguments hold it too and there is a path; without one nobody has said where the value would stand, and the
    reference call may be an echo itself.
    """

    name = "typed"
    greedy = False

    def check(self, expected: Expected, reference: Mapping[str, Any] | None) -> Check:
        """Prepares an expected value."""
        return _TypedCheck(expected, reference)

    def accepts(
        self, expected: Expected, call: ToolCall, result: ToolMessage, reference: Mapping[str, Any] | None
    ) -> bool:
        """Whether the result holds the expected value by the rules above."""
        return self.check(expected, reference)(call, result)


class _TypedCheck:
    """One expected value; its normal forms are made when a result first asks for them, since most are never asked."""

    def __init__(self, expected: Expected, reference: Mapping[str, Any] | None) -> None:
        self._expected, self._reference = expected, reference
        self._path = None if expected.path is None else _steps(expected.path)

    @functools.cached_property
    def _values(self) -> Sequence[Target]:
        return targets(self._expected)

    def __call__(self, call: ToolCall, result: ToolMessage) -> bool:
        if result.status != "ok" or not self._stands(result.value):
            return False
        # The reference call may hold the value that it returns, so it need not be searched for it.
        if self._expected.echo_ok or (self._path is not None and call.arguments == self._reference):
            return True
        return not self._held(call.arguments) or (self._path is not None and self._held(self._reference))

    def _stands(self, result: Json) -> bool:
        """Whether one of the values stands at the path of a result, or without a path anywhere in it."""
        if self._path is None:
            return any(value.found(result) for value in self._values)
        at_path = _walk(result, self._path)
        if at_path is MISSING:
            return False
        # What is plainly spelled needs no normal form, which takes longer to make than all the rest.
        expected, kind = self._expected, type(at_path)
        if kind is type(expected.value) and kind in _SCALARS and at_path == expected.value:
            return True
        if not expected.alternatives:
            if expected.kind == "number" and kind in _NUMBERS:
                return close(expected.value, at_path, expected.tolerance)
            if expected.kind == "date" and kind is str and _ISO_DATE.match(at_path) and _ISO_DATE.match(expected.value):
                return False
        return any(value.equal(at_path) for value in self._values)

    def _held(self, arguments: Mapping[str, Any] | None) -> bool:
        return arguments is not None and any(value.held(arguments) for value in self._values)


MATCHERS: dict[str, Matcher] = {one.name: one for one in (FtrlMatcher(), TypedMatcher())}
"""All matchers by name."""


def matcher(name: str) -> Matcher:
    """The matcher of that name.

    Raises:
        UnknownName: If there is none.
    """
    if name not in MATCHERS:
        raise UnknownName("matcher", name, MATCHERS)
    return MATCHERS[name]


def json_pointer(value: Json, path: str) -> Json:
    """The value at a JSON Pointer (RFC 6901), or `MISSING`.

    Args:
        value: JSON data.
        path: "" for the whole value, else steps that each start with "/"; "~1" stands for "/" and "~0" for "~".
    """
    return _walk(value, _steps(path))


@functools.lru_cache(maxsize=4096)
def _steps(path: str) -> _Steps:
    keys = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
    return tuple((key, int(key) if _INDEX.fullmatch(key) else None) for key in keys)


def _walk(value: Json, steps: _Steps) -> Json:
    for key, index in steps:
        if isinstance(value, dict):
            if key not in value:
                return MISSING
            value = value[key]
        elif index is not None and isinstance(value, (list, tuple)) and index < len(value):
            value = value[index]
        else:
            return MISSING
    return value
