"""The ledger: what a run has cost, and a bound that it does not exceed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tool_gym.jsonvalue import dumps
from tool_gym.models.chat import ChatRequest, Completion, ModelError, Usage

_MILLION = 1_000_000


class BudgetSpent(ModelError):
    """The next request might cost more than is left of the budget."""


@dataclass(frozen=True)
class Prices:
    """What a million tokens cost, in any currency, each >= 0."""

    input: float = 0.0
    output: float = 0.0

    def of(self, usage: Usage) -> float:
        """The cost of a completion."""
        return (usage.input_tokens * self.input + usage.output_tokens * self.output) / _MILLION


@dataclass
class Ledger:
    """Counts requests, tokens and cost. Safe to use from several threads.

    Attributes:
        prices: What tokens cost.
        max_cost: Bound of the cost; None for no bound.
        requests: Completions that were paid.
        reused: Completions that were known already.
        input_tokens: Of all paid requests.
        output_tokens: Of all paid answers.
        cost: Of all paid completions.
    """

    prices: Prices = field(default_factory=Prices)
    max_cost: float | None = None
    requests: int = 0
    reused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    _reserved: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def reserve(self, request: ChatRequest) -> Iterator[None]:
        """Sets aside what a request can cost at most while it is asked, so that all at a time stay in bounds.

        Raises:
            BudgetSpent: If that is more than is left.
        """
        most = self.prices.of(most_usage(request))
        with self._lock:
            if self.max_cost is not None and self.cost + self._reserved + most > self.max_cost:
                raise BudgetSpent(
                    f"the budget of {self.max_cost:.2f} is spent: {self.cost:.4f} after {self.requests} requests, and "
                    f"the next could cost {most:.4f}; allow more"
                )
            self._reserved += most
        try:
            yield
        finally:
            with self._lock:
                self._reserved -= most

    def pay(self, request: ChatRequest, completion: Completion) -> None:
        """Adds a completion; one whose server tells no tokens counts as the most that it can have cost."""
        usage = completion.usage or most_usage(request)
        with self._lock:
            self.requests += 1
            self.input_tokens += usage.input_tokens
            self.output_tokens += usage.output_tokens
            self.cost += self.prices.of(usage)

    def reuse(self) -> None:
        """Counts a completion that was known already."""
        with self._lock:
            self.reused += 1

    def as_json(self) -> dict[str, float]:
        """The figures."""
        names = ("requests", "reused", "input_tokens", "output_tokens", "cost")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        tokens = f"{self.requests} requests, {(self.input_tokens + self.output_tokens) / 1000:.0f}k tokens"
        return f"{tokens}, cost {self.cost:.2f}" if self.cost else tokens


def most_usage(request: ChatRequest) -> Usage:
    """The most tokens that a request can take: no tokenizer in use makes more tokens than bytes."""
    size = len(dumps([request.messages, request.tools, request.answer_schema]))
    return Usage(input_tokens=size, output_tokens=request.max_tokens)
