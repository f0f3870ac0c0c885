"""What learns: the network's trainable weights, their reference, and the optimiser steps of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tool_gym.errors import InputError
from tool_gym.training.advantages import Floats
from tool_gym.training.config import TrainConfig
from tool_gym.training.forward import Scored, score
from tool_gym.training.health import check_finite
from tool_gym.training.losses import Loss, Weights, loss
from tool_gym.training.samples import Group


class _Pass(NamedTuple):
    """What one forward and backward pass sees: groups, and the advantages of their responses."""

    groups: Sequence[Group]
    advantages: Sequence[Floats]

    @property
    def size(self) -> int:
        """How many responses there are."""
        return sum(len(group.responses) for group in self.groups)

    def score(self, model: Any, temperature: float) -> Scored:
        """Log-probabilities of the responses."""
        owners = [i for i, group in enumerate(self.groups) for _ in group.responses]
        ids = [each.ids for group in self.groups for each in group.responses]
        return score(model, [group.prompt_ids for group in self.groups], owners, ids, temperature)

    def mask(self, like: Tensor) -> Tensor:
        """Which tokens the model chose, bool[responses, tokens]."""
        mask = torch.zeros(like.shape, dtype=torch.bool)
        for row, each in zip(mask, [each for group in self.groups for each in group.responses], strict=True):
            row[: len(each.chosen)] = torch.tensor(each.chosen)
        return mask.to(like.device)


class Learner:
    """The trainable weights of a network, with AdamW and a reference.

    Attributes:
        model: The network, with LoRA adapters if these are trained.
    """

    def __init__(self, model: Any, config: TrainConfig) -> None:
        """Prepares a network for training.

        Args:
            model: A causal language model of transformers, in float32.
            config: Settings of the run.
        """
        self.model = _with_lora(model, config) if config.lora_rank else model
        self._config = config
        self._weights = {name: each for name, each in self.model.named_parameters() if each.requires_grad}
        self._optimizer = torch.optim.AdamW(
            self._weights.values(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._reference = self._copy()

    def renew_reference(self) -> None:
        """Makes the model as it is the reference."""
        self._reference = self._copy()

    def precision(self) -> AbstractContextManager[Any]:
        """Where the network is used: bfloat16 arithmetic on a GPU, unless the settings say otherwise."""
        device, chosen = self.model.device.type, self._config.precision
        low = chosen == "bfloat16" or (chosen == "auto" and device == "cuda")
        return torch.autocast(device, dtype=torch.bfloat16, enabled=low)

    def learn(self, batch: int, groups: Sequence[Group], advantages: Floats) -> dict[str, float]:
        """Makes the optimiser steps of a batch.

        Args:
            batch: Its number, for complaints.
            groups: Prompts and responses.
            advantages: float64[n] of all responses, in the order of the groups.

        Returns:
            Means over the steps of the loss's parts, and of the gradient's norm before it is clipped.

        Raises:
            TrainingStopped: If the loss or the gradient is not finite.
        """
        cuts = np.cumsum([len(group.responses) for group in groups])[:-1]
        each = np.split(advantages, cuts)
        steps = [
            [
                _Pass([groups[i] for i in some], [each[i] for i in some])
                for some in np.array_split(share, -(-len(share) // self._config.prompts_at_once))
            ]
            for share in np.array_split(np.arange(len(groups)), min(self._config.updates, len(groups)))
        ]
        # With one step the policy that sampled is the one that learns: its log-probabilities are those of the loss.
        old = [[self._fixed(one) if len(steps) > 1 else None for one in step] for step in steps]
        with self._as_reference():
            reference = [[self._fixed(one) if self._config.kl else None for one in step] for step in steps]
        figures = [self._step(batch, *parts) for parts in zip(steps, old, reference, strict=True)]
        return {name: float(np.mean([row[name] for row in figures])) for name in figures[0]}

    def _step(
        self, batch: int, passes: Sequence[_Pass], old: Sequence[Tensor | None], reference: Sequence[Tensor | None]
    ) -> dict[str, float]:
        """One optimiser step, its gradient added up over passes."""
        config, total = self._config, sum(one.size for one in passes)
        weights = Weights(config.clip, config.dual_clip, config.kl, config.entropy)
        sums = dict.fromkeys(Loss._fields, 0.0)
        self._optimizer.zero_grad()
        for one, before, base in zip(passes, old, reference, strict=True):
            with self.precision():
                logp, entropy = one.score(self.model, config.temperature)
            found = loss(
                logp,
                logp.detach() if before is None else before,
                torch.as_tensor(np.concatenate(one.advantages)).to(logp),
                one.mask(logp),
                entropy=entropy,
                reference=base,
                weights=weights,
            )
            (found.total * (one.size / total)).backward()  # type: ignore[no-untyped-call]
            for name, value in found._asdict().items():
                sums[name] += float(value.detach()) * one.size / total
        norm = float(torch.nn.utils.clip_grad_norm_(self._weights.values(), config.gradient_clip))
        check_finite(batch, loss=sums["total"], gradient=norm)
        self._optimizer.step()
        return {"loss": sums.pop("total"), **sums, "gradient_norm": norm}

    @torch.no_grad()
    def _fixed(self, one: _Pass) -> Tensor:
        with self.precision():
            return one.score(self.model, self._config.temperature).logp

    @contextmanager
    def _as_reference(self) -> Iterator[None]:
        """The model with the weights of its reference, for as long as the context lasts."""
        now = self._copy()
        self._load(self._reference)
        try:
            yield
        finally:
            self._load(now)

    def state(self) -> dict[str, Any]:
        """Weights, reference and optimiser, for a checkpoint."""
        return {
            "weights": self._copy(),
            "reference": self._reference,
            "optimizer": self._optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to a state."""
        self._load(state["weights"])
        self._reference = {name: each.to(self._weights[name].device) for name, each in state["reference"].items()}
        self._optimizer.load_state_dict(state["optimizer"])

    def _copy(self) -> dict[str, Tensor]:
        return {name: each.detach().clone() for name, each in self._weights.items()}

    @torch.no_grad()
    def _load(self, kept: dict[str, Tensor]) -> None:
        for name, each in self._weights.items():
            each.copy_(kept[name])


def _with_lora(model: Any, config: TrainConfig) -> Any:
    """The model with fresh adapters on its linear layers; nothing else of it is trained."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise InputError("lora_rank needs peft; pip install 'tool-gym[train]', or set lora_rank to 0") from None
    torch.manual_seed(config.seed)
    settings = LoraConfig(
        r=config.lora_rank, lora_alpha=config.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(model, settings).eval()
