"""Log-probabilities of responses under a model, each prompt read once for all its responses, with gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    logits = model(
        input_ids=read,
        attention_mask=seen.long(),
        position_ids=(seen.cumsum(-1) - 1).clamp(min=0),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    ).logits[owner, 0]
    if answers.shape[1] > 1:
        cache.batch_select_indices(owner)
        with _logits_at(model, real[:, 1:]):
            rest = model(
                input_ids=answers[:, :-1],
                attention_mask=torch.cat([seen[owner], real[:, :-1]], dim=1).long(),
                position_ids=seen.sum(-1)[owner, None] + torch.arange(answers.shape[1] - 1, device=device),
                past_key_values=cache,
                use_cache=True,
            ).logits
        logits = torch.cat([logits, rest])
    tokens = torch.cat([answers[:, 0], answers[:, 1:][real[:, 1:]]])
    every = torch.log_softmax(logits.float() / temperature, dim=-1)
    chosen = every.gather(-1, tokens[:, None])[:, 0]
    return Scored(_spread(chosen, real), _spread(-(every.exp() * every).sum(-1), real))


@contextmanager
def _logits_at(model: Any, places: Tensor) -> Iterator[None]:
    """The model gives the logits of these places alone, float[places, vocabulary]: padding costs as much as tokens."""
    handle = model.get_output_embeddings().register_forward_pre_hook(lambda _, inputs: (inputs[0][places],))
    try:
        yield
    finally:
        handle.remove()


def _spread(values: Tensor, real: Tensor) -> Tensor:
    """Values of all first tokens and then of all others, at their places; zeros elsewhere."""
    first, others = values[: len(real), None], values[len(real) :]
    rest = torch.zeros(real[:, 1:].shape, dtype=values.dtype, device=values.device)
    return torch.cat([first, rest.masked_scatter(real[:, 1:], others)], dim=1)


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
