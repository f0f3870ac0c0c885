"""The figures of a run, one row a batch: as JSON lines, for TensorBoard, and as a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

METRICS, TIMES, PICTURE = "metrics.jsonl", "times.jsonl", "curves.png"
_PLOTTED = ("reward", "heldout_solve_f1", "silent", "tokens", "entropy", "kl", "clipped", "gradient_norm")


class Logbook:
    """Writes what each batch came to.

    `metrics.jsonl` is the same for the same run, byte for byte; seconds stand beside it in `times.jsonl`.
    """

    def __init__(self, folder: Path, kept: int) -> None:
        """Opens the files.

        Args:
            folder: The run's.
            kept: Rows to keep; what was written after the checkpoint that the run goes on from is written again.
        """
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        for name in (METRICS, TIMES):
            path = folder / name
            lines = path.read_text().splitlines(keepends=True)[:kept] if path.exists() else []
            path.write_text("".join(lines))
        self._board: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=kept)

    def add(self, row: Mapping[str, float], seconds: Mapping[str, float]) -> None:
        """Writes a row and what it took."""
        for name, values in ((METRICS, row), (TIMES, {key: round(value, 4) for key, value in seconds.items()})):
            with (self._folder / name).open("a") as file:
                file.write(json.dumps(values) + "\n")
        for key, value in row.items():
            self._board.add_scalar(key, value, row["batch"])

    def close(self) -> None:
        """Ends TensorBoard's file."""
        self._board.close()


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The rows so far."""
    return [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]


def plot_curves(folder: Path) -> Path:
    """Draws the run's curves into `curves.png`."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = read_metrics(folder)
    names = [name for name in _PLOTTED if any(name in row for row in rows)]
    figure, axes = plt.subplots((len(names) + 1) // 2, 2, figsize=(9, 2 * len(names) / 2 + 1), layout="constrained")
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    for axis, name in zip(axes.flat, names, strict=False):
        points = [(row["batch"], row[name]) for row in rows if name in row]
        axis.plot(*zip(*points, strict=True), linewidth=1, marker="o" if len(points) < 20 else None, markersize=3)
        axis.set_title(name.replace("_", " "), fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("batch", fontsize=9)
    figure.savefig(folder / PICTURE, dpi=120)
    plt.close(figure)
    return folder / PICTURE
