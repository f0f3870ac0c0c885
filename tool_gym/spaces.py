"""Gymnasium spaces: `JsonSpace` for observations, `MessageSpace` for actions, `TextSpace` for actions as raw text.

None depends on a scenario's tools, because the sub-environments of a vector environment must have equal spaces. The
registrations at the end teach Gymnasium's vector environments to carry `JsonSpace` through shared memory.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from gymnasium.vector.utils import create_shared_memory, read_from_shared_memory, write_to_shared_memory

from tool_gym.jsonvalue import Json, NotJson, dumps, encode, loads
from tool_gym.messages import AssistantMessage

_WORDS = ("Oslo", "42", "2024-05-17", "naïve café", "你好", "مرحبا", "🙂", "lookup", "")


class _DataSpace(Space[Any]):
    """What the spaces share: no shape, no dtype, equality by limits."""

    def __init__(self, max_bytes: int, seed: int | np.random.Generator | None = None) -> None:
        if max_bytes < 1024:
            raise ValueError(f"max_bytes must be at least 1024, got {max_bytes}")
        self.max_bytes = max_bytes
        super().__init__(None, None, seed)

    @property
    def is_np_flattenable(self) -> bool:
        """False: JSON data has no flat form."""
        return False

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.max_bytes == self.max_bytes

    def __hash__(self) -> int:
        return hash((type(self), self.max_bytes))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(max_bytes={self.max_bytes})"

    def _fits(self, x: object) -> bool:
        try:
            return len(encode(x)) <= self.max_bytes
        except NotJson:
            return False

    def to_jsonable(self, sample_n: Iterable[Any]) -> list[Any]:
        """Plain JSON data of samples."""
        return [loads(encode(sample)) for sample in sample_n]

    def from_jsonable(self, sample_n: list[Any]) -> list[Any]:
        """Samples from their JSON data."""
        return [loads(dumps(sample)) for sample in sample_n]


class JsonSpace(_DataSpace):
    """Lists of JSON objects (messages, or tools) of at most `max_bytes` bytes as UTF-8 JSON."""

    def sample(self, mask: Any = None, probability: Any = None) -> list[Json]:
        """A short list of messages."""
        count = int(self.np_random.integers(0, 4))
        return [{"role": "user", "content": str(self.np_random.choice(_WORDS))} for _ in range(count)]

    def contains(self, x: Any) -> bool:
        """Whether it is such a list; never raises."""
        return isinstance(x, (list, tuple)) and all(isinstance(item, dict) for item in x) and self._fits(list(x))


class MessageSpace(_DataSpace):
    """Assistant messages: `{"content": str, "tool_calls": [{"name": str, "arguments": {...}}, ...]}`.

    The environment takes far more (see `tool_gym.messages.read_action`); this is the form that it promises. Samples
    call tools that hardly exist: to act at random with the tools of a scenario, use `tool_gym.RandomPolicy`.
    """

    def sample(self, mask: Any = None, probability: Any = None) -> dict[str, Json]:
        """A message with up to two calls of tools with random names."""
        rng = self.np_random
        calls = [
            {
                "name": f"tool_{int(rng.integers(100))}",
                "arguments": {f"p{i}": str(rng.choice(_WORDS)) for i in range(int(rng.integers(0, 3)))},
            }
            for _ in range(int(rng.integers(0, 3)))
        ]
        return {"content": str(rng.choice(_WORDS)), "tool_calls": calls}

    def contains(self, x: Any) -> bool:
        """Whether it is such a message, as a mapping or an `AssistantMessage`; never raises."""
        if isinstance(x, AssistantMessage):
            return self._fits(x.model_dump())
        if not isinstance(x, dict) or not isinstance(x.get("content", ""), str):
            return False
        calls = x.get("tool_calls", [])
        return isinstance(calls, (list, tuple)) and all(map(_is_call, calls)) and self._fits(x)


class TextSpace(_DataSpace):
    """Any text of at most `max_bytes` bytes as a JSON string; Gymnasium's own `Text` has a fixed alphabet."""

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """A few words of several languages."""
        return " ".join(self.np_random.choice(_WORDS, size=int(self.np_random.integers(1, 4))))

    def contains(self, x: Any) -> bool:
        """Whether it is such text; never raises."""
        return isinstance(x, str) and self._fits(x)


def _is_call(call: object) -> bool:
    return (
        isinstance(call, Mapping) and isinstance(call.get("name"), str) and isinstance(call.get("arguments", {}), dict)
    )


class _SharedLists:
    """The observations that n processes write into shared memory, read when copied.

    Gymnasium reads shared memory once and then copies what it read at every step, which suits arrays, whose memory is
    live. This sequence is live too: indexing it, or deep-copying it, decodes the memory of now.
    """

    def __init__(self, sizes: np.ndarray[Any, np.dtype[np.int64]], data: memoryview, max_bytes: int) -> None:
        self._sizes, self._data, self._max_bytes = sizes, data, max_bytes

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[list[Json]]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> list[Json]:
        start = range(len(self))[index] * self._max_bytes
        size = int(self._sizes[index])
        return loads(bytes(self._data[start : start + size])) if size else []

    def __deepcopy__(self, memo: dict[int, Any]) -> tuple[list[Json], ...]:
        return tuple(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (tuple, list, _SharedLists)) and list(self) == list(other)

    def __hash__(self) -> int:
        raise TypeError("live observations cannot be hashed")

    def __repr__(self) -> str:
        return repr(tuple(self))


def _create(space: JsonSpace, n: int = 1, ctx: Any = multiprocessing) -> tuple[Any, Any]:
    return ctx.RawArray("q", n), ctx.RawArray("b", n * space.max_bytes)


def _read(space: JsonSpace, shared_memory: tuple[Any, Any], n: int = 1) -> _SharedLists:
    sizes, data = shared_memory
    return _SharedLists(np.frombuffer(sizes, np.int64), memoryview(data).cast("B"), space.max_bytes)


def _write(space: JsonSpace, index: int, value: Any, shared_memory: tuple[Any, Any]) -> None:
    sizes, data = shared_memory
    text = dumps(value)
    if len(text) > space.max_bytes:
        raise ValueError(f"an observation of {len(text):,} bytes exceeds the space's {space.max_bytes:,}")
    start = index * space.max_bytes
    memoryview(data).cast("B")[start : start + len(text)] = text
    sizes[index] = len(text)


create_shared_memory.register(JsonSpace)(_create)
read_from_shared_memory.register(JsonSpace)(_read)
write_to_shared_memory.register(JsonSpace)(_write)
