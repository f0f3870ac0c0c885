"""One guard around the reading of untrusted data: whatever it provokes becomes a `PackError`."""

from __future__ import annotations

from pydantic import ValidationError

from tool_gym.errors import PackError
from tool_gym.trajectory import brief


class reading:
    """Turns whatever untrusted data provokes inside a `with` block into a `PackError` that says where.

    It is a class because it stands around every row: a generator would take as long as a small row does.

    Args:
        place: Its text names the place: file and line.
        advice: What to do next.
    """

    __slots__ = ("_advice", "_place")

    def __init__(self, place: object, advice: str = "") -> None:
        self._place, self._advice = place, advice

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValidationError):
            text = brief(error)
        elif isinstance(error, (ValueError, TypeError, LookupError, RecursionError)) and not isinstance(
            error, PackError
        ):
            text = str(error) or "nested too deep"
        else:
            return
        raise PackError(f"{self._place}: {text}" + (f"; {self._advice}" if self._advice else "")) from None
