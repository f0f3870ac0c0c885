"""The text of objects, as tools see it: Python's, without the addresses that differ from process to process."""

from __future__ import annotations

import builtins
import re
from typing import Any

PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types whose text holds no address."""
_ADDRESS = re.compile(r" at 0x[0-9a-f]{6,16}(?=>)")


def scrubbed(text: str) -> str:
    """The text with its addresses replaced."""
    return _ADDRESS.sub(" at 0x0", text) if " at 0x" in text else text


def shown(*args: Any, **kwargs: Any) -> str:
    """`str(...)`."""
    if len(args) == 1 and type(args[0]) is str and not kwargs:
        return args[0]
    return scrubbed(str(*args, **kwargs))


def represented(it: Any) -> str:
    """As Python's own, without addresses."""
    return scrubbed(builtins.repr(it))


def in_ascii(it: Any) -> str:
    """As Python's own, without addresses."""
    return scrubbed(builtins.ascii(it))


def field(it: Any) -> Any:
    """What to put into a field of an f-string in place of a value."""
    return it if type(it) in PLAIN else scrubbed(format(it))
