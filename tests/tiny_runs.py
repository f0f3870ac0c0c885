"""Training runs that take a moment: a tiny model, a few scenarios, the smallest settings."""

import numpy as np
import torch
from tiny_model import TOOL_TEMPLATE, save_tiny_model

from tool_gym.training.config import TrainConfig

torch.set_num_threads(1)  # the same sums whatever the machine, and tiny products gain nothing from more


def tiny_config(tmp_path, pack, **settings):
    """Settings of a run in tmp_path; the model is made when it is not there."""
    if not (tmp_path / "base").exists():
        save_tiny_model(tmp_path / "base", template=TOOL_TEMPLATE, context=8192)
    small = {
        "model": str(tmp_path / "base"), "pack": str(pack), "out": str(tmp_path / "run"), "split": "all",
        "iterations": 2, "scenarios": 3, "prompts": 2, "responses": 2, "max_turns": 2, "max_tokens": 6,
        "learning_rate": 1e-3, "checkpoint_every": 1, "execution": "embedded", "device": "cpu", "form": "native",
    }  # fmt: skip
    return TrainConfig(**{**small, **settings})


def weights(folder):
    """All weights of a saved model, in one array."""
    from safetensors.torch import load_file

    tensors = load_file(folder / "model" / "model.safetensors")
    return np.concatenate([tensors[name].to(torch.float32).numpy().ravel() for name in sorted(tensors)])
