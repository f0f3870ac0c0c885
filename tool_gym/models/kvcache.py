"""Key-value caches of sequences that are alone in one moment and rows of a batch in the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

Layers: TypeAlias = list[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values of one sequence for each layer, float[heads, tokens, width]."""


class _RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer with its room taken beforehand: growing by concatenation would copy all of it for every token."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, used: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self._all, self._used = (keys, values), used
        self.keys, self.values = keys[:, :, :used], values[:, :, :used]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        start, self._used = self._used, self._used + key_states.shape[-2]
        keys, values = self._all
        keys[:, :, start : self._used] = key_states
        values[:, :, start : self._used] = value_states
        self.keys, self.values = keys[:, :, : self._used], values[:, :, : self._used]
        return self.keys, self.values

    def select(self, rows: Sequence[int]) -> _RoomyLayer:
        """Some of its rows, in a layer of their own with the same room."""
        keys, values = (tensor[list(rows)] for tensor in self._all)
        return _RoomyLayer(keys, values, self._used)


def batch(rows: Sequence[Layers], lengths: Sequence[int], room: int) -> DynamicCache:
    """One cache of several sequences, each at the right end of its row, zeros to its left.

    Args:
        rows: The sequences.
        lengths: Tokens to take of each, from its first.
        room: Further tokens that the cache will take.
    """
    cache, widest = DynamicCache(), max(lengths)
    for parts in zip(*rows, strict=True):
        keys, values = [_stacked(tensors, lengths, widest, room) for tensors in zip(*parts, strict=True)]
        cache.layers.append(_RoomyLayer(keys, values, widest))
    return cache


def select(cache: DynamicCache, rows: Sequence[int]) -> DynamicCache:
    """A cache of some rows of one that `batch` made."""
    some, layers = DynamicCache(), list[Any](cache.layers)
    some.layers.extend(layer.select(rows) for layer in layers)
    return some


def _stacked(rows: Sequence[torch.Tensor], lengths: Sequence[int], widest: int, room: int) -> torch.Tensor:
    heads, _, width = rows[0].shape
    whole = rows[0].new_zeros(len(rows), heads, widest + room, width)
    for place, row, length in zip(whole, rows, lengths, strict=True):
        place[:, widest - length : widest] = row[:, :length]
    return whole


def row_of(cache: DynamicCache, row: int, start: int, stop: int) -> Layers:
    """The tokens `start` to `stop` of one row, as views into the cache."""
    layers: list[Any] = cache.layers
    return [(layer.keys[row, :, start:stop], layer.values[row, :, start:stop]) for layer in layers]
