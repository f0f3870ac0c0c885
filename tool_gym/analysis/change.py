"""How far the weights moved, by layer and module.

Of base W and trained W': the relative change `||W' - W|| / ||W||` (Frobenius), the share of elements that differ at
all, and the largest difference. A checkpoint saved in bfloat16 rounds small updates away: the share shows it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, NamedTuple

from tool_gym.analysis.checkpoint import Adapted, Checkpoint, is_adapter
from tool_gym.errors import InputError

Module = Literal["embedding", "attention", "mlp", "norm", "head", "other"]
MODULES: tuple[Module, ...] = ("embedding", "attention", "mlp", "norm", "head", "other")

_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks|block)\.(\d+)\.")
_MODULE: tuple[tuple[Module, re.Pattern[str]], ...] = (
    ("norm", re.compile(r"norm|ln_|\.ln\d")),
    ("attention", re.compile(r"attn|attention")),
    ("mlp", re.compile(r"mlp|feed_forward|\.ffn|experts")),
    ("head", re.compile(r"lm_head|embed_out")),
    ("embedding", re.compile(r"embed|wte|wpe")),
)


class Place(NamedTuple):
    """Where a tensor stands.

    Attributes:
        layer: Its layer from 0, None outside the layers.
        module: What it is part of.
    """

    layer: int | None
    module: Module


class Change(NamedTuple):
    """How far some weights moved.

    Attributes:
        elements: How many there are.
        squared_base: Sum of the squares of the base.
        squared_change: Sum of the squares of the differences.
        changed: Elements that differ.
        largest: Largest difference, absolute.
    """

    elements: int = 0
    squared_base: float = 0.0
    squared_change: float = 0.0
    changed: int = 0
    largest: float = 0.0

    def __add__(self, other: Change) -> Change:  # type: ignore[override]
        """Both together."""
        return Change(
            self.elements + other.elements,
            self.squared_base + other.squared_base,
            self.squared_change + other.squared_change,
            self.changed + other.changed,
            max(self.largest, other.largest),
        )

    @property
    def relative(self) -> float:
        """`||W' - W|| / ||W||`, >= 0; infinite where the base is zero and the trained is not."""
        if not self.squared_base:
            return math.inf if self.squared_change else 0.0
        return math.sqrt(self.squared_change / self.squared_base)

    @property
    def changed_share(self) -> float:
        """Share of the elements that differ, in [0, 1]."""
        return self.changed / self.elements if self.elements else 0.0


def place(name: str) -> Place:
    """Where a tensor stands, by the names that the families of transformers give."""
    layer = _LAYER.search(name)
    inner = name[layer.end() - 1 :] if layer else name
    module: Module = next((module for module, pattern in _MODULE if pattern.search(inner)), "other")
    return Place(int(layer[1]) if layer else None, module)


def compare(base: str | Path, trained: str | Path) -> dict[str, Change]:
    """Compares two checkpoints of one model, a piece at a time; neither is ever whole in memory.

    Args:
        base: The model before, a folder or file of safetensors.
        trained: The model after; also the folder of a LoRA adapter over the base.

    Returns:
        The change of each tensor by its name, in the base's order. An output matrix that is tied to the embedding,
        and so stands in one of the two files only, is left out.

    Raises:
        InputError: If the two are not of one model.
    """
    with ExitStack() as stack:
        before = stack.enter_context(Checkpoint(base))
        after = stack.enter_context(Adapted(trained, before) if is_adapter(trained) else Checkpoint(trained))
        names = _common(before, after)
        return {name: _change(before, name, after, other) for name, other in names.items()}


def by_place(changes: dict[str, Change]) -> dict[Place, Change]:
    """The changes of all tensors of one layer and module together."""
    found: dict[Place, Change] = {}
    for name, change in changes.items():
        found[place(name)] = found.get(place(name), Change()) + change
    return dict(sorted(found.items(), key=lambda each: (_order(each[0].layer), MODULES.index(each[0].module))))


def total(changes: Iterable[Change]) -> Change:
    """All changes together."""
    whole = Change()
    for change in changes:
        whole += change
    return whole


def _order(layer: int | None) -> float:
    return -1 if layer is None else layer


def _common(before: Checkpoint, after: Checkpoint) -> dict[str, str]:
    """Names of the base's tensors, with those of the trained model's."""
    theirs = {_plain(name): name for name in after.tensors}
    ours = {_plain(name): name for name in before.tensors}
    alone = ours.keys() ^ theirs.keys()
    # Tied to the embedding, the output matrix may stand in a file or not.
    if odd := sorted(name for name in alone if place(name).module != "head"):
        raise InputError(
            f"{before.path} and {after.path} are not of one model: {len(odd)} tensors stand in one of them only, "
            f"such as {odd[0]!r}. Compare a model with its own training"
        )
    both = {name: theirs[key] for key, name in ours.items() if key in theirs}
    for name, other in both.items():
        if before.tensors[name] != after.tensors[other]:
            raise InputError(
                f"{name}: shape {before.tensors[name]} in {before.path}, {after.tensors[other]} in {after.path}; "
                "the two are not of one model"
            )
    return both


def _plain(name: str) -> str:
    return name.removeprefix("model.")


def _change(before: Checkpoint, name: str, after: Checkpoint, other: str) -> Change:
    whole = Change()
    for old, new in zip(before.rows(name), after.rows(other), strict=True):
        difference = (new - old).double()
        whole += Change(
            old.numel(),
            float(old.double().square().sum()),
            float(difference.square().sum()),
            int((new != old).sum()),
            float(difference.abs().max()) if old.numel() else 0.0,
        )
    return whole
