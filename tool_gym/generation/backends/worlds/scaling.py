"""Three strategies of complexity scaling, applied to one tool: it can do more, takes more, and takes richer types."""

from __future__ import annotations

from collections.abc import Sequence

from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.proposals import Change, Strategy
from tool_gym.generation.topic import Strategies

_MORE_FIELDS = (0.0, 0.3, 0.6, 1.0, 1.0, 1.0)
"""Share of what a family could read or filter by that a tool has, by level of functional generalisation."""
_MORE_OPTIONS = (0, 1, 3, 4, 6, 8)
_MORE_TYPES = (0, 1, 1, 2, 3, 4)
_TERSE_FROM = 4
"""Level of parameter expansion from which errors say only that something is wrong."""


def scaled_spec(
    spec: ToolSpec, whole: ToolSpec, options: Sequence[str], shapes: Sequence[str], strategies: Strategies
) -> tuple[ToolSpec, tuple[Change, ...]]:
    """The tool after three strategies, each at its level, and what they changed.

    Args:
        spec: The tool as it is needed.
        whole: The tool with all that it could do, in the order in which it grows.
        options: All that parameter expansion can add, likewise.
        shapes: All types that can be generalised, likewise.
        strategies: The levels.
    """
    share = _MORE_FIELDS[strategies.functional_generalisation]
    fields = _more(spec.fields, whole.fields, share)
    filters = _more(spec.filters, whole.filters, share)
    more_options = tuple(options[: _MORE_OPTIONS[strategies.parameter_expansion]])
    more_types = tuple(shapes[: _MORE_TYPES[strategies.type_generalisation]])
    new = [*(key for key in fields if key not in spec.fields), *(key for key in filters if key not in spec.filters)]
    done: list[tuple[Strategy, Sequence[str]]] = [
        ("functional_generalisation", new),
        ("parameter_expansion", more_options),
        ("type_generalisation", more_types),
    ]
    grown = spec.model_copy(
        update={
            "fields": fields,
            "filters": filters,
            "options": more_options,
            "shapes": more_types,
            "terse": strategies.parameter_expansion >= _TERSE_FROM,
        }
    )
    return grown, tuple(Change(strategy=name, tool=spec.name, what=", ".join(what)) for name, what in done if what)


def _more(now: Sequence[str], whole: Sequence[str], share: float) -> tuple[str, ...]:
    """What is needed and the first of the rest, in the order of the whole: what is needed does not stand out."""
    kept = {*now, *whole[: round(share * len(whole))]}
    return tuple(key for key in whole if key in kept)
