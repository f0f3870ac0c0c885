"""Batched generation: every sequence reads its prompt alone, then all write together, one token each at a time.

Reading is bound by arithmetic, so a batch would gain nothing there, and alone it is exactly the same whoever else is in
the batch. Writing is bound by memory, so rows share it, padded on the left. What a row samples is decided by its own
random numbers; its probabilities are the same in every batch up to the last bits of floating point, in which matrix
products of other shapes round otherwise. Equal batches give equal bits (on one machine, with as many threads).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache

from tool_gym.models.kvcache import Layers, batch, row_of, select


class Sampling(NamedTuple):
    """How tokens are chosen.

    Attributes:
        temperature: 0 takes the likeliest token.
        top_p: Only the likeliest tokens that together reach this probability are taken, in (0, 1].
        max_tokens: Most tokens of one turn, >= 1.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512


class Mask(Protocol):
    """What a row may write next."""

    def allowed(self) -> NDArray[np.bool_]:
        """Whether each token of the vocabulary may come next, bool[vocabulary]."""

    def advance(self, token: int) -> None:
        """Takes note of the token that was written."""


class Row(NamedTuple):
    """A sequence to continue.

    Attributes:
        ids: Tokens so far, at least one.
        known: Keys and values of its first tokens, computed before, or None.
        known_length: How many tokens these are, < len(ids).
        random: Decides what is sampled.
        mask: Restricts what is written, or None.
    """

    ids: Sequence[int]
    known: Layers | None
    known_length: int
    random: np.random.Generator
    mask: Mask | None = None


class Read(NamedTuple):
    """A sequence that was read: its keys and values, and the logits after it, float[vocabulary]."""

    layers: Layers
    logits: torch.Tensor


class Written(NamedTuple):
    """What a row wrote.

    Attributes:
        ids: Token ids, the ending one included.
        logprobs: Log-probability of each under the model at the sampling temperature (1 where that is 0), before
            `top_p` and masks.
        layers: Keys and values of the sequence up to its last token but one, views into those of the batch.
    """

    ids: list[int]
    logprobs: list[float]
    layers: Layers


@torch.inference_mode()
def read(model: Any, row: Row) -> Read:
    """Reads what a sequence has beyond its known tokens."""
    start, length = row.known_length, len(row.ids)
    cache = DynamicCache() if row.known is None else batch([row.known], [start], length - start)
    output = model(
        input_ids=torch.tensor([row.ids[start:]], device=model.device),
        position_ids=torch.arange(start, length, device=model.device)[None],
        past_key_values=cache,
        logits_to_keep=1,
        use_cache=True,
    )
    return Read(row_of(cache, 0, 0, length), output.logits[0, -1])


@torch.inference_mode()
def write(
    model: Any, rows: Sequence[Row], reads: Sequence[Read], sampling: Sampling, ends: frozenset[int]
) -> list[Written]:
    """Continues sequences together until each has written a token of `ends` or as many as it may.

    Rows that have ended leave the batch when they are half of it: to move the others takes time too.
    """
    lengths = [len(row.ids) for row in rows]
    widest = max(lengths)
    cache = batch([one.layers for one in reads], lengths, sampling.max_tokens)
    written: list[list[tuple[int, float]]] = [[] for _ in rows]
    layers: dict[int, Layers] = {}
    here = list(range(len(rows)))  # the rows of the batch, by their places in it
    open_rows = set(here)
    logits = torch.stack([one.logits for one in reads])
    position = torch.tensor(lengths, device=model.device)[:, None]
    seen = torch.arange(widest + sampling.max_tokens, device=model.device)[None] >= widest - position
    for number in range(sampling.max_tokens):
        going = {place for place, i in enumerate(here) if i in open_rows}
        tokens, logprobs = _choose(logits.float(), [rows[i] for i in here], going, sampling)
        for place in going:
            i, token = here[place], tokens[place]
            written[i].append((token, logprobs[place]))
            mask = rows[i].mask
            if token in ends:
                open_rows.discard(i)
            elif mask is not None:
                mask.advance(token)
        staying = [place for place, i in enumerate(here) if i in open_rows and number + 1 < sampling.max_tokens]
        if 2 * len(staying) <= len(here):  # an ended row costs as much as an open one
            for place, i in enumerate(here):
                layers[i] = row_of(cache, place, widest - lengths[i], widest + len(written[i]) - 1)
            if not staying:
                break
            cache = select(cache, staying)
            here, tokens = [here[place] for place in staying], [tokens[place] for place in staying]
            position, seen = position[staying], seen[staying]
        output = model(
            input_ids=torch.tensor(tokens, device=model.device)[:, None],
            position_ids=position + number,
            attention_mask=seen[:, : widest + number + 1].long(),
            past_key_values=cache,
            use_cache=True,
        )
        logits = output.logits[:, -1]
    return [
        Written([token for token, _ in pairs], [logprob for _, logprob in pairs], layers[i])
        for i, pairs in enumerate(written)
    ]


def _choose(
    logits: torch.Tensor, rows: Sequence[Row], open_rows: set[int], sampling: Sampling
) -> tuple[list[int], list[float]]:
    """A token and its log-probability for each row; rows that have ended draw no random number."""
    logprobs = torch.log_softmax(logits / (sampling.temperature or 1.0), dim=-1)
    scores = logprobs
    if any(rows[i].mask for i in open_rows):
        allowed = np.ones(logits.shape, dtype=np.bool_)
        for i in open_rows:
            if (mask := rows[i].mask) is not None:
                allowed[i] = mask.allowed()
        scores = logprobs.masked_fill(~torch.from_numpy(allowed).to(logits.device), -torch.inf)
    if sampling.temperature == 0:
        chosen = scores.argmax(dim=-1)
    else:
        draws = [rows[i].random.random() if i in open_rows else 0.0 for i in range(len(rows))]
        chosen = _draw(scores.softmax(dim=-1).double(), torch.tensor(draws, device=logits.device), sampling.top_p)
    found = logprobs.gather(-1, chosen[:, None])[:, 0]
    return chosen.tolist(), found.tolist()


def _draw(probabilities: torch.Tensor, draws: torch.Tensor, top_p: float) -> torch.Tensor:
    """The token at which the running sum of each row passes its draw, likeliest first where that matters.

    Args:
        probabilities: float[rows, vocabulary].
        draws: float[rows] in [0, 1).
        top_p: The running sum stops at the token that reaches it.
    """
    if top_p >= 1:  # sorting takes ten times as long as all the rest
        sums = probabilities.cumsum(dim=-1)
        places = torch.searchsorted(sums, draws[:, None].double() * sums[:, -1:], right=True)
        return places.clamp(max=probabilities.shape[-1] - 1)[:, 0]
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    ordered = ordered.masked_fill(ordered.cumsum(dim=-1) - ordered >= top_p, 0.0)
    sums = ordered.cumsum(dim=-1)
    places = torch.searchsorted(sums, draws[:, None].double() * sums[:, -1:], right=True)
    return order.gather(-1, places.clamp(max=order.shape[-1] - 1))[:, 0]
