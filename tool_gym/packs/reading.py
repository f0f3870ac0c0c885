"""One guard around the reading of untrusted data: whatever it provokes becomes a `PackError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from tool_gym.errors import PackError
from tool_gym.trajectory import brief


@contextmanager
def reading(place: object, advice: str = "") -> Iterator[None]:
    """Turns whatever untrusted data provokes inside the block into a `PackError` that says where.

    Args:
        place: Its text names the place: file and line.
        advice: What to do next.
    """
    try:
        yield
    except PackError:
        raise
    except ValidationError as error:
        raise PackError(f"{place}: {brief(error)}" + (f"; {advice}" if advice else "")) from None
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        text = str(error) or "nested too deep"
        raise PackError(f"{place}: {text}" + (f"; {advice}" if advice else "")) from None
