"""Which names a tool may use: one list, read by the compiler (`policy`) and again at run time (`guards`).

A name falls into one of three classes. *Refused* names open a way to frames, code objects and classes: a source that
spells one is rejected, and `getattr` with one raises. *Guarded* names are harmless on most objects and dangerous on a
few, so that each access goes through `guards`. All others are compiled as they stand and cost nothing.
"""

from __future__ import annotations

from RestrictedPython.transformer import INSPECT_ATTRIBUTES

MODULE_NAME = "tool"
"""`__name__` of every tool's namespace, thus `__module__` of its classes and functions: guards know its own by it."""

FRAMES = frozenset(INSPECT_ATTRIBUTES) | {"mro", "gi_running", "tb_lasti", "tb_lineno"}
"""Attributes of frames, code, generators and classes that lead out of the tool."""

_METHODS = (
    "init post_init call repr str format bool len iter next contains getitem setitem delitem missing reversed "
    "hash eq ne lt le gt ge enter exit int float complex index round trunc floor ceil abs neg pos invert "
    "add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv ifloordiv "
    "mod rmod imod divmod rdivmod pow rpow ipow matmul rmatmul imatmul "
    "and rand iand or ror ior xor rxor ixor lshift rlshift ilshift rshift rrshift irshift"
)
METHODS = frozenset(f"__{name}__" for name in _METHODS.split())
"""Special methods that a tool's class may define, and call on its own objects or through `super()`."""

DATETIME = frozenset({"now", "today", "utcnow", "fromtimestamp", "timestamp", "astimezone"})
"""Methods of dates that ask the machine for its clock or its time zone."""

WIDTHS = frozenset({"zfill", "ljust", "rjust", "center", "expandtabs"})
"""Methods of text whose first argument is a width."""

MUTATORS = {
    "append": 1, "extend": 1, "insert": 2, "remove": 1, "pop": 0, "clear": 0, "sort": 0, "reverse": 0,
    "update": 1, "setdefault": 2, "popitem": 0,
}  # fmt: skip
"""Methods that change a list or dict, and how many positional arguments a plain call gives them at most; with more,
`list.append(table, row)` might change a table that refuses `table.append(row)`. (`x.pop(1)` might be `list.pop(x)`.)"""

DEPENDING = WIDTHS | set(MUTATORS) | {"strptime", "elements", "args"}
"""Names that are guarded where the text around shows that the object might be one that asks for it."""

GUARDED = frozenset({"format", "format_map", "obj", "register", "strftime"}) | DATETIME
"""Names whose every access is guarded, besides those that begin with an underscore."""

REFUSED_NAMES = frozenset({"eval", "exec", "compile"})
"""Builtins whose mere mention rejects a source."""


def name_problem(name: str) -> str | None:
    """Why a variable, parameter, function, class or alias may not be called so, or None."""
    if name.startswith("_") and name.endswith("_") and name.strip("_"):
        return f"the name {name!r} is reserved: it begins and ends with an underscore"
    return None


def attribute_problem(name: str) -> str | None:
    """Why an attribute may not be named at all, or None."""
    if name in METHODS or name in ("__name__", "__doc__"):
        return None
    if name.startswith("_") and name.endswith("_") and name.strip("_"):
        return f"the attribute {name!r} is not part of the dialect"
    if name in FRAMES:
        return f"the attribute {name!r} leads out of the tool and is refused"
    return None


def is_guarded(name: str) -> bool:
    """Whether each access of an attribute of this name, itself not refused, must be guarded."""
    return name in GUARDED or (name.startswith("_") and name not in ("__name__", "__doc__"))
