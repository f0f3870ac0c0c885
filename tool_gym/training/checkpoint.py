"""The state of a run on disk: all of it, in one file that is replaced as a whole, so that a killed run goes on exactly.

No generator of random numbers is in it: all that is drawn follows from the run's seed and the numbers of iteration and
batch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tool_gym.errors import InputError

NAME = "checkpoint.pt"


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Writes a state of tensors and plain data; a crash at any moment leaves the old one or the new one."""
    part = folder / (NAME + ".part")
    with part.open("wb") as file:
        torch.save(dict(state), file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / NAME)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state in a folder, None if there is none; no code in the file is run.

    Raises:
        InputError: If the file is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has a dozen ways to say so
        raise InputError(f"{path}: not a checkpoint: {str(error)[:200]}; delete it to begin again") from None
    return state
