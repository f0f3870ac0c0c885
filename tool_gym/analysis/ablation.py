"""Causes, not only magnitudes: a part of the trained model is put back to the base, and the model is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tool_gym.analysis.change import Module, place
from tool_gym.analysis.checkpoint import Checkpoint

if TYPE_CHECKING:
    from torch import nn


class Part(NamedTuple):
    """A part of a network.

    Attributes:
        name: Its name, such as `lower mlp`.
        layers: Its layers.
        modules: Which modules of them; None means all.
    """

    name: str
    layers: range
    modules: tuple[Module, ...] | None = None

    def holds(self, tensor: str) -> bool:
        """Whether a tensor belongs to it."""
        where = place(tensor)
        return where.layer in self.layers and (self.modules is None or where.module in self.modules)


def parts(layers: int) -> list[Part]:
    """The lower, middle and upper third of the layers, each whole, its MLPs, and its attention.

    Args:
        layers: Layers of the network, >= 3.
    """
    edges = [round(layers * i / 3) for i in range(4)]
    thirds = {name: range(edges[i], edges[i + 1]) for i, name in enumerate(("lower", "middle", "upper"))}
    kinds: dict[str, tuple[Module, ...] | None] = {"": None, " mlp": ("mlp",), " attention": ("attention",)}
    return [Part(name + kind, span, modules) for name, span in thirds.items() for kind, modules in kinds.items()]


@contextmanager
def restored(model: nn.Module, base: str | Path, part: Part) -> Iterator[int]:
    """A model with one part as it was in the base, for as long as the context lasts.

    Args:
        model: The trained model; its parameters are changed in place and put back.
        base: Checkpoint of the base.
        part: What to restore.

    Yields:
        How many tensors were restored.
    """
    import torch

    kept: dict[str, torch.Tensor] = {}
    parameters = dict(model.named_parameters())
    with Checkpoint(base) as before, torch.no_grad():
        try:
            for name in before.tensors:
                if part.holds(name) and name in parameters:
                    kept[name] = parameters[name].clone()
                    parameters[name].copy_(torch.cat(list(before.rows(name))))
            yield len(kept)
        finally:
            for name, tensor in kept.items():
                parameters[name].copy_(tensor)
