"""Log-probabilities of responses under a model, each prompt read once for all its responses, with gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache


class Scored(NamedTuple):
    """Log-probabilities and entropies of the tokens of responses, float32[responses, tokens], zeros as padding."""

    logp: Tensor
    entropy: Tensor


def score(
    model: Any,
    prompts: Sequence[Sequence[int]],
    owners: Sequence[int],
    responses: Sequence[Sequence[int]],
    temperature: float,
) -> Scored:
    """Scores responses.

    The keys and values of a prompt are computed once and shared by its responses, the gradient included: it is that of
    reading prompt and response together, at a fraction of the time.

    Args:
        model: A causal language model of transformers.
        prompts: Token ids, at least one each.
        owners: For each response its place in `prompts`.
        responses: Token ids, at least one each.
        temperature: Logits are divided by it.
    """
    device = next(model.parameters()).device
    read, seen = _padded(prompts, device, left=True)
    answers, real = _padded(responses, device, left=False)
    owner = torch.tensor(owners, device=device)
    cache = DynamicCache()
    first = model(
        input_ids=read,
        attention_mask=seen.long(),
        position_ids=(seen.cumsum(-1) - 1).clamp(min=0),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    ).logits[owner]
    logits = first
    if answers.shape[1] > 1:
        cache.batch_select_indices(owner)
        places = seen.sum(-1)[owner, None] + torch.arange(answers.shape[1] - 1, device=device)
        rest = model(
            input_ids=answers[:, :-1],
            attention_mask=torch.cat([seen[owner], real[:, :-1]], dim=1).long(),
            position_ids=places,
            past_key_values=cache,
            use_cache=True,
        ).logits
        logits = torch.cat([first, rest], dim=1)
    every = torch.log_softmax(logits.float() / temperature, dim=-1)
    chosen = every.gather(-1, answers[:, :, None])[:, :, 0]
    entropy = -(every.exp() * every).sum(-1)
    return Scored(chosen.masked_fill(~real, 0.0), entropy.masked_fill(~real, 0.0))


def _padded(rows: Sequence[Sequence[int]], device: torch.device, *, left: bool) -> tuple[Tensor, Tensor]:
    """Token ids int[rows, widest] with zeros as padding, and where there are tokens."""
    widest = max(map(len, rows))
    ids = torch.zeros(len(rows), widest, dtype=torch.long)
    real = torch.zeros(len(rows), widest, dtype=torch.bool)
    for i, row in enumerate(rows):
        place = slice(widest - len(row), widest) if left else slice(0, len(row))
        ids[i, place] = torch.tensor(row)
        real[i, place] = True
    return ids.to(device), real.to(device)
