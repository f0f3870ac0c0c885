"""Maximum matching: as many checks as possible, each paired with a call of its own."""

from __future__ import annotations

from collections.abc import Sequence


def pair(options: Sequence[Sequence[int]]) -> list[int | None]:
    """Pairs as many left nodes as possible with right nodes, no right node twice.

    Left nodes are served in order, and a later one never costs an earlier one its place: which left nodes are paired
    does not depend on how the right nodes are numbered.

    Args:
        options: For each left node the right nodes it may be paired with, any integers.

    Returns:
        For each left node its right node, or None.
    """
    owner: dict[int, int] = {}
    for left in range(len(options)):
        _augment(left, options, owner)
    paired: list[int | None] = [None] * len(options)
    for right, left in owner.items():
        paired[left] = right
    return paired


def _augment(left: int, options: Sequence[Sequence[int]], owner: dict[int, int]) -> None:
    """Finds a place for one more left node, moving earlier ones to other places where needed (breadth first)."""
    reached_from: dict[int, int] = {}
    previous: dict[int, int | None] = {left: None}  # the place that a left node would leave
    waiting = [left]
    for node in waiting:
        for right in options[node]:
            if right in reached_from:
                continue
            reached_from[right] = node
            if right in owner:
                previous[owner[right]] = right
                waiting.append(owner[right])
                continue
            place: int | None = right
            while place is not None:
                mover = reached_from[place]
                owner[place] = mover
                place = previous[mover]
            return
