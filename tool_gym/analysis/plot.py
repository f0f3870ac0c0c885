"""The change of a network as a picture: layers from left to right, a row for each module."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tool_gym.analysis.change import Change, Module, Place

_ROWS: tuple[Module, ...] = ("attention", "mlp", "norm")


def plot_changes(changes: dict[Place, Change], out: str | Path) -> None:
    """Draws the relative change of each layer's attention, MLP and norms.

    Args:
        changes: By place, from `by_place`.
        out: A `.png` or `.svg` file.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    layers = 1 + max((place.layer for place in changes if place.layer is not None), default=0)
    grid = np.full((len(_ROWS), layers), np.nan)
    for place, change in changes.items():
        if place.layer is not None and place.module in _ROWS:
            grid[_ROWS.index(place.module), place.layer] = change.relative
    figure, (lines, heat) = plt.subplots(
        2, 1, figsize=(8, 4.6), sharex=True, height_ratios=[3, 2], layout="constrained"
    )
    for row, name in enumerate(_ROWS):
        lines.plot(range(layers), grid[row], marker="o", markersize=3, label=name)
    lines.set_ylabel("relative change")
    lines.set_ylim(bottom=0)
    lines.legend(frameon=False)
    lines.spines[["top", "right"]].set_visible(False)
    image = heat.imshow(grid, aspect="auto", cmap="viridis")
    heat.set_yticks(range(len(_ROWS)), _ROWS)
    heat.set_xlabel("layer")
    figure.colorbar(image, ax=heat, label="‖W′ − W‖ / ‖W‖")
    figure.savefig(out, dpi=150)
    plt.close(figure)
