"""What a training run is told: a TOML file, every key of which has a default but the three that have none."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticUndefined

from tool_gym.errors import InputError
from tool_gym.messages import Noun
from tool_gym.trajectory import brief


class TrainConfig(Noun):
    """Settings of a run; the defaults of the algorithm are the paper's (arXiv 2508.08791), scaled to one machine."""

    model: str = Field(description="Folder or GGUF file of the model to start from.")
    pack: str = Field(description="Name or folder of the pack to train on.")
    out: str = Field(description="Folder of the run; the same configuration resumes it.")

    seed: int = Field(0, ge=0, description="Decides everything that is drawn.")
    algorithm: Literal["grpo", "reinforce++"] = Field("grpo", description="The advantage estimator.")
    mode: Literal["prefix", "episode"] = Field(
        "prefix", description="What a response is: one turn after a prefix of a trajectory, or a whole episode."
    )
    reward: str | None = Field(None, description="Name of the reward; without it the pack's own.")
    split: str = Field("train", description="Split of the pack to train on, or all.")
    max_turns: int | None = Field(None, ge=1, description="Turn limit; without it the pack's own.")
    perturb: str | None = Field(None, description="What is done to the scenarios, as medium+flaky.")
    perturb_seed: int = Field(0, ge=0, description="Seed of that.")

    iterations: int = Field(1, ge=1, description="Times that trajectories are collected and the reference is renewed.")
    scenarios: int = Field(256, ge=1, description="Scenarios that an iteration plays.")
    plays: int = Field(1, ge=1, description="Trajectories of each of them, in the mode prefix.")
    keep_solve_rates: tuple[float, float] = Field(
        (0.0, 1.0),
        description="Curriculum: a scenario whose last mean Solve-F1 lay outside is passed over once.",
    )
    prompts: int = Field(32, ge=1, description="Prompts of a batch.")
    responses: int = Field(16, ge=1, description="Responses to each prompt.")
    updates: int = Field(1, ge=1, description="Optimiser steps of a batch, each on its share of the prompts.")
    prompts_at_once: int = Field(1, ge=1, description="Prompts of one forward and backward pass; gradients add up.")

    learning_rate: float = Field(1e-6, gt=0, description="Of AdamW, constant.")
    weight_decay: float = Field(0.01, ge=0, description="Of AdamW.")
    gradient_clip: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    clip: float = Field(0.2, gt=0, lt=1, description="Clipping of the ratio.")
    dual_clip: float = Field(3.0, gt=1, description="Bound of the loss where the advantage is negative.")
    kl: float = Field(0.001, ge=0, description="Weight of the divergence from the reference.")
    entropy: float = Field(0.001, ge=0, description="Weight of the entropy.")

    lora_rank: int = Field(0, ge=0, description="Rank of LoRA adapters on all linear layers; 0 trains all weights.")
    lora_alpha: int = Field(32, gt=0, description="Scale of the adapters, times 1/rank.")

    temperature: float = Field(0.7, gt=0, description="Of the responses; logits are divided by it in the loss as well.")
    collect_temperature: float = Field(1.0, gt=0, description="Of the trajectories that prefixes are taken from.")
    max_tokens: int = Field(1024, ge=1, description="Longest turn.")
    max_prompt_tokens: int = Field(16384, ge=1, description="Longer prompts are left out.")
    form: Literal["auto", "native", "text"] = Field("auto", description="How the tools reach the model.")
    shots: int = Field(0, ge=0, description="Examples before the question, of the same pack; they imply the form text.")
    parser: str = Field("hermes", description="How the model's family writes calls.")
    constrained: bool = Field(False, description="Hold what is sampled to the tools' schemas.")
    at_once: int = Field(64, ge=1, description="Episodes, or responses, that are sampled together.")

    device: str | None = Field(None, description="A torch device; without it a GPU if there is one.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="Of the arithmetic: bfloat16 on a GPU by default. Weights are kept in float32."
    )
    execution: Literal["isolated", "embedded"] = Field("isolated", description="Where tools run.")

    evaluate_every: int = Field(0, ge=0, description="Batches between two measurements on held-out scenarios; 0: none.")
    evaluate_split: str = Field("test", description="Where they come from.")
    evaluate_scenarios: int = Field(100, ge=1, description="How many, the first ones.")
    checkpoint_every: int = Field(10, ge=1, description="Batches between two checkpoints.")
    patience: int = Field(20, ge=2, description="Batches without signal, or with half the reward, that end the run.")

    @model_validator(mode="after")
    def _consistent(self) -> TrainConfig:
        if self.prompts % self.updates:
            raise ValueError(f"prompts ({self.prompts}) must be a multiple of updates ({self.updates})")
        if self.algorithm == "grpo" and self.responses < 2:
            raise ValueError("grpo compares the responses to a prompt; responses must be at least 2")
        return self


def read_config(path: str | Path) -> TrainConfig:
    """Reads a configuration.

    Raises:
        InputError: If the file is missing, no TOML, or says what a configuration does not know.
    """
    source = Path(path)
    try:
        return TrainConfig.model_validate(tomllib.loads(source.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{source}: {error.strerror}; `tool-gym train --template` writes one to begin with") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{source}: no TOML: {error}") from None
    except ValidationError as error:
        raise InputError(f"{source}: {brief(error)}; `tool-gym train --template` shows all keys") from None


def template() -> str:
    """A configuration with every key, its default and what it means; keys without a default are commented out."""
    lines = []
    for name, field in TrainConfig.model_fields.items():
        default = "..." if field.default is PydanticUndefined else json.dumps(field.default)
        if default in ("null", "..."):
            lines.append(f"# {name} =    # {field.description}")
        else:
            lines.append(f"{name} = {default}    # {field.description}")
    return "\n".join(lines) + "\n"
